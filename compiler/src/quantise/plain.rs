//! Operations without constants of their own: the image's codes, sums, repetitions.

use spikegate_contract::network::{self as contract, Form, IMAGE_CODE_BITS};

use super::walk::{Made, Walk};
use super::QuantiseError;
use crate::graph::{Node, NodeId};

/// The image: code 0 is the mean. A step is 1 / (255 std), which the convolutions that read it take.
pub(super) fn input(walk: &mut Walk<'_>, id: NodeId, node: &Node, mean: &[f64]) {
    let offset = offsets(mean);
    let form = Form::Code { bits: IMAGE_CODE_BITS as u8, signed: true };
    let made = walk.push(&node.name, contract::Op::Input { offset }, &[], walk.value(id, form));
    walk.stands(Made { id: made, unit: 1.0, frac: None });
}

/// An operation on streams of one scale, which its result has too.
pub(super) fn streams(
    walk: &mut Walk<'_>,
    id: NodeId,
    node: &Node,
    op: contract::Op,
) -> Result<(), QuantiseError> {
    let inputs = (0..node.inputs.len()).map(|index| Ok(walk.fixed_point(node, index)?.0.id));
    let inputs = inputs.collect::<Result<Vec<_>, QuantiseError>>()?;
    let frac = walk.frac(id);
    let made = walk.push(&node.name, op, &inputs, walk.value(id, Form::Stream));
    walk.stands(Made { id: made, unit: 2f64.powi(-frac.unwrap_or(0)), frac });
    Ok(())
}

/// The pixel values that are code 0.
pub(super) fn offsets(mean: &[f64]) -> Vec<u8> {
    mean.iter().map(|m| (255.0 * m).round().clamp(0.0, 255.0) as u8).collect()
}
