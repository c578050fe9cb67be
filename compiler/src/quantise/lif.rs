//! Neurons: their threshold in units of what they read.

use spikegate_contract::network::{self as contract, Form};

use super::walk::{Made, Walk};
use super::QuantiseError;
use crate::graph::{Node, NodeId};

/// A population.
pub(super) fn lif(walk: &mut Walk<'_>, id: NodeId, node: &Node) -> Result<(), QuantiseError> {
    let (x, frac) = walk.fixed_point(node, 0)?;
    let threshold = walk.net.neuron.threshold;
    let value = (threshold * 2f64.powi(frac)).round();
    if !(1.0..=32766.0).contains(&value) {
        let limit = threshold * 32766.0;
        let tensor = walk.net.node(node.inputs[0]).name.clone();
        return Err(QuantiseError::Range { tensor, reach: limit / value.max(1e-9), limit });
    }
    let op = contract::Op::Lif { threshold: value as i16 };
    let made = walk.push(&node.name, op, &[x.id], walk.value(id, Form::Spikes));
    walk.stands(Made { id: made, unit: 1.0, frac: None });
    Ok(())
}
