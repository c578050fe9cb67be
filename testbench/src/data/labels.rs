//! What label an image has: the one place that says so.
//!
//! - IDX and CIFAR files, and NumPy arrays of labels, carry a label for every image.
//! - Pictures in class folders have the label of their folder. Where all folders with pictures have numbers for names, the
//!   number is the label; else labels count the folders in the order of their names, those without pictures included, as
//!   torchvision's `ImageFolder` does (ImageNet's synset names, too). The folders of a set in parts are those of its
//!   training images, so that a class that is missing among the test images moves no label.
//! - Pictures beside each other have one where their name is `INDEX_LABEL` or `NAME_INDEX_LABEL`; none of them has, where
//!   one index would have two labels: the tiles of a picture are named `ROW_COLUMN`.
//!
//! A label that a network has no class for is refused wherever an accuracy is computed.

use super::DataError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// A class folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Label of its pictures.
    pub label: u16,
    /// Name of the folder.
    pub name: String,
    /// Pictures in it.
    pub images: usize,
}

/// Labels of a set.
#[derive(Debug)]
pub(super) enum Labels {
    /// The data say none.
    None,
    /// One byte each, from a file.
    Bytes { path: PathBuf, labels: Vec<u8> },
    /// One number each, from a file.
    Listed { path: PathBuf, labels: Vec<u16> },
    /// From the names of pictures; some may have none. The note says how they were read.
    Names { labels: Vec<Option<u16>>, note: Option<String> },
    /// From class folders.
    Folders { classes: Vec<Class>, numbered: bool, labels: Vec<u16> },
}

impl Labels {
    pub fn get(&self, index: usize) -> Option<u16> {
        match self {
            Labels::None => None,
            Labels::Bytes { labels, .. } => labels.get(index).copied().map(u16::from),
            Labels::Listed { labels, .. } => labels.get(index).copied(),
            Labels::Names { labels, .. } => labels.get(index).copied().flatten(),
            Labels::Folders { labels, .. } => labels.get(index).copied(),
        }
    }

    pub fn classes(&self) -> &[Class] {
        match self {
            Labels::Folders { classes, .. } => classes,
            _ => &[],
        }
    }

    /// What people should know of them, in lines.
    pub fn notes(&self) -> Vec<String> {
        match self {
            Labels::None | Labels::Bytes { .. } | Labels::Listed { .. } => Vec::new(),
            Labels::Names { note, .. } => note.iter().cloned().collect(),
            Labels::Folders { classes, numbered, .. } => {
                let named = |c: &Class| match *numbered {
                    true => c.label.to_string(),
                    false => format!("{} {}", c.label, c.name),
                };
                let all: Vec<String> = classes.iter().map(named).collect();
                let how =
                    if *numbered { "the folders' numbers" } else { "folders in the order of their names" };
                let mut notes = vec![format!("classes: {} ({how})", shortened(&all, 10))];
                let empty: Vec<String> =
                    classes.iter().filter(|c| c.images == 0).map(|c| c.name.clone()).collect();
                if !empty.is_empty() {
                    let names = shortened(&empty, 3);
                    notes.push(format!("no pictures in {names}: the labels of the other folders stay"));
                }
                notes
            }
        }
    }

    /// The file that they are read from; none where they come from names.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Labels::Bytes { path, .. } | Labels::Listed { path, .. } => Some(path),
            Labels::None | Labels::Names { .. } | Labels::Folders { .. } => None,
        }
    }

    /// That every label of some images is one of a network's classes; `place` names an image.
    pub fn require_classes(
        &self,
        indexes: &[usize],
        classes: usize,
        place: impl Fn(usize) -> PathBuf,
    ) -> Result<(), DataError> {
        let outside = |i: &usize| self.get(*i).is_some_and(|label| usize::from(label) >= classes);
        let Some(index) = indexes.iter().copied().find(outside) else { return Ok(()) };
        let path = self.path().map_or_else(|| place(index), Path::to_owned);
        let label = self.get(index).unwrap_or_default();
        let no_zero = || indexes.iter().filter_map(|&i| self.get(i)).all(|label| label > 0);
        let from_one = usize::from(label) == classes && no_zero();
        Err(DataError::LabelOutside {
            path,
            index,
            label,
            classes,
            todo: if from_one {
                "labels count from 0, these seem to count from 1"
            } else {
                "use the data set that the network was trained on"
            },
        })
    }

    /// What does not fit a network of so many classes and may still be meant.
    pub fn doubt(&self, classes: usize) -> Option<String> {
        let Labels::Folders { classes: folders, numbered: false, .. } = self else { return None };
        (folders.len() != classes).then(|| {
            format!(
                "note: {} class folders, the network has {classes} classes: the labels are right only if no folder is \
                 missing before another",
                folders.len()
            )
        })
    }
}

/// The first names of a list, and how many more there are.
pub(super) fn shortened(names: &[String], most: usize) -> String {
    match names {
        [first @ .., last] if first.len() > most => {
            format!("{}, ..., {last}", first[..most].join(", "))
        }
        _ => names.join(", "),
    }
}

/// What label the name of a class folder stands for.
#[derive(Debug, PartialEq)]
pub(super) enum Naming {
    /// Its number.
    Numbers,
    /// Its place among these, which are in order.
    Places(Vec<OsString>),
}

impl Naming {
    /// By the names of class folders, and whether there are pictures in each: a folder without any does not make numbers
    /// places.
    ///
    /// # Errors
    /// There are more than labels.
    pub fn of(folders: &BTreeMap<OsString, bool>) -> Result<Self, DataError> {
        if folders.iter().all(|(name, &pictures)| !pictures || number(&name.to_string_lossy()).is_some()) {
            return Ok(Self::Numbers);
        }
        if u16::try_from(folders.len() - 1).is_err() {
            return Err(DataError::TooManyClasses { count: folders.len() });
        }
        Ok(Self::Places(folders.keys().cloned().collect()))
    }

    /// The label of a folder; none if it is no class.
    pub fn label(&self, folder: &OsStr) -> Option<u16> {
        match self {
            Self::Numbers => number(&folder.to_string_lossy()),
            Self::Places(names) => {
                names.binary_search_by(|name| name.as_os_str().cmp(folder)).ok().map(|n| n as u16)
            }
        }
    }
}

/// The name of a file or folder.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|_| is_number(text))
}

/// Digits of an index, at most: eight are a date.
const INDEX_DIGITS: usize = 7;

/// A name that is read as `INDEX_LABEL`.
#[derive(Debug, PartialEq)]
struct Named<'a> {
    /// All before the label.
    index: &'a str,
    label: u16,
}

/// What names such as `03_5.png` and `cifar10_03_5.png` say: an index of up to seven digits, and a label without zeros
/// before it. Names that cameras and phones give say nothing: dates and times are longer numbers or more than two, counters
/// have zeros before them, and the usual words are known.
fn in_name(path: &Path) -> Option<Named<'_>> {
    let camera =
        ["img", "dsc", "dscn", "dscf", "pxl", "vid", "mvi", "win", "pict", "scan", "photo", "screenshot"];
    let stem = path.file_stem()?.to_str()?;
    let (rest, label) = stem.rsplit_once('_')?;
    let (word, index) = rest.rsplit_once('_').unwrap_or(("", rest));
    let numbers_before = word.split(['_', '-']).any(is_number);
    let from_camera = word.split('_').next().is_some_and(|w| camera.contains(&w.to_lowercase().as_str()));
    let is_index = is_number(index) && index.len() <= INDEX_DIGITS;
    let is_label = label == "0" || !label.starts_with('0');
    let label = (is_index && is_label && !numbers_before && !from_camera).then(|| number(label)).flatten();
    label.map(|label| Named { index: rest, label })
}

/// The labels in the names of pictures that lie beside each other.
pub(super) fn in_names(files: &[PathBuf]) -> Labels {
    let named: Vec<Option<Named<'_>>> = files.iter().map(|file| in_name(file)).collect();
    let found = || named.iter().zip(files).filter_map(|(named, file)| Some((named.as_ref()?, file)));
    let mut seen = BTreeMap::new();
    for (Named { index, label }, file) in found() {
        let &mut (other, first) = seen.entry(index).or_insert((label, file));
        if other != label {
            let (first, second) = (name(first), name(file));
            let note =
                format!("no labels: {first} and {second} have one index, so the names are not INDEX_LABEL");
            return Labels::Names { labels: vec![None; files.len()], note: Some(note) };
        }
    }
    let example =
        found().next().map(|(Named { label, .. }, file)| format!("{} is of class {label}", name(file)));
    let note = example.map(|example| match (found().count(), files.len()) {
        (n, all) if n == all => format!("labels: from the names of the pictures, INDEX_LABEL: {example}"),
        (n, all) => format!(
            "labels: {n} of {all} pictures have one in their name (INDEX_LABEL: {example}); without the others no \
             accuracy is computed"
        ),
    });
    Labels::Names {
        labels: named.iter().map(|named| named.as_ref().map(|named| named.label)).collect(),
        note,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_and_without_labels() {
        let labels =
            [("03_5", 5), ("cifar10_03_5", 5), ("00017_0", 0), ("a_b_12_999", 999), ("x_1234567_3", 3)];
        for (name, label) in labels {
            assert_eq!(in_name(Path::new(name)).map(|named| named.label), Some(label), "{name}");
        }
        for name in [
            "IMG_20230514_0040",
            "IMG_20230514_40",
            "IMG_0040_1",
            "dsc_0040_2",
            "20230514_101112",
            "20230514_4",
            "IMG_20230514_101112_1",
            "2023_05_14",
            "2023-05-14_10_11",
            "WIN_20230514_10_11_12_Pro",
            "Screenshot_20230514_101112",
            "frame_0001_0002",
            "ILSVRC2012_val_00000040",
            "holiday",
            "holiday_3",
            "1_70000",
            "_5",
            "3_",
            "3_+5",
        ] {
            assert_eq!(in_name(Path::new(name)), None, "{name}");
        }
    }

    #[test]
    fn the_tiles_of_a_picture_have_no_labels() {
        let of = |names: &[&str]| match in_names(&names.iter().map(PathBuf::from).collect::<Vec<_>>()) {
            Labels::Names { labels, note } => (labels, note.unwrap_or_default()),
            other => unreachable!("{other:?}"),
        };
        let (labels, note) = of(&["tile_0_0.png", "tile_0_1.png", "tile_1_0.png", "tile_1_1.png"]);
        assert_eq!(labels, [None; 4]);
        assert_eq!(
            note,
            "no labels: tile_0_0.png and tile_0_1.png have one index, so the names are not INDEX_LABEL"
        );
        // The same picture twice, and the same index of two sets.
        let (labels, note) = of(&["a_0_1.jpg", "a_0_1.png", "b_0_2.png"]);
        assert_eq!(labels, [1, 1, 2].map(Some));
        assert_eq!(note, "labels: from the names of the pictures, INDEX_LABEL: a_0_1.jpg is of class 1");
        assert_eq!(of(&["holiday.png"]), (vec![None], String::new()));
    }

    #[test]
    fn folders_count_by_number_or_by_place() {
        let of = |names: &[&str], empty: &[&str]| {
            let with = names.iter().map(|name| (OsString::from(name), true));
            let all = with.chain(empty.iter().map(|name| (OsString::from(name), false)));
            let naming = Naming::of(&all.collect()).expect("few");
            let label = |name: &&str| naming.label(OsStr::new(name));
            names.iter().chain(empty).map(label).collect::<Vec<_>>()
        };
        assert_eq!(of(&["0", "1", "10", "2"], &[]), [0, 1, 10, 2].map(Some));
        assert_eq!(of(&["007", "01"], &["3"]), [7, 1, 3].map(Some));
        assert_eq!(of(&["0", "1", "10", "2"], &["unsorted"]), [Some(0), Some(1), Some(10), Some(2), None]);
        assert_eq!(of(&["0", "1", "other"], &[]), [0, 1, 2].map(Some));
        assert_eq!(of(&["n01440764", "n01443537"], &["n00"]), [1, 2, 0].map(Some));
    }

    #[test]
    fn long_lists_are_shortened() {
        let names: Vec<String> = (0..5).map(|n| n.to_string()).collect();
        assert_eq!(shortened(&names, 4), "0, 1, 2, 3, 4");
        assert_eq!(shortened(&names, 3), "0, 1, 2, ..., 4");
    }
}
