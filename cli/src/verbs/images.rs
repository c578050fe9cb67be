//! Images for a verb.

use spikegate_testbench::data::{open_split, DataError, DataSet, Split};
use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

/// Opens a data set; says for which argument, what was chosen, and what was left out.
pub fn open(path: &Path, split: Split, argument: &str, say: impl Fn(&str)) -> Result<DataSet, DataError> {
    let set = open_split(path, split)?;
    for note in set.notes() {
        say(&format!("{argument}: {note}"));
    }
    Ok(set)
}

/// At most `count` images of the given shape to calibrate with.
///
/// # Errors
/// Another shape, or an image that does not decode.
pub fn calibration(
    set: &DataSet,
    shape: [usize; 3],
    count: u64,
    say: impl Fn(&str),
) -> Result<Vec<Cow<'_, [u8]>>, DataError> {
    set.require_shape(shape)?;
    let chosen = set.spread(usize::try_from(count).unwrap_or(usize::MAX));
    if chosen.len() < set.len() && set.is_in_order() {
        let over = if set.is_labelled() { "the classes" } else { "the set" };
        say(&format!("--calib: {} of {} images, spread evenly over {over}", chosen.len(), set.len()));
    }
    set.take(&chosen)
}

/// The images from `first` on, at most `count`, of a set for a network that reads `shape` and tells `classes` apart; and
/// their labels.
///
/// # Errors
/// Another shape, no image there, or a label that is no class.
pub fn labelled(
    set: &DataSet,
    shape: [usize; 3],
    classes: usize,
    (first, count): (u64, u64),
    say: impl Fn(&str),
) -> Result<(Range<usize>, Vec<Option<u16>>), DataError> {
    set.require_shape(shape)?;
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    if first >= set.len() {
        return Err(DataError::NoSuchImage { path: set.path().to_owned(), index: first, len: set.len() });
    }
    let last = first.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
    let range = first..last.min(set.len());
    let labels = set.labels(range.clone(), classes)?;
    if let Some(doubt) = set.doubt(classes) {
        say(&doubt);
    }
    Ok((range, labels))
}
