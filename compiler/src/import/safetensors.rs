//! Safetensors files: the header says which tensors lie where. No tensor's data is read here.

use super::input::Input;
use super::naming::shown;
use super::source::{Content, Opening};
use super::store::{Entry, Place, Store};
use super::tensors::Tensors;
use super::{formats, ImportError};
use crate::graph::Assumption;
use ::safetensors::tensor::{Metadata, TensorInfo};
use ::safetensors::SafeTensorError;
use serde::Deserialize;
use serde_json::Value;
use spikegate_contract::bundle::unique;
use std::collections::HashMap;
use std::io::{Read, SeekFrom};

/// Largest header: a network of a thousand tensors has some hundred bytes for each.
const MAX_HEADER_BYTES: u64 = 16 << 20;

/// Opens a file that begins with `head`; what is recognised as something else is refused.
pub(super) fn open<'a, 'r>(
    opening: Opening<'a, 'r>,
    head: &[u8],
    _: &mut Vec<Assumption>,
) -> Result<Content<'a, 'r>, ImportError> {
    let Opening { file, mut input, bytes, wanted } = opening;
    formats::refuse(file, head)?;
    let Header { entries, gac } = header(file, &mut input, bytes)?;
    let tensors = Tensors::new(file, entries, Store::File(input))?;
    Ok(Content { tensors, metadata: gac, prefix: wanted, dicts: vec![] })
}

/// What a header says.
struct Header {
    /// Every tensor by its key.
    entries: Vec<(String, Entry)>,
    /// The text under the metadata key `gac`.
    gac: Option<String>,
}

/// Reads the header of a file of `length` bytes.
fn header(file: &str, input: &mut Input<'_>, length: u64) -> Result<Header, ImportError> {
    let corrupt = |reason: String| ImportError::Corrupt { file: file.to_owned(), bytes: length, reason };
    let io = |source| ImportError::Io { file: file.to_owned(), source };
    let mut count = [0; 8];
    input.seek(SeekFrom::Start(0)).map_err(io)?;
    if length < 8 {
        return Err(corrupt("it ends inside the 8-byte header length".to_owned()));
    }
    input.read_exact(&mut count).map_err(io)?;
    let size = u64::from_le_bytes(count);
    if size > MAX_HEADER_BYTES {
        return Err(corrupt(format!("the header length says {size} bytes, more than any header has")));
    }
    if size + 8 > length {
        return Err(corrupt(format!("it ends inside the header of {size} bytes")));
    }
    let mut text = vec![0; size as usize];
    input.read_exact(&mut text).map_err(io)?;
    // At no level does a key stand twice: readers differ in which of the two they take.
    let header = unique::value(&text).map_err(|e| {
        corrupt(format!("its header {}: {e}", if e.is_data() { "is ambiguous" } else { "is not JSON" }))
    })?;
    let Value::Object(mut header) = header else {
        return Err(corrupt("its header is no JSON object".to_owned()));
    };
    let metadata = header.remove("__metadata__").map(texts).transpose().map_err(corrupt)?;
    let info = |(key, value): (String, Value)| {
        let info =
            TensorInfo::deserialize(value).map_err(|e| corrupt(format!("tensor {}: {e}", shown(&key))));
        Ok((key, info?))
    };
    let tensors: Vec<(String, TensorInfo)> =
        header.into_iter().map(info).collect::<Result<_, ImportError>>()?;
    if let Some((key, info)) = tensors.iter().find(|(_, info)| !is_of_its_shape(info)) {
        let [from, to] = [info.data_offsets.0, info.data_offsets.1];
        let (shape, dtype) = (&info.shape, info.dtype);
        let what = format!(
            "tensor {} of shape {shape:?} and type {dtype:?} lies in bytes {from} to {to}",
            shown(key)
        );
        return Err(corrupt(format!("{what}, which is not what it takes")));
    }
    let mut places = tensors.clone();
    places.sort_by_key(|(_, info)| info.data_offsets);
    let end = places.last().map_or(0, |(_, info)| info.data_offsets.1) as u64;
    Metadata::new(None, places).map_err(|e| corrupt(reason(&e)))?;
    if size + 8 + end != length {
        return Err(corrupt(
            "the tensors in the header do not end where the file ends (truncated, or with bytes appended)"
                .to_owned(),
        ));
    }
    let entry = |(key, info): (String, TensorInfo)| {
        let at = size + 8 + info.data_offsets.0 as u64;
        let bytes = info.data_offsets.1 - info.data_offsets.0;
        (key, Entry::new(info.dtype, info.shape, Place::File { at, bytes }))
    };
    let gac = metadata.and_then(|mut texts| texts.remove("gac"));
    Ok(Header { entries: tensors.into_iter().map(entry).collect(), gac })
}

/// Whether a tensor has as many bytes as its shape and type say.
fn is_of_its_shape(info: &TensorInfo) -> bool {
    let (from, to) = info.data_offsets;
    let values = info.shape.iter().try_fold(1usize, |product, &extent| product.checked_mul(extent));
    let bits = values.and_then(|values| values.checked_mul(info.dtype.bitsize()));
    // Values of less than a byte fill whole ones.
    bits.zip(to.checked_sub(from)).is_some_and(|(bits, bytes)| Some(bits) == bytes.checked_mul(8))
}

/// The metadata, which the format says are texts.
fn texts(value: Value) -> Result<HashMap<String, String>, String> {
    let Value::Object(entries) = value else { return Err("its `__metadata__` is no JSON object".to_owned()) };
    let text = |(key, value): (String, Value)| match value {
        Value::String(text) => Ok((key, text)),
        other => Err(format!(
            "its metadata value {} is {}, and the format allows texts only: write it as str(...)",
            shown(&key),
            match other {
                Value::Number(n) => format!("the number {n}"),
                Value::Null | Value::Bool(_) => format!("{other}"),
                _ => "a list or an object".to_owned(),
            }
        )),
    };
    entries.into_iter().map(text).collect()
}

/// The broken rule in words; the library's own messages assume its source is at hand.
fn reason(error: &SafeTensorError) -> String {
    match error {
        SafeTensorError::InvalidOffset(tensor) => {
            format!("the data offsets of {} leave a gap or overlap", shown(tensor))
        }
        other => other.to_string(),
    }
}
