//! Typed access to the tensors of a file, each taken once.

use super::naming::{is_key, start, Naming};
use super::store::{Entry, Place, Store};
use super::unpickle::MAX_RANK;
use super::{formats, ImportError, MAX_FILE_BYTES};
use ::safetensors::tensor::Dtype;
use std::collections::{BTreeMap, BTreeSet};

/// How many unknown keys an error lists.
const LISTED: usize = 5;

/// The tensors of one file by key, and which of them a layer has asked for.
///
/// They are gone through twice: first every extent and type is judged, and then the values are read, so that a file
/// that does not fit costs nothing, and of one that fits only what is needed is read.
pub(super) struct Tensors<'a> {
    file: String,
    /// By canonical key.
    entries: BTreeMap<String, Entry>,
    /// The file's own key of each.
    own: BTreeMap<String, String>,
    store: Store<'a>,
    used: BTreeSet<String>,
    naming: Naming,
    reading: bool,
    /// Values asked for so far.
    values: u64,
}

impl<'a> Tensors<'a> {
    /// Tensors of the file called `file` in errors.
    pub(super) fn new(
        file: &str,
        entries: Vec<(String, Entry)>,
        store: Store<'a>,
    ) -> Result<Tensors<'a>, ImportError> {
        let strange = |(key, entry): &&(String, Entry)| !is_key(key) || entry.shape.len() > MAX_RANK;
        if let Some((key, entry)) = entries.iter().find(strange) {
            return Err(ImportError::StrangeTensor {
                file: file.to_owned(),
                key: start(key),
                length: key.len(),
                rank: entry.shape.len(),
            });
        }
        Ok(Tensors {
            file: file.to_owned(),
            own: entries.iter().map(|(key, _)| (key.clone(), key.clone())).collect(),
            entries: entries.into_iter().collect(),
            store,
            used: BTreeSet::new(),
            naming: Naming::default(),
            reading: false,
            values: 0,
        })
    }

    /// Keeps the tensors of the file's keys in `names`, each under the canonical key beside it.
    pub(super) fn rename(&mut self, naming: Naming, names: Vec<(String, String)>) -> Result<(), ImportError> {
        self.naming = naming;
        let mut entries = std::mem::take(&mut self.entries);
        self.own.clear();
        for (own, canonical) in names {
            if let Some(other) = self.own.insert(canonical.clone(), own.clone()) {
                return Err(ImportError::KeyCollision {
                    file: self.file.clone(),
                    keys: [other, own],
                    key: canonical,
                });
            }
            if let Some(entry) = entries.remove(&own) {
                self.entries.insert(canonical, entry);
            }
        }
        Ok(())
    }

    /// From here on values are read.
    pub(super) fn start_reading(&mut self) {
        self.reading = true;
    }

    /// Whether they are read, not judged.
    pub(super) fn is_reading(&self) -> bool {
        self.reading
    }

    /// All keys, sorted.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> + Clone {
        self.entries.keys().map(String::as_str)
    }

    /// Whether what is under a key is a tensor.
    pub(super) fn is_tensor(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|entry| !matches!(entry.place, Place::None))
    }

    /// Whether the keys are those of the ImageNet layout.
    pub(super) fn is_imagenet(&self) -> bool {
        self.naming.layout.name == "ImageNet"
    }

    /// Whether the keys are those of SpikingJelly's layout.
    pub(super) fn is_spikingjelly(&self) -> bool {
        self.naming.layout.name == "SpikingJelly"
    }

    /// The file's own name of a canonical key.
    pub(super) fn own(&self, key: &str) -> String {
        self.own.get(key).cloned().unwrap_or_else(|| self.naming.own(key))
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether a key starts with `prefix`.
    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        self.entries.range(prefix.to_owned()..).next().is_some_and(|(key, _)| key.starts_with(prefix))
    }

    /// Extents of a tensor, if it is there.
    pub(super) fn extents(&self, key: &str) -> Option<&[usize]> {
        self.entries.get(key).map(|entry| &*entry.shape)
    }

    /// Extents of a tensor that must be there; `expected` says what it should look like.
    pub(super) fn shape(&self, key: &str, expected: &str) -> Result<&[usize], ImportError> {
        match self.entries.get(key) {
            Some(entry) if matches!(entry.place, Place::None) => Err(self.wrong_type(key, entry)),
            Some(entry) => Ok(&entry.shape),
            None => Err(self.missing(key, expected, &[])),
        }
    }

    /// A `WrongShape` error for a tensor of this file.
    pub(super) fn wrong_shape(&self, key: &str, expected: &str) -> ImportError {
        ImportError::WrongShape {
            file: self.file.clone(),
            tensor: self.own(key),
            expected: expected.to_owned(),
            got: self.extents(key).unwrap_or_default().to_vec(),
        }
    }

    /// An error for a value that is to be above 0.
    pub(super) fn not_positive(&self, key: &str, index: usize, value: f32) -> ImportError {
        ImportError::NotPositive { file: self.file.clone(), tensor: self.own(key), index, value }
    }

    fn wrong_type(&self, key: &str, entry: &Entry) -> ImportError {
        let is_tensor = !matches!(entry.place, Place::None);
        let (file, tensor, got) = (self.file.clone(), self.own(key), entry.kind.clone());
        ImportError::WrongDtype { file, tensor, got, is_tensor }
    }

    fn missing(&self, key: &str, expected: &str, aliases: &[String]) -> ImportError {
        let own = self.own(key);
        let statistic = |key: &str| key.ends_with(".running_mean") || key.ends_with(".running_var");
        let alias = aliases.iter().find(|alias| self.has(alias)).map(|alias| self.own(alias));
        let advice = match alias {
            _ if formats::is_shard(&self.file) => {
                "the file is one part of a model in several files: put all their tensors into one, a whole state_dict"
                    .to_owned()
            }
            Some(alias) => format!(
                "its alias `{alias}` is there, but only the canonical key is read: export the whole state_dict"
            ),
            None if statistic(key) && !self.keys().any(statistic) => {
                "the file has parameters only, as named_parameters() gives them: save model.state_dict(), which also has \
                 the running statistics of the batch norms"
                    .to_owned()
            }
            None => "export the whole state_dict".to_owned(),
        };
        ImportError::MissingKey {
            file: self.file.clone(),
            key: own,
            expected: format!("expected {expected}"),
            advice,
        }
    }

    /// The values of `key` as f32 in index order, after checking its extents, its type, that every
    /// value is finite, and that the aliases in the file hold the same bytes. Zeros while the file is judged.
    pub(super) fn take(
        &mut self,
        key: &str,
        shape: &[usize],
        aliases: &[String],
    ) -> Result<Vec<f32>, ImportError> {
        let expected = format!("{shape:?}");
        let Some(entry) = self.entries.get(key) else {
            return Err(self.missing(key, &expected, aliases));
        };
        if matches!(entry.place, Place::None) {
            return Err(self.wrong_type(key, entry));
        }
        if entry.shape != shape {
            return Err(self.wrong_shape(key, &expected));
        }
        let Some(dtype @ (Dtype::F32 | Dtype::F64 | Dtype::BF16 | Dtype::F16)) = entry.dtype else {
            return Err(self.wrong_type(key, entry));
        };
        let there: Vec<&String> = aliases.iter().filter(|alias| self.has(alias)).collect();
        self.used.insert(key.to_owned());
        self.used.extend(there.iter().map(|alias| (*alias).clone()));
        if !self.reading {
            let count = shape.iter().fold(1u64, |n, &d| n.saturating_mul(d as u64));
            self.values = self.values.saturating_add(count);
            if self.values > MAX_FILE_BYTES / 4 {
                let (file, bytes) = (self.file.clone(), self.values.saturating_mul(4));
                return Err(ImportError::TooLarge { file, bytes, limit: MAX_FILE_BYTES });
            }
            self.judge(key)?;
            for alias in there {
                self.require_alike(key, alias)?;
            }
            return Ok(vec![0.0; count as usize]);
        }
        let data = self.read(key)?;
        let values = convert(&data, dtype);
        for alias in there {
            self.require_equal(key, &data, alias)?;
        }
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(ImportError::NotFinite {
                file: self.file.clone(),
                tensor: self.own(key),
                index,
                value,
            });
        }
        Ok(values)
    }

    fn damaged(&self, key: &str, reason: &str) -> ImportError {
        let key = self.own(key);
        ImportError::Checkpoint { file: self.file.clone(), reason: format!("tensor `{key}` {reason}") }
    }

    fn judge(&mut self, key: &str) -> Result<(), ImportError> {
        let place = self.entries[key].place.clone();
        self.store.judge(&place).map_err(|reason| self.damaged(key, &reason))
    }

    fn read(&mut self, key: &str) -> Result<Vec<u8>, ImportError> {
        let place = self.entries[key].place.clone();
        self.store.read(&place).map_err(|reason| self.damaged(key, &reason))
    }

    fn disagrees(&self, canonical: &str, alias: &str, what: String) -> ImportError {
        ImportError::AliasDisagrees {
            file: self.file.clone(),
            canonical: self.own(canonical),
            alias: self.own(alias),
            what,
        }
    }

    /// That an alias has the type and the extents of its canonical tensor.
    fn require_alike(&mut self, canonical: &str, alias: &str) -> Result<(), ImportError> {
        let (entry, other) = (&self.entries[canonical], &self.entries[alias]);
        let what = if entry.kind != other.kind {
            format!("in type ({} and {})", other.kind, entry.kind)
        } else if entry.shape != other.shape {
            format!("in shape ({:?} and {:?})", other.shape, entry.shape)
        } else if entry.place.is(&other.place) {
            return Ok(());
        } else {
            return self.judge(alias);
        };
        Err(self.disagrees(canonical, alias, what))
    }

    /// That an alias holds the same values as its canonical tensor, which has the bytes `data`.
    fn require_equal(&mut self, canonical: &str, data: &[u8], alias: &str) -> Result<(), ImportError> {
        let (place, dtype) = (self.entries[canonical].place.clone(), self.entries[canonical].dtype);
        if place.is(&self.entries[alias].place) {
            return Ok(());
        }
        let other = self.read(alias)?;
        let size = dtype.map_or(1, |dtype| (dtype.bitsize() / 8).max(1));
        match data.iter().zip(&other).position(|(a, b)| a != b) {
            Some(byte) => Err(self.disagrees(canonical, alias, format!("at index {}", byte / size))),
            None => Ok(()),
        }
    }

    /// Accepts a key without reading it, if it is there.
    pub(super) fn ignore(&mut self, key: String) {
        self.used.insert(key);
    }

    /// That every key has been used.
    pub(super) fn finish(&self) -> Result<(), ImportError> {
        let all: Vec<&str> = self.keys().filter(|key| !self.used.contains(*key)).collect();
        if all.is_empty() {
            return Ok(());
        }
        Err(ImportError::UnknownKeys {
            file: self.file.clone(),
            keys: all.iter().take(LISTED).map(|key| self.own(key)).collect(),
            count: all.len(),
        })
    }
}

fn convert(data: &[u8], dtype: Dtype) -> Vec<f32> {
    match dtype {
        Dtype::F64 => words(data, |b| f64::from_le_bytes(b) as f32),
        Dtype::BF16 => words(data, |b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)),
        Dtype::F16 => words(data, |b| half_to_f32(u16::from_le_bytes(b))),
        _ => words(data, f32::from_le_bytes),
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
