//! Every rounding, saturation and index rule at its corners, against numbers worked out by hand.
#![allow(clippy::unwrap_used)]

mod arithmetic;
mod convolution;
mod network;
mod ops;
mod validation;

use spikegate_contract::network::{Conv, FireRule, Form, Network, Neuron, Node, Op, Requant, Value};
use spikegate_contract::tensor::Tensor;

use crate::arith::Clamp;
use crate::random::{self, Rng, Shape};
use crate::GoldenError;

fn tensor(dims: [usize; 4], data: &[i64]) -> Tensor {
    assert_eq!(data.len(), dims.iter().product::<usize>());
    Tensor { name: "x".to_owned(), dims, data: data.to_vec() }
}

fn neuron(leak_shift: u8, fire: FireRule) -> Neuron {
    Neuron::new(leak_shift, fire)
}

/// A convolution with a requantisation that changes nothing, `(2 acc + 1) >> 1`.
fn conv(k: usize, stride: usize, pad: usize, out_c: usize, weights: Vec<i8>) -> Conv {
    Conv { k, stride, pad, weight_bits: 8, weights, requant: vec![Requant { m: 2, b: 0, s: 1 }; out_c] }
}

/// What a node of this operation and form makes of its inputs, and what it clamped.
fn compute(
    op: Op,
    form: Form,
    dims: [usize; 4],
    inputs: &[&Tensor],
) -> Result<(Vec<i64>, Clamp), GoldenError> {
    compute_with(neuron(1, FireRule::Gt), op, form, dims, inputs)
}

fn compute_with(
    neuron: Neuron,
    op: Op,
    form: Form,
    dims: [usize; 4],
    inputs: &[&Tensor],
) -> Result<(Vec<i64>, Clamp), GoldenError> {
    let out = Value { timed: dims[0] > 1, ..Value::still([dims[1], dims[2], dims[3]], form) };
    let node = Node { name: "node".to_owned(), op, inputs: vec![], out };
    let (mut out, mut clamp) = (Tensor::zeros("node", dims), Clamp::default());
    crate::ops::compute(&node, &neuron, &[], inputs, &mut out, &mut clamp)?;
    assert_eq!(out.dims, dims);
    Ok((out.data, clamp))
}

/// A shape whose images have 20 pixels, of two blocks.
fn shape() -> Shape {
    Shape {
        input: [1, 4, 5],
        stem: 2,
        stem_kernel: (3, 1),
        k: 4,
        t: 2,
        stages: vec![(3, 2, 2)],
        classes: 3,
        ..random::demo()
    }
}

/// A small valid network.
fn small() -> Network {
    random::network(&mut Rng(3), &shape())
}

/// The same without the last LIF.
fn small_pooled() -> Network {
    random::network(&mut Rng(3), &Shape { last_lif: false, ..shape() })
}

/// The same of direct coding.
fn small_direct() -> Network {
    random::network(&mut Rng(3), &Shape { direct: true, ..shape() })
}
