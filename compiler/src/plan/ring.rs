//! Weights that stream from the external memory: their order, and their place in the ring.
//!
//! An image, or all images of a batch, use the weights of one output group (a tile) after the other. The hardware requests
//! their words ahead, in that order, into the weight memory used as a ring.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{Instr, Opcode};
use spikegate_contract::network::Network;

use super::error::PlanError;
use super::layer::{poolings, Kernel, Parts};
use super::pool;
use super::sequence::Sequence;
use super::tile::Tile;

/// Words that a ring gets: two tiles, one in use and the next, of the largest size. Where memories are as small as they can be,
/// one, and groups of large tiles wait for theirs.
pub(super) fn depth(net: &Network, array: &ArrayConfig, parts: &Parts) -> usize {
    let tiles = net.layers().map(|layer| Kernel::of(net, &layer, parts).tile(array).words());
    let poolings = poolings(net).map(|id| pool::tile(net, id, array).words());
    let tile = tiles.chain(poolings).max().unwrap_or(1);
    if array.moves {
        tile
    } else {
        2 * tile
    }
}

/// Gives every convolution its place in the ring. Returns the weight words of a run of the program.
///
/// # Errors
/// An address that an instruction cannot hold.
pub(super) fn place(sequence: &mut Sequence, array: &ArrayConfig) -> Result<usize, PlanError> {
    let mut position = 0;
    for (instr, step) in sequence.instructions.iter_mut().zip(&sequence.steps) {
        if instr.op == Opcode::Conv as u32 {
            instr.weight_base = Tile::from(instr).base(position % array.weight_depth);
            position += weight_words(instr);
            instr.encode().map_err(|source| PlanError::Field { node: step.name.clone(), source })?;
        }
    }
    Ok(position)
}

/// Weight words of all output groups.
pub(super) fn weight_words(i: &Instr) -> usize {
    Tile::from(i).words() * (i.groups_out as usize + 1)
}
