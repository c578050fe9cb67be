//! What a part of a run leaves behind: a file that is the same whenever and wherever the part was run.
//!
//! One line of JSON: `{"format_version", "sha256", "record"}`, the hash of the record's text as it stands there. Nothing in
//! it is a time, a host or a path.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spikegate_contract::bundle::read::bounded;
use spikegate_contract::bundle::{sha256, BundleError};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::error::MergeError;
use super::part::Shard;

/// Most bytes of a file: logits of a million images have a tenth.
const MOST_BYTES: u64 = 1 << 30;

/// Version of the form.
pub const FORMAT_VERSION: u32 = 1;

/// What a part gave. `R` are the verb's results.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record<R> {
    /// Verb of the command line.
    pub verb: String,
    /// Which part.
    pub shard: Shard,
    /// Which images of the run.
    pub images: Part,
    /// Which instructions of the program, where the parts are some of the layers each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<Part>,
    /// What was run: hashes and options, equal in all parts.
    pub run: Value,
    /// What came of it.
    pub results: R,
}

/// Images of a run, or instructions of its program, by their places in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The first, from 0.
    pub from: usize,
    /// Behind the last.
    pub to: usize,
    /// All of the whole run.
    pub of: usize,
}

impl Part {
    /// Places of so many.
    pub fn new(range: &Range<usize>, of: usize) -> Self {
        Self { from: range.start, to: range.end, of }
    }
}

#[derive(Deserialize)]
struct Head {
    format_version: u64,
}

/// What stands before and behind the text of a record.
fn around(sha256: &str) -> [String; 2] {
    [format!("{{\"format_version\":{FORMAT_VERSION},\"sha256\":\"{sha256}\",\"record\":"), "}\n".to_owned()]
}

impl<R: Serialize> Record<R> {
    /// The file.
    ///
    /// # Errors
    /// Results that have no JSON form.
    pub fn text(&self) -> serde_json::Result<String> {
        let record = serde_json::to_string(self)?;
        let [before, behind] = around(&sha256(record.as_bytes()));
        Ok(before + &record + &behind)
    }
}

/// A record in a file, of which the results are still to be read.
#[derive(Clone, Debug)]
pub struct Written {
    path: PathBuf,
    sha256: String,
    head: Record<IgnoredAny>,
}

impl Written {
    /// Reads a file and its hash.
    ///
    /// # Errors
    /// It is not there, of another version, or damaged.
    pub fn open(path: &Path) -> Result<Self, MergeError> {
        let (sha256, head) = read(path)?;
        Ok(Self { path: path.to_owned(), sha256, head })
    }

    /// Which file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All but the results.
    pub fn head(&self) -> &Record<IgnoredAny> {
        &self.head
    }

    /// All of it.
    ///
    /// # Errors
    /// Something else than a record with these results, or than it was.
    pub fn record<R: DeserializeOwned>(&self) -> Result<Record<R>, MergeError> {
        let (sha256, record) = read(&self.path)?;
        if sha256 != self.sha256 {
            let what = "it has changed while it was read".to_owned();
            return Err(MergeError::Damaged { path: self.path.clone(), what });
        }
        Ok(record)
    }
}

/// The hash and the record of a file.
fn read<R: DeserializeOwned>(path: &Path) -> Result<(String, Record<R>), MergeError> {
    let damaged = |what: String| MergeError::Damaged { path: path.to_owned(), what };
    let read = |source| MergeError::Read { path: path.to_owned(), source };
    let bytes = bounded(path, MOST_BYTES).map_err(|error| match error {
        BundleError::Io { source, .. } => read(source),
        BundleError::NotAFile { .. } => read(io::Error::other("it is not a regular file")),
        _ => damaged(format!("it holds more than {MOST_BYTES} bytes")),
    })?;
    let text = String::from_utf8(bytes).map_err(|error| damaged(error.to_string()))?;
    let head: Head = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
    if head.format_version != u64::from(FORMAT_VERSION) {
        let (got, expected) = (head.format_version, FORMAT_VERSION);
        return Err(MergeError::Version { path: path.to_owned(), got, expected });
    }
    let [before, behind] = around(&"0".repeat(64));
    let record = text.len().checked_sub(behind.len()).and_then(|end| text.get(before.len()..end));
    let record = record.unwrap_or_default();
    let hash = sha256(record.as_bytes());
    if around(&hash).join(record) != text {
        return Err(damaged("its hash is that of another text".to_owned()));
    }
    let record = serde_json::from_str(record).map_err(|error| damaged(error.to_string()))?;
    Ok((hash, record))
}
