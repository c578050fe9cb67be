//! Images and labels out of NumPy arrays: a `.npy` file with its labels beside it, or a pair of arrays in a `.npz`.
//!
//! Images are uint8, or floats from 0 to 1, which are taken times 255. Axes are (N, H, W), (N, C, H, W) or (N, H, W, C)
//! with one or three channels; where both of the last would do, or neither, the array is refused. Labels are whole
//! numbers, one an image.

use super::file::{self, is_there, Store};
use super::labels::Labels;
use super::npy::{Header, HEAD_BYTES};
use super::set::{Images, Order};
use super::{DataError, DataSet, Split};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use zip::ZipArchive;

/// Most images, so that their labels fit into memory.
const MAX_IMAGES: u64 = 1 << 26;
/// Most arrays of an archive; data sets have six.
const MAX_ARRAYS: usize = 64;
/// Most bytes of an archive's file.
const MAX_ARCHIVE: u64 = 1 << 30;

/// Names of images and of their labels: in an archive, and of `.npy` files beside each other.
const PAIRS: [(&str, &str, Option<Split>); 8] = [
    ("x_test", "y_test", Some(Split::Test)),
    ("test_images", "test_labels", Some(Split::Test)),
    ("x_train", "y_train", Some(Split::Train)),
    ("train_images", "train_labels", Some(Split::Train)),
    ("images", "labels", None),
    ("x", "y", None),
    ("data", "labels", None),
    ("arr_0", "arr_1", None),
];

/// The array with the images of a split in a folder.
pub(super) fn find(folder: &Path, split: Split) -> Option<PathBuf> {
    let of = PAIRS.iter().filter(|(.., part)| *part == Some(split));
    of.map(|(images, ..)| folder.join(format!("{images}.npy"))).find(|path| is_there(path))
}

/// Opens a `.npy` file of images, and the labels beside it.
pub(super) fn open(path: &Path) -> Result<DataSet, DataError> {
    let images = Array::open(path)?;
    let labels = match labels_beside(path) {
        Some(beside) => Some(Array::open(&beside)?),
        None => None,
    };
    set(path, images, labels)
}

/// `x_test.npy` has `x_test_labels.npy` or `y_test.npy`.
fn labels_beside(images: &Path) -> Option<PathBuf> {
    let stem = images.file_stem()?.to_str()?;
    let pair = PAIRS.iter().find(|(images, ..)| *images == stem).map(|(_, labels, _)| (*labels).to_owned());
    let named = stem.contains("images").then(|| stem.replace("images", "labels"));
    let names = [Some(format!("{stem}_labels")), pair, named];
    let mut paths = names.into_iter().flatten().map(|name| images.with_file_name(format!("{name}.npy")));
    paths.find(|path| is_there(path))
}

/// Opens an archive; of several parts the one that is wanted.
pub(super) fn open_archive(path: &Path, split: Split) -> Result<DataSet, DataError> {
    let (file, bytes) = file::open(path)?;
    if bytes > MAX_ARCHIVE {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes, limit: MAX_ARCHIVE });
    }
    let bad = |what: String| DataError::BadArray { path: path.to_owned(), what };
    let entries = entries(path, &file, bytes)?;
    let mut zip = ZipArchive::new(file).map_err(|e| bad(format!("it is no whole zip archive ({e})")))?;
    let mut names: Vec<String> = zip.file_names().map(str::to_owned).collect();
    names.sort();
    // What reads the archive keeps one of a name; NumPy might take the other.
    if names.len() < entries {
        let held = names.join(", ");
        return Err(bad(format!(
            "{entries} arrays in it have {} names ({held}): some have the same",
            names.len()
        )));
    }
    // The name of an entry is its array's and `.npy`.
    let has = |name: &str| {
        names.iter().any(|n| n.strip_suffix(".npy").is_some_and(|n| n.eq_ignore_ascii_case(name)))
    };
    let of = |part: Option<Split>| PAIRS.iter().find(|(images, _, p)| *p == part && has(images));
    let parts = split.wanted().iter().map(|&part| Some(part));
    let any = matches!(split, Split::Default | Split::Calibration).then_some(None);
    let Some((images, labels, part)) = parts.chain(any).find_map(of) else {
        let shown: Vec<String> = names.iter().take(8).map(|n| format!("{n:?}")).collect();
        return Err(bad(format!(
            "it holds {}, expected x_test and y_test (or x_train and y_train), test_images and test_labels, images and \
             labels, or arr_0 and arr_1",
            if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
        )));
    };
    let mut array = |name: &str| {
        let full =
            names.iter().find(|n| n.strip_suffix(".npy").is_some_and(|n| n.eq_ignore_ascii_case(name)));
        full.map(|full| Array::unpack(path, &mut zip, full)).transpose()
    };
    let found = array(images)?.ok_or_else(|| bad(format!("it has no {images}")))?;
    let beside = array(labels)?;
    let mut set = set(path, found, beside)?;
    let chosen = part.map_or(String::new(), |part| format!(" (the {} images)", part.name()));
    let with = if has(labels) { format!("labels: {labels}") } else { format!("there is no {labels}") };
    set.notes.insert(0, format!("images: {images} of {}{chosen}, {with}", path.display()));
    Ok(set)
}

/// How many files an archive holds. Its directory is read whole: it must say that it is small. Its end is in the last 64 KiB.
fn entries(path: &Path, file: &File, bytes: u64) -> Result<usize, DataError> {
    const END: usize = 22;
    let bad = |what: &str| DataError::BadArray { path: path.to_owned(), what: what.to_owned() };
    let take = bytes.min((END + (1 << 16)) as u64);
    let mut tail = vec![0; take as usize];
    file.read_exact_at(&mut tail, bytes - take).map_err(|e| DataError::io(path, e))?;
    let end = tail.windows(4).rposition(|w| w == b"PK\x05\x06").filter(|at| at + END <= tail.len());
    let at = end.ok_or_else(|| bad("it is no whole zip archive (it has no end)"))?;
    // The form for more files, or larger archives, than are read here.
    if at >= 20 && tail[at - 20..].starts_with(b"PK\x06\x07") {
        return Err(bad("its directory is that of an archive of over 65535 files or 4 GiB"));
    }
    let end = &tail[at..];
    let entries = usize::from(u16::from_le_bytes([end[10], end[11]]));
    if entries > MAX_ARRAYS {
        return Err(bad(&format!("it says that it holds {entries} arrays, expected at most {MAX_ARRAYS}")));
    }
    Ok(entries)
}

/// An array: its header, and where its values are.
struct Array {
    /// For messages.
    path: PathBuf,
    header: Header,
    store: Store,
}

impl Array {
    fn open(path: &Path) -> Result<Self, DataError> {
        let (mut file, length) = file::open(path)?;
        let mut head = Vec::new();
        file.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut head).map_err(|e| DataError::io(path, e))?;
        let header = Header::read(path, &head)?;
        require_length(path, &header, length)?;
        Ok(Self { path: path.to_owned(), header, store: Store::File(file) })
    }

    /// Unpacks one array of an archive, once its header says how long it is and the archive says the same.
    fn unpack(path: &Path, zip: &mut ZipArchive<File>, name: &str) -> Result<Self, DataError> {
        let path = path.join(name);
        let bad = |what: String| DataError::BadArray { path: path.clone(), what };
        let mut entry = zip.by_name(name).map_err(|e| bad(e.to_string()))?;
        let (said, limit) = (entry.size(), file::MAX_UNPACKED);
        let mut bytes = Vec::new();
        let broken = |e: std::io::Error| bad(format!("it cannot be unpacked ({e})"));
        entry.by_ref().take(HEAD_BYTES as u64).read_to_end(&mut bytes).map_err(broken)?;
        let header = Header::read(&path, &bytes)?;
        require_length(&path, &header, said)?;
        if header.bytes() > limit {
            return Err(DataError::TooLarge { path: path.clone(), bytes: header.bytes(), limit });
        }
        let rest = (header.bytes() + 1).saturating_sub(bytes.len() as u64);
        entry.take(rest).read_to_end(&mut bytes).map_err(broken)?;
        require_length(&path, &header, bytes.len() as u64)?;
        Ok(Self { path, header, store: Store::Memory(bytes) })
    }

    /// All values, of at most `limit` bytes.
    fn values(&self, limit: u64) -> Result<Vec<f64>, DataError> {
        let Header { kind, start, .. } = self.header;
        let bytes = self.header.bytes() - start as u64;
        if bytes > limit {
            return Err(DataError::TooLarge { path: self.path.clone(), bytes, limit });
        }
        let bytes = self.store.at(start as u64, bytes as usize);
        let bytes = bytes.map_err(|source| DataError::io(&self.path, source))?;
        Ok(bytes.chunks_exact(kind.size).map(|value| kind.value(value)).collect())
    }
}

fn require_length(path: &Path, header: &Header, got: u64) -> Result<(), DataError> {
    let (expected, what) =
        (header.bytes(), format!("{} of shape {}", header.kind.name(), header.shape_text()));
    let path = path.to_owned();
    match got.cmp(&expected) {
        std::cmp::Ordering::Less => Err(DataError::Truncated { path, what, expected, got }),
        std::cmp::Ordering::Greater => {
            Err(DataError::SizesDisagree { path, expected: format!("{what} ({expected} bytes)"), got })
        }
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// Count, extents `[C, H, W]`, where the channels are, and the axes for people.
fn axes(images: &Array) -> Result<(usize, [usize; 3], Order, &'static str), DataError> {
    let shape = images.header.shape_text();
    let refuse = |what: String, todo| Err(DataError::Unsupported { path: images.path.clone(), what, todo });
    let is_channels = |n: usize| n == 1 || n == 3;
    Ok(match images.header.shape[..] {
        [n, h, w] if w != 3 => (n, [1, h, w], Order::Planes, "(N, H, W)"),
        [_, _, _] => {
            return refuse(
                format!("an array of shape {shape}, one picture (H, W, 3) or pictures three pixels wide,"),
                "give it four axes: images[None] or images[:, None]",
            )
        }
        [n, c, h, w] => match (is_channels(c), is_channels(w)) {
            (true, false) => (n, [c, h, w], Order::Planes, "(N, C, H, W)"),
            (false, true) => (n, [w, c, h], Order::Interleaved, "(N, H, W, C)"),
            (true, true) => {
                return refuse(
                    format!("an array of shape {shape}, (N, C, H, W) or (N, H, W, C) alike,"),
                    "write it as an IDX file or as pictures",
                )
            }
            (false, false) => {
                return refuse(
                    format!("an array of shape {shape} without an axis of 1 or 3 channels"),
                    "save it as (N, C, H, W) or (N, H, W, C)",
                )
            }
        },
        _ => {
            return refuse(
                format!("an array of shape {shape} for images"),
                "save it as (N, H, W), (N, C, H, W) or (N, H, W, C)",
            )
        }
    })
}

/// The set of an array of images and its labels.
fn set(path: &Path, images: Array, labels: Option<Array>) -> Result<DataSet, DataError> {
    let (len, shape, order, said) = axes(&images)?;
    let (count, bytes) = (len as u64, images.header.bytes());
    if count > MAX_IMAGES {
        let (path, limit) = (images.path, MAX_IMAGES as usize);
        return Err(DataError::TooManyImages { path, images: count, bytes, limit });
    }
    if len == 0 || shape.contains(&0) {
        let expected = format!("shape {}: at least one pixel is needed", images.header.shape_text());
        return Err(DataError::SizesDisagree { path: images.path, expected, got: bytes });
    }
    let labels = labels.map(|labels| read_labels(&labels, &images.path, len)).transpose()?;
    let mut notes =
        vec![format!("axes: {said}, {} of {}", images.header.kind.name(), images.header.shape_text())];
    let (bytes, start) = if images.header.kind.is_byte() {
        (images.store, images.header.start as u64)
    } else {
        let (pixels, rounded) = of_floats(&images)?;
        notes.push(match rounded {
            0 => "pixels: 255 times the floats".to_owned(),
            n => format!("pixels: 255 times the floats; {n} of {} were rounded", pixels.len()),
        });
        (Store::Memory(pixels), 0)
    };
    Ok(DataSet {
        path: path.to_owned(),
        shape,
        len,
        labels: labels.unwrap_or(Labels::None),
        images: Images::Packed {
            files: vec![path.to_owned()],
            bytes,
            start,
            stride: shape.iter().product(),
            order,
        },
        notes,
    })
}

/// Floats from 0 to 1 as bytes, and how many were no multiple of 1/255.
fn of_floats(images: &Array) -> Result<(Vec<u8>, usize), DataError> {
    let kind = images.header.kind;
    let refuse = |what: String, todo| DataError::Unsupported { path: images.path.clone(), what, todo };
    if !kind.is_float() {
        let what = format!("an array of {} for images", kind.name());
        return Err(refuse(what, "save it as uint8: images.astype(np.uint8)"));
    }
    let values = images.values(file::MAX_UNPACKED)?;
    if let Some((at, value)) = values.iter().enumerate().find(|(_, v)| !(0.0..=1.0).contains(*v)) {
        return Err(refuse(
            format!("an array of floats beyond 0 to 1 (value {at} is {value})"),
            "save the pixels before they are normalised, as uint8; the network's normalisation is in its constants",
        ));
    }
    // As near as a float of 32 bits comes to a multiple.
    let off = |v: f64| (255.0 * v - (255.0 * v).round()).abs() > 1e-4;
    let rounded = values.iter().filter(|&&v| off(v)).count();
    Ok((values.iter().map(|v| (255.0 * v).round() as u8).collect(), rounded))
}

/// One whole number an image, of shape (N,) or (N, 1).
fn read_labels(labels: &Array, images_path: &Path, images: usize) -> Result<Labels, DataError> {
    let Array { path, header, .. } = labels;
    let refuse = |what: String, todo| Err(DataError::Unsupported { path: path.clone(), what, todo });
    let count = match header.shape[..] {
        [n] | [n, 1] => n,
        [n, classes] if n == images => {
            let what = format!("an array of labels with {classes} columns, perhaps one for each class,");
            return refuse(what, "save their places: np.argmax(labels, axis=1)");
        }
        _ => {
            let what = format!("an array of shape {} for labels", header.shape_text());
            return refuse(what, "save one label an image, of shape (N,)");
        }
    };
    if count != images {
        let (path, images_path) = (path.clone(), images_path.to_owned());
        return Err(DataError::LabelCount { path, labels: count, images_path, images });
    }
    if header.kind.is_float() {
        let what = format!("an array of {} for labels", header.kind.name());
        return refuse(what, "save them as whole numbers: labels.astype(np.uint8)");
    }
    let values = labels.values(file::MAX_UNPACKED)?;
    match values.iter().enumerate().find(|(_, v)| !(0.0..65536.0).contains(*v)) {
        Some((image, label)) => {
            refuse(format!("label {label} of image {image}"), "labels are 0 to 65535: see how they were made")
        }
        None => {
            let labels = values.iter().map(|&v| v as u16).collect();
            Ok(Labels::Listed { path: path.clone(), labels })
        }
    }
}

#[cfg(test)]
mod tests;
