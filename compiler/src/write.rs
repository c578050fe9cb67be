//! Writing a design folder so that it holds either the old design or the new one.
//!
//! All files are first written completely to a temporary folder inside the target (so on the same file system). Then
//! the old manifest is moved away, the files are renamed into place, and the new manifest comes last. When a step
//! fails the old files are moved back. When the process is killed in between, the folder has no manifest and every
//! reader refuses it; the temporary folder tells the next compile that the rest is ours, and goes.
//!
//! A folder that holds other things than a design is refused, and so is one that another compile holds.

use spikegate_contract::bundle::read::bounded;
use spikegate_contract::bundle::{files, BundleError};
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::{link, lock};
use std::borrow::Cow;
use std::fs::{self, DirEntry, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A design that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The target is something else than a folder.
    #[error("{} exists and is not a folder", path.display())]
    NotAFolder {
        /// Target.
        path: PathBuf,
    },
    /// The target holds something else.
    #[error("{} holds files and is no design of `spikegate compile`", path.display())]
    NotADesign {
        /// Target.
        path: PathBuf,
    },
    /// A folder stands where a file of the design goes.
    #[error("{} is a folder, expected a file of the design", path.display())]
    IsAFolder {
        /// The folder.
        path: PathBuf,
    },
    /// Another compile has it.
    #[error("another compile is writing to {}", path.display())]
    Busy {
        /// Target.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// The folder's design is not the one that was read any more.
    #[error("{}: another design was written there meanwhile", path.display())]
    Changed {
        /// Target.
        path: PathBuf,
    },
    /// The design in the folder cannot be read.
    #[error(transparent)]
    Bundle(#[from] Box<BundleError>),
    /// A number that JSON has no form for.
    #[error("the design cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

fn io<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> WriteError + 'a {
    move |source| WriteError::Io { what, path: path.to_owned(), source }
}

/// Most bytes of a manifest that is looked at.
const MOST: u64 = 1 << 20;
/// Folder inside the target for the files until all of them are there.
const STAGING: &str = ".spikegate-writing";
/// What the manifest is called there while it makes room for the next.
const OLD_MANIFEST: &str = "manifest.json.old";

/// A design's folder, held for one compile: until it is dropped no other can write there.
///
/// The lock is on the folder itself and ends with the process, however that ends.
#[derive(Debug)]
pub struct Target {
    dir: PathBuf,
    _lock: File,
    /// Whether the folder did not exist before: removed again when nothing was written.
    created: bool,
}

impl Target {
    /// Takes a folder, so that a long compile fails before its work and not after. What a killed compile has left in it
    /// is removed.
    ///
    /// # Errors
    /// The target is no folder, holds something else than a design, is being written, or nothing can be created in it.
    pub fn open(dir: &Path) -> Result<Self, WriteError> {
        if dir.exists() && !dir.is_dir() {
            return Err(WriteError::NotAFolder { path: dir.to_owned() });
        }
        let created = !dir.exists();
        fs::create_dir_all(dir).map_err(|e| io("create the folder", dir)(link::explained(dir, e)))?;
        let held = File::open(dir).map_err(io("open the folder", dir))?;
        lock::exclusive(&held).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => WriteError::Busy { path: dir.to_owned() },
            _ => io("lock the folder", dir)(error),
        })?;
        let target = Self { dir: dir.to_owned(), _lock: held, created };
        check_ours(dir)?;
        clean(dir)?;
        // Whether anything can be created.
        let staging = Staging::new(dir)?;
        drop(staging);
        Ok(target)
    }

    /// Writes all files of a design; the last one is the manifest. Other files in the folder stay.
    ///
    /// # Errors
    /// As [`WriteError`] says; the folder then holds what it held before.
    pub fn write(&self, files: &[(&str, Vec<u8>)]) -> Result<(), WriteError> {
        let dir = &self.dir;
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
}

impl Drop for Target {
    fn drop(&mut self) {
        if self.created {
            // Fails, as it should, when the folder holds files.
            let _ = fs::remove_dir(&self.dir);
        }
    }
}

/// Refuses a folder that holds things and is no design. One is known by a manifest of ours: its own, or the one that a
/// killed compile had not moved into place yet. A name alone proves nothing.
fn check_ours(dir: &Path) -> Result<(), WriteError> {
    let leftovers = leftovers(dir)?;
    let manifests =
        leftovers.iter().flat_map(|left| [files::MANIFEST, OLD_MANIFEST].map(|name| left.join(name)));
    if manifests.chain([dir.join(files::MANIFEST)]).any(|path| is_manifest(&path)) {
        return Ok(());
    }
    // Killed before anything was moved, or nothing there at all.
    match entries(dir)?.iter().all(|entry| leftovers.contains(&entry.path())) {
        true => Ok(()),
        false => Err(WriteError::NotADesign { path: dir.to_owned() }),
    }
}

/// Whether a file is a manifest of a design, of any format version: one of an older program may be replaced.
fn is_manifest(path: &Path) -> bool {
    let bytes = bounded(path, MOST).unwrap_or_default();
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    ["format_version", "interface_version", "config_hash"].iter().all(|key| manifest.get(key).is_some())
}

/// Temporary folders of killed compiles, which hold files of a design and nothing else. Older programs had the process
/// number in their name; an empty one of these is not known to be ours, and is in nobody's way.
fn leftovers(dir: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let mut found = Vec::new();
    for entry in entries(dir)? {
        let name = entry.file_name().to_string_lossy().into_owned();
        let number = name.strip_prefix(".tmp-").unwrap_or_default();
        let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        // The type of the entry itself: a link is never followed.
        if !(name == STAGING || numbered) || !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            continue;
        }
        let held = entries(&entry.path())?;
        if held.iter().all(is_of_a_design) && (name == STAGING || !held.is_empty()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

/// Whether an entry of a temporary folder has the name of one of a design's files, new or old.
fn is_of_a_design(entry: &DirEntry) -> bool {
    let name = entry.file_name().to_string_lossy().into_owned();
    let name = name.strip_suffix(".old").unwrap_or(&name);
    let known = files::HELD.contains(&name) || name == files::MANIFEST;
    known && entry.file_type().is_ok_and(|kind| !kind.is_dir())
}

fn entries(dir: &Path) -> Result<Vec<DirEntry>, WriteError> {
    fs::read_dir(dir).and_then(|entries| entries.collect()).map_err(io("read the folder", dir))
}

/// Removes what killed compiles have left.
fn clean(dir: &Path) -> Result<(), WriteError> {
    for folder in leftovers(dir)? {
        fs::remove_dir_all(&folder).map_err(io("remove the folder", &folder))?;
    }
    Ok(())
}

/// The temporary folder; removed when dropped.
struct Staging {
    path: PathBuf,
}

impl Staging {
    fn new(dir: &Path) -> Result<Self, WriteError> {
        let path = dir.join(STAGING);
        fs::create_dir(&path).map_err(io("create the folder", &path))?;
        Ok(Self { path })
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next compile removes what stays: the design itself is not affected.
        let _ = fs::remove_dir_all(&self.path);
    }
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
        if let Ok(data) = old.symlink_metadata() {
            if data.is_dir() {
                return Err(WriteError::IsAFolder { path: old });
            }
            moves.rename(old, staging.join(format!("{name}.old")))?;
        }
    }
    for (name, _) in files {
        moves.rename(staging.join(name), dir.join(name))?;
    }
    // Renames are in the folder's own data: without this they may be lost when the power goes.
    File::open(dir).and_then(|d| d.sync_all()).map_err(io("write", dir))
}

impl Failure for WriteError {
    fn kind(&self) -> Kind {
        match self {
            Self::Bundle(source) => source.kind(),
            Self::Json(..) => Kind::Bug,
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::NotAFolder { .. } => Some("give another output folder".into()),
            Self::NotADesign { .. } => Some("give an empty or a new output folder".into()),
            Self::IsAFolder { .. } => Some("move it away".into()),
            Self::Busy { .. } => Some("wait for it, or give another output folder".into()),
            Self::Io { .. } => {
                Some("check the permissions and the space there, or give another output folder".into())
            }
            Self::Changed { .. } => Some("simulate again".into()),
            Self::Bundle(source) => source.help(),
            Self::Json(..) => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Two files of a design that tell `text`.
    fn design(text: &str) -> Vec<(&'static str, Vec<u8>)> {
        let manifest = format!("{{\"format_version\":1,\"interface_version\":1,\"config_hash\":\"{text}\"}}");
        vec![(files::PROGRAM, text.as_bytes().to_vec()), (files::MANIFEST, manifest.into_bytes())]
    }

    fn write(dir: &Path, files: &[(&str, Vec<u8>)]) -> Result<(), WriteError> {
        Target::open(dir)?.write(files)
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
        assert_eq!(names(&dir), ["manifest.json", "notes.txt", "program.bin"]);
        assert_eq!(fs::read_to_string(dir.join("program.bin")).unwrap(), "new");
    }

    #[test]
    fn a_failed_write_leaves_the_old_design() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &design("old")).unwrap();
        let mut moves = Moves::default();
        let staging = home.path().join("staging");
        fs::create_dir(&staging).unwrap();
        fs::write(staging.join("program.bin"), "new").unwrap();
        // The new manifest is missing, so the last rename fails.
        assert!(exchange(home.path(), &staging, &design("new"), &mut moves).is_err());
        assert!(!home.path().join("manifest.json").exists());
        moves.undo();
        assert_eq!(fs::read_to_string(home.path().join("program.bin")).unwrap(), "old");
        assert!(fs::read_to_string(home.path().join("manifest.json")).unwrap().contains("old"));
    }

    #[test]
    fn refuses_a_file_as_folder_and_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(matches!(write(&file, &design("x")), Err(WriteError::NotAFolder { .. })));
        let error = write(&file.join("below"), &design("x")).unwrap_err().in_a_line();
        assert!(error.contains("file/below") && error.contains("another output folder"), "{error}");
        drop(Target::open(&home.path().join("new")).unwrap());
        assert_eq!(names(home.path()), ["file"]);
    }

    #[test]
    fn one_compile_at_a_time() {
        let home = tempfile::tempdir().unwrap();
        let first = Target::open(home.path()).unwrap();
        assert!(matches!(Target::open(home.path()), Err(WriteError::Busy { .. })));
        first.write(&design("first")).unwrap();
        drop(first);
        write(home.path(), &design("second")).unwrap();
    }

    #[test]
    fn refuses_what_is_no_design_and_changes_nothing() {
        for (name, text) in
            [("report.json", "mine"), ("manifest.json", "{\"name\":\"app\"}"), (".tmp-1", "mine")]
        {
            let home = tempfile::tempdir().unwrap();
            fs::write(home.path().join(name), text).unwrap();
            let refused = write(home.path(), &design("new"));
            assert!(matches!(refused, Err(WriteError::NotADesign { .. })), "{refused:?}");
            assert_eq!(names(home.path()), [name]);
            assert_eq!(fs::read_to_string(home.path().join(name)).unwrap(), text);
        }
        // Not even folders that have the name of a temporary one.
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".tmp-1")).unwrap();
        fs::write(home.path().join(".tmp-1/thesis.tex"), "mine").unwrap();
        assert!(matches!(write(home.path(), &design("new")), Err(WriteError::NotADesign { .. })));
        assert!(home.path().join(".tmp-1/thesis.tex").exists());
        // Nor a folder where a file of a design goes.
        let home = tempfile::tempdir().unwrap();
        write(home.path(), &design("old")).unwrap();
        fs::remove_file(home.path().join("program.bin")).unwrap();
        fs::create_dir(home.path().join("program.bin")).unwrap();
        assert!(matches!(write(home.path(), &design("new")), Err(WriteError::IsAFolder { .. })));
        assert_eq!(names(home.path()), ["manifest.json", "program.bin"]);
    }

    /// Neither is a folder with one of our names a proof that the rest is ours.
    #[test]
    fn a_temporary_folder_proves_nothing() {
        for (left, held) in [
            (".tmp-", None),
            (".tmp-1", None),
            (".tmp-1", Some(("program.bin", "x"))),
            (STAGING, None),
            (STAGING, Some(("program.bin", "x"))),
            (STAGING, Some(("manifest.json", "{\"name\":\"app\"}"))),
        ] {
            let home = tempfile::tempdir().unwrap();
            fs::create_dir(home.path().join(left)).unwrap();
            if let Some((name, text)) = held {
                fs::write(home.path().join(left).join(name), text).unwrap();
            }
            fs::write(home.path().join("report.json"), "mine").unwrap();
            let refused = write(home.path(), &design("new"));
            assert!(matches!(refused, Err(WriteError::NotADesign { .. })), "{left} {held:?}: {refused:?}");
            assert_eq!(names(home.path()), [left, "report.json"]);
            assert_eq!(fs::read_to_string(home.path().join("report.json")).unwrap(), "mine");
        }
    }

    #[test]
    fn what_a_killed_compile_leaves_goes() {
        let [.., (_, manifest)] = &design("old")[..] else { unreachable!() };
        for left in [STAGING, ".tmp-1", ".tmp-4711"] {
            for manifest_name in [files::MANIFEST, OLD_MANIFEST] {
                let home = tempfile::tempdir().unwrap();
                // Killed while files were exchanged: the manifests are in the temporary folder.
                fs::write(home.path().join("program.bin"), "new").unwrap();
                fs::create_dir(home.path().join(left)).unwrap();
                fs::write(home.path().join(left).join(manifest_name), manifest).unwrap();
                write(home.path(), &design("next")).unwrap();
                assert_eq!(names(home.path()), ["manifest.json", "program.bin"]);
            }
            // Killed before: nothing is moved.
            let home = tempfile::tempdir().unwrap();
            fs::create_dir(home.path().join(left)).unwrap();
            fs::write(home.path().join(left).join("program.bin"), "new").unwrap();
            write(home.path(), &design("next")).unwrap();
            assert_eq!(names(home.path()), ["manifest.json", "program.bin"]);
        }
        // Killed before the first file.
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(STAGING)).unwrap();
        write(home.path(), &design("next")).unwrap();
        assert_eq!(names(home.path()), ["manifest.json", "program.bin"]);
    }
}
