//! What a user sees of a fault of this program: never a bare panic.

use std::fmt::Write;
use std::panic::{catch_unwind, AssertUnwindSafe, PanicHookInfo};

/// Exit code of a fault of this program.
pub const EXIT: u8 = 4;

/// Reports every panic from now on.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|info| crate::ui::complain(&text(info, std::env::args_os()))));
}

/// What `action` gives; none where it panics, which has been reported then.
pub fn guard<T>(action: impl FnOnce() -> T) -> Option<T> {
    // Nothing that a panic may have left half done is used again: the program ends.
    catch_unwind(AssertUnwindSafe(action)).ok()
}

/// The report.
fn text(info: &PanicHookInfo<'_>, arguments: impl Iterator<Item = std::ffi::OsString>) -> String {
    let payload = info.payload();
    let what =
        payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let place = info.location().map(ToString::to_string).unwrap_or_default();
    let words: Vec<String> =
        arguments.map(|word| spikegate_bitstreams::shell::word(&word.to_string_lossy())).collect();
    let mut out = format!("error: this is a bug of spikegate: {}\n", what.unwrap_or("no message"));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "  at: {place}, spikegate {}", env!("CARGO_PKG_VERSION"));
    let _ = writeln!(out, "  command: {}", words.join(" "));
    let _ = writeln!(out, "  help: report it to the maintainers with this text");
    out
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
            *SAID.lock().expect("lock") = text(info, words.into_iter());
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
