//! SIGINT, SIGTERM and SIGHUP: partial files go, then the signal ends the program as if nobody had caught it.

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Waits for signals in a thread of its own.
pub fn clean_up() {
    // Without it the next run removes what stays.
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
    std::thread::spawn(move || {
        for signal in signals.forever() {
            spikegate_bitstreams::output::abandon();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
}
