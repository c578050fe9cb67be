//! The golden model: the integer network of [`spikegate_contract::network`] in plain Rust.
//!
//! [`run`] computes the nodes in their order, one small file an operation, in wide integers. It is written to be read
//! beside the contract, not to be fast, and depends on the contract alone: agreement with the hardware would prove nothing
//! if the two shared arithmetic.
//!
//! | module | what |
//! | --- | --- |
//! | `arith` | the one place that rounds and the one that saturates |
//! | `ops` | the operations |
//! | [`fast`] | the same results from an engine for whole test sets, on the vectors that the processor has |
//! | [`random`] | seeded random networks and images |
//! | [`trace`] | the tensors as the core's dump packets, and back |
//!
//! No input makes these functions panic: a bad network is a [`GoldenError`] that names the node.

mod arith;
mod error;
pub mod fast;
mod ops;
mod outcome;
pub mod random;
mod record;
#[cfg(test)]
mod tests;
pub mod trace;

pub use error::GoldenError;
pub use ops::lif::membranes;
pub use outcome::{Outcome, Population, Saturation, SaturationKind, Saturations};
pub use record::Recorder;

use spikegate_contract::network::Network;
use spikegate_contract::tensor::Tensor;

use arith::Clamp;
use outcome::Counters;

/// Runs one image. `pixels` are u8 in (c, y, x) order; `recorder` receives the tensor of every node, under the node's name
/// and in the order of the nodes.
///
/// # Errors
/// [`GoldenError::Invalid`] for a network that [`Network::validate`] refuses, [`GoldenError::Pixels`] for an image of another
/// size, [`GoldenError::Accumulator`] when a convolution sum or a logit leaves 32 bits.
pub fn run(net: &Network, pixels: &[u8], recorder: &mut dyn Recorder) -> Result<Outcome, GoldenError> {
    net.validate()?;
    let last_reader = last_readers(net);
    let mut counters = Counters::default();
    let mut tensors: Vec<Option<Tensor>> = Vec::with_capacity(net.nodes.len());
    for (id, node) in net.iter() {
        let inputs: Vec<&Tensor> = node.inputs.iter().filter_map(|id| tensors[id.0].as_ref()).collect();
        let mut out = Tensor::zeros(&node.name, net.dims(&node.out));
        let mut clamp = Clamp::default();
        ops::compute(node, &net.neuron, pixels, &inputs, &mut out, &mut clamp)?;
        counters.note(node, clamp, || out.data.iter().sum::<i64>() as u64);
        if recorder.wants(&node.name) {
            recorder.record(out.clone());
        }
        if id.0 + 1 == net.nodes.len() {
            let read = inputs.first().map_or(Vec::new(), |x| x.data.clone());
            return Ok(counters.outcome(net, read, &out.data));
        }
        tensors.push(Some(out));
        for input in &node.inputs {
            if last_reader[input.0] == id.0 {
                tensors[input.0] = None;
            }
        }
    }
    // A valid network has nodes.
    Ok(counters.outcome(net, Vec::new(), &[]))
}

/// For every node the place of the last that reads it; its own where none does.
fn last_readers(net: &Network) -> Vec<usize> {
    let mut last: Vec<usize> = (0..net.nodes.len()).collect();
    for (id, node) in net.iter() {
        for input in &node.inputs {
            last[input.0] = id.0;
        }
    }
    last
}
