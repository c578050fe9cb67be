//! What a user sees of a fault of this program: never a bare panic.

use spikegate_contract::failure::Kind;
use std::panic::{catch_unwind, AssertUnwindSafe, PanicHookInfo};

use crate::failure::Report;

/// Reports every panic from now on, as JSON or as text.
pub fn report_panics(json: bool) {
    std::panic::set_hook(Box::new(move |info| crate::ui::complain(&report(info, std::env::args_os()), json)));
}

/// What `action` gives; none where it panics, which has been reported then.
pub fn guard<T>(action: impl FnOnce() -> T) -> Option<T> {
    // Nothing that a panic may have left half done is used again: the program ends.
    catch_unwind(AssertUnwindSafe(action)).ok()
}

/// The report.
fn report(info: &PanicHookInfo<'_>, arguments: impl Iterator<Item = std::ffi::OsString>) -> Report {
    let payload = info.payload();
    let what =
        payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let words: Vec<String> =
        arguments.map(|word| spikegate_bitstreams::shell::word(&word.to_string_lossy())).collect();
    Report {
        kind: Kind::Bug,
        message: format!(
            "this is a bug of spikegate: {}\nat: {place}, spikegate {}\ncommand: {}",
            what.unwrap_or("no message"),
            env!("CARGO_PKG_VERSION"),
            words.join(" ")
        ),
        causes: Vec::new(),
        help: Some("report it to the maintainers with this text".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn a_panic_is_reported_and_caught() {
        static SAID: Mutex<String> = Mutex::new(String::new());
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(|info| {
            let words = ["spikegate", "inspect", "my model"].map(Into::into);
            *SAID.lock().expect("lock") = report(info, words.into_iter()).text();
        }));
        let got = guard(|| {
            if std::hint::black_box(true) {
                panic!("seven is {}", 8)
            }
        });
        std::panic::set_hook(before);
        assert_eq!(got, None);
        let said = SAID.lock().expect("lock");
        let parts = [
            "bug of spikegate: seven is 8",
            "bug.rs:",
            env!("CARGO_PKG_VERSION"),
            "spikegate inspect 'my model'",
        ];
        for part in parts {
            assert!(said.contains(part), "{part:?} is missing:\n{said}");
        }
        assert_eq!(guard(|| 7), Some(7));
    }
}
