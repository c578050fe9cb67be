//! Watching tensors go by.

use std::collections::BTreeMap;

use ndarray::{Array4, ArrayView4};

use super::maps::Maps;

/// Receives the tensors of one image, in the order they are computed. See [`super`] for the names.
pub trait Observer {
    /// Whether a tensor is wanted; one that is not costs nothing.
    fn wants(&self, name: &str) -> bool;

    /// One tensor, axes (t, c, y, x).
    fn tensor(&mut self, name: &str, values: ArrayView4<'_, f64>);
}

/// Wants nothing.
impl Observer for () {
    fn wants(&self, _name: &str) -> bool {
        false
    }

    fn tensor(&mut self, _name: &str, _values: ArrayView4<'_, f64>) {}
}

/// Keeps every tensor, or those with one of the given names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorder {
    only: Option<Vec<String>>,
    tensors: BTreeMap<String, Array4<f64>>,
}

impl Recorder {
    /// Keeps everything.
    pub fn all() -> Recorder {
        Recorder::default()
    }

    /// Keeps tensors of these names.
    pub fn only<'a>(names: impl IntoIterator<Item = &'a str>) -> Recorder {
        Recorder { only: Some(names.into_iter().map(str::to_owned).collect()), ..Recorder::default() }
    }

    /// A tensor that went by, axes (t, c, y, x) in standard layout.
    pub fn get(&self, name: &str) -> Option<&Array4<f64>> {
        self.tensors.get(name)
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

    fn tensor(&mut self, name: &str, values: ArrayView4<'_, f64>) {
        self.tensors.insert(name.to_owned(), values.as_standard_layout().into_owned());
    }
}

/// Shows an observer what lies inside the operation of a node.
pub(super) struct Inner<'a> {
    node: &'a str,
    observer: &'a mut dyn Observer,
}

impl<'a> Inner<'a> {
    pub fn new(node: &'a str, observer: &'a mut dyn Observer) -> Inner<'a> {
        Inner { node, observer }
    }

    /// The tensor of the node's name with a suffix, which is computed if it is wanted.
    pub fn show(&mut self, suffix: &str, tensor: impl FnOnce() -> Maps) {
        let name = format!("{}{suffix}", self.node);
        if self.observer.wants(&name) {
            show(self.observer, &name, &tensor());
        }
    }
}

/// Shows an observer a tensor, if it wants it.
pub(super) fn show(observer: &mut dyn Observer, name: &str, maps: &Maps) {
    if observer.wants(name) {
        // (t, y, x, c) becomes (t, c, y, x).
        observer.tensor(name, maps.view().permuted_axes([0, 3, 1, 2]));
    }
}
