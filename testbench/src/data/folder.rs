//! Folders of PNG and JPEG pictures: beside each other, or one folder per class.

use super::labels::{self, shortened, Class, Labels, Naming};
use super::set::Images;
use super::{archive, picture, DataError, DataSet, Split};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Most files of one folder.
const MAX_FILES: usize = 4_000_000;

/// Names of other pictures, which are not read.
const OTHER_PICTURES: [&str; 9] =
    [".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".heic", ".avif"];

/// Folders that systems and programs leave between people's own.
const NO_CLASSES: [&str; 6] =
    ["@eadir", "#recycle", "__macosx", "$recycle.bin", "system volume information", "lost+found"];

/// What lies in a folder, each sorted by name.
#[derive(Default)]
struct Listing {
    pictures: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    /// Files that are not read.
    others: Vec<PathBuf>,
}

/// A set of one picture.
pub(super) fn single(path: &Path) -> Result<DataSet, DataError> {
    let files = vec![path.to_owned()];
    let labels = labels::in_names(&files);
    set(path, files, labels, Vec::new())
}

/// Pictures in class folders; or, where there are no pictures in folders, those in this one. `expected` says what else a
/// folder may hold.
pub(super) fn open(path: &Path, expected: &str) -> Result<DataSet, DataError> {
    let Listing { pictures, folders, mut others } = list(path)?;
    let inside = folders.iter().map(|folder| list(folder)).collect::<Result<Vec<_>, _>>()?;
    if inside.iter().all(|listing| listing.pictures.is_empty()) {
        if pictures.is_empty() {
            let holds = folders.iter().chain(&others).map(|path| labels::name(path)).collect::<Vec<_>>();
            let files = expected.to_owned();
            return Err(DataError::NothingFound { path: path.to_owned(), holds: holds_text(&holds), files });
        }
        let labels = labels::in_names(&pictures);
        others.extend(folders);
        return set(path, pictures, labels, left_out(path, &others));
    }
    others.extend(pictures);
    // A class that is not there now would shift the labels of those behind it.
    if let Some(link) = others.iter().find(|other| other.is_symlink() && !other.exists()) {
        return Err(DataError::io(link, std::io::ErrorKind::NotFound.into()));
    }
    let (known, beside) = names(path, &folders, &inside)?;
    let naming = Naming::of(&known)?;
    let mut classes = BTreeMap::new();
    for (folder, listing) in folders.iter().zip(inside) {
        let name = folder.file_name().unwrap_or_default();
        let Some(label) = naming.label(name) else {
            if let (false, Some(beside)) = (listing.pictures.is_empty(), &beside) {
                return Err(DataError::UnknownClass { path: folder.clone(), beside: beside.clone() });
            }
            others.push(folder.clone());
            continue;
        };
        if listing.pictures.is_empty() && !(listing.others.is_empty() && listing.folders.is_empty()) {
            let holds = listing.others.iter().chain(&listing.folders).map(|path| labels::name(path));
            let holds = shortened(&holds.collect::<Vec<_>>(), 3);
            return Err(DataError::NoPictures { path: folder.clone(), label, holds });
        }
        others.extend(listing.others.into_iter().chain(listing.folders));
        let class = Class { label, name: labels::name(folder), images: listing.pictures.len() };
        if let Some((first, _)) = classes.insert(label, (class, listing.pictures)) {
            let (first, second): (Class, _) = (first, labels::name(folder));
            return Err(DataError::SameNumber { first: path.join(first.name), second });
        }
    }
    // Classes of the training images that this part has no folder of.
    for name in known.keys() {
        let missing =
            |label| (Class { label, name: name.to_string_lossy().into_owned(), images: 0 }, Vec::new());
        naming.label(name).map(|label| classes.entry(label).or_insert_with(|| missing(label)));
    }
    let numbered = naming == Naming::Numbers;
    let (classes, files): (Vec<Class>, Vec<Vec<PathBuf>>) = classes.into_values().unzip();
    let labels = classes.iter().flat_map(|c| std::iter::repeat_n(c.label, c.images)).collect();
    let labels = Labels::Folders { classes, numbered, labels };
    set(path, files.into_iter().flatten().collect(), labels, left_out(path, &others))
}

/// The class folders that decide the labels of those in `path`, and whether there are pictures in each: its own, or, if it
/// is a part of a data set, those of the training images, else of all parts. With them the folder of another part.
fn names(
    path: &Path,
    folders: &[PathBuf],
    inside: &[Listing],
) -> Result<(BTreeMap<OsString, bool>, Option<PathBuf>), DataError> {
    let of = |folders: &[PathBuf], inside: &[Listing]| -> BTreeMap<OsString, bool> {
        let name = |folder: &PathBuf| folder.file_name().unwrap_or_default().to_owned();
        folders.iter().map(name).zip(inside.iter().map(|listing| !listing.pictures.is_empty())).collect()
    };
    let mut own = of(folders, inside);
    // The name that `.` stands for.
    let full = path.canonicalize().map_err(|source| DataError::io(path, source))?;
    let is_part = |name: &str| full.file_name().is_some_and(|own| own == name);
    let parts = [Split::Train, Split::Test].map(|split| split.folders().iter().copied());
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    if !parts.iter().copied().any(is_part) || is_part(parts[0]) {
        return Ok((own, None));
    }
    let mut beside = None;
    for name in parts.into_iter().filter(|name| !is_part(name)) {
        let (part, shown) = (full.with_file_name(name), path.with_file_name(name));
        if !part.is_dir() {
            continue;
        }
        let folders = list(&part)?.folders;
        let inside = folders.iter().map(|folder| list(folder)).collect::<Result<Vec<_>, _>>()?;
        let names = of(&folders, &inside);
        if !names.values().any(|&pictures| pictures) {
            continue;
        }
        if Split::Train.folders().contains(&name) {
            return Ok((names, Some(shown)));
        }
        own.extend(names);
        beside = Some(shown);
    }
    Ok((own, beside))
}

fn set(path: &Path, files: Vec<PathBuf>, labels: Labels, notes: Vec<String>) -> Result<DataSet, DataError> {
    let Some(first) = files.first() else {
        return Err(DataError::NothingFound {
            path: path.to_owned(),
            holds: String::new(),
            files: String::new(),
        });
    };
    // Of the first that can be read; the others are judged when they are.
    let (shape, _) = picture::decode(first)
        .or_else(|error| files.iter().skip(1).find_map(|file| picture::decode(file).ok()).ok_or(error))?;
    let len = files.len();
    Ok(DataSet { path: path.to_owned(), shape, len, labels, images: Images::Files(files), notes })
}

/// One line on what a set leaves out.
fn left_out(path: &Path, others: &[PathBuf]) -> Vec<String> {
    if others.is_empty() {
        return Vec::new();
    }
    let name = |other: &PathBuf| other.strip_prefix(path).unwrap_or(other).display().to_string();
    let names: Vec<String> = others.iter().map(name).collect();
    vec![format!(
        "left out: {} (not in a class folder, or no PNG or JPEG): {}",
        names.len(),
        shortened(&names, 3)
    )]
}

fn holds_text(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let unpack = if names.iter().any(|name| archive::is_name(name)) { " (unpack the archive)" } else { "" };
    format!("; it holds {}{unpack}", shortened(names, 3))
}

/// Names of the class folders beside the parts of a folder: those with pictures and another name.
pub(super) fn classes_beside_parts(path: &Path) -> Result<Vec<String>, DataError> {
    let parts = [Split::Train, Split::Test].map(Split::folders).concat();
    let mut beside = Vec::new();
    for folder in list(path)?.folders {
        let name = labels::name(&folder);
        if !parts.contains(&name.as_str()) && !list(&folder)?.pictures.is_empty() {
            beside.push(name);
        }
    }
    Ok(beside)
}

fn list(path: &Path) -> Result<Listing, DataError> {
    let io = |source| DataError::io(path, source);
    let mut found = Listing::default();
    for (count, entry) in std::fs::read_dir(path).map_err(io)?.enumerate() {
        let entry = entry.map_err(io)?;
        if count == MAX_FILES {
            return Err(DataError::TooManyFiles { path: path.to_owned(), limit: MAX_FILES });
        }
        let (name, path) = (entry.file_name().to_string_lossy().to_lowercase(), entry.path());
        // Hidden ones are what systems leave behind; a hidden picture may be missed, so it is named.
        let hidden = name.starts_with('.');
        if path.is_dir() {
            if !hidden && !NO_CLASSES.contains(&name.as_str()) {
                found.folders.push(path);
            }
        } else if picture::is_picture(&name) && !hidden {
            found.pictures.push(path);
        } else if !hidden
            || picture::is_picture(&name)
            || OTHER_PICTURES.iter().any(|end| name.ends_with(end))
        {
            found.others.push(path);
        }
    }
    found.pictures.sort();
    found.folders.sort();
    found.others.sort();
    Ok(found)
}
