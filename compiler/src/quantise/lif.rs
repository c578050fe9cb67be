//! Neurons: their threshold in units of what they read.

use spikegate_contract::network::{self as contract, Form};

use super::walk::{Made, Walk};
use super::QuantiseError;
use crate::graph::{Node, NodeId};

/// A population.
pub(super) fn lif(walk: &mut Walk<'_>, id: NodeId, node: &Node) -> Result<(), QuantiseError> {
    let (x, frac) = walk.fixed_point(node, 0)?;
    // At least 1 and below the largest: the scales leave the threshold room on both sides.
    let threshold = (walk.net.neuron.threshold * 2f64.powi(frac)).round();
    let op = contract::Op::Lif { threshold: threshold as i16, neuron: None };
    let made = walk.push(&node.name, op, &[x.id], walk.value(id, Form::Spikes));
    walk.stands(Made { id: made, unit: 1.0, frac: None });
    Ok(())
}
