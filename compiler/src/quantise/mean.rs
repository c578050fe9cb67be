//! Means over time and map: counts of spikes, or pooled streams.

use spikegate_contract::network::{self as contract, Form};

use super::conv::requant;
use super::walk::{Made, Walk};
use super::QuantiseError;
use crate::graph::{MapShape, Node, NodeId, Op};

/// Spikes are counted, their mean is the count in units of one part of the window; sums of a stream have the window's mean
/// in a unit of their own.
pub(super) fn mean(walk: &mut Walk<'_>, id: NodeId, node: &Node) -> Result<(), QuantiseError> {
    let MapShape { c, h, w } = walk.map(node.inputs[0]);
    let window = walk.net.timesteps * h * w;
    if walk.net.node(node.inputs[0]).op == Op::Lif {
        let spikes = walk.input(node, 0);
        let form = Form::Counts { largest: window as u32 };
        let made = walk.push(&node.name, contract::Op::Count, &[spikes.id], walk.value(id, form));
        walk.stands(Made { id: made, unit: 1.0 / window as f64, frac: None });
        return Ok(());
    }
    let (x, x_frac) = walk.fixed_point(node, 0)?;
    let frac = walk.frac(id).unwrap_or(0);
    let requant = vec![requant(2f64.powi(frac - x_frac) / window as f64, 0.0); c];
    let made = walk.push(&node.name, contract::Op::Pool { requant }, &[x.id], walk.value(id, Form::Stream));
    walk.stands(Made { id: made, unit: 2f64.powi(-frac), frac: Some(frac) });
    Ok(())
}
