//! Labelled images from the files people have: IDX, CIFAR binary, folders of PNG and JPEG.
//!
//! [`open`] takes any of them and gives a [`DataSet`]: images as bytes in `[C, H, W]` order, by index,
//! with their labels where there are any ([`mod@labels`] says which). Images are never resized, cropped or recoloured; a
//! set that does not match a network is refused by [`DataSet::require_shape`]. The bytes may be anything: nothing
//! panics, nothing in them runs, no buffer grows past what the files can hold, and pipes and devices are not waited for.
//!
//! What was chosen among several things, and what was left out, is in [`DataSet::notes`]. A picture that cannot be read is
//! an error for whoever asks for it: it is never skipped, so an accuracy is that of all pictures of the set.

mod batch;
mod cifar;
mod error;
mod file;
mod folder;
mod idx;
mod jpeg;
pub mod labels;
mod pickle;
mod picture;
mod set;
#[cfg(test)]
mod tests;

pub use error::DataError;
pub use set::{About, DataSet};

use picture::Form;
use set::Images;
use std::path::Path;

/// Which part of a data set that has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Test images where there are any, else the training images.
    Default,
    /// Training images where there are any, else the test images.
    Calibration,
    /// Test images (`t10k-*`, `test_batch.bin`, `test.bin`, `test/`, `val/`).
    Test,
    /// Training images (`train-*`, `data_batch_*.bin`, `train.bin`, `train/`).
    Train,
}

impl Split {
    /// The parts to look for, in order.
    fn wanted(self) -> &'static [Split] {
        match self {
            Split::Default => &[Split::Test, Split::Train],
            Split::Calibration => &[Split::Train, Split::Test],
            Split::Test => &[Split::Test],
            Split::Train => &[Split::Train],
        }
    }

    fn name(self) -> &'static str {
        if self == Split::Train {
            "training"
        } else {
            "test"
        }
    }

    /// Folders of it, the first that is there.
    fn folders(self) -> &'static [&'static str] {
        if self == Split::Train {
            &["train"]
        } else {
            &["test", "val", "valid", "validation"]
        }
    }
}

/// Folders that torchvision makes below the one it is given, and what the data sets' archives unpack to.
const ROOTS: [&str; 10] = [
    "cifar-10-batches-py",
    "cifar-10-batches-bin",
    "cifar-100-python",
    "cifar-100-binary",
    "FashionMNIST/raw",
    "MNIST/raw",
    "KMNIST/raw",
    "QMNIST/raw",
    "EMNIST/raw",
    "raw",
];

/// Opens a data set. `path` is one of
/// - an IDX images file, plain or `.gz`; labels are read from the file beside it (`images-idx3` -> `labels-idx1`);
/// - a CIFAR-10 or CIFAR-100 binary file, plain or `.gz`, or a batch for Python;
/// - one PNG or JPEG image;
/// - a folder with any of these: `t10k-images-idx3-ubyte[.gz]`, `test_batch.bin`, `test.bin`, `cifar-10-batches-py`, images
///   named `INDEX_LABEL.png`, or sub-folders of images, one per class;
/// - a folder of such folders, `train` and `test` (or `val`).
///
/// A path may end in `#train` or `#test` to choose a split of a folder.
///
/// # Errors
/// Everything [`DataError`] lists.
pub fn open(path: impl AsRef<Path>) -> Result<DataSet, DataError> {
    open_split(path, Split::Default)
}

/// As [`open`], with the split that is wanted; one in the path goes before it.
///
/// # Errors
/// Everything [`DataError`] lists.
pub fn open_split(path: impl AsRef<Path>, split: Split) -> Result<DataSet, DataError> {
    let path = path.as_ref();
    let named = path.to_str().filter(|_| !path.exists()).and_then(|text| {
        let suffixes = [("#train", Split::Train), ("#test", Split::Test)];
        suffixes.iter().find_map(|(suffix, split)| Some((text.strip_suffix(suffix)?, *split)))
    });
    let (path, split) = named.map_or((path, split), |(bare, split)| (Path::new(bare), split));
    let about = std::fs::metadata(path).map_err(|source| DataError::io(path, source))?;
    if about.is_dir() {
        return open_folder(path, split);
    }
    if let Split::Train | Split::Test = split {
        return Err(DataError::Unsupported {
            path: path.to_owned(),
            what: "a split of a single file".to_owned(),
            todo: "give the folder, or the file of that split without `#train` or `#test`",
        });
    }
    open_file(path)
}

fn open_file(path: &Path) -> Result<DataSet, DataError> {
    let (name, head) = (file_name(path), file::head(path)?);
    let unsupported =
        |what: &str, todo| DataError::Unsupported { path: path.to_owned(), what: what.to_owned(), todo };
    match Form::of(&head) {
        Form::Png | Form::Jpeg => folder::single(path),
        Form::Other(what, todo) => Err(unsupported(what, todo)),
        Form::Unknown if picture::is_picture(&name) => folder::single(path),
        Form::Unknown if [".tar.gz", ".tgz", ".tar"].iter().any(|end| name.ends_with(end)) => {
            Err(unsupported("a tar archive", "unpack it with `tar xf` and give the folder that comes out"))
        }
        Form::Unknown if batch::is_pickle(&head) || name.ends_with(".bin") || name.ends_with(".bin.gz") => {
            cifar::open(&[path.to_owned()])
        }
        Form::Unknown => idx::open(path),
    }
}

fn open_folder(path: &Path, split: Split) -> Result<DataSet, DataError> {
    let wanted = split.wanted();
    for &part in wanted {
        let Some(mut set) = open_part(path, part)? else { continue };
        let other = if part == Split::Train { Split::Test } else { Split::Train };
        let taken = set.path.strip_prefix(path).ok().filter(|taken| !taken.as_os_str().is_empty());
        let of = taken.map_or(String::new(), |taken| format!(", {}", taken.display()));
        let why =
            if part == wanted[0] { String::new() } else { format!("; there are no {} images", other.name()) };
        set.notes.insert(0, format!("images: the {} images of {}{of}{why}", part.name(), path.display()));
        return Ok(set);
    }
    let has_files = |root: &Path| {
        [Split::Test, Split::Train]
            .iter()
            .any(|&p| idx::find(root, p).is_some() || cifar::find(root, p).is_some())
    };
    let roots: Vec<&str> = ROOTS.into_iter().filter(|root| has_files(&path.join(root))).collect();
    match roots.as_slice() {
        [] => {}
        [root] => return open_folder(&path.join(root), split),
        several => {
            let (path, names) = (path.to_owned(), several.join(", "));
            return Err(DataError::SeveralSets { path, names });
        }
    }
    if let Split::Train | Split::Test = split {
        let holds = format!("; no {} images are in it", split.name());
        return Err(DataError::NothingFound { path: path.to_owned(), holds });
    }
    folder::open(path)
}

/// The test or training images of a folder, if it has parts.
fn open_part(path: &Path, part: Split) -> Result<Option<DataSet>, DataError> {
    if let Some(images) = idx::find(path, part) {
        return idx::open(&images).map(Some);
    }
    if let Some((batches, missing)) = cifar::find(path, part) {
        let mut set = cifar::open(&batches)?;
        if !missing.is_empty() {
            set.notes.push(format!("note: without {}, which are missing", missing.join(", ")));
        }
        return Ok(Some(set));
    }
    let Some(inside) = part.folders().iter().map(|name| path.join(name)).find(|path| path.is_dir()) else {
        return Ok(None);
    };
    // A class may be called `train`, beside others; a folder of parts has test images, or nothing else.
    let has_test = Split::Test.folders().iter().any(|name| path.join(name).is_dir());
    if !has_test && folder::folders(path)? > 1 {
        return Ok(None);
    }
    let mut set = folder::open(&inside)?;
    set.path = inside;
    Ok(Some(set))
}

/// Whether there is something to open that is no folder; what it is shows when it is opened.
fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok() && !path.is_dir()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default()
}
