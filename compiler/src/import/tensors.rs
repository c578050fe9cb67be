//! Typed access to the tensors of a file, each taken once.

use super::layout::Layout;
use super::ImportError;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::SafeTensors;
use std::collections::{BTreeMap, BTreeSet};

/// How many unknown keys an error lists.
const LISTED: usize = 5;

/// The tensors of one file by key, and which of them a layer has asked for.
pub(super) struct Tensors<'a> {
    file: String,
    /// By canonical key.
    views: BTreeMap<String, TensorView<'a>>,
    used: BTreeSet<String>,
    layout: Layout,
}

impl<'a> Tensors<'a> {
    /// Tensors of the file called `file` in errors.
    pub(super) fn new(file: &str, tensors: SafeTensors<'a>) -> Tensors<'a> {
        let views = tensors.iter().map(|(key, view)| (key.to_owned(), view)).collect();
        Tensors { file: file.to_owned(), views, used: BTreeSet::new(), layout: Layout::default() }
    }

    /// Gives every tensor its canonical key.
    pub(super) fn rename(&mut self, layout: Layout, canonical: impl Fn(&str) -> String) {
        self.layout = layout;
        self.views = std::mem::take(&mut self.views).into_iter().map(|(k, v)| (canonical(&k), v)).collect();
    }

    /// All keys, sorted.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.views.keys().map(String::as_str)
    }

    /// The file's own name of a canonical key.
    pub(super) fn own(&self, key: &str) -> String {
        self.layout.own(key)
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.views.contains_key(key)
    }

    /// Whether a key starts with `prefix`.
    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        self.views.range(prefix.to_owned()..).next().is_some_and(|(key, _)| key.starts_with(prefix))
    }

    /// Extents of a tensor that must be there; `expected` says what it should look like.
    pub(super) fn shape(&self, key: &str, expected: &str) -> Result<&[usize], ImportError> {
        match self.views.get(key) {
            Some(view) => Ok(view.shape()),
            None => Err(self.missing(key, expected, &[])),
        }
    }

    /// A `WrongShape` error for a tensor of this file.
    pub(super) fn wrong_shape(&self, key: &str, expected: &str) -> ImportError {
        let got = self.views.get(key).map(|view| view.shape().to_vec()).unwrap_or_default();
        ImportError::WrongShape {
            file: self.file.clone(),
            tensor: self.layout.own(key),
            expected: expected.to_owned(),
            got,
        }
    }

    fn missing(&self, key: &str, expected: &str, aliases: &[String]) -> ImportError {
        ImportError::MissingKey {
            file: self.file.clone(),
            key: self.layout.own(key),
            expected: format!("expected {expected}"),
            alias: aliases.iter().find(|alias| self.has(alias)).map(|alias| self.layout.own(alias)),
        }
    }

    /// The values of `key` as f32 in index order, after checking its extents, its type, that every
    /// value is finite, and that the aliases in the file hold the same bytes.
    pub(super) fn take(
        &mut self,
        key: &str,
        shape: &[usize],
        aliases: &[String],
    ) -> Result<Vec<f32>, ImportError> {
        let expected = format!("{shape:?}");
        let Some(view) = self.views.get(key) else {
            return Err(self.missing(key, &expected, aliases));
        };
        if view.shape() != shape {
            return Err(self.wrong_shape(key, &expected));
        }
        let values = self.convert(key, view)?;
        for alias in aliases {
            if let Some(other) = self.views.get(alias) {
                self.require_equal(key, view, alias, other)?;
            }
        }
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(ImportError::NotFinite {
                file: self.file.clone(),
                tensor: self.layout.own(key),
                index,
                value,
            });
        }
        self.used.insert(key.to_owned());
        self.used.extend(aliases.iter().cloned());
        Ok(values)
    }

    fn convert(&self, key: &str, view: &TensorView<'_>) -> Result<Vec<f32>, ImportError> {
        let data = view.data();
        match view.dtype() {
            Dtype::F32 => Ok(words(data, f32::from_le_bytes)),
            Dtype::F64 => Ok(words(data, |b| f64::from_le_bytes(b) as f32)),
            Dtype::BF16 => Ok(words(data, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16))),
            Dtype::F16 => Ok(words(data, |b| half_to_f32(u16::from_le_bytes(b)))),
            other => Err(ImportError::WrongDtype {
                file: self.file.clone(),
                tensor: self.layout.own(key),
                got: format!("{other:?}"),
            }),
        }
    }

    fn require_equal(
        &self,
        canonical: &str,
        view: &TensorView<'_>,
        alias: &str,
        other: &TensorView<'_>,
    ) -> Result<(), ImportError> {
        let what = if view.dtype() != other.dtype() {
            format!("in type ({:?} and {:?})", other.dtype(), view.dtype())
        } else if view.shape() != other.shape() {
            format!("in shape ({:?} and {:?})", other.shape(), view.shape())
        } else if let Some(byte) = view.data().iter().zip(other.data()).position(|(a, b)| a != b) {
            format!("at index {}", byte / (view.dtype().bitsize() / 8).max(1))
        } else {
            return Ok(());
        };
        Err(ImportError::AliasDisagrees {
            file: self.file.clone(),
            canonical: self.layout.own(canonical),
            alias: self.layout.own(alias),
            what,
        })
    }

    /// Accepts a key without reading it, if it is there.
    pub(super) fn ignore(&mut self, key: String) {
        self.used.insert(key);
    }

    /// That every key has been used.
    pub(super) fn finish(&self) -> Result<(), ImportError> {
        let mut unknown = self.keys().filter(|key| !self.used.contains(*key)).peekable();
        if unknown.peek().is_none() {
            return Ok(());
        }
        let all: Vec<&str> = unknown.collect();
        Err(ImportError::UnknownKeys {
            file: self.file.clone(),
            keys: all.iter().take(LISTED).map(|key| self.layout.own(key)).collect(),
            count: all.len(),
        })
    }
}

fn words<const N: usize>(data: &[u8], convert: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    data.chunks_exact(N).filter_map(|chunk| chunk.try_into().ok()).map(convert).collect()
}

/// IEEE 754 binary16 to binary32, exact.
fn half_to_f32(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((bits >> 10) & 0x1f);
    let fraction = f32::from(bits & 0x3ff);
    match exponent {
        0 => sign * fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        _ => sign * (1024.0 + fraction) * 2f32.powi(exponent - 25),
    }
}
