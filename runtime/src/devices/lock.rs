//! One process per device: the lock lies on the opened device itself, so there is no file to plant or to be left.
//!
//! A card behind a socket turns the second driver away by itself, and the kernel's VFIO lends a function once.

use rustix::fs::{fstat, major, minor, Stat};
use spikegate_contract::lock;
use std::io;
use std::os::fd::AsFd;

use super::error::OpenError;

/// Locks an opened device until it is closed, however that happens.
///
/// # Errors
/// [`OpenError::Busy`] with the holder's process number, or it cannot be locked.
pub fn lock(file: &impl AsFd, device: &str) -> Result<(), OpenError> {
    let io = |source: io::Error| OpenError::Io { device: device.to_owned(), action: "locking it", source };
    lock::exclusive(file).or_else(|error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            let about = fstat(file).map_err(|error| io(error.into()))?;
            let holder = holder(&about).unwrap_or_else(|| "(unknown)".to_owned());
            Err(OpenError::Busy { device: device.to_owned(), holder })
        }
        _ => Err(io(error)),
    })
}

/// The process that holds the lock of a file, as the kernel says: `1: FLOCK  ADVISORY  WRITE 123 00:05:456 0 EOF`.
fn holder(file: &Stat) -> Option<String> {
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    let place = format!("{:02x}:{:02x}:{}", major(file.st_dev), minor(file.st_dev), file.st_ino);
    let lines = locks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let mut holders = lines.filter_map(|words| match words[..] {
        // Somebody who waits for a lock has an arrow behind the number.
        [_, "FLOCK", _, _, process, at, ..] if at == place => Some(process.to_owned()),
        _ => None,
    });
    // A process that cannot be seen from here has no number.
    holders.next().filter(|process| process.parse().is_ok_and(|number: u32| number > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn the_second_one_learns_who_is_first_and_gets_the_lock_after_it() {
        let file = tempfile::NamedTempFile::new().expect("file");
        let open = || File::open(file.path()).expect("opens");
        let first = open();
        lock(&first, "port").expect("free");
        match lock(&open(), "port") {
            Err(OpenError::Busy { device, holder }) => {
                assert_eq!((device.as_str(), holder), ("port", std::process::id().to_string()));
            }
            other => panic!("{other:?}"),
        }
        drop(first);
        lock(&open(), "port").expect("free again");
    }
}
