//! PyTorch checkpoints (`.pth`, `.pt`): a zip archive with a pickle that describes tensors and one file per storage.
//!
//! A pickle is a program. This one is never run: [`unpickle`] keeps numbers, texts, containers and tensors, and of
//! everything else its name. Storages are read when a tensor of theirs is, so that an optimiser's state costs nothing.

use super::input::Input;
use super::unpickle::{unpickle, Pickle, Tensor};
use super::{directory, formats, ImportError, MAX_FILE_BYTES};
use spikegate_contract::text::printable;
use std::collections::HashMap;
use std::io::Read;
use std::rc::Rc;
use zip::result::ZipError;
use zip::ZipArchive;

/// A state_dict's pickle is some hundred bytes per tensor, an optimiser's three times that.
const MAX_PICKLE_BYTES: u64 = 4 << 20;
/// `torch.save` does not compress; weights that somebody compressed shrink by little.
const MAX_EXPANSION: u64 = 16;

/// Whether the file starts as a zip archive.
pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") && head.get(8) != Some(&b'{')
}

/// A checkpoint's storages.
pub(super) struct Archive<'a> {
    zip: ZipArchive<Input<'a>>,
    root: String,
    /// Tensors that will still be read of each storage.
    wanted: HashMap<Rc<str>, usize>,
    /// Storages that are read and still wanted.
    read: HashMap<Rc<str>, Vec<u8>>,
    /// Bytes that storages may still have.
    left: u64,
    /// Bytes that tensors may still have, which may share storages.
    views_left: u64,
}

impl<'a> Archive<'a> {
    /// Opens an archive of `length` bytes and reads its pickle.
    pub(super) fn open(
        file: &str,
        mut input: Input<'a>,
        length: u64,
    ) -> Result<(Archive<'a>, Pickle), ImportError> {
        let bad = |reason: String| ImportError::Checkpoint { file: file.to_owned(), reason };
        let cut = |e: ZipError| bad(format!("not a whole zip archive ({e}): copy or save it again"));
        let start = ZipArchive::new(&mut input).map_err(cut)?.central_directory_start();
        if let Some(name) = directory::doubled(&mut input, start).map_err(|e| cut(e.into()))? {
            let name = printable(&name);
            return Err(bad(format!(
                "two files in the archive are called {name}: save it again with torch.save"
            )));
        }
        let mut zip = ZipArchive::new(input).map_err(cut)?;
        let names: Vec<&str> = zip.file_names().collect();
        let pickles: Vec<&str> =
            names.iter().copied().filter(|n| *n == "data.pkl" || n.ends_with("/data.pkl")).collect();
        let name = match pickles[..] {
            [one] => one.to_owned(),
            [] => {
                let (what, todo) = formats::other_zip(&names);
                return Err(ImportError::NotSafetensors { file: file.to_owned(), what, todo });
            }
            _ => {
                return Err(bad(
                    "several data.pkl in the archive: save one checkpoint with torch.save".to_owned()
                ))
            }
        };
        let root = name.strip_suffix("data.pkl").unwrap_or_default().to_owned();
        if zip.file_names().any(|n| n.strip_prefix(&root).is_some_and(|n| n.starts_with("code/"))) {
            return Err(ImportError::NotSafetensors {
                file: file.to_owned(),
                what: "a TorchScript program (torch.jit.save)",
                todo:
                    "save the weights alone: torch.save(torch.jit.load(\"FILE\").state_dict(), \"model.pth\")",
            });
        }
        if let Ok(order) = entry(&mut zip, &format!("{root}byteorder"), 16) {
            if order != b"little" {
                return Err(bad(
                    "it was saved on a big-endian machine: save it again on a little-endian one".to_owned(),
                ));
            }
        }
        let pickle = entry(&mut zip, &name, MAX_PICKLE_BYTES).map_err(bad)?;
        let pickle = unpickle(&pickle).map_err(bad)?;
        let left = length.saturating_mul(MAX_EXPANSION).min(MAX_FILE_BYTES);
        let archive =
            Archive { zip, root, wanted: HashMap::new(), read: HashMap::new(), left, views_left: left };
        Ok((archive, pickle))
    }

    /// That a tensor lies inside its storage, as far as the archive's directory says.
    pub(super) fn judge(&mut self, tensor: &Tensor) -> Result<(), String> {
        let name = &tensor.storage.name;
        let path = self.path(name);
        let size = entry_size(&mut self.zip, &path)?;
        let expected = tensor.storage.elements.checked_mul(tensor.storage.element() as u64);
        if expected != Some(size) {
            return Err(format!(
                "lies in {}, which has {size} bytes, and {} elements by its description: the archive is damaged, save it \
                 again",
                printable(&path),
                tensor.storage.elements
            ));
        }
        extent(tensor).filter(|&end| end as u64 <= size).ok_or_else(outside)?;
        let bytes =
            tensor.shape.iter().try_fold(tensor.storage.element() as u64, |n, &d| n.checked_mul(d as u64));
        let bytes = bytes.filter(|&n| n <= size).ok_or_else(|| {
            "repeats the values of its storage (an expanded view): save it with .clone()".to_owned()
        })?;
        let too_much = || {
            format!("and those before it unpack to more than {MAX_EXPANSION} times the file, or {MAX_FILE_BYTES} \
                     bytes: is this the right file?")
        };
        self.views_left = self.views_left.checked_sub(bytes).ok_or_else(too_much)?;
        if !self.wanted.contains_key(name) {
            self.left = self.left.checked_sub(size).ok_or_else(too_much)?;
        }
        *self.wanted.entry(name.clone()).or_default() += 1;
        Ok(())
    }

    /// A tensor's bytes in index order.
    pub(super) fn read(&mut self, tensor: &Tensor) -> Result<Vec<u8>, String> {
        let name = &tensor.storage.name;
        if !self.read.contains_key(name) {
            let path = self.path(name);
            let size = entry_size(&mut self.zip, &path)?;
            let data = entry(&mut self.zip, &path, size)?;
            self.read.insert(name.clone(), data);
        }
        let mut values = gather(tensor, &self.read[name]);
        if let (true, Ok(values)) = (tensor.negated, &mut values) {
            negate(values, tensor.storage.element());
        }
        let wanted = self.wanted.entry(name.clone()).or_default();
        *wanted = wanted.saturating_sub(1);
        if *wanted == 0 {
            self.read.remove(name);
        }
        values
    }

    fn path(&self, storage: &str) -> String {
        format!("{}data/{storage}", self.root)
    }
}

/// Size of a file of the archive, as its directory says.
fn entry_size(zip: &mut ZipArchive<Input<'_>>, name: &str) -> Result<u64, String> {
    let index = zip.index_for_name(name);
    let shown = printable(name);
    let index = index
        .ok_or_else(|| format!("lies in {shown}, which is not in the archive: copy or save it again"))?;
    let file = zip.by_index_raw(index).map_err(|e| format!("lies in {shown}: {e}: copy or save it again"))?;
    Ok(file.size())
}

/// One file of the archive, at most `limit` bytes, whatever the archive says about its size.
fn entry(zip: &mut ZipArchive<Input<'_>>, name: &str, limit: u64) -> Result<Vec<u8>, String> {
    let shown = printable(name);
    let failed = |e: &dyn std::fmt::Display| format!("{shown} in the archive: {e}: copy or save it again");
    let file = zip.by_name(name).map_err(|e| failed(&e))?;
    let mut out = Vec::new();
    file.take(limit + 1).read_to_end(&mut out).map_err(|e| failed(&e))?;
    if out.len() as u64 > limit {
        return Err(format!(
            "{shown} in the archive unpacks to more than {limit} bytes: is this the right file?"
        ));
    }
    Ok(out)
}

fn outside() -> String {
    "does not lie inside its storage: the archive is damaged, save it again".to_owned()
}

/// Bytes of a storage up to the end of a tensor's last value; `None` where that is past counting.
fn extent(tensor: &Tensor) -> Option<usize> {
    let size = tensor.storage.element();
    if tensor.shape.contains(&0) {
        return Some(0);
    }
    let mut last = tensor.offset;
    for (&d, &s) in tensor.shape.iter().zip(&tensor.stride) {
        last = (d - 1).checked_mul(s).and_then(|n| last.checked_add(n))?;
    }
    last.checked_add(1)?.checked_mul(size)
}

/// A tensor's values in index order.
fn gather(tensor: &Tensor, storage: &[u8]) -> Result<Vec<u8>, String> {
    let end = extent(tensor).filter(|&end| end <= storage.len()).ok_or_else(outside)?;
    let size = tensor.storage.element();
    let count = tensor.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or_else(outside)?;
    // One after the other, as nearly always.
    if end == count.saturating_add(tensor.offset).saturating_mul(size) && is_row_major(tensor) {
        return Ok(storage[tensor.offset * size..end].to_vec());
    }
    let mut out = Vec::with_capacity(count.saturating_mul(size).min(storage.len()));
    let mut index = vec![0usize; tensor.shape.len()];
    for _ in 0..count {
        let at = index.iter().zip(&tensor.stride).fold(tensor.offset, |at, (&i, &s)| at + i * s) * size;
        out.extend(storage.get(at..at + size).ok_or_else(outside)?);
        for (i, &d) in index.iter_mut().zip(&tensor.shape).rev() {
            *i += 1;
            if *i < d {
                break;
            }
            *i = 0;
        }
    }
    Ok(out)
}

/// Turns the sign of floating-point numbers of `size` bytes: the highest bit of the last byte of each.
fn negate(values: &mut [u8], size: usize) {
    values.chunks_exact_mut(size.max(1)).filter_map(|value| value.last_mut()).for_each(|byte| *byte ^= 0x80);
}

/// Whether the values follow each other in index order. A stride along one value is never used.
fn is_row_major(tensor: &Tensor) -> bool {
    let mut expected = 1;
    tensor.shape.iter().zip(&tensor.stride).rev().all(|(&d, &s)| {
        let fits = d == 1 || s == expected;
        expected *= d;
        fits
    })
}
