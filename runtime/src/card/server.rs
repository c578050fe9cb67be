//! The card on its socket: drivers one after the other.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use thiserror::Error;

use super::driver::{self, readable, Ended};
use super::place::Place;
use super::slot::Slot;
use super::tamper;
use super::work::{Shared, Worker};
use crate::device::Device;

/// A card that cannot be served.
#[derive(Debug, Error)]
pub enum CardError {
    /// Somebody serves this socket.
    #[error("{}: another card is served there", path.display())]
    InUse {
        /// Socket.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("{}: cannot serve a card there: {source}", path.display())]
    Socket {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The path is too long for a socket.
    #[error("{}: a socket's path of {} bytes, expected at most {most}", path.display(), path.as_os_str().len())]
    TooLong {
        /// Socket.
        path: PathBuf,
        /// Most bytes.
        most: usize,
    },
    /// The file in the way cannot be removed.
    #[error("{}: a file is in the way: {source}", path.display())]
    InTheWay {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// No more drivers can be served.
    #[error("{}: drivers cannot be waited for any more: {source}", path.display())]
    Listen {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
}

/// How many drivers, one after the other, a card serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sessions {
    /// Until the first one closes.
    One,
    /// Until the process ends.
    #[default]
    Endless,
}

/// How a card is served.
#[derive(Debug, Default)]
pub struct Terms {
    /// How many drivers.
    pub sessions: Sessions,
    /// Faults on the bus.
    pub tamper: Option<tamper::Shared>,
    /// Ends the card as soon as it can be read.
    pub stop: Option<OwnedFd>,
}

/// Serves `core` as a PCIe card on a UNIX socket; `ready` is called when drivers can connect.
///
/// # Errors
/// The socket cannot be served.
pub fn serve(
    socket: &Path,
    core: &mut dyn Device,
    sessions: Sessions,
    ready: impl FnOnce(),
) -> Result<(), CardError> {
    serve_with(socket, core, Terms { sessions, ..Terms::default() }, ready)
}

/// As [`serve`], with all that can be chosen.
///
/// # Errors
/// The socket cannot be served.
pub fn serve_with(
    socket: &Path,
    core: &mut dyn Device,
    terms: Terms,
    ready: impl FnOnce(),
) -> Result<(), CardError> {
    let Terms { sessions, tamper, stop } = terms;
    let place = Place::take(socket)?;
    ready();
    let shared = Shared::new(tamper);
    let failed = |source| CardError::Listen { path: socket.to_owned(), source };
    // Closed when the core's thread ends, however it does.
    let (gone, core_here) = UnixStream::pair().map_err(failed)?;
    std::thread::scope(|scope| {
        let stops: Vec<OwnedFd> = stop.into_iter().chain([gone.into()]).collect();
        let (place, shared) = (&place, &shared);
        let listener = scope.spawn(move || listen(place, shared, sessions, &stops));
        let _core_here = core_here;
        Worker::new(shared, core).run();
        // A panic there is one of the whole card, not its end.
        listener.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)).map_err(failed)
    })
}

/// Serves one driver after the other.
fn listen(place: &Place, shared: &Shared, sessions: Sessions, stops: &[OwnedFd]) -> std::io::Result<()> {
    let _end = EndOnDrop(shared);
    let stops: Vec<BorrowedFd<'_>> = stops.iter().map(AsFd::as_fd).collect();
    let files = [&[place.listener.as_fd()], &stops[..]].concat();
    loop {
        if readable(&files, None)?[1..].contains(&true) {
            return Ok(());
        }
        let driver = match place.listener.accept() {
            Ok((driver, _)) => driver,
            // It has gone again.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionAborted => continue,
            Err(error) => return Err(error),
        };
        let slot = Slot::new(shared);
        let ended = driver::serve(driver, &slot, &place.listener, &stops);
        if ended != Ended::Unknown {
            slot.leave();
        }
        if ended == Ended::Stopped || ended == Ended::Left && sessions == Sessions::One {
            return Ok(());
        }
    }
}

/// The core's thread must end with the listener, however that ends.
struct EndOnDrop<'a>(&'a Shared);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.end = true);
    }
}

impl Failure for CardError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::InUse { .. } => Some("choose another socket, or end the other card".into()),
            Self::Socket { .. } => Some("is the folder there, and may you write to it?".into()),
            Self::TooLong { .. } => {
                Some("choose a shorter one, or go to its folder and name it from there".into())
            }
            Self::InTheWay { .. } => Some("remove it or choose another socket".into()),
            Self::Listen { .. } => Some("start the card again".into()),
        }
    }
}
