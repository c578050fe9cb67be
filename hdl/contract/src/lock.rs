//! The one way a file or a folder is locked: by the kernel, on the opened file itself, until that is closed or the
//! process ends.

use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;
use std::io;
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::Duration;

/// Locks an opened file, and gives up after a second: a process that this program has just forked shares its locks
/// until it runs another program, so one that was given back can still be seen for some milliseconds.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] when another has it, or the file cannot be locked.
pub fn exclusive(file: &impl AsFd) -> io::Result<()> {
    const PAUSE: Duration = Duration::from_millis(20);
    for _ in 0..50 {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => sleep(PAUSE),
            done => return Ok(done?),
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::thread::spawn;

    #[test]
    fn a_lock_that_ends_soon_is_waited_for_and_one_that_stays_is_not() {
        let path = std::env::temp_dir().join(format!("spikegate-lock-{}", std::process::id()));
        File::create(&path).expect("file");
        let open = || File::open(&path).expect("opens");
        let first = open();
        exclusive(&first).expect("free");
        let other = open();
        assert_eq!(exclusive(&other).expect_err("held").kind(), io::ErrorKind::WouldBlock);
        let giving_back = spawn(move || {
            sleep(Duration::from_millis(100));
            drop(first);
        });
        exclusive(&other).expect("free soon");
        giving_back.join().expect("thread");
        std::fs::remove_file(&path).expect("removes");
    }
}
