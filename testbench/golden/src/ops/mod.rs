//! The operations, one file each, as the contract's [`Op`] has them. Each fills the tensor that its node makes, given as
//! zeros of the right sizes, from the tensors that the node reads. A [`Clamp`] counts what is clamped.

mod add;
mod code;
pub(crate) mod conv;
mod count;
mod gate;
mod input;
pub(crate) mod lif;
pub(crate) mod linear;
mod pool;
mod repeat;
mod statistics;
mod temporal;

use spikegate_contract::network::{Neuron, Node, Op};
use spikegate_contract::tensor::Tensor;

use crate::arith::Clamp;
use crate::GoldenError;

/// Computes a node of a valid network.
///
/// # Errors
/// A sum that leaves 32 bits; an image of another size.
pub(crate) fn compute(
    node: &Node,
    neuron: &Neuron,
    pixels: &[u8],
    inputs: &[&Tensor],
    out: &mut Tensor,
    clamp: &mut Clamp,
) -> Result<(), GoldenError> {
    match &node.op {
        Op::Input { offset } => input::run(offset, pixels, out)?,
        Op::Conv(conv) => conv::run(conv, inputs[0], out, clamp)?,
        Op::Code { shift, rounding } => code::run(*shift, *rounding, node.out.form, inputs[0], out, clamp),
        Op::Lif { threshold, neuron: own } => {
            lif::run(own.as_ref().unwrap_or(neuron), *threshold, inputs[0], out, clamp)
        }
        Op::Statistics => statistics::run(inputs[0], out),
        Op::TemporalAttention(constants) => temporal::run(constants, inputs[0], out, clamp),
        Op::Gate(gate) => gate::run(gate, inputs[0], inputs[1], inputs[2], out, clamp),
        Op::Repeat => repeat::run(inputs[0], out),
        Op::Add => add::run(inputs[0], inputs[1], out, clamp),
        Op::Count => count::run(inputs[0], out),
        Op::Pool { requant } => pool::run(requant, inputs[0], out, clamp),
        Op::Linear(linear) => linear::run(linear, inputs[0], out)?,
    }
    Ok(())
}
