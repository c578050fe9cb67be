//! The accelerator as a small crate on the `spikegate-hdl` library, for people who change it in RustHDL.
//!
//! The crate holds its own copy of every module (array, post-processing, encoder, control, bus, datapath, top): the
//! very text this compiler was built from, so unchanged it prints the compiler's Verilog byte for byte. It takes the
//! language (signals, leaf cells, writer) from the library by path, and its `Cargo.lock` from the library's, so it
//! builds without a network.
//!
//! A file lists the hashes of all files written ([`MARK`], in the form of `sha256sum`). A crate is replaced only when
//! it is still what was written: what people have changed or added stays.

mod error;
mod text;

use std::fs::{self, DirEntry, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::read::bounded;
use spikegate_contract::bundle::{sha256, BundleError};
use spikegate_contract::{link, lock};

pub use error::EmitError;

/// File that tells an emitted crate: hash and name of every file written.
pub const MARK: &str = ".spikegate-crate";

const LOCK: &str = "Cargo.lock";
/// Behind the name of a crate's folder that of the folder beside it in which the next is made.
const STAGING: &str = ".spikegate-writing";
/// The next crate there, and the present one while it makes room.
const NEW: &str = "new";
const OLD: &str = "old";
/// Most bytes of a file of the crate; the longest has a hundredth.
const MOST: u64 = 16 << 20;
/// What cargo changes in the crate's folder.
const CARGO: [&str; 2] = [LOCK, "target"];

fn io<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> EmitError + 'a {
    move |source| EmitError::Io { what, path: path.to_owned(), source }
}

/// The folder that holds the libraries, absolute: the given one, or the one this program was built from.
///
/// # Errors
/// The libraries are not there.
pub fn libraries(given: Option<&Path>) -> Result<PathBuf, EmitError> {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    let path = given.or(built).unwrap_or(Path::new(""));
    match missing(path) {
        None => fs::canonicalize(path).map_err(io("open", path)),
        Some(missing) if given.is_some() => Err(EmitError::NoLibraries { path: path.to_owned(), missing }),
        Some(_) => Err(EmitError::Moved { path: path.to_owned() }),
    }
}

/// The first library that a folder lacks.
fn missing(libraries: &Path) -> Option<PathBuf> {
    let mut manifests = ["hdl/Cargo.toml", "hdl/contract/Cargo.toml"].iter();
    manifests.find(|m| !libraries.join(m).is_file()).map(PathBuf::from)
}

/// Writes the crate of an accelerator to `dir`; `libraries` is the folder that [`libraries`] returns.
///
/// The folder holds the old crate or the new one. A crate's `target` folder stays.
///
/// # Errors
/// The target holds something else than an emitted crate as it was written, the libraries are not where they should
/// be, or the file system refuses. The target then holds what it held before.
pub fn write_crate(
    dir: &Path,
    array: &ArrayConfig,
    config_hash: u32,
    build_hash: u32,
    libraries: &Path,
) -> Result<(), EmitError> {
    let libraries = &self::libraries(Some(libraries))?;
    let dir = &std::path::absolute(dir).map_err(io("find", dir))?;
    check_replaceable(dir)?;
    let files =
        text::files(array, config_hash, build_hash, libraries).map_err(|path| EmitError::NotText { path })?;
    let staging = Staging::new(dir)?;
    let new = staging.path.join(NEW);
    for (name, text) in &files {
        write(&new.join(name), text)?;
    }
    let mark: String = files.iter().map(|(n, text)| format!("{}  {n}\n", sha256(text.as_bytes()))).collect();
    write(&new.join(MARK), &mark)?;
    let lock = libraries.join(LOCK);
    if lock.is_file() {
        fs::copy(&lock, new.join(LOCK)).map_err(io("copy", &lock))?;
    }
    exchange(dir, &new, &staging.path.join(OLD))
}

/// Writes a file and the folders above it.
fn write(path: &Path, text: &str) -> Result<(), EmitError> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(io("create the folder", parent))?;
    }
    fs::write(path, text).map_err(io("write", path))
}

/// Puts `new` in the place of `dir`, whose present folder goes to `old`.
fn exchange(dir: &Path, new: &Path, old: &Path) -> Result<(), EmitError> {
    let existed = dir.exists();
    if existed {
        fs::rename(dir, old).map_err(io("replace", dir))?;
    }
    if let Err(error) = fs::rename(new, dir) {
        if existed {
            // The error that led here is reported; one that follows from it would hide it.
            let _ = fs::rename(old, dir);
        }
        return Err(io("replace", dir)(error));
    }
    // Build results only save time: losing them is no failure.
    let _ = fs::rename(old.join("target"), dir.join("target"));
    Ok(())
}

/// Checks that a crate can be written to a folder, so that a long compile fails before its work and not after.
///
/// # Errors
/// The folder holds something else than an emitted crate as it was written, or cannot be read.
pub fn check_replaceable(dir: &Path) -> Result<(), EmitError> {
    let refused = || EmitError::NotACrate { path: dir.to_owned() };
    match fs::read_dir(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        Err(e) if e.kind() == ErrorKind::NotADirectory => return Err(refused()),
        Err(e) => return Err(io("read the folder", dir)(e)),
        Ok(mut entries) => {
            if entries.next().is_none() {
                return Ok(());
            }
        }
    }
    let path = dir.join(MARK);
    let mark =
        bounded(&path, MOST).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(refused)?;
    let mut written = Vec::new();
    for line in mark.lines() {
        let (hash, name) = line.split_once("  ").ok_or_else(refused)?;
        // A mark of somebody else's may name files that do not lie here.
        if !Path::new(name).components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(refused());
        }
        let path = dir.join(name);
        match bounded(&path, MOST) {
            Ok(bytes) if sha256(&bytes) == hash => written.push(path),
            Err(BundleError::Io { source, .. }) => match source.kind() {
                ErrorKind::NotFound => return Err(EmitError::Edited { path, what: "removed" }),
                _ => return Err(io("read", &path)(source)),
            },
            // One that is too large or no regular file was not written here either.
            _ => return Err(EmitError::Edited { path, what: "changed" }),
        }
    }
    written.push(path);
    written.extend(CARGO.map(|name| dir.join(name)));
    check_nothing_added(dir, &written)
}

/// Checks that everything below `dir` is one of `known` or lies below one.
fn check_nothing_added(dir: &Path, known: &[PathBuf]) -> Result<(), EmitError> {
    for entry in fs::read_dir(dir).map_err(io("read the folder", dir))? {
        let entry = entry.map_err(io("read the folder", dir))?;
        let (path, kind) = (entry.path(), entry.file_type().map_err(io("read the folder", dir))?);
        if known.contains(&path) {
            continue;
        }
        if !kind.is_dir() || !known.iter().any(|k| k.starts_with(&path)) {
            return Err(EmitError::Edited { path, what: "added" });
        }
        check_nothing_added(&path, known)?;
    }
    Ok(())
}

/// A temporary folder beside the target, so on the same file system, held for one writer at a time; removed when dropped.
/// What a killed one has left goes with the next.
struct Staging {
    path: PathBuf,
    _lock: File,
}

impl Staging {
    fn new(dir: &Path) -> Result<Self, EmitError> {
        let refused = || EmitError::NotACrate { path: dir.to_owned() };
        let (parent, name) = (dir.parent().ok_or_else(refused)?, dir.file_name().ok_or_else(refused)?);
        let path = parent.join(format!(".{}{STAGING}", name.to_string_lossy()));
        fs::create_dir_all(parent)
            .map_err(|e| io("create the folder", parent)(link::explained(parent, e)))?;
        let staging = Self { _lock: held(&path)?, path };
        staging.clear()?;
        Ok(staging)
    }

    /// Removes what is in it, which must be the crates of a writer that was killed.
    fn clear(&self) -> Result<(), EmitError> {
        let read = || fs::read_dir(&self.path)?.collect::<io::Result<Vec<DirEntry>>>();
        let entries = read().map_err(io("read the folder", &self.path))?;
        let ours = |entry: &DirEntry| {
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            is_folder && [NEW, OLD].iter().any(|name| entry.file_name() == *name)
        };
        if let Some(other) = entries.iter().find(|entry| !ours(entry)) {
            return Err(EmitError::NotACrate { path: other.path() });
        }
        let mut paths = entries.iter().map(DirEntry::path);
        paths.try_for_each(|path| fs::remove_dir_all(&path).map_err(io("remove the folder", &path)))
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // The next writer removes what stays: the crate itself is not affected. A folder that holds other things stays.
        let _ = self.clear().map(|()| fs::remove_dir(&self.path));
    }
}

/// Makes a folder that another writer may be about to remove, and locks it.
fn held(path: &Path) -> Result<File, EmitError> {
    loop {
        match fs::create_dir(path) {
            Err(e) if e.kind() != ErrorKind::AlreadyExists => return Err(io("create the folder", path)(e)),
            _ => {}
        }
        // The entry itself: a link is never followed.
        match path.symlink_metadata() {
            Ok(about) if !about.is_dir() => return Err(EmitError::NotACrate { path: path.to_owned() }),
            _ => {}
        }
        let folder = match File::open(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => continue,
            other => other.map_err(io("open the folder", path))?,
        };
        lock::exclusive(&folder).map_err(|e| match e.kind() {
            ErrorKind::WouldBlock => EmitError::Busy { path: path.to_owned() },
            _ => io("lock the folder", path)(e),
        })?;
        let number = |about: fs::Metadata| (about.dev(), about.ino());
        let here = path.symlink_metadata().map(number).ok();
        if here.is_some() && here == folder.metadata().map(number).ok() {
            return Ok(folder);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
