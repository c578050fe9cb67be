//! Files that others have made: regular ones, up to a size, read once.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::BundleError;
use super::unique;
use crate::text::is_printable;

/// Reads a regular file of at most `most` bytes. Pipes and devices are refused, and never waited for.
///
/// # Errors
/// [`BundleError::Io`], [`BundleError::NotAFile`], [`BundleError::TooLarge`].
pub fn bounded(path: &Path, most: u64) -> Result<Vec<u8>, BundleError> {
    let io = |source: io::Error| BundleError::Io { path: path.into(), source };
    // A pipe without a writer would let a blocking open wait.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let mut file: File = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    if !about.is_file() {
        return Err(BundleError::NotAFile { path: path.into() });
    }
    let too_large = |got| BundleError::TooLarge { path: path.into(), got, most };
    if about.len() > most {
        return Err(too_large(about.len()));
    }
    let mut bytes = Vec::with_capacity(about.len() as usize);
    // It may grow meanwhile.
    file.by_ref().take(most + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > most {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(bytes)
}

/// Parses JSON whose objects have every key once, and whose strings can be shown: none holds a control character, with
/// which a terminal could be made to show something else.
///
/// # Errors
/// [`BundleError::Json`], [`BundleError::Unprintable`].
pub fn json<T: serde::de::DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, BundleError> {
    let wrong = |source| BundleError::Json { path: path.into(), source };
    let value = unique::value(bytes).map_err(wrong)?;
    if let Some(text) = unprintable(&value) {
        return Err(BundleError::Unprintable { path: path.into(), text: text.to_owned() });
    }
    // From the bytes again: a value keeps numbers in another form.
    serde_json::from_slice(bytes).map_err(wrong)
}

fn unprintable(value: &serde_json::Value) -> Option<&str> {
    use serde_json::Value;
    match value {
        Value::String(text) => (!is_printable(text)).then_some(text),
        Value::Array(all) => all.iter().find_map(unprintable),
        Value::Object(all) => {
            all.iter()
                .find_map(|(key, v)| if is_printable(key) { unprintable(v) } else { Some(key.as_str()) })
        }
        _ => None,
    }
}
