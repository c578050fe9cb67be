//! A folder that one run at a time fills.
//!
//! The lock is on the folder itself and ends with the process, however that ends. What is in the making lies in
//! one folder inside, `WORK`, which nobody but the holder touches: files are renamed into place from there, so that a
//! link or a pipe that somebody has put there is replaced and never written through. What a run that was killed has
//! left goes with the next one.

use rustix::fs::{flock, FlockOperation};
use rustix::io::Errno;
use spikegate_contract::abandon::{self, Guard};
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::{link, lock};
use std::borrow::Cow;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use thiserror::Error;

use crate::files::{self, failed, FileError};

/// Folder for what is in the making.
const WORK: &str = ".spikegate-working";
/// File that tells a folder of `synth`.
const MARK: &str = ".spikegate-synth";
/// What else does: the record that programs before the mark have left.
const OLD_MARK: &str = "synth.step.json";
const MARK_TEXT: &[u8] = b"`spikegate synth` writes to this folder and replaces its own files here.\n";

/// A folder that `synth` does not write to.
#[derive(Debug, Error)]
pub enum FolderError {
    /// Another run has it.
    #[error("another `spikegate synth` is writing to {}", path.display())]
    Busy {
        /// Folder.
        path: PathBuf,
    },
    /// Somebody else's.
    #[error("{} holds files and is no folder of `spikegate synth`", path.display())]
    NotOurs {
        /// Folder.
        path: PathBuf,
    },
    /// The file system said no.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A folder that is held until this is dropped.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    _lock: File,
    /// What this run has made and removes again when nothing comes of it.
    fresh: Fresh,
    _work: Guard,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fresh {
    Nothing,
    Mark,
    Folder,
}

impl Held {
    /// Takes the folder of a board, made where there is none.
    ///
    /// # Errors
    /// Another run has it, or it holds something else than what `synth` writes.
    pub fn board(path: &Path) -> Result<Self, FolderError> {
        let created = !path.exists();
        let held = open(path)?;
        lock::exclusive(&held).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => FolderError::Busy { path: path.to_owned() },
            _ => failed("lock the folder", path)(error).into(),
        })?;
        let is_file = |name| path.join(name).symlink_metadata().is_ok_and(|about| about.is_file());
        let marked = [MARK, OLD_MARK].into_iter().any(is_file);
        let mut entries = fs::read_dir(path).map_err(failed("read the folder", path))?;
        if !marked && entries.next().is_some() {
            return Err(FolderError::NotOurs { path: path.to_owned() });
        }
        let mut held = Self::new(path, held)?;
        if !marked {
            held.fresh = if created { Fresh::Folder } else { Fresh::Mark };
            held.write(MARK, MARK_TEXT)?;
        }
        Ok(held)
    }

    /// Takes a folder of a cache, which is this user's alone; waits for whoever has it.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn cache(path: &Path) -> Result<Self, FileError> {
        let lock = open(path)?;
        loop {
            match flock(&lock, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                other => break other.map_err(|e| failed("lock the folder", path)(e.into()))?,
            }
        }
        Self::new(path, lock)
    }

    /// A folder that is ours, and locked.
    fn new(path: &Path, lock: File) -> Result<Self, FileError> {
        let path = std::path::absolute(path).map_err(failed("find", path))?;
        let work = abandon::folder(path.join(WORK));
        let held = Self { path, _lock: lock, fresh: Fresh::Nothing, _work: work };
        held.clear()?;
        Ok(held)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Puts a file there, complete or not at all; one that already holds these bytes is left alone.
    ///
    /// # Errors
    /// See [`FileError`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), FileError> {
        let path = self.path.join(name);
        let is_file = path.symlink_metadata().is_ok_and(|about| about.is_file());
        if is_file && files::read(&path, bytes.len() as u64).is_ok_and(|old| old == bytes) {
            return Ok(());
        }
        let work = self.work()?;
        let new = work.path.join("new");
        create(&new, bytes)?;
        fs::rename(&new, &path).map_err(failed("replace", &path))
    }

    /// An empty folder inside for what is in the making; there is one at a time.
    ///
    /// # Errors
    /// See [`FileError`].
    pub(crate) fn work(&self) -> Result<Work<'_>, FileError> {
        self.clear()?;
        let path = self.path.join(WORK);
        fs::create_dir(&path).map_err(failed("create the folder", &path))?;
        Ok(Work { held: self, path })
    }

    /// Removes what is in the making.
    fn clear(&self) -> Result<(), FileError> {
        let path = self.path.join(WORK);
        let removed = match path.symlink_metadata() {
            Ok(about) if about.is_dir() => fs::remove_dir_all(&path),
            // A link goes; what it leads to stays.
            Ok(_) => fs::remove_file(&path),
            Err(error) => Err(error),
        };
        match removed {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(failed("remove", &path)(error)),
            _ => Ok(()),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The next run removes what stays.
        let _ = self.clear();
        let only_mark = || {
            let entries = fs::read_dir(&self.path)?;
            Ok::<_, io::Error>(
                entries.filter(|e| !e.as_ref().is_ok_and(|e| e.file_name() == MARK)).count() == 0,
            )
        };
        if self.fresh != Fresh::Nothing && only_mark().unwrap_or(false) {
            let _ = fs::remove_file(self.path.join(MARK));
            if self.fresh == Fresh::Folder {
                let _ = fs::remove_dir(&self.path);
            }
        }
    }
}

fn open(path: &Path) -> Result<File, FileError> {
    fs::create_dir_all(path).map_err(|e| failed("create the folder", path)(link::explained(path, e)))?;
    File::open(path).map_err(failed("open the folder", path))
}

/// The folder for what is in the making; goes when it is dropped.
pub(crate) struct Work<'a> {
    held: &'a Held,
    pub(crate) path: PathBuf,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        // The next run removes what stays.
        let _ = self.held.clear();
    }
}

/// Makes a new file.
///
/// # Errors
/// See [`FileError`].
pub(crate) fn create(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(bytes)).map_err(failed("write", path))
}

impl Failure for FolderError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Busy { .. } => Some("wait for it, or name another folder with --out".into()),
            Self::NotOurs { .. } => Some("name an empty or a new folder with --out".into()),
            Self::File(source) => source.help(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn one_run_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let first = Held::board(home.path()).unwrap();
        assert!(matches!(Held::board(home.path()), Err(FolderError::Busy { .. })));
        drop(first);
        drop(Held::board(home.path()).unwrap());
        // A cache is waited for.
        let first = Held::cache(home.path()).unwrap();
        let path = home.path().to_owned();
        let second = std::thread::spawn(move || Held::cache(&path).map(drop));
        std::thread::sleep(std::time::Duration::from_millis(50));
        assert!(!second.is_finished());
        drop(first);
        second.join().unwrap().unwrap();
    }

    #[test]
    fn folders_of_others_are_refused_and_left() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("build.tcl"), "mine").unwrap();
        assert!(matches!(Held::board(home.path()), Err(FolderError::NotOurs { .. })));
        std::os::unix::fs::symlink("build.tcl", home.path().join(MARK)).unwrap();
        assert!(matches!(Held::board(home.path()), Err(FolderError::NotOurs { .. })), "a link is no mark");
        assert_eq!(names(home.path()), [MARK, "build.tcl"]);
        assert_eq!(fs::read(home.path().join("build.tcl")).unwrap(), b"mine");
    }

    #[test]
    fn nothing_stays_of_a_run_that_made_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("new");
        drop(Held::board(&path).unwrap());
        assert!(!path.exists());
        fs::create_dir(&path).unwrap();
        drop(Held::board(&path).unwrap());
        assert_eq!(names(&path), [""; 0]);
        Held::board(&path).unwrap().write("a", b"1").unwrap();
        assert_eq!(names(&path), [MARK, "a"]);
        Held::board(&path).unwrap().write("a", b"2").unwrap();
        assert_eq!(fs::read(path.join("a")).unwrap(), b"2");
    }

    #[test]
    fn links_are_replaced_and_what_they_lead_to_stays() {
        let home = tempfile::tempdir().unwrap();
        let (victim, path) = (home.path().join("victim"), home.path().join("board"));
        fs::create_dir(&victim).unwrap();
        fs::write(victim.join("file"), "text").unwrap();
        let held = Held::board(&path).unwrap();
        held.write("kept", b"").unwrap();
        let link = |from: &str, to: &str| {
            std::os::unix::fs::symlink(victim.join(from), path.join(to)).unwrap();
        };
        // The same text through a link is not the file: whoever has what it leads to could change it.
        link("file", "spikegate.v");
        link("", WORK);
        held.write("spikegate.v", b"text").unwrap();
        assert!(!path.join("spikegate.v").is_symlink());
        assert_eq!(names(&victim), ["file"]);
        // A pipe is not waited for.
        let made = std::process::Command::new("mkfifo").arg(path.join("pipe")).status().unwrap();
        assert!(made.success());
        held.write("pipe", b"x").unwrap();
        assert_eq!(fs::read(path.join("pipe")).unwrap(), b"x");
    }

    #[test]
    fn what_a_killed_run_left_goes() {
        let home = tempfile::tempdir().unwrap();
        Held::board(home.path()).unwrap().write("a", b"").unwrap();
        fs::create_dir_all(home.path().join(WORK).join("work")).unwrap();
        fs::write(home.path().join(WORK).join("work/netlist.json"), "half").unwrap();
        drop(Held::board(home.path()).unwrap());
        assert_eq!(names(home.path()), [MARK, "a"]);
    }
}
