//! What must not outlive this process when a signal ends it: the programs that it runs, and the folders of its work.

use rustix::process::{kill_process_group, Pid, Signal};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::output;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Loose {
    /// A program and those that it has started.
    Group(Pid),
    /// A folder with all that is in it.
    Folder(PathBuf),
}

static LOOSE: Mutex<Vec<Loose>> = Mutex::new(Vec::new());

fn loose() -> MutexGuard<'static, Vec<Loose>> {
    LOOSE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes one off the list.
#[derive(Debug)]
pub struct Guard(Loose);

impl Drop for Guard {
    fn drop(&mut self) {
        let mut all = loose();
        if let Some(at) = all.iter().position(|one| *one == self.0) {
            all.swap_remove(at);
        }
    }
}

/// Starts a program in a process group of its own, which ends with this process.
///
/// # Errors
/// It does not start.
pub fn start(command: &mut Command) -> std::io::Result<(Child, Guard)> {
    use std::os::unix::process::CommandExt;
    // Held while it starts: a signal meets it on the list or not at all.
    let mut all = loose();
    let child = command.process_group(0).spawn()?;
    // Every process has a number.
    let group = Loose::Group(Pid::from_child(&child));
    all.push(group.clone());
    Ok((child, Guard(group)))
}

/// A folder that is removed when this process is ended; the caller removes it otherwise.
pub fn folder(path: PathBuf) -> Guard {
    loose().push(Loose::Folder(path.clone()));
    Guard(Loose::Folder(path))
}

/// Ends the programs and removes the folders and partial files of this process, which is about to end. Nothing more is
/// started.
pub fn abandon() {
    let all = loose();
    for one in all.iter() {
        if let Loose::Group(group) = one {
            // One that has ended has nothing left to end.
            let _ = kill_process_group(*group, Signal::KILL);
        }
    }
    for one in all.iter() {
        if let Loose::Folder(path) = one {
            // What stays is removed by the next run.
            let _ = fs::remove_dir_all(path);
        }
    }
    output::abandon();
    std::mem::forget(all);
}
