//! Opening files that somebody else named: regular files only, of a bounded size, and nothing waits.

use super::{ImportError, MAX_FILE_BYTES};
use rustix::fs::OFlags;
use spikegate_contract::text::printable;
use std::fs::{File, FileType};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Largest constants file that is read: a whole one has some hundred bytes.
const MAX_TOML_BYTES: u64 = 64 << 10;

/// A regular file, open, and its size in bytes. A pipe without a writer would make a blocking open wait for ever, and a
/// device may never end.
fn regular(path: &Path, limit: u64) -> Result<(File, u64), ImportError> {
    let name = || name(path);
    let io = |source| ImportError::Io { file: name(), source };
    let require = |kind: FileType| match kind.is_file() {
        true => Ok(()),
        false => Err(ImportError::NotAFile { file: name(), what: what(kind) }),
    };
    // Before opening, which alone may disturb a device, and after it, since the path may mean another file by then.
    require(std::fs::metadata(path).map_err(io)?.file_type())?;
    let flags = OFlags::NONBLOCK.bits() as i32;
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    require(about.file_type())?;
    match about.len() {
        bytes if bytes > limit => Err(ImportError::TooLarge { file: name(), bytes, limit }),
        bytes => Ok((file, bytes)),
    }
}

fn name(path: &Path) -> String {
    printable(&path.display().to_string())
}

fn what(kind: FileType) -> &'static str {
    match kind {
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device",
    }
}

/// A model file and its size.
pub(super) fn model(path: &Path) -> Result<(File, u64), ImportError> {
    regular(path, MAX_FILE_BYTES)
}

/// The text of a constants file, if there is one. A link that leads nowhere is an error, as somebody put it there.
pub(super) fn constants(path: &Path) -> Result<Option<String>, ImportError> {
    let io = |source| ImportError::Io { file: name(path), source };
    if matches!(std::fs::symlink_metadata(path), Err(e) if e.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let (file, _) = regular(path, MAX_TOML_BYTES)?;
    let mut text = String::new();
    // A file that grows meanwhile is cut, and then does not parse.
    file.take(MAX_TOML_BYTES).read_to_string(&mut text).map_err(io)?;
    Ok(Some(text))
}
