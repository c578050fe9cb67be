//! CIFAR binary files: records of one or two label bytes and 3072 pixels, planes R, G, B of 32 x 32.
//!
//! CIFAR-10: one label, 3073 bytes a record. CIFAR-100: a coarse and a fine label, 3074 bytes; the fine
//! one is read. Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009, and
//! the format description on the data set's page.

use super::{file, file_name, DataError, DataSet, Images, Split};
use std::path::{Path, PathBuf};

const PIXELS: usize = 3 * 32 * 32;

/// Label bytes before the pixels of a record, and the classes of the last of them.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Form {
    label_bytes: usize,
    classes: u16,
}

const CIFAR10: Form = Form { label_bytes: 1, classes: 10 };
const CIFAR100: Form = Form { label_bytes: 2, classes: 100 };

impl Form {
    fn record(self) -> usize {
        self.label_bytes + PIXELS
    }
}

/// The files of a split in a folder, in order; none if there are none.
pub(super) fn find(folder: &Path, split: Split) -> Vec<PathBuf> {
    let names: Vec<String> = match split {
        Split::Train => {
            let ten: Vec<String> = (1..=5).map(|i| format!("data_batch_{i}.bin")).collect();
            if ten.iter().any(|name| folder.join(name).is_file()) {
                ten
            } else {
                vec!["train.bin".to_owned()]
            }
        }
        Split::Test | Split::Default => vec!["test_batch.bin".to_owned(), "test.bin".to_owned()],
    };
    let mut found = names.iter().map(|name| folder.join(name)).filter(|path| path.is_file());
    match split {
        Split::Train => found.collect(),
        Split::Test | Split::Default => found.next().into_iter().collect(),
    }
}

/// Opens one or more files of the same form as one set.
pub(super) fn open(paths: &[PathBuf]) -> Result<DataSet, DataError> {
    let mut bytes = Vec::new();
    let mut labels = Vec::new();
    let mut first_form = None;
    for path in paths {
        let size = std::fs::metadata(path).map_err(|source| DataError::io(path, source))?.len();
        // A compressed file would unpack to more; CIFAR binaries are never compressed one by one.
        let part = file::read(path, 0, |_| Ok(size))?;
        let form = form(path, part.len())?;
        if *first_form.get_or_insert(form) != form {
            return Err(DataError::SizesDisagree {
                path: path.clone(),
                expected: "the record size of the other files".to_owned(),
                got: part.len() as u64,
            });
        }
        let total = (bytes.len() + part.len()) as u64;
        if total > file::MAX_BYTES {
            return Err(DataError::TooLarge { path: path.clone(), bytes: total, limit: file::MAX_BYTES });
        }
        for (index, record) in part.chunks_exact(form.record()).enumerate() {
            let label = u16::from(record[form.label_bytes - 1]);
            if label >= form.classes {
                return Err(DataError::BadLabel { path: path.clone(), index, label, classes: form.classes });
            }
            labels.push(Some(label));
        }
        bytes.extend(part);
    }
    let form = first_form.unwrap_or(CIFAR10);
    let path = match paths {
        [one] => one.clone(),
        _ => paths.first().and_then(|p| p.parent()).unwrap_or(Path::new("")).to_owned(),
    };
    Ok(DataSet {
        path,
        shape: [3, 32, 32],
        labels,
        class_names: Vec::new(),
        images: Images::Packed { bytes, start: form.label_bytes, stride: form.record() },
    })
}

/// Which CIFAR a file is: by its name where that says it, else by the record size its length is a multiple of.
fn form(path: &Path, len: usize) -> Result<Form, DataError> {
    let fits = |form: Form| len > 0 && len.is_multiple_of(form.record());
    let name = file_name(path);
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
