//! A plain f32 array with its extents.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;

/// Numbers with a shape; row-major, the last index runs fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

/// A shape and a number of values that do not belong together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tensor of shape {shape:?} needs {} values, got {got}", expected_text(.expected))]
pub struct TensorError {
    /// The shape that was asked for.
    pub shape: Vec<usize>,
    /// Its number of values; `None` when the product does not fit a machine word.
    pub expected: Option<usize>,
    /// The number of values given.
    pub got: usize,
}

fn expected_text(expected: &Option<usize>) -> String {
    expected.map_or_else(|| "more than any machine has".to_owned(), |n| n.to_string())
}

impl Tensor {
    /// Puts a shape on values.
    ///
    /// # Errors
    /// The product of `shape` is not the number of values.
    pub fn new(shape: &[usize], data: Vec<f32>) -> Result<Tensor, TensorError> {
        let expected = shape.iter().try_fold(1usize, |product, &d| product.checked_mul(d));
        if expected != Some(data.len()) {
            return Err(TensorError { shape: shape.to_vec(), expected, got: data.len() });
        }
        Ok(Tensor { shape: shape.to_vec(), data })
    }

    /// Extents.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// One extent; 0 for an axis that is not there.
    pub fn dim(&self, axis: usize) -> usize {
        self.shape.get(axis).copied().unwrap_or(0)
    }

    /// All values in index order.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values in index order, to change in place.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// Whether there are no values.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }
}

impl Failure for TensorError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        None
    }
}
