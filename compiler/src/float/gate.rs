//! The gate of the encoder.

use super::maps::{self, Maps};
use super::observe::Inner;
use super::operation::Operation;

/// Suffix of the sigmoid's argument `ta * sca`, of the gate's shape.
pub const ARGUMENT: &str = ".argument";

/// `sigmoid(ta[t] * sca) * spikes[t]`.
#[derive(Debug)]
pub(super) struct Gate;

impl Operation for Gate {
    fn run(&self, inputs: &[&Maps], inner: &mut Inner<'_>) -> Maps {
        let [ta, sca, spikes] = [inputs[0], inputs[1], inputs[2]];
        let sca = maps::at(sca, 0);
        inner.show(ARGUMENT, || {
            let mut z = Maps::zeros(spikes.dim());
            for (map, by) in maps::each_mut(&mut z).zip(ta) {
                map.iter_mut().zip(sca).for_each(|(z, v)| *z = by * v);
            }
            z
        });
        let mut y = spikes.clone();
        for (map, by) in maps::each_mut(&mut y).zip(ta) {
            for (s, v) in map.iter_mut().zip(sca).filter(|(s, _)| **s != 0.0) {
                *s = sigmoid(by * v);
            }
        }
        y
    }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}
