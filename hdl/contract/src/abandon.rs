//! What must not outlive this process when a signal ends it: the programs that it runs, the folders of its work, and files
//! that are not complete.

use rustix::process::{kill_process_group, Pid, Signal};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Loose {
    /// A program and those that it has started.
    Group(Pid),
    /// A folder with all that is in it.
    Folder(PathBuf),
    /// A file.
    File(PathBuf),
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

/// As [`folder`], of a file.
pub fn file(path: PathBuf) -> Guard {
    loose().push(Loose::File(path.clone()));
    Guard(Loose::File(path))
}

/// Runs a program to its end as [`start`] does, with all that it says.
///
/// # Errors
/// It does not start.
pub fn output(command: &mut Command) -> std::io::Result<Output> {
    let (child, _running) =
        start(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    child.wait_with_output()
}

/// Ends the programs and removes the folders and files of this process, which is about to end. Nothing more is started.
pub fn abandon() {
    let all = loose();
    for one in all.iter() {
        if let Loose::Group(group) = one {
            // One that has ended has nothing left to end.
            let _ = kill_process_group(*group, Signal::KILL);
        }
    }
    for one in all.iter() {
        // What stays is removed by the next run.
        let _ = match one {
            Loose::Folder(path) => fs::remove_dir_all(path),
            Loose::File(path) => fs::remove_file(path),
            Loose::Group(_) => Ok(()),
        };
    }
    std::mem::forget(all);
}
