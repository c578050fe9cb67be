//! Every form that a data set may have: how it is recognised, and what opens it.
//!
//! Another form is a file with its functions and a line in [`TABLE`].

use super::file::{self, file_name};
use super::picture::Form;
use super::{archive, arrays, batch, cifar, folder, idx, npy, picture, DataError, DataSet, Split};
use std::path::{Path, PathBuf};

/// A form of files with images.
pub(super) struct Format {
    /// What its files are called in a folder, for the message about one without any; empty where folders are not searched
    /// for them.
    pub files: &'static str,
    /// Whether a file is of this form, by its lower-case name and its first bytes. The first form that says so has it.
    pub recognise: fn(name: &str, head: &[u8]) -> bool,
    /// Opens one file, or those that [`Format::find`] gave.
    pub open: fn(&[PathBuf], Split) -> Result<DataSet, DataError>,
    /// Whether one file has training and test images, so that a split of it can be wanted.
    pub splits: bool,
    /// The files of a split in a folder.
    pub find: fn(folder: &Path, split: Split) -> Option<Found>,
}

/// Files of a split that lie in a folder.
pub(super) struct Found {
    /// In order.
    pub files: Vec<PathBuf>,
    /// Names of those that should lie between them and do not.
    pub missing: Vec<String>,
}

impl From<PathBuf> for Found {
    fn from(file: PathBuf) -> Self {
        Self { files: vec![file], missing: Vec::new() }
    }
}

/// All forms, in the order in which a folder is searched for them. The last takes what no other does.
pub(super) const TABLE: &[Format] = &[
    Format {
        files: "NumPy arrays (x_test.npy, test_images.npy)",
        recognise: |_, head| head.starts_with(npy::MAGIC),
        open: |files, _| arrays::open(first(files)),
        splits: false,
        find: |folder, split| arrays::find(folder, split).map(Found::from),
    },
    Format {
        files: "",
        recognise: |name, head| head.starts_with(b"PK") && name.ends_with(".npz"),
        open: |files, split| arrays::open_archive(first(files), split),
        splits: true,
        find: |_, _| None,
    },
    Format {
        files: "",
        recognise: |name, head| match Form::of(head) {
            Form::Png | Form::Jpeg => true,
            Form::Other(..) => false,
            Form::Unknown => picture::is_picture(name),
        },
        open: |files, _| folder::single(first(files)),
        splits: false,
        find: |_, _| None,
    },
    Format {
        files: "",
        recognise: |name, head| unread(name, head).is_some(),
        open: |files, _| refuse(first(files)),
        splits: false,
        find: |_, _| None,
    },
    Format {
        files: "CIFAR files (test_batch.bin, test.bin, cifar-10-batches-py)",
        recognise: |name, head| batch::is_pickle(head) || name.ends_with(".bin") || name.ends_with(".bin.gz"),
        open: |files, _| cifar::open(files),
        splits: false,
        find: |folder, split| cifar::find(folder, split).map(|(files, missing)| Found { files, missing }),
    },
    Format {
        files: "IDX files (t10k-images-idx3-ubyte[.gz])",
        recognise: |_, _| true,
        open: |files, _| idx::open(first(files)),
        splits: false,
        find: |folder, split| idx::find(folder, split).map(Found::from),
    },
];

/// What a folder may hold, for people.
pub(super) fn files() -> String {
    let all: Vec<&str> = TABLE.iter().map(|form| form.files).filter(|files| !files.is_empty()).collect();
    all.join(", ")
}

/// The form of a file.
pub(super) fn of(path: &Path) -> Result<&'static Format, DataError> {
    let (name, head) = (file_name(path), file::head(path)?);
    let found = TABLE.iter().find(|form| (form.recognise)(&name, &head));
    // The last one takes everything.
    Ok(found.unwrap_or(&TABLE[TABLE.len() - 1]))
}

/// Of forms that have one file.
fn first(files: &[PathBuf]) -> &Path {
    files.first().map_or(Path::new(""), PathBuf::as_path)
}

/// Something known that is not read, and what to do.
fn unread(name: &str, head: &[u8]) -> Option<(&'static str, &'static str)> {
    match Form::of(head) {
        Form::Other(what, todo) => Some((what, todo)),
        _ => archive::of(name, head),
    }
}

fn refuse(path: &Path) -> Result<DataSet, DataError> {
    let (what, todo) =
        unread(&file_name(path), &file::head(path)?).unwrap_or(("a file of its kind", "give another"));
    Err(DataError::Unsupported { path: path.to_owned(), what: what.to_owned(), todo })
}
