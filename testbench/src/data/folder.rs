//! PNG and JPEG images, one file each: flat folders, or one sub-folder per class.

use super::{DataError, DataSet, Images};
use image::{ColorType, ImageReader, Limits};
use std::path::{Path, PathBuf};

/// Largest image side, and largest decoded size in bytes: far above any network's input.
const MAX_SIDE: u32 = 4096;
const MAX_DECODED: u64 = 128 << 20;
/// Most files listed from one set.
const MAX_FILES: usize = 4_000_000;

/// Whether a lower-case file name is one of an image.
pub(super) fn is_image(name: &str) -> bool {
    [".png", ".jpg", ".jpeg"].iter().any(|end| name.ends_with(end))
}

/// A set of one image.
pub(super) fn single(path: &Path) -> Result<DataSet, DataError> {
    set(path, vec![(path.to_owned(), label_in_name(path))], Vec::new())
}

/// Images in a folder (label from `..._LABEL.png`), or in its sub-folders (label from the sorted folder names).
pub(super) fn open(path: &Path) -> Result<DataSet, DataError> {
    let (images, folders) = list(path)?;
    if !images.is_empty() {
        let labelled = images.into_iter().map(|file| (label_in_name(&file), file));
        return set(path, labelled.map(|(label, file)| (file, label)).collect(), Vec::new());
    }
    let mut files = Vec::new();
    let mut names = Vec::new();
    for folder in folders {
        let (images, _) = list(&folder)?;
        let Some(label) = u16::try_from(names.len()).ok().filter(|_| !images.is_empty()) else { continue };
        files.extend(images.into_iter().map(|file| (file, Some(label))));
        names.push(folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default());
    }
    set(path, files, names)
}

fn set(
    path: &Path,
    files: Vec<(PathBuf, Option<u16>)>,
    class_names: Vec<String>,
) -> Result<DataSet, DataError> {
    let Some((first, _)) = files.first() else {
        return Err(DataError::NothingFound { path: path.to_owned() });
    };
    let (shape, _) = decode(first, None)?;
    let (files, labels) = files.into_iter().unzip();
    Ok(DataSet { path: path.to_owned(), shape, labels, class_names, images: Images::Files(files) })
}

/// Image files and sub-folders of a folder, each sorted by name; hidden ones are left out.
fn list(path: &Path) -> Result<(Vec<PathBuf>, Vec<PathBuf>), DataError> {
    let io = |source| DataError::io(path, source);
    let (mut images, mut folders) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(path).map_err(io)?.take(MAX_FILES) {
        let entry = entry.map_err(io)?;
        let name = entry.file_name().to_string_lossy().to_lowercase();
        if name.starts_with('.') {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            folders.push(path);
        } else if is_image(&name) {
            images.push(path);
        }
    }
    images.sort();
    folders.sort();
    Ok((images, folders))
}

/// The label in names such as `03_5.png` and `cifar10_03_5.png`: two numbers at the end, the second is the label.
fn label_in_name(path: &Path) -> Option<u16> {
    let stem = path.file_stem()?.to_str()?;
    let (rest, label) = stem.rsplit_once('_')?;
    let number = rest.rsplit('_').next()?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits(number) && digits(label) {
        label.parse().ok()
    } else {
        None
    }
}

/// Extents and pixels of an image file, `[C, H, W]`; `expected` are those of the first image of the set.
pub(super) fn decode(path: &Path, expected: Option<[usize; 3]>) -> Result<([usize; 3], Vec<u8>), DataError> {
    let bad = |e: image::ImageError| DataError::BadImage { path: path.to_owned(), reason: e.to_string() };
    let io = |source| DataError::io(path, source);
    let mut reader = ImageReader::open(path).map_err(io)?.with_guessed_format().map_err(io)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODED);
    reader.limits(limits);
    let image = reader.decode().map_err(bad)?;
    let channels = match image.color() {
        ColorType::L8 => 1,
        ColorType::Rgb8 => 3,
        other => {
            return Err(DataError::Unsupported {
                path: path.to_owned(),
                what: format!("pixel type {other:?}"),
                todo: "save it with 8 bits per channel, grey or RGB, without alpha",
            });
        }
    };
    let shape = [channels, image.height() as usize, image.width() as usize];
    if let Some(expected) = expected.filter(|&expected| expected != shape) {
        return Err(DataError::MixedSizes { path: path.to_owned(), expected, got: shape });
    }
    let interleaved = image.into_bytes();
    let planes = (0..channels).flat_map(|c| interleaved.iter().skip(c).step_by(channels).copied()).collect();
    Ok((shape, planes))
}
