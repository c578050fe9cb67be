//! A data set that is open: images by index, their labels, and what there is to say about them.

use super::file::Store;
use super::labels::{shortened, Class, Labels};
use super::{picture, DataError};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Most bytes of images that are held at a time.
const MAX_TAKEN: usize = 2 << 30;

/// Images by index, with labels.
#[derive(Debug)]
pub struct DataSet {
    pub(super) path: PathBuf,
    pub(super) shape: [usize; 3],
    pub(super) len: usize,
    pub(super) labels: Labels,
    pub(super) images: Images,
    /// What was chosen and what was left out.
    pub(super) notes: Vec<String>,
}

/// Where the pixels are.
#[derive(Debug)]
pub(super) enum Images {
    /// `stride` bytes apart, the first at `start`; out of `files`.
    Packed { files: Vec<PathBuf>, bytes: Store, start: u64, stride: usize, order: Order },
    /// One file each, decoded when asked for.
    Files(Vec<PathBuf>),
}

/// How the pixels of an image lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// As they are given, `[C, H, W]`.
    Planes,
    /// The channels of a pixel beside each other, `[H, W, C]`.
    Interleaved,
}

/// What a set is, for machines.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// File or folder that the images come from.
    pub path: PathBuf,
    /// Images in it.
    pub images: usize,
    /// Class folders by label; empty where labels come from elsewhere.
    pub classes: Vec<Class>,
    /// What was chosen and what was left out.
    pub notes: Vec<String>,
}

impl DataSet {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no images; a set that opened has at least one.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Extents of every image: channels, rows, columns.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// File or folder the set was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Class folders by label; empty where labels come from elsewhere.
    pub fn classes(&self) -> &[Class] {
        self.labels.classes()
    }

    /// Whether every image has a label.
    pub fn is_labelled(&self) -> bool {
        (0..self.len).all(|i| self.label(i).is_some())
    }

    /// Label of an image, counted from 0; `None` where the data say none, or past the end.
    pub fn label(&self, index: usize) -> Option<u16> {
        self.labels.get(index)
    }

    /// What was chosen, which labels stand for what, and what was left out: lines for people.
    pub fn notes(&self) -> Vec<String> {
        self.notes.iter().cloned().chain(self.labels.notes()).collect()
    }

    /// The same for machines.
    pub fn about(&self) -> About {
        let (path, classes) = (self.path.clone(), self.classes().to_vec());
        About { path, images: self.len, classes, notes: self.notes() }
    }

    /// Labels of some images, for an accuracy of a network with so many classes.
    ///
    /// # Errors
    /// A label is none of the classes.
    pub fn labels(&self, indexes: &[usize], classes: usize) -> Result<Vec<Option<u16>>, DataError> {
        self.labels.require_classes(indexes, classes, |i| self.place(i))?;
        Ok(indexes.iter().map(|&i| self.label(i)).collect())
    }

    /// What does not fit a network of so many classes and may still be meant: a line for people.
    pub fn doubt(&self, classes: usize) -> Option<String> {
        self.labels.doubt(classes)
    }

    /// File of an image.
    fn place(&self, index: usize) -> PathBuf {
        match &self.images {
            Images::Files(files) => files.get(index).unwrap_or(&self.path).clone(),
            Images::Packed { .. } => self.path.clone(),
        }
    }

    /// Pixels of an image, `[C, H, W]`, one byte each.
    ///
    /// # Errors
    /// `index` is past the end; or an image file cannot be decoded or has other extents than the first.
    pub fn image(&self, index: usize) -> Result<Cow<'_, [u8]>, DataError> {
        let past_end = || DataError::NoSuchImage { path: self.path.clone(), index, len: self.len };
        match &self.images {
            _ if index >= self.len => Err(past_end()),
            Images::Packed { bytes, start, stride, order, .. } => {
                let pixels = bytes.at(start + index as u64 * *stride as u64, self.shape.iter().product());
                let pixels = pixels.map_err(|source| DataError::io(&self.path, source))?;
                Ok(match order {
                    Order::Planes => pixels,
                    Order::Interleaved => Cow::Owned(planes(&pixels, self.shape[0])),
                })
            }
            Images::Files(files) => {
                let path = files.get(index).ok_or_else(past_end)?;
                let (got, pixels) = picture::decode(path)?;
                if got != self.shape {
                    return Err(DataError::MixedSizes { path: path.clone(), expected: self.shape, got });
                }
                Ok(Cow::Owned(pixels))
            }
        }
    }

    /// That all pictures among the given ones can be read, before a long work begins. Packed images were judged as a whole
    /// when the set was opened.
    ///
    /// # Errors
    /// One cannot; others that cannot are counted and named.
    pub fn check(&self, indexes: impl IntoIterator<Item = usize>) -> Result<(), DataError> {
        let Images::Files(files) = &self.images else { return Ok(()) };
        let (mut first, mut others, mut of) = (None, Vec::new(), 0);
        for index in indexes {
            of += 1;
            if let Err(error) = self.image(index) {
                match first {
                    None => first = Some(error),
                    Some(_) => {
                        others.push(files.get(index).map_or(String::new(), |f| f.display().to_string()))
                    }
                }
            }
        }
        match first {
            None => Ok(()),
            Some(first) if others.is_empty() => Err(first),
            Some(first) => {
                let (count, names) = (others.len() + 1, shortened(&others, 3));
                Err(DataError::Several { first: Box::new(first), count, of, names })
            }
        }
    }

    /// How many of some pictures say that they are to be turned or mirrored when they are shown (EXIF). That is not done: the
    /// pixels are those that PIL and torchvision's `ImageFolder` give.
    pub fn turned(&self, indexes: &[usize]) -> usize {
        let Images::Files(files) = &self.images else { return 0 };
        let given = indexes.iter().filter_map(|&index| files.get(index));
        given.filter(|file| picture::is_turned(file)).count()
    }

    /// Some images at once.
    ///
    /// # Errors
    /// They do not fit into memory, or one cannot be read (see [`DataSet::check`]).
    pub fn take(&self, indexes: &[usize]) -> Result<Vec<Cow<'_, [u8]>>, DataError> {
        let bytes = indexes.len().saturating_mul(self.shape.iter().product());
        if bytes > MAX_TAKEN {
            let (path, images) = (self.path.clone(), indexes.len());
            return Err(DataError::TooManyTaken { path, images, bytes, limit: MAX_TAKEN });
        }
        let images: Result<_, DataError> = indexes.iter().map(|&i| self.image(i)).collect();
        images.map_err(|error| self.check(indexes.iter().copied()).err().unwrap_or(error))
    }

    /// Whether [`DataSet::spread`] chooses from everywhere: sets with labels over the classes, pictures without any over
    /// the set, for they come by their names.
    pub fn is_spread(&self) -> bool {
        self.is_labelled() || matches!(self.images, Images::Files(_))
    }

    /// The files that its images and labels are read from.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        let images = match &self.images {
            Images::Packed { files, .. } | Images::Files(files) => files,
        };
        images.iter().map(PathBuf::as_path).chain(self.labels.path())
    }

    /// Images that stand for all, to calibrate with or to measure on, spread evenly over the classes. Of sets without labels
    /// pictures are spread over the set; of others it is the first images, which are in no order that is known.
    pub fn spread(&self, count: usize) -> Vec<usize> {
        self.spread_apart(count, (0, 1))
    }

    /// As [`DataSet::spread`], the selection of a number out of several, which have nothing in common as far as there are
    /// enough images.
    pub fn spread_apart(&self, count: usize, (number, of): (usize, usize)) -> Vec<usize> {
        if count >= self.len || !self.is_spread() {
            let first = if (number + 1) * count <= self.len { number * count } else { 0 };
            return (first..self.len.min(first + count)).collect();
        }
        let mut by_label: BTreeMap<Option<u16>, Vec<usize>> = BTreeMap::new();
        for index in 0..self.len {
            by_label.entry(self.label(index)).or_default().push(index);
        }
        let groups: Vec<Vec<usize>> = by_label.into_values().collect();
        let mut shares = vec![0; groups.len()];
        if count < groups.len() {
            evenly(groups.len(), count).for_each(|group| shares[group] = 1);
        } else {
            // One more of each in turn, as far as they go.
            let mut left = count;
            while left > 0 {
                for (share, group) in shares.iter_mut().zip(&groups) {
                    if *share < group.len() && left > 0 {
                        *share += 1;
                        left -= 1;
                    }
                }
            }
        }
        let chosen = groups.iter().zip(shares).flat_map(|(group, share)| {
            evenly(group.len(), share * of).skip(number).step_by(of).map(|i| group[i]).collect::<Vec<_>>()
        });
        let mut chosen: Vec<usize> = chosen.collect();
        chosen.sort_unstable();
        chosen
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

/// Pixels whose channels lie beside each other, plane by plane.
fn planes(pixels: &[u8], channels: usize) -> Vec<u8> {
    (0..channels).flat_map(|c| pixels.iter().skip(c).step_by(channels)).copied().collect()
}

/// `count` of `len` places, evenly.
fn evenly(len: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |i| i * len / count)
}
