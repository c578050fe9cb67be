//! Steps with an artefact each: a step whose inputs are the same as last time is left out.
//!
//! A step works in a temporary folder beside its artefacts; they are renamed into place when it is done, and last comes
//! the record `NAME.step.json`, which holds the hash of everything that went in and of every artefact. A step that is
//! interrupted leaves no record and runs again.

use serde::{Deserialize, Serialize};
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

pub use spikegate_contract::bundle::sha256 as hash;

/// A file that cannot be read or written.
#[derive(Debug, Error)]
#[error("cannot {action} {}: {source}", path.display())]
pub struct FileError {
    /// What was tried.
    pub action: &'static str,
    /// File or folder.
    pub path: PathBuf,
    /// Cause.
    pub source: io::Error,
}

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> FileError + 'a {
    move |source| FileError { action, path: path.to_owned(), source }
}

/// Reads a file.
///
/// # Errors
/// See [`FileError`].
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(failed("read", path))
}

/// Writes a file under a temporary name and renames it; a file that already holds these bytes is left alone.
///
/// # Errors
/// See [`FileError`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(());
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".tmp-{}", std::process::id()));
    let temporary = path.with_file_name(name);
    fs::write(&temporary, bytes).map_err(failed("write", &temporary))?;
    fs::rename(&temporary, path).map_err(failed("replace", path))
}

/// Makes a folder with those above it.
///
/// # Errors
/// See [`FileError`].
pub fn make_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(failed("create the folder", path))
}

/// What a step was made of and made.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Record {
    inputs: String,
    outputs: Vec<(String, String)>,
}

/// A step.
#[derive(Clone, Debug)]
pub struct Step<'a> {
    /// Folder of the artefacts.
    pub folder: &'a Path,
    /// Name, of the record too.
    pub name: &'a str,
    /// Everything that decides the outcome: arguments, versions and contents of files.
    pub inputs: Vec<Vec<u8>>,
    /// Artefacts.
    pub outputs: &'a [&'a str],
}

impl Step<'_> {
    fn key(&self) -> String {
        // Hashes of the parts, so that their borders count.
        hash(self.inputs.iter().map(|part| hash(part)).collect::<Vec<_>>().join("\n").as_bytes())
    }

    fn record(&self) -> PathBuf {
        self.folder.join(format!("{}.step.json", self.name))
    }

    /// Whether the artefacts of these inputs are there, unchanged.
    pub fn is_done(&self) -> bool {
        let record = fs::read(self.record()).ok().and_then(|b| serde_json::from_slice::<Record>(&b).ok());
        let Some(record) = record.filter(|r| r.inputs == self.key()) else { return false };
        let good = |(name, wanted): &(String, String)| {
            fs::read(self.folder.join(name)).is_ok_and(|bytes| hash(&bytes) == *wanted)
        };
        record.outputs.len() == self.outputs.len() && record.outputs.iter().all(good)
    }

    /// Runs `action` with a temporary folder, in which it makes the artefacts, unless they are there; whether it ran.
    ///
    /// # Errors
    /// Those of `action`, or files that cannot be written.
    pub fn run<E: From<FileError>>(&self, action: impl FnOnce(&Path) -> Result<(), E>) -> Result<bool, E> {
        if self.is_done() {
            return Ok(false);
        }
        let temporary = Temporary::new(self.folder, self.name)?;
        action(&temporary.0)?;
        let mut outputs = Vec::new();
        for name in self.outputs {
            let (from, to) = (temporary.0.join(name), self.folder.join(name));
            outputs.push(((*name).to_owned(), hash(&read(&from)?)));
            fs::rename(&from, &to).map_err(failed("replace", &to))?;
        }
        let record = Record { inputs: self.key(), outputs };
        // Strings and lists of strings have a JSON form.
        write(&self.record(), &serde_json::to_vec_pretty(&record).unwrap_or_default())?;
        Ok(true)
    }
}

/// A folder that goes away.
struct Temporary(PathBuf);

impl Temporary {
    fn new(folder: &Path, name: &str) -> Result<Self, FileError> {
        let path = folder.join(format!(".tmp-{name}-{}", std::process::id()));
        make_folder(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // A temporary folder that stays does no harm: no record names it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Failure for FileError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        let todo = match self.source.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::IsADirectory => "give another file",
            _ => "check the permissions and the space there",
        };
        Some(todo.into())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn step<'a>(folder: &'a Path, input: &str) -> Step<'a> {
        Step { folder, name: "s", inputs: vec![b"v1".to_vec(), input.into()], outputs: &["out"] }
    }

    fn run(step: &Step, text: &str) -> bool {
        step.run(|dir| write(&dir.join("out"), text.as_bytes())).unwrap()
    }

    #[test]
    fn runs_again_only_when_something_changed() {
        let home = tempfile::tempdir().unwrap();
        let a = step(home.path(), "a");
        assert!(run(&a, "1"));
        assert!(!run(&a, "2"), "nothing changed");
        assert_eq!(fs::read(home.path().join("out")).unwrap(), b"1");
        assert!(run(&step(home.path(), "b"), "2"), "another input");
        assert!(run(&a, "3"), "the first again: its artefact is gone");
        fs::write(home.path().join("out"), "changed").unwrap();
        assert!(run(&a, "4"), "an artefact was changed");
        fs::remove_file(home.path().join("out")).unwrap();
        assert!(run(&a, "5"), "an artefact was removed");
        fs::write(home.path().join("s.step.json"), "{").unwrap();
        assert!(run(&a, "6"), "the record is damaged");
        // The border between inputs counts.
        let shifted = Step { inputs: vec![b"v1a".to_vec(), vec![]], ..a };
        assert!(!shifted.is_done());
    }

    #[test]
    fn a_failed_step_leaves_no_record_and_no_artefact() {
        let home = tempfile::tempdir().unwrap();
        let a = step(home.path(), "a");
        let failed = a.run(|dir| {
            write(&dir.join("out"), b"half")?;
            read(&dir.join("nothing")).map(drop)
        });
        assert!(failed.is_err() && !a.is_done());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
        // An action that forgets an artefact.
        assert!(a.run(|_| Ok::<(), FileError>(())).is_err() && !a.is_done());
    }
}
