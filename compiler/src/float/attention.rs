//! Temporal attention of a still map.

use ndarray::{Array1, Array2, ArrayView1};

use super::maps::Maps;
use super::observe::Inner;
use super::operation::Operation;
use crate::graph;

/// The two layers, as trained.
#[derive(Debug)]
pub(super) struct TemporalAttention {
    w1: Array2<f32>,
    w2: Array2<f32>,
}

impl TemporalAttention {
    pub fn new(attention: &graph::TemporalAttention) -> TemporalAttention {
        TemporalAttention { w1: attention.w1.clone(), w2: attention.w2.clone() }
    }

    /// `W2 relu(W1 v)` for a pooled value `v` that is the same at every timestep.
    fn attend(&self, v: f64) -> Array1<f64> {
        let pooled = Array1::from_elem(self.w1.ncols(), v);
        let hidden = product(&self.w1, pooled.view()).mapv(|h| h.max(0.0));
        product(&self.w2, hidden.view())
    }
}

impl Operation for TemporalAttention {
    fn run(&self, inputs: &[&Maps], _inner: &mut Inner<'_>) -> Maps {
        let x = inputs[0];
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (of_mean, of_max) = (self.attend(mean), self.attend(max));
        Maps::from_shape_fn((of_mean.len(), 1, 1, 1), |(t, ..)| of_mean[t] + of_max[t])
    }
}

/// `weight * input`, summed in index order.
fn product(weight: &Array2<f32>, input: ArrayView1<'_, f64>) -> Array1<f64> {
    let row = |row: ArrayView1<'_, f32>| row.iter().zip(input).map(|(&w, v)| f64::from(w) * v).sum();
    weight.rows().into_iter().map(row).collect()
}
