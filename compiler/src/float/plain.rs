//! Operations of a line each.

use super::maps::Maps;
use super::observe::Inner;
use super::operation::Operation;

/// `max(x, 0)`.
#[derive(Debug)]
pub(super) struct Relu;

impl Operation for Relu {
    fn run(&self, inputs: &[&Maps], _inner: &mut Inner<'_>) -> Maps {
        inputs[0].mapv(|v| v.max(0.0))
    }
}

/// The same map at every timestep.
#[derive(Debug)]
pub(super) struct Repeat {
    pub timesteps: usize,
}

impl Operation for Repeat {
    fn run(&self, inputs: &[&Maps], _inner: &mut Inner<'_>) -> Maps {
        let (_, h, w, c) = inputs[0].dim();
        let mut out = Maps::zeros((self.timesteps, h, w, c));
        out.assign(inputs[0]);
        out
    }
}

/// The sum of two.
#[derive(Debug)]
pub(super) struct Add;

impl Operation for Add {
    fn run(&self, inputs: &[&Maps], _inner: &mut Inner<'_>) -> Maps {
        inputs[0] + inputs[1]
    }
}

/// The mean over time and map of every channel.
#[derive(Debug)]
pub(super) struct Mean;

impl Operation for Mean {
    fn run(&self, inputs: &[&Maps], _inner: &mut Inner<'_>) -> Maps {
        let (t, h, w, c) = inputs[0].dim();
        let window = (t * h * w) as f64;
        let mut sums = Maps::zeros((1, 1, 1, c));
        // Pixel by pixel: sums are those of any other machine.
        for pixel in inputs[0].rows() {
            sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += v);
        }
        sums / window
    }
}
