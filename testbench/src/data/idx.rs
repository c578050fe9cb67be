//! IDX files (MNIST, Fashion-MNIST): a big-endian header, then bytes.
//!
//! Images: magic `00 00 08 03`, count, rows, columns as u32, then pixels row by row, one channel.
//! Labels: magic `00 00 08 01`, count, then one byte each.
//! Source: the format description on the MNIST page by LeCun, Cortes and Burges.

use super::file::{self, file_name, is_there};
use super::labels::Labels;
use super::set::{Images, Order};
use super::{DataError, DataSet, Split};
use std::path::{Path, PathBuf};

const IMAGES_HEADER: usize = 16;
const LABELS_HEADER: usize = 8;
/// Most images of a file, so that their labels fit into memory.
const MAX_IMAGES: usize = 1 << 26;

/// The images file of a split in a folder.
pub(super) fn find(folder: &Path, split: Split) -> Option<PathBuf> {
    let prefix = if split == Split::Train { "train" } else { "t10k" };
    ["-images-idx3-ubyte", "-images-idx3-ubyte.gz", "-images.idx3-ubyte", "-images.idx3-ubyte.gz"]
        .iter()
        .map(|end| folder.join(format!("{prefix}{end}")))
        .find(|path| is_there(path))
}

/// Opens an images file and the labels file beside it, if there is one. The header and the file's size tell whether it is
/// whole; of a plain file the pixels are read when they are asked for.
pub(super) fn open(path: &Path) -> Result<DataSet, DataError> {
    let mut extents = [0usize; 3];
    let (bytes, got) = file::store(path, IMAGES_HEADER, |head| {
        extents = header::<3>(path, head, "00 00 08 03 (IDX images, bytes, 3 axes)")?;
        let [count, rows, columns] = extents.map(|n| n as u64);
        let pixels = count.checked_mul(rows).and_then(|n| n.checked_mul(columns));
        let bytes = pixels.unwrap_or(u64::MAX).saturating_add(IMAGES_HEADER as u64);
        if count > MAX_IMAGES as u64 {
            let (path, limit) = (path.to_owned(), MAX_IMAGES);
            return Err(DataError::TooManyImages { path, images: count, bytes, limit });
        }
        Ok(bytes)
    })?;
    let [count, rows, columns] = extents;
    if count == 0 || rows == 0 || columns == 0 {
        let expected = format!("{count} images of {rows} x {columns}: at least one pixel is needed");
        return Err(DataError::SizesDisagree { path: path.to_owned(), expected, got });
    }
    let what = format!("{count} images of {rows} x {columns}");
    let pixels = (count as u64).saturating_mul(rows as u64).saturating_mul(columns as u64);
    require_length(path, &what, pixels.saturating_add(IMAGES_HEADER as u64), got)?;
    let labels = match labels_beside(path) {
        Some(labels) => read_labels(&labels, path, count)?,
        None => Labels::None,
    };
    Ok(DataSet {
        path: path.to_owned(),
        shape: [1, rows, columns],
        len: count,
        labels,
        images: Images::Packed {
            files: vec![path.to_owned()],
            bytes,
            start: IMAGES_HEADER as u64,
            stride: rows * columns,
            order: Order::Planes,
        },
        notes: Vec::new(),
    })
}

/// The labels file that belongs to an images file, packed or not.
fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_string_lossy();
    let labels = name.replace("images", "labels").replace("idx3", "idx1");
    if labels == name {
        return None;
    }
    let bare = labels.strip_suffix(".gz").unwrap_or(&labels);
    [labels.clone(), bare.to_owned(), format!("{bare}.gz")]
        .iter()
        .map(|name| images.with_file_name(name))
        .find(|path| is_there(path))
}

fn read_labels(path: &Path, images_path: &Path, images: usize) -> Result<Labels, DataError> {
    let mut count = 0;
    let (bytes, got) = file::store(path, LABELS_HEADER, |head| {
        [count] = header::<1>(path, head, "00 00 08 01 (IDX labels, bytes, 1 axis)")?;
        Ok(count as u64 + LABELS_HEADER as u64)
    })?;
    if count != images {
        let (path, images_path) = (path.to_owned(), images_path.to_owned());
        return Err(DataError::LabelCount { path, labels: count, images_path, images });
    }
    require_length(path, &format!("{count} labels"), (count + LABELS_HEADER) as u64, got)?;
    let labels = bytes.at(LABELS_HEADER as u64, count).map_err(|source| DataError::io(path, source))?;
    Ok(Labels::Bytes { path: path.to_owned(), labels: labels.into_owned() })
}

/// The `N` extents after the magic number.
fn header<const N: usize>(path: &Path, head: &[u8], expected: &'static str) -> Result<[usize; N], DataError> {
    let word = |i: usize| head.get(4 * i..4 * i + 4)?.try_into().ok().map(u32::from_be_bytes);
    let magic = 0x0800 + N as u32;
    if word(0).is_some_and(|got| got != magic) || (head.len() < 4 && !expected_start(head, magic)) {
        let got = head.iter().take(4).map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        let got = if file_name(path).ends_with(".npz") { format!("{got} (a NumPy archive)") } else { got };
        return Err(DataError::BadMagic { path: path.to_owned(), got, expected });
    }
    let mut extents = [0; N];
    for (i, extent) in extents.iter_mut().enumerate() {
        *extent = word(i + 1).ok_or_else(|| DataError::Truncated {
            path: path.to_owned(),
            what: "the header".to_owned(),
            expected: 4 * (N as u64 + 1),
            got: head.len() as u64,
        })? as usize;
    }
    Ok(extents)
}

fn expected_start(head: &[u8], magic: u32) -> bool {
    magic.to_be_bytes().starts_with(head)
}

fn require_length(path: &Path, what: &str, expected: u64, got: u64) -> Result<(), DataError> {
    let path = path.to_owned();
    match got.cmp(&expected) {
        std::cmp::Ordering::Less => Err(DataError::Truncated { path, what: what.to_owned(), expected, got }),
        std::cmp::Ordering::Greater => {
            Err(DataError::SizesDisagree { path, expected: format!("{what} ({expected} bytes)"), got })
        }
        std::cmp::Ordering::Equal => Ok(()),
    }
}
