//! Images for a verb.

use serde::Serialize;
use spikegate_compiler::calibrate::DEFAULT_IMAGES;
use spikegate_testbench::data::labels::Class;
use spikegate_testbench::data::{open_split, About, DataError, DataSet, Identity, Split};
use std::borrow::Cow;
use std::path::Path;

/// The data set of a result.
#[derive(Serialize)]
#[serde(untagged)]
pub enum Set {
    /// One that was opened.
    Opened(About),
    /// One that shards have run.
    Recorded(Identity),
}

impl Set {
    /// Class folders by label.
    pub fn classes(&self) -> &[Class] {
        match self {
            Self::Opened(about) => &about.classes,
            Self::Recorded(identity) => &identity.classes,
        }
    }
}

/// Opens a data set; says for which argument, what was chosen, and what was left out.
pub fn open(path: &Path, split: Split, argument: &str, say: impl Fn(&str)) -> Result<DataSet, DataError> {
    let set = open_split(path, split)?;
    for note in set.notes() {
        say(&format!("{argument}: {note}"));
    }
    Ok(set)
}

/// At most `count` images of the given shape that stand for all, by their places.
///
/// # Errors
/// Another shape.
pub fn spread(
    set: &DataSet,
    shape: [usize; 3],
    count: u64,
    argument: &str,
    say: impl Fn(&str),
) -> Result<Vec<usize>, DataError> {
    set.require_shape(shape)?;
    let chosen = set.spread(usize::try_from(count).unwrap_or(usize::MAX));
    if chosen.len() < set.len() && set.is_spread() {
        let over = if set.is_labelled() { "the classes" } else { "the set" };
        say(&format!("{argument}: {} of {} images, spread evenly over {over}", chosen.len(), set.len()));
    }
    fewer(count, chosen.len(), argument, &say);
    turned(set, &chosen, argument, say);
    Ok(chosen)
}

/// Says how many of the chosen pictures are to be turned and are not.
fn turned(set: &DataSet, chosen: &[usize], argument: &str, say: impl Fn(&str)) {
    let count = set.turned(chosen);
    if count > 0 {
        say(&format!(
            "{argument}: note: {count} of {} pictures have an EXIF orientation, which is not applied, as PIL does not",
            chosen.len()
        ));
    }
}

/// Says that there are fewer images than a number that was asked for, which the usual ones are not.
fn fewer(asked: u64, got: usize, argument: &str, say: impl Fn(&str)) {
    if ![u64::MAX, DEFAULT_IMAGES as u64].contains(&asked) && (got as u64) < asked {
        say(&format!("{argument}: note: there are {got} images, not {asked}"));
    }
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
    let images = set.take(&spread(set, shape, count, "--calib", &say)?)?;
    let mut pixels = images.iter().flat_map(|image| image.iter());
    let first = pixels.next();
    if first.is_some() && pixels.all(|pixel| Some(pixel) == first) {
        let of = if images.len() == 1 {
            "the image is".to_owned()
        } else {
            format!("all {} images are", images.len())
        };
        say(&format!("--calib: note: {of} of one colour: the scales are not those of pictures"));
    }
    Ok(images)
}

/// The places of the images from `first` on, at most `count`, of a set for a network that reads `shape`.
///
/// # Errors
/// Another shape, or no image there.
pub fn range(
    set: &DataSet,
    shape: [usize; 3],
    (first, count): (u64, u64),
    argument: &str,
    say: impl Fn(&str),
) -> Result<Vec<usize>, DataError> {
    set.require_shape(shape)?;
    let first = usize::try_from(first).unwrap_or(usize::MAX);
    if first >= set.len() {
        return Err(DataError::NoSuchImage { path: set.path().to_owned(), index: first, len: set.len() });
    }
    let last = first.saturating_add(usize::try_from(count).unwrap_or(usize::MAX));
    let chosen: Vec<usize> = (first..last.min(set.len())).collect();
    fewer(count, chosen.len(), argument, &say);
    turned(set, &chosen, argument, say);
    Ok(chosen)
}

/// Labels of images, for a network that tells `classes` apart.
///
/// # Errors
/// A label that is no class.
pub fn labels(
    set: &DataSet,
    indexes: &[usize],
    classes: usize,
    argument: &str,
    say: impl Fn(&str),
) -> Result<Vec<Option<u16>>, DataError> {
    let labels = set.labels(indexes, classes)?;
    if let Some(doubt) = set.doubt(classes) {
        say(&doubt);
    }
    if let [Some(label), .., _] = labels[..] {
        let is_other = |other: Option<u16>| other != Some(label);
        if !labels.iter().copied().any(is_other) && (0..set.len()).any(|i| is_other(set.label(i))) {
            let (of, all) = (labels.len(), set.len());
            say(&format!("{argument}: note: these {of} of {all} images are all of class {label}"));
        }
    }
    Ok(labels)
}
