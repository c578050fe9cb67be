//! ReLUs: unsigned codes.

use spikegate_contract::network::{self as contract, Form, ATTENTION_CODE_BITS};

use super::scale::{best_power, best_unit};
use super::walk::{Made, Walk};
use super::QuantiseError;
use crate::graph::{Node, NodeId};

/// Steps of a code.
const LEVELS: f64 = ((1 << ATTENTION_CODE_BITS) - 1) as f64;

/// The unit of a convolution's sums that only a ReLU reads: it need be no power of two, as it cancels between the
/// convolutions around the ReLU.
pub(super) fn unit(walk: &Walk<'_>, conv: NodeId) -> Result<f64, QuantiseError> {
    let relu = walk.net.readers(conv).next().unwrap_or_else(|| walk.net.node(conv));
    Ok(best_unit(walk.range(&relu.name)?, LEVELS))
}

/// The code of a stream, or of sums that have its unit already.
pub(super) fn relu(walk: &mut Walk<'_>, id: NodeId, node: &Node) -> Result<(), QuantiseError> {
    let x = walk.input(node, 0);
    let (shift, unit) = match x.frac {
        None => (0, x.unit),
        Some(frac) => {
            let shift = (frac - best_power(walk.range(&node.name)?, LEVELS)).clamp(0, 15);
            (shift as u8, 2f64.powi(shift - frac))
        }
    };
    let form = Form::Code { bits: ATTENTION_CODE_BITS as u8, signed: false };
    let op = contract::Op::Code { shift, rounding: contract::Rounding::HalfUp };
    let made = walk.push(&node.name, op, &[x.id], walk.value(id, form));
    walk.stands(Made { id: made, unit, frac: None });
    Ok(())
}
