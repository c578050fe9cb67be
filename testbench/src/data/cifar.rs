//! CIFAR files: records of one or two label bytes and 3072 pixels, planes R, G, B of 32 x 32; also compressed one by one,
//! and the batches for Python.
//!
//! CIFAR-10: one label, 3073 bytes a record. CIFAR-100: a coarse and a fine label, 3074 bytes; the fine
//! one is read. Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and
//! the format description on the data set's page.

use super::cifar_form::{Form, Part, CIFAR10, CIFAR100, PIXELS};
use super::file::{self, file_name, is_there, Store};
use super::labels::Labels;
use super::set::{Images, Order};
use super::{batch, DataError, DataSet, Split};
use std::path::{Path, PathBuf};

/// The files of a split in a folder, in order, with the names of those that are missing between them; none if there are
/// none.
pub(super) fn find(folder: &Path, split: Split) -> Option<(Vec<PathBuf>, Vec<String>)> {
    let ten: &[&str] = match split {
        Split::Train => &["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"],
        _ => &["test_batch"],
    };
    let hundred: &[&str] = if split == Split::Train { &["train"] } else { &["test"] };
    for (stems, end) in
        [ten, hundred].iter().flat_map(|stems| [".bin", ".bin.gz", ""].map(|end| (stems, end)))
    {
        let names: Vec<String> = stems.iter().map(|stem| format!("{stem}{end}")).collect();
        // Of files without an ending only the batches for Python are known.
        let is_one = |name: &String| {
            let path = folder.join(name);
            is_there(&path)
                && (!end.is_empty() || file::head(&path).is_ok_and(|head| batch::is_pickle(&head)))
        };
        let (there, missing): (Vec<_>, Vec<_>) = names.into_iter().partition(is_one);
        if !there.is_empty() {
            return Some((there.iter().map(|name| folder.join(name)).collect(), missing));
        }
    }
    None
}

/// Opens one or more files of the same form as one set.
pub(super) fn open(paths: &[PathBuf]) -> Result<DataSet, DataError> {
    let mut all = Part { pixels: Vec::new(), labels: Vec::new() };
    let mut first_form = None;
    for path in paths {
        let (form, part) = read(path)?;
        if *first_form.get_or_insert(form) != form {
            return Err(DataError::SizesDisagree {
                path: path.clone(),
                expected: "the record size of the other files".to_owned(),
                got: part.pixels.len() as u64,
            });
        }
        let outside = |&(_, &label): &(usize, &u8)| u16::from(label) >= form.classes;
        if let Some((index, &label)) = part.labels.iter().enumerate().find(outside) {
            let (path, label) = (path.clone(), label.into());
            return Err(DataError::BadLabel { path, index, label, classes: form.classes });
        }
        let total = (all.pixels.len() + part.pixels.len()) as u64;
        if total > file::MAX_UNPACKED {
            let (path, limit) = (path.clone(), file::MAX_UNPACKED);
            return Err(DataError::TooLarge { path, bytes: total, limit });
        }
        all.pixels.extend(part.pixels);
        all.labels.extend(part.labels);
    }
    let path = match paths {
        [one] => one.clone(),
        _ => paths.first().and_then(|p| p.parent()).unwrap_or(Path::new("")).to_owned(),
    };
    Ok(DataSet {
        shape: [3, 32, 32],
        len: all.labels.len(),
        labels: Labels::Bytes { path: path.clone(), labels: all.labels },
        images: Images::Packed {
            files: paths.to_vec(),
            bytes: Store::Memory(all.pixels),
            start: 0,
            stride: PIXELS,
            order: Order::Planes,
        },
        path,
        notes: Vec::new(),
    })
}

/// One file.
fn read(path: &Path) -> Result<(Form, Part), DataError> {
    let mut bytes = file::whole(path, file::MAX_WHOLE)?;
    if batch::is_pickle(&bytes) {
        let wrong = |what: &str| DataError::BadBatch { path: path.to_owned(), what: what.to_owned() };
        let (form, part) = batch::read(&bytes).map_err(wrong)?;
        if part.labels.is_empty() {
            return Err(wrong("it has no images"));
        }
        return Ok((form, part));
    }
    if file::is_packed(&bytes) {
        bytes = file::unpack(path, &bytes, file::MAX_WHOLE)?;
    }
    let form = form(path, bytes.len())?;
    let records = bytes.chunks_exact(form.record());
    let labels = records.clone().map(|record| record[form.label_bytes - 1]).collect();
    let pixels = records.flat_map(|record| &record[form.label_bytes..]).copied().collect();
    Ok((form, Part { pixels, labels }))
}

/// Which CIFAR a file is: by its name where that says it, else by the record size its length is a multiple of.
fn form(path: &Path, len: usize) -> Result<Form, DataError> {
    let fits = |form: Form| len > 0 && len.is_multiple_of(form.record());
    let name = file_name(path);
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let named = if name.contains("_batch") {
        Some(CIFAR10)
    } else if name == "test.bin" || name == "train.bin" {
        Some(CIFAR100)
    } else {
        None
    };
    let found = match named {
        Some(form) => Some(form).filter(|&form| fits(form)),
        None => match (fits(CIFAR10), fits(CIFAR100)) {
            (true, false) => Some(CIFAR10),
            (false, true) => Some(CIFAR100),
            _ => None,
        },
    };
    found.ok_or_else(|| DataError::SizesDisagree {
        path: path.to_owned(),
        expected: match named {
            Some(form) => format!("a whole number of {}-byte records", form.record()),
            None => "a whole number of 3073-byte (CIFAR-10) or of 3074-byte (CIFAR-100) records, not of both"
                .to_owned(),
        },
        got: len as u64,
    })
}
