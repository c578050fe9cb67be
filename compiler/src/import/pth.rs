//! PyTorch checkpoints (`.pth`, `.pt`): a zip archive with a pickle that describes tensors and one file per storage.
//!
//! A pickle is a program. This one is never run: [`unpickle`] knows the operations that build numbers, texts,
//! containers and tensors, and refuses every other one, and every Python name that is not a tensor's or a container's.

use super::unpickle::{unpickle, Storage, Tensor, Value};
use super::{ImportError, MAX_FILE_BYTES};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use zip::ZipArchive;

/// Keys under which training scripts keep the state_dict in a larger checkpoint.
const NESTED: [&str; 5] = ["state_dict", "model_state_dict", "model", "net", "module"];
/// A state_dict's pickle is some hundred bytes per tensor.
const MAX_PICKLE_BYTES: u64 = 4 << 20;

/// Whether the file starts as a zip archive.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && bytes.get(8) != Some(&b'{')
}

/// The checkpoint's tensors as the bytes of a safetensors file.
pub(super) fn to_safetensors(file: &str, bytes: &[u8]) -> Result<Vec<u8>, ImportError> {
    let bad = |reason: String| ImportError::Checkpoint { file: file.to_owned(), reason };
    let mut archive = ZipArchive::new(Cursor::new(bytes))
        .map_err(|e| bad(format!("not a whole zip archive ({e}): copy or save it again")))?;
    let names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    let root = names.iter().find_map(|n| n.strip_suffix("data.pkl")).ok_or_else(|| {
        bad("no data.pkl in the archive: is it a PyTorch checkpoint, saved with torch.save?".to_owned())
    })?;
    let root = root.to_owned();
    if let Ok(order) = entry(&mut archive, &format!("{root}byteorder"), 16) {
        if order != b"little" {
            return Err(bad(
                "it was saved on a big-endian machine: save it again on a little-endian one".to_owned()
            ));
        }
    }
    let pickle = entry(&mut archive, &format!("{root}data.pkl"), MAX_PICKLE_BYTES).map_err(bad)?;
    let value = unpickle(&pickle).map_err(bad)?;
    let state = state_dict(&value).ok_or_else(|| {
        bad(format!("no state_dict in it: expected a dict of tensors, or one under {}", NESTED.join(", ")))
    })?;

    let mut storages: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut total = 0;
    let mut tensors: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)> = BTreeMap::new();
    for (key, tensor) in state {
        let Storage { key: place, .. } = &tensor.storage;
        if !storages.contains_key(place) {
            // Storages together may hold what a file may hold.
            let left = MAX_FILE_BYTES.saturating_sub(total);
            let data = entry(&mut archive, &format!("{root}data/{place}"), left).map_err(bad)?;
            total += data.len() as u64;
            storages.insert(place.clone(), data);
        }
        let data =
            gather(tensor, &storages[place]).map_err(|reason| bad(format!("tensor `{key}` {reason}")))?;
        total += data.len() as u64;
        if total > 2 * MAX_FILE_BYTES {
            return Err(bad(format!(
                "it unpacks to more than {MAX_FILE_BYTES} bytes: is this the right file?"
            )));
        }
        tensors.insert(key, (tensor.storage.dtype, tensor.shape.clone(), data));
    }
    let views: Result<Vec<(&String, TensorView<'_>)>, _> = tensors
        .iter()
        .map(|(key, (dtype, shape, data))| TensorView::new(*dtype, shape.clone(), data).map(|v| (key, v)))
        .collect();
    let views = views.map_err(|e| bad(e.to_string()))?;
    safetensors::serialize(views, None).map_err(|e| bad(e.to_string()))
}

/// One file of the archive, at most `limit` bytes, whatever the archive says about its size.
fn entry(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, limit: u64) -> Result<Vec<u8>, String> {
    let file =
        archive.by_name(name).map_err(|e| format!("{name} in the archive: {e}: copy or save it again"))?;
    let mut out = Vec::new();
    file.take(limit + 1)
        .read_to_end(&mut out)
        .map_err(|e| format!("{name} in the archive: {e}: copy or save it again"))?;
    if out.len() as u64 > limit {
        return Err(format!(
            "{name} in the archive unpacks to more than {limit} bytes: is this the right file?"
        ));
    }
    Ok(out)
}

/// The dict of tensors, at the top or under one of [`NESTED`].
fn state_dict(value: &Value) -> Option<Vec<(String, &Tensor)>> {
    let Value::Dict(entries) = value else { return None };
    let tensors: Vec<(String, &Tensor)> = entries
        .iter()
        .filter_map(|(key, value)| match (key, value) {
            (Value::Text(key), Value::Tensor(tensor)) => Some((key.to_string(), &**tensor)),
            _ => None,
        })
        .collect();
    if !tensors.is_empty() {
        return Some(tensors);
    }
    NESTED.iter().find_map(|name| {
        entries
            .iter()
            .find(|(key, _)| matches!(key, Value::Text(k) if &**k == *name))
            .and_then(|(_, v)| state_dict(v))
    })
}

/// A tensor's values in index order.
fn gather(tensor: &Tensor, storage: &[u8]) -> Result<Vec<u8>, String> {
    let size = tensor.storage.dtype.bitsize() / 8;
    let wrong = || "does not lie inside its storage: the archive is damaged, save it again".to_owned();
    let count = tensor.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).ok_or_else(wrong)?;
    if count > storage.len() / size.max(1) {
        return Err(wrong());
    }
    let mut out = Vec::with_capacity(count * size);
    let mut index = vec![0usize; tensor.shape.len()];
    for _ in 0..count {
        let step = index
            .iter()
            .zip(&tensor.stride)
            .try_fold(tensor.offset, |at, (&i, &s)| i.checked_mul(s).and_then(|n| at.checked_add(n)));
        let at = step.and_then(|n| n.checked_mul(size)).ok_or_else(wrong)?;
        let end = at.checked_add(size).ok_or_else(wrong)?;
        out.extend(storage.get(at..end).ok_or_else(wrong)?);
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
