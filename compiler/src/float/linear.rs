//! The fully connected layer.

use ndarray::{Array1, Array2};

use super::maps::Maps;
use super::observe::Inner;
use super::operation::Operation;
use crate::graph;

/// Weights `[classes, C]` and biases, as trained.
#[derive(Debug)]
pub(super) struct Linear {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Linear {
    pub fn new(linear: &graph::Linear) -> Linear {
        Linear { weight: linear.weight.clone(), bias: linear.bias.clone() }
    }
}

impl Operation for Linear {
    fn run(&self, inputs: &[&Maps], _inner: &mut Inner<'_>) -> Maps {
        let logit = |class: usize| {
            let row = self.weight.row(class);
            let sum: f64 = row.iter().zip(inputs[0]).map(|(&w, x)| f64::from(w) * x).sum();
            sum + f64::from(self.bias[class])
        };
        Maps::from_shape_fn((1, 1, 1, self.bias.len()), |(_, _, _, class)| logit(class))
    }
}
