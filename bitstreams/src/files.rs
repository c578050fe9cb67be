//! Files of a flow: regular ones, read whole and up to a size.

use spikegate_contract::bundle::read::bounded;
use spikegate_contract::bundle::BundleError;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

pub use spikegate_contract::bundle::sha256 as hash;

/// Most bytes of what people write, and of reports and records.
pub const TEXT: u64 = 1 << 20;
/// Most bytes of a bitstream; those of the largest parts have a fifth.
pub const BITSTREAM: u64 = 1 << 30;
/// Most bytes of what a step makes; the netlist of an array of 1,024 lane operations has a twentieth.
pub const ARTEFACT: u64 = 1 << 30;

/// A file that cannot be read or written.
#[derive(Debug, Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried.
    pub action: &'static str,
    /// File or folder.
    pub path: PathBuf,
    /// Cause.
    pub source: io::Error,
}

/// The error of an action on a file or folder.
pub fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FileError + 'a {
    move |source| FileError { action, path: path.to_owned(), source }
}

/// Reads a regular file of at most `most` bytes. Pipes and devices are refused, and never waited for.
///
/// # Errors
/// See [`FileError`].
pub fn read(path: &Path, most: u64) -> Result<Vec<u8>, FileError> {
    let cause = |error| match error {
        BundleError::Io { source, .. } => source,
        BundleError::NotAFile { .. } => io::Error::other("it is not a regular file"),
        _ => io::Error::other(format!("it holds more than {most} bytes")),
    };
    bounded(path, most).map_err(|error| failed("read", path)(cause(error)))
}

impl Failure for FileError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        let todo = match self.source.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory => "give another file",
            io::ErrorKind::ResourceBusy => "wait until it has ended, or give another file",
            _ if self.action == "read" => "check the path and the permissions",
            _ => "check the permissions and the space there",
        };
        Some(todo.into())
    }
}
