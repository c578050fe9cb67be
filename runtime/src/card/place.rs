//! The path of a card's socket: taken without removing what is not ours, and given back the same way.

use rustix::fs::Access;
use std::fs;
use std::io::{Error, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use super::error::CardError;
use crate::wire;

/// Most bytes of a socket's path: the structure has 108, with a final zero.
pub const PATH_BYTES: usize = 107;

/// A socket that drivers can connect to.
#[derive(Debug)]
pub struct Place {
    pub listener: UnixListener,
    path: PathBuf,
    /// Which file the socket is.
    file: Option<(u64, u64)>,
}

impl Place {
    /// Makes a socket, in the place of one that nobody serves any more if need be.
    pub fn take(path: &Path) -> Result<Self, CardError> {
        make_room(path)?;
        let listener = UnixListener::bind(path).map_err(|source| match source.kind() {
            // Another card was quicker.
            ErrorKind::AddrInUse => CardError::InUse { path: path.to_owned() },
            _ => CardError::Socket { path: path.to_owned(), source },
        })?;
        Ok(Self { listener, path: path.to_owned(), file: file(path) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Another card may have taken the path; without its socket this one is not reached any more either.
        if self.file.is_some() && file(&self.path) == self.file {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// That a socket can be made at `path`, without making it, for it tells drivers that a card is there. One that nobody serves
/// any more is removed.
///
/// # Errors
/// Something else is there, another card serves it, or the folder takes none.
pub fn make_room(path: &Path) -> Result<(), CardError> {
    if path.as_os_str().as_bytes().len() > PATH_BYTES {
        return Err(CardError::TooLong { path: path.to_owned(), most: PATH_BYTES });
    }
    clear(path)?;
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let socket =
        |source: rustix::io::Errno| CardError::Socket { path: path.to_owned(), source: source.into() };
    rustix::fs::access(above, Access::WRITE_OK | Access::EXEC_OK).map_err(socket)
}

/// Device and number of a file, if there is one.
fn file(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Removes a socket that nobody serves any more.
fn clear(socket: &Path) -> Result<(), CardError> {
    let in_the_way = |source| CardError::InTheWay { path: socket.to_owned(), source };
    match fs::symlink_metadata(socket) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(in_the_way(source)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(in_the_way(Error::other("it is not a socket")));
        }
        Ok(_) => {}
    }
    match wire::connect(socket) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(in_the_way(error)),
        _ => return Err(CardError::InUse { path: socket.to_owned() }),
    }
    fs::remove_file(socket).map_err(in_the_way)
}
