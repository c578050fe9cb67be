//! Images for a verb.

use anyhow::Result;
use spikegate_testbench::data::{open, open_split, DataError, DataSet, Split};
use std::borrow::Cow;
use std::path::Path;

/// Opens a data set, with the training images of a folder that has several splits.
pub fn open_training(path: &Path) -> Result<DataSet, DataError> {
    match open_split(path, Split::Train) {
        Ok(set) => Ok(set),
        // A single file, a folder of images, or a path that names its split.
        Err(DataError::Unsupported { .. } | DataError::NothingFound { .. } | DataError::Io { .. }) => {
            open(path)
        }
        Err(other) => Err(other),
    }
}

/// At most `count` images from `first` on, of the given shape.
///
/// # Errors
/// Another shape, no image there, or one that does not decode.
pub fn take(
    set: &DataSet,
    shape: [usize; 3],
    first: u64,
    count: u64,
) -> Result<Vec<Cow<'_, [u8]>>, DataError> {
    set.require_shape(shape)?;
    range(set, first, count).map(|i| set.image(i)).collect()
}

/// Labels of the same images.
pub fn labels(set: &DataSet, first: u64, count: u64) -> Vec<Option<u16>> {
    range(set, first, count).map(|i| set.label(i)).collect()
}

/// The wanted images that exist; never empty, so that a first image past the end is an error.
fn range(set: &DataSet, first: u64, count: u64) -> std::ops::Range<usize> {
    let first = usize::try_from(first).unwrap_or(usize::MAX - 1);
    let last = first.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
    first..last.min(set.len()).max(first + 1)
}
