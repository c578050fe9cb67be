//! Labelled images from the files people have: IDX, CIFAR, NumPy arrays, folders of PNG and JPEG (`formats` has the table).
//!
//! [`open`] takes any of them and gives a [`DataSet`]: images as bytes in `[C, H, W]` order, by index,
//! with their labels where there are any ([`mod@labels`] says which). Images are never resized, cropped or recoloured; a
//! set that does not match a network is refused by [`DataSet::require_shape`]. The bytes may be anything: nothing
//! panics, nothing in them runs, no buffer grows past what the files can hold, and pipes and devices are not waited for.
//!
//! What was chosen among several things, and what was left out, is in [`DataSet::notes`]. A picture that cannot be read is
//! an error for whoever asks for it: it is never skipped, so an accuracy is that of all pictures of the set.

mod archive;
mod arrays;
mod batch;
mod cifar;
mod cifar_form;
mod error;
mod file;
mod folder;
mod formats;
mod identity;
mod idx;
mod jpeg;
pub mod labels;
mod npy;
mod orientation;
mod pickle;
mod picture;
mod set;
mod split;
#[cfg(test)]
mod tests;

pub use error::DataError;
pub use identity::Identity;
pub use set::{About, DataSet};
pub use split::Split;

use formats::{Found, TABLE};
use std::path::Path;

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
/// - a NumPy array of images, `.npy` with its labels beside it (`x_test.npy` -> `y_test.npy` or `x_test_labels.npy`), or
///   a `.npz` with both, and with a part of each kind where it has several;
/// - one PNG or JPEG image;
/// - a folder with any of these: `t10k-images-idx3-ubyte[.gz]`, `test_batch.bin`, `test.bin`, `cifar-10-batches-py`, images
///   named `INDEX_LABEL.png`, or sub-folders of images, one per class;
/// - a folder of such folders, `train` and `test` (or `val`).
///
/// A path may end in `#train` or `#test` to choose a split of a folder or of a `.npz`.
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
    open_file(path, split)
}

fn open_file(path: &Path, split: Split) -> Result<DataSet, DataError> {
    let format = formats::of(path)?;
    if !format.splits && matches!(split, Split::Train | Split::Test) {
        return Err(DataError::Unsupported {
            path: path.to_owned(),
            what: "a split of a single file".to_owned(),
            todo: "give the folder, or the file of that split without `#train` or `#test`",
        });
    }
    (format.open)(&[path.to_owned()], split)
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
        let has = |part| TABLE.iter().any(|format| (format.find)(root, part).is_some());
        has(Split::Test) || has(Split::Train)
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
        return Err(DataError::NothingFound { path: path.to_owned(), holds, files: formats::files() });
    }
    folder::open(path, &formats::files())
}

/// The test or training images of a folder, if it has parts.
fn open_part(path: &Path, part: Split) -> Result<Option<DataSet>, DataError> {
    let found = TABLE.iter().find_map(|format| Some(((format.find)(path, part)?, format.open)));
    if let Some((Found { files, missing }, open)) = found {
        let mut set = open(&files, part)?;
        if !missing.is_empty() {
            set.notes.push(format!("note: without {}, which are missing", missing.join(", ")));
        }
        return Ok(Some(set));
    }
    let Some(inside) = part.folders().iter().map(|name| path.join(name)).find(|path| path.is_dir()) else {
        return Ok(None);
    };
    // A class may be called `train` or `test`, beside others; a folder of parts has both, or no pictures in other folders.
    let has = |split: Split| split.folders().iter().any(|name| path.join(name).is_dir());
    let beside = folder::classes_beside_parts(path)?;
    let whole = has(Split::Train) && has(Split::Test);
    if !whole && !beside.is_empty() {
        return Ok(None);
    }
    let mut set = folder::open(&inside, &formats::files())?;
    set.path = inside;
    if !beside.is_empty() {
        let names = labels::shortened(&beside, 3);
        set.notes.push(format!("left out: {names} (beside the parts of a data set, so no class of it)"));
    }
    Ok(Some(set))
}
