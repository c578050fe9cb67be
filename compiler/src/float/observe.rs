//! Watching tensors go by.

use std::collections::BTreeMap;

/// Receives the tensors of one image, in the order they are computed. See [`super`] for the names.
pub trait Observer {
    /// Whether a tensor is wanted; one that is not costs nothing.
    fn wants(&self, name: &str) -> bool;

    /// One tensor; `values` are in index order of `shape`, row-major.
    fn tensor(&mut self, name: &str, shape: &[usize], values: &[f64]);
}

/// Wants nothing.
impl Observer for () {
    fn wants(&self, _name: &str) -> bool {
        false
    }

    fn tensor(&mut self, _name: &str, _shape: &[usize], _values: &[f64]) {}
}

/// Keeps every tensor, or those with one of the given names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorder {
    only: Option<Vec<String>>,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f64>)>,
}

impl Recorder {
    /// Keeps everything.
    pub fn all() -> Recorder {
        Recorder::default()
    }

    /// Keeps tensors of these names.
    pub fn only(names: &[&str]) -> Recorder {
        Recorder { only: Some(names.iter().map(|&n| n.to_owned()).collect()), ..Recorder::default() }
    }

    /// Shape and values of a tensor that went by.
    pub fn get(&self, name: &str) -> Option<(&[usize], &[f64])> {
        self.tensors.get(name).map(|(shape, values)| (shape.as_slice(), values.as_slice()))
    }

    /// Names of all tensors kept, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }
}

impl Observer for Recorder {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|names| names.iter().any(|n| n == name))
    }

    fn tensor(&mut self, name: &str, shape: &[usize], values: &[f64]) {
        self.tensors.insert(name.to_owned(), (shape.to_vec(), values.to_vec()));
    }
}
