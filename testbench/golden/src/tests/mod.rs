//! Every rounding, saturation and index rule at its corners, against numbers worked out by hand.
#![allow(clippy::unwrap_used)]

mod arithmetic;
mod convolution;
mod network;
mod steps;
mod validation;

use spikegate_contract::graph;
use spikegate_contract::network::{Conv, FireRule, Network, Neuron, Requant};
use spikegate_contract::tensor::Tensor;

use crate::random::{self, Rng, Shape};
use crate::{Context, Saturations};

/// A convolution on a map of one timestep; identity requantisation `(2 acc + 1) >> 1`.
fn conv(
    in_c: usize,
    in_hw: [usize; 2],
    out: (usize, [usize; 2]),
    k: usize,
    stride: usize,
    pad: usize,
) -> Conv {
    let (out_c, out_hw) = out;
    let weights = vec![0; out_c * in_c * k * k];
    let requant = vec![Requant { m: 2, b: 0, s: 1 }; out_c];
    Conv { name: "conv".to_owned(), in_c, in_hw, out_c, out_hw, k, stride, pad, weights, requant }
}

fn tensor(name: &str, dims: [usize; 4], data: &[i64]) -> Tensor {
    assert_eq!(data.len(), dims.iter().product::<usize>());
    Tensor { name: name.to_owned(), dims, data: data.to_vec() }
}

fn neuron(leak_shift: u8, fire: FireRule) -> Neuron {
    Neuron { leak_shift, fire }
}

/// A small valid network.
fn small() -> Network {
    let shape = Shape {
        input: [1, 4, 5],
        stem: 2,
        stem_kernel: (3, 1),
        k: 4,
        t: 2,
        stages: vec![(3, 2, 2)],
        classes: 3,
        ..random::demo()
    };
    random::network(&mut Rng(3), &shape)
}

/// A small valid network as a graph: with an encoder, without the last LIF, of direct coding.
fn small_graph(last_lif: bool, direct: bool) -> graph::Network {
    let shape = Shape {
        input: [1, 4, 5],
        stem: 2,
        stem_kernel: (3, 1),
        k: 4,
        t: 2,
        stages: vec![(3, 2, 2)],
        classes: 3,
        last_lif,
        direct,
        ..random::demo()
    };
    graph::Network::from(&random::network(&mut Rng(3), &shape))
}

fn small_pooled() -> graph::Network {
    small_graph(false, false)
}

fn small_direct() -> graph::Network {
    small_graph(true, true)
}

/// Runs `f` with a context on the network, and returns its result with the tensors recorded.
fn with<R>(net: &Network, f: impl FnOnce(&mut Context) -> R) -> (R, Vec<Tensor>, Saturations) {
    let mut tensors = Vec::new();
    let mut ctx =
        Context { net, recorder: &mut tensors, saturations: Saturations::default(), populations: Vec::new() };
    let result = f(&mut ctx);
    let saturations = ctx.saturations;
    (result, tensors, saturations)
}
