//! SIGINT, SIGTERM and SIGHUP: programs that run for this one end and partial files go, then the signal ends the program
//! as if nobody had caught it; or a verb ends by itself.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::OnceLock;

/// Where a verb that ends by itself is told of signals.
static TOLD: OnceLock<UnixStream> = OnceLock::new();

/// Waits for signals in a thread of its own.
pub fn clean_up() {
    // Without it the next run removes what stays.
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            // A verb that does not read any more is ended like all others.
            if TOLD.get().is_some_and(|mut verb| verb.write_all(&[0]).is_ok()) {
                continue;
            }
            spikegate_contract::abandon::abandon();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
}

/// From now on a signal does not end the program: it makes what is returned readable.
///
/// # Errors
/// No descriptor is left.
pub fn told() -> io::Result<OwnedFd> {
    let (told, tell) = UnixStream::pair()?;
    // There is one verb in a run of the program.
    let _ = TOLD.set(tell);
    Ok(told.into())
}
