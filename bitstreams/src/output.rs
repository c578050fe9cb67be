//! Where a result goes: one decision for every file that a user names.
//!
//! A regular file, or one that is not there yet, appears complete or not at all: the bytes go to `.NAME.partial` beside
//! it, which is renamed when all are there. What a run that was killed has left under that name goes with the next
//! run. Everything else (a link, a FIFO, a device) is written through, never replaced; `-` is standard output.

use rustix::fs::{flock, FlockOperation};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::files::FileError;

/// Partial files of this process.
static PARTIAL: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Who read a pipe has seen enough, as in `... | head`: the cause of an [`io::Error`], and no failure.
#[derive(Debug, thiserror::Error)]
#[error("the reader has closed the pipe")]
pub struct ReaderLeft;

impl ReaderLeft {
    /// Whether this is the cause of an error.
    pub fn is_cause_of(error: &(dyn std::error::Error + 'static)) -> bool {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.is_some_and(|inner| inner.is::<Self>())
    }
}

fn marked(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(io::ErrorKind::BrokenPipe, ReaderLeft),
        _ => error,
    }
}

fn failed<'a>(path: &'a Path) -> impl Fn(io::Error) -> FileError + 'a {
    move |source| FileError { action: "write", path: path.to_owned(), source }
}

/// A result in the making.
#[derive(Debug)]
pub enum Output {
    /// Standard output.
    Stdout(io::Stdout),
    /// Something that is written through.
    Through(File),
    /// A file that appears when it is kept.
    File {
        /// The partial file, locked.
        file: File,
        /// Its path.
        partial: Partial,
        /// Where it goes.
        path: PathBuf,
    },
}

/// The path of a partial file, which goes away unless it was renamed.
#[derive(Debug)]
pub struct Partial(PathBuf);

impl Drop for Partial {
    fn drop(&mut self) {
        let mut all = PARTIAL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = all.iter().position(|path| *path == self.0) {
            all.swap_remove(at);
            // The next run removes what stays.
            let _ = fs::remove_file(&self.0);
        }
    }
}

/// Removes the partial files of this process, which is about to end.
pub fn abandon() {
    for path in PARTIAL.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        let _ = fs::remove_file(path);
    }
}

impl Output {
    /// Opens what `path` names; standard output without it.
    ///
    /// # Errors
    /// A folder, or something that cannot be made or opened.
    pub fn new(path: Option<&Path>) -> Result<Self, FileError> {
        let Some(path) = path.filter(|p| *p != Path::new("-")) else {
            return Ok(Self::Stdout(io::stdout()));
        };
        let failed = failed(path);
        let kind = match fs::symlink_metadata(path) {
            Ok(data) => Some(data),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(failed(e)),
        };
        match &kind {
            Some(data) if data.is_dir() || path.is_dir() => {
                Err(failed(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, expected a file")))
            }
            Some(data) if data.file_type().is_socket() => {
                Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is a socket, expected a file")))
            }
            Some(data) if !data.is_file() => {
                let file = OpenOptions::new().write(true).create(data.is_symlink()).truncate(true).open(path);
                Ok(Self::Through(file.map_err(failed)?))
            }
            _ => {
                let (file, partial) = partial(path).map_err(&failed)?;
                if let Some(data) = kind {
                    file.set_permissions(data.permissions()).map_err(failed)?;
                }
                Ok(Self::File { file, partial, path: path.to_owned() })
            }
        }
    }

    /// Puts a file in its place, when all is written.
    ///
    /// # Errors
    /// The file system says no.
    pub fn keep(mut self) -> Result<(), FileError> {
        if let Self::File { path, .. } = &self {
            let path = path.clone();
            self.flush().map_err(failed(&path))?;
        }
        if let Self::File { partial, path, .. } = self {
            fs::rename(&partial.0, &path).map_err(failed(&path))?;
            PARTIAL.lock().unwrap_or_else(PoisonError::into_inner).retain(|p| *p != partial.0);
        }
        Ok(())
    }
}

/// Makes `.NAME.partial`. One that a killed run has left is removed; one that is being written is an error, and so is
/// anything else of that name.
fn partial(path: &Path) -> io::Result<(File, Partial)> {
    let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".partial");
    let at = path.with_file_name(hidden);
    let lock = |file: &File| {
        let busy = |_| io::Error::new(io::ErrorKind::ResourceBusy, "another run is writing it");
        flock(file, FlockOperation::NonBlockingLockExclusive).map_err(busy)
    };
    if fs::symlink_metadata(&at).is_ok_and(|data| data.is_file()) {
        lock(&File::open(&at)?)?;
        fs::remove_file(&at)?;
    }
    let file = OpenOptions::new().write(true).create_new(true).open(&at)?;
    lock(&file)?;
    PARTIAL.lock().unwrap_or_else(PoisonError::into_inner).push(at.clone());
    Ok((file, Partial(at)))
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File { file, .. } => file.write(bytes),
            Self::Through(file) => file.write(bytes).map_err(marked),
            Self::Stdout(out) => out.write(bytes).map_err(marked),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File { file, .. } => file.flush(),
            Self::Through(file) => file.flush().map_err(marked),
            Self::Stdout(out) => out.flush().map_err(marked),
        }
    }
}

/// Writes a whole file.
///
/// # Errors
/// As [`Output::new`] and [`Output::keep`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut output = Output::new(Some(path))?;
    output.write_all(bytes).map_err(failed(path))?;
    output.flush().map_err(failed(path))?;
    output.keep()
}
