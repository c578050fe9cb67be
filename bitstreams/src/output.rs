//! Where a result goes: one decision for every file that a user names.
//!
//! A regular file, or one that is not there yet, appears complete or not at all: the bytes go to `.NAME.partial` beside
//! it, which is renamed when all are there. What a run that was killed has left under that name goes with the next
//! run. A link is followed and stays. A FIFO or a device is written through, never replaced. `-` is standard output, and
//! so is whatever else leads there, `/dev/stdout` among others: what is in that file already stays.
//!
//! A result never takes the place of what it is made from, nor of a file of a design.

use spikegate_contract::abandon::{self, Guard};
use spikegate_contract::bundle::{files, sha256};
use spikegate_contract::lock;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::files::FileError;

/// Folders that a design has: what was made of it for boards, and its sources in RustHDL.
const FOLDERS: [&str; 2] = ["boards", "rusthdl"];

/// Who read a pipe has seen enough, as in `... | head`: the cause of an [`io::Error`], and no failure.
#[derive(Debug, thiserror::Error)]
#[error("the reader has closed the pipe")]
pub struct ReaderLeft;

impl ReaderLeft {
    /// Whether this is the cause of an error.
    pub fn is_cause_of(error: &(dyn std::error::Error + 'static)) -> bool {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        inner.is_some_and(|inner| inner.is::<Self>())
    }
}

fn marked(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(io::ErrorKind::BrokenPipe, ReaderLeft),
        _ => error,
    }
}

fn failed<'a>(path: &'a Path) -> impl Fn(io::Error) -> FileError + 'a {
    move |source| FileError { action: "write", path: path.to_owned(), source }
}

/// A result in the making.
#[derive(Debug)]
pub struct Output {
    to: To,
    /// For messages.
    name: PathBuf,
}

#[derive(Debug)]
enum To {
    Stdout(io::Stdout),
    Stderr(io::Stderr),
    /// Something that is written through.
    Through(File),
    /// A file that appears when it is kept.
    File {
        /// Goes before the lock does: no other run may have taken the name by then.
        partial: Partial,
        /// The partial file, locked.
        file: File,
        /// Where it goes.
        path: PathBuf,
        /// Of the file that was there.
        permissions: Option<Permissions>,
    },
}

/// The path of a partial file, which goes away unless it was renamed.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    /// None once it is no partial file any more.
    loose: Option<Guard>,
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.loose.is_some() {
            // The next run removes what stays.
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Output {
    /// Opens what `path` names; standard output without it. `inputs` are the files that it is made from.
    ///
    /// # Errors
    /// A folder, one of `inputs`, a file of a design, or something that cannot be made or opened.
    pub fn new<P: AsRef<Path>>(
        path: Option<&Path>,
        inputs: impl IntoIterator<Item = P>,
    ) -> Result<Self, FileError> {
        let Some(path) = path.filter(|p| *p != Path::new("-")) else {
            return Ok(Self { to: To::Stdout(io::stdout()), name: "standard output".into() });
        };
        let to = open(path, inputs).map_err(failed(path))?;
        Ok(Self { to, name: path.to_owned() })
    }

    /// Whether it is standard output, which then takes nothing else.
    pub fn is_stdout(&self) -> bool {
        matches!(self.to, To::Stdout(_))
    }

    /// The file to be for a library that opens what it writes by name, and may replace it.
    ///
    /// # Errors
    /// It is no regular file.
    pub fn by_name(&self) -> Result<&Path, FileError> {
        match &self.to {
            To::File { partial, .. } => Ok(&partial.path),
            _ => {
                Err(self.failed(refused("expected a regular file, for it is not written from front to back")))
            }
        }
    }

    /// What a failed write says.
    pub fn failed(&self, source: io::Error) -> FileError {
        failed(&self.name)(source)
    }

    /// Puts a file in its place, when all is written.
    ///
    /// # Errors
    /// The file system says no.
    pub fn keep(mut self) -> Result<(), FileError> {
        self.flush().map_err(failed(&self.name))?;
        if let To::File { mut partial, file, path, permissions } = self.to {
            let put = || {
                // By its name: whoever wrote it may have replaced it. It may be one that nobody may read, too.
                File::open(&partial.path).as_ref().unwrap_or(&file).sync_all()?;
                permissions.map_or(Ok(()), |permissions| fs::set_permissions(&partial.path, permissions))?;
                fs::rename(&partial.path, &path)
            };
            put().map_err(failed(&self.name))?;
            partial.loose = None;
        }
        Ok(())
    }
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

fn open<P: AsRef<Path>>(path: &Path, inputs: impl IntoIterator<Item = P>) -> io::Result<To> {
    let about = match fs::metadata(path) {
        Ok(about) => Some(about),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    let Some(about) = about else {
        let same = |input: P| {
            let [own, input] = [path, input.as_ref()].map(|path| std::path::absolute(path).ok());
            own.is_some() && own == input
        };
        if inputs.into_iter().any(same) {
            return Err(refused("it is one of the files that are in use"));
        }
        // The system says whether a link that leads to nothing may be followed.
        let is_link = fs::symlink_metadata(path).is_ok();
        let made = is_link.then(|| OpenOptions::new().write(true).create(true).truncate(false).open(path));
        made.transpose()?;
        return to_file(if is_link { path.canonicalize()? } else { path.to_owned() }, None);
    };
    if is_same(&about, io::stdout()) {
        return Ok(To::Stdout(io::stdout()));
    }
    if is_same(&about, io::stderr()) {
        return Ok(To::Stderr(io::stderr()));
    }
    if about.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder, expected a file"));
    }
    if about.file_type().is_socket() {
        return Err(refused("it is a socket, expected a file"));
    }
    if !about.is_file() {
        return Ok(To::Through(OpenOptions::new().write(true).open(path)?));
    }
    let same = |input: P| fs::metadata(input).is_ok_and(|i| (i.dev(), i.ino()) == (about.dev(), about.ino()));
    if inputs.into_iter().any(same) {
        return Err(refused("it is one of the files that are read"));
    }
    if is_descriptor(path)? {
        return Err(refused("it is a file that is open already: give its name, or -"));
    }
    let is_link = fs::symlink_metadata(path)?.is_symlink();
    // The system says whether a link may be followed.
    let probed = is_link.then(|| OpenOptions::new().write(true).open(path)).transpose()?;
    drop(probed);
    to_file(if is_link { path.canonicalize()? } else { path.to_owned() }, Some(about.permissions()))
}

/// A file that appears when it is kept, with the permissions of the one that was there.
fn to_file(path: PathBuf, permissions: Option<Permissions>) -> io::Result<To> {
    let name = path.file_name().ok_or_else(|| refused("it names no file"))?;
    let of_design = files::HELD.iter().chain([&files::MANIFEST]).any(|file| name == *file);
    if of_design && path.with_file_name(files::MANIFEST).exists() || is_in_folder_of_design(&path)? {
        return Err(refused("it is a file of the design in that folder"));
    }
    let (file, partial) = partial(&path, name)?;
    if let Some(permissions) = &permissions {
        file.set_permissions(permissions.clone())?;
    }
    Ok(To::File { file, partial, path, permissions })
}

/// Whether a path is that of a folder that a design has, or leads into one.
fn is_in_folder_of_design(path: &Path) -> io::Result<bool> {
    let path = std::path::absolute(path)?;
    let is = |folder: &Path| {
        FOLDERS.iter().any(|name| folder.ends_with(name)) && folder.with_file_name(files::MANIFEST).exists()
    };
    Ok(path.ancestors().any(is))
}

/// Whether a stream of this process goes to a file.
fn is_same(about: &Metadata, stream: impl AsFd) -> bool {
    rustix::fs::fstat(stream).is_ok_and(|s| (s.st_dev, s.st_ino) == (about.dev(), about.ino()))
}

/// Whether a path leads over a descriptor of a process, as `/dev/fd/3` does.
fn is_descriptor(path: &Path) -> io::Result<bool> {
    let mut at = path.to_owned();
    // More links than the system follows.
    for _ in 0..40 {
        let above = at.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let above = above.canonicalize()?;
        if above.starts_with("/proc") && above.ends_with("fd") {
            return Ok(true);
        }
        match fs::read_link(&at) {
            Ok(leads) => at = above.join(leads),
            Err(_) => return Ok(false),
        }
    }
    Ok(false)
}

/// Makes `.NAME.partial`. One that a killed run has left is removed; one that is being written is an error, and so is
/// anything else of that name.
fn partial(path: &Path, name: &OsStr) -> io::Result<(File, Partial)> {
    // Longest name for which there is room before and behind.
    const LONGEST: usize = 200;
    let mut hidden = OsString::from(".");
    match name.len() {
        0..=LONGEST => hidden.push(name),
        _ => hidden.push(&sha256(name.as_encoded_bytes())[..32]),
    }
    hidden.push(".partial");
    let at = path.with_file_name(hidden);
    let named = |e: io::Error| match e.kind() {
        io::ErrorKind::ResourceBusy | io::ErrorKind::NotFound => e,
        kind => io::Error::new(kind, format!("{}: {e}", at.display())),
    };
    let file = claim(&at).map_err(named)?;
    Ok((file, Partial { loose: Some(abandon::file(at.clone())), path: at }))
}

/// A new file at `at`, locked. A lock is on a file and not on its name: whoever has one must look whether the name still
/// leads to it, for another run may have removed it between.
fn claim(at: &Path) -> io::Result<File> {
    /// Runs that may come between.
    const TRIES: usize = 50;
    let busy = || io::Error::new(io::ErrorKind::ResourceBusy, "another run is writing it");
    let owned = |file: &File| -> io::Result<bool> {
        lock::exclusive(file).map_err(|e| if e.kind() == io::ErrorKind::WouldBlock { busy() } else { e })?;
        let own = file.metadata()?;
        Ok(fs::symlink_metadata(at).is_ok_and(|named| (named.dev(), named.ino()) == (own.dev(), own.ino())))
    };
    for _ in 0..TRIES {
        if fs::symlink_metadata(at).is_ok_and(|data| data.is_file()) {
            match File::open(at) {
                Ok(left) if owned(&left)? => fs::remove_file(at)?,
                Ok(_) => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
        }
        match OpenOptions::new().write(true).create_new(true).open(at) {
            Ok(file) if owned(&file)? => return Ok(file),
            Ok(_) => {}
            // Of another run, unless it is something else.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match fs::symlink_metadata(at) {
                Ok(data) if !data.is_file() => return Err(error),
                _ => {}
            },
            Err(error) => return Err(error),
        }
    }
    Err(busy())
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.to {
            To::File { file, .. } => file.write(bytes),
            To::Through(file) => file.write(bytes).map_err(marked),
            To::Stdout(out) => out.write(bytes).map_err(marked),
            To::Stderr(out) => out.write(bytes).map_err(marked),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::File { file, .. } => file.flush(),
            To::Through(file) => file.flush().map_err(marked),
            To::Stdout(out) => out.flush().map_err(marked),
            To::Stderr(out) => out.flush().map_err(marked),
        }
    }
}

/// Writes a whole file.
///
/// # Errors
/// As [`Output::new`] and [`Output::keep`].
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut output = Output::new(Some(path), [] as [&Path; 0])?;
    output.write_all(bytes).map_err(failed(path))?;
    output.keep()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn of_runs_with_one_name_the_file_is_that_of_one_that_said_so() {
        let folder = tempfile::tempdir().expect("folder");
        let path = &folder.path().join("result");
        for round in 0..200 {
            let done: Vec<(u8, Result<(), FileError>)> = thread::scope(|scope| {
                let run = |id: u8| scope.spawn(move || (id, write(path, &[id; 64])));
                let runs: Vec<_> = (0..4).map(run).collect();
                runs.into_iter().map(|run| run.join().expect("no panic")).collect()
            });
            let kept: Vec<u8> = done.iter().filter(|(_, end)| end.is_ok()).map(|(id, _)| *id).collect();
            let got = fs::read(path).expect("there");
            assert!(kept.contains(&got[0]) && got == [got[0]; 64], "round {round}: {} of {kept:?}", got[0]);
            for (_, end) in done {
                let busy = |e: &FileError| e.source.kind() == io::ErrorKind::ResourceBusy;
                assert!(end.as_ref().err().is_none_or(busy), "round {round}: {end:?}");
            }
            assert_eq!(fs::read_dir(folder.path()).expect("lists").count(), 1, "round {round}");
        }
    }
}
