//! Labelled images from the files people have: IDX, CIFAR binary, folders of PNG and JPEG.
//!
//! [`open`] takes any of them and gives a [`DataSet`]: images as bytes in `[C, H, W]` order, by index,
//! with their labels where there are any. Images are never resized, cropped or recoloured; a set that
//! does not match a network is refused by [`DataSet::require_shape`]. The bytes may be anything: nothing
//! panics, and no buffer grows past what the files can hold.

mod cifar;
mod error;
mod file;
mod folder;
mod idx;
#[cfg(test)]
mod tests;

pub use error::DataError;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// Which part of a data set that has several files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Test images where the files have them, else the training images.
    Default,
    /// Test images (`t10k-*`, `test_batch.bin`, `test.bin`).
    Test,
    /// Training images (`train-*`, `data_batch_*.bin`, `train.bin`).
    Train,
}

/// Opens a data set. `path` is one of
/// - an IDX images file, plain or `.gz`; labels are read from the file beside it (`images-idx3` -> `labels-idx1`);
/// - a CIFAR-10 or CIFAR-100 binary file;
/// - one PNG or JPEG image;
/// - a folder with any of these: `t10k-images-idx3-ubyte[.gz]`, `test_batch.bin`, `test.bin`, images named
///   `NN_LABEL.png`, or sub-folders of images, one per class.
///
/// A path may end in `#train` or `#test` to choose a split of a folder.
///
/// # Errors
/// Everything [`DataError`] lists.
pub fn open(path: impl AsRef<Path>) -> Result<DataSet, DataError> {
    let path = path.as_ref();
    let text = path.to_string_lossy();
    if !path.exists() {
        for (suffix, split) in [("#train", Split::Train), ("#test", Split::Test)] {
            if let Some(bare) = text.strip_suffix(suffix) {
                return open_split(bare, split);
            }
        }
    }
    open_split(path, Split::Default)
}

/// As [`open`], with the split given.
///
/// # Errors
/// Everything [`DataError`] lists.
pub fn open_split(path: impl AsRef<Path>, split: Split) -> Result<DataSet, DataError> {
    let path = path.as_ref();
    let about = std::fs::metadata(path).map_err(|source| DataError::io(path, source))?;
    if about.is_dir() {
        return open_folder(path, split);
    }
    if split != Split::Default {
        return Err(DataError::Unsupported {
            path: path.to_owned(),
            what: "a split of a single file".to_owned(),
            todo: "give the folder, or the file of that split without `#train` or `#test`",
        });
    }
    let name = file_name(path);
    if folder::is_image(&name) {
        return folder::single(path);
    }
    if name.ends_with(".bin") {
        return cifar::open(&[path.to_owned()]);
    }
    idx::open(path)
}

fn open_folder(path: &Path, split: Split) -> Result<DataSet, DataError> {
    let wanted: &[Split] = match split {
        Split::Default => &[Split::Test, Split::Train],
        Split::Test => &[Split::Test],
        Split::Train => &[Split::Train],
    };
    for &split in wanted {
        if let Some(images) = idx::find(path, split) {
            return idx::open(&images);
        }
        let batches = cifar::find(path, split);
        if !batches.is_empty() {
            return cifar::open(&batches);
        }
    }
    if split != Split::Default {
        let inside = path.join(if split == Split::Train { "train" } else { "test" });
        if inside.is_dir() {
            return folder::open(&inside);
        }
        return Err(DataError::NothingFound { path: path.to_owned() });
    }
    folder::open(path)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Images by index, with labels.
#[derive(Debug)]
pub struct DataSet {
    path: PathBuf,
    shape: [usize; 3],
    labels: Vec<Option<u16>>,
    class_names: Vec<String>,
    images: Images,
}

/// Where the pixels are.
#[derive(Debug)]
enum Images {
    /// In memory, `stride` bytes apart, the first at `start`, already in `[C, H, W]` order.
    Packed { bytes: Vec<u8>, start: usize, stride: usize },
    /// One file each, decoded when asked for.
    Files(Vec<PathBuf>),
}

impl DataSet {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are no images; a set that opened has at least one.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Extents of every image: channels, rows, columns.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// File or folder the set was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Class names by label, where the data carry them (names of sub-folders); else empty.
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// Whether every image has a label.
    pub fn is_labelled(&self) -> bool {
        self.labels.iter().all(Option::is_some)
    }

    /// Label of an image, counted from 0; `None` where the data say none, or past the end.
    pub fn label(&self, index: usize) -> Option<u16> {
        self.labels.get(index).copied().flatten()
    }

    /// Pixels of an image, `[C, H, W]`, one byte each.
    ///
    /// # Errors
    /// `index` is past the end; or an image file cannot be decoded or has other extents than the first.
    pub fn image(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        let past_end = || DataError::NoSuchImage { path: self.path.clone(), index, len: self.len() };
        match &self.images {
            _ if index >= self.len() => Err(past_end()),
            Images::Packed { bytes, start, stride } => {
                let from = start + index * stride;
                let pixels = bytes.get(from..from + self.shape.iter().product::<usize>());
                pixels.map(Cow::Borrowed).ok_or_else(past_end)
            }
            Images::Files(files) => {
                let file = files.get(index).ok_or_else(past_end)?;
                folder::decode(file, Some(self.shape)).map(|(_, pixels)| Cow::Owned(pixels))
            }
        }
    }

    /// That the images are what a network reads, `[channels, rows, columns]`.
    ///
    /// # Errors
    /// They are not; the message says how.
    pub fn require_shape(&self, expected: [usize; 3]) -> Result<(), DataError> {
        if self.shape == expected {
            return Ok(());
        }
        Err(DataError::WrongImageSize { path: self.path.clone(), expected, got: self.shape })
    }
}
