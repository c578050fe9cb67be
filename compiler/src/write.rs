//! Writing a design folder so that it holds either the old design or the new one.
//!
//! All files are first written completely to a temporary folder inside the target (so on the same file system). Then
//! the old manifest is moved away, the files are renamed into place, and the new manifest comes last. When a step
//! fails the old files are moved back. When the process is killed in between, the folder has no manifest and every
//! reader refuses it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A design that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The target is something else than a folder.
    #[error("{} exists and is not a folder; give another output folder", path.display())]
    NotAFolder {
        /// Target.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("cannot {what} {}: {source}; check the permissions and the space there, or give another output folder", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
}

fn io<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> WriteError + 'a {
    move |source| WriteError::Io { what, path: path.to_owned(), source }
}

/// The temporary folder; removed when dropped.
struct Staging {
    path: PathBuf,
    /// The target, where it did not exist before: removed again when nothing was written.
    created: Option<PathBuf>,
}

impl Staging {
    fn new(dir: &Path) -> Result<Staging, WriteError> {
        if dir.exists() && !dir.is_dir() {
            return Err(WriteError::NotAFolder { path: dir.to_owned() });
        }
        let created = (!dir.exists()).then(|| dir.to_owned());
        fs::create_dir_all(dir).map_err(io("create the folder", dir))?;
        let path = dir.join(format!(".tmp-{}", std::process::id()));
        let staging = Staging { path, created };
        fs::create_dir(&staging.path).map_err(io("create the folder", &staging.path))?;
        Ok(staging)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Nothing can be done about a temporary folder that stays: the design itself is not affected.
        let _ = fs::remove_dir_all(&self.path);
        if let Some(created) = &self.created {
            // Fails, as it should, when the folder holds files.
            let _ = fs::remove_dir(created);
        }
    }
}

/// Checks that a design can be written to a folder, so that a long compile fails before its work and not after.
///
/// # Errors
/// The target is not a folder, or nothing can be created in it.
pub fn check_writable(dir: &Path) -> Result<(), WriteError> {
    Staging::new(dir).map(drop)
}

/// Writes all files of a design; the last one is the manifest. Other files in the folder stay.
///
/// # Errors
/// As [`WriteError`] says; the folder then holds what it held before.
pub fn write(dir: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), WriteError> {
    let staging = Staging::new(dir)?;
    for (name, bytes) in files {
        let path = staging.path.join(name);
        let mut file = File::create(&path).map_err(io("write", &path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io("write", &path))?;
    }
    let mut moves = Moves::default();
    let done = exchange(dir, &staging.path, files, &mut moves);
    if done.is_err() {
        moves.undo();
    }
    done
}

/// Renames done so far, from and to.
#[derive(Default)]
struct Moves(Vec<(PathBuf, PathBuf)>);

impl Moves {
    fn rename(&mut self, from: PathBuf, to: PathBuf) -> Result<(), WriteError> {
        fs::rename(&from, &to).map_err(io("replace", &to))?;
        self.0.push((from, to));
        Ok(())
    }
    /// Moves everything back, the latest first.
    fn undo(self) {
        for (from, to) in self.0.into_iter().rev() {
            // The error that led here is reported; one that follows from it would hide it.
            let _ = fs::rename(to, from);
        }
    }
}

fn exchange(
    dir: &Path,
    staging: &Path,
    files: &[(&str, Vec<u8>)],
    moves: &mut Moves,
) -> Result<(), WriteError> {
    for (name, _) in files.iter().rev() {
        let old = dir.join(name);
        if old.symlink_metadata().is_ok() {
            moves.rename(old, staging.join(format!("{name}.old")))?;
        }
    }
    for (name, _) in files {
        moves.rename(staging.join(name), dir.join(name))?;
    }
    // Renames are in the folder's own data: without this they may be lost when the power goes.
    File::open(dir).and_then(|d| d.sync_all()).map_err(io("write", dir))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn design(text: &str) -> Vec<(&'static str, Vec<u8>)> {
        vec![("a.bin", text.as_bytes().to_vec()), ("manifest.json", text.as_bytes().to_vec())]
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn replaces_a_design_and_keeps_other_files() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("deep/design");
        write(&dir, &design("old")).unwrap();
        fs::write(dir.join("notes.txt"), "mine").unwrap();
        write(&dir, &design("new")).unwrap();
        assert_eq!(names(&dir), ["a.bin", "manifest.json", "notes.txt"]);
        assert_eq!(fs::read_to_string(dir.join("a.bin")).unwrap(), "new");
    }

    #[test]
    fn a_failed_write_leaves_the_old_design() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &design("old")).unwrap();
        let mut moves = Moves::default();
        let staging = home.path().join("staging");
        fs::create_dir(&staging).unwrap();
        fs::write(staging.join("a.bin"), "new").unwrap();
        // The new manifest is missing, so the last rename fails.
        assert!(exchange(home.path(), &staging, &design("new"), &mut moves).is_err());
        assert!(!home.path().join("manifest.json").exists());
        moves.undo();
        assert_eq!(fs::read_to_string(home.path().join("a.bin")).unwrap(), "old");
        assert_eq!(fs::read_to_string(home.path().join("manifest.json")).unwrap(), "old");
    }

    #[test]
    fn refuses_a_file_as_folder_and_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(matches!(write(&file, &design("x")), Err(WriteError::NotAFolder { .. })));
        let error = write(&file.join("below"), &design("x")).unwrap_err().to_string();
        assert!(error.contains("file/below") && error.contains("another output folder"), "{error}");
        check_writable(&home.path().join("new")).unwrap();
        assert_eq!(names(home.path()), ["file"]);
    }
}
