//! The card on its socket: drivers one after the other.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;

use super::driver::{self, readable, Ended};
use super::error::CardError;
use super::place::Place;
use super::slot::Slot;
use super::tamper;
use super::work::{Shared, Worker};
use crate::device::Device;

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
