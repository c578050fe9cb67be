//! Fully connected layers: one unit for all outputs.

use spikegate_contract::network::{self as contract, Form};

use super::rounding::Rounding;
use super::walk::{Made, Walk};
use super::QuantiseError;
use crate::graph::{Linear, Node, NodeId};

/// A linear layer. The mean error of the rounded weights goes into the bias, as in the convolutions.
pub(super) fn linear(
    walk: &mut Walk<'_>,
    id: NodeId,
    node: &Node,
    linear: &Linear,
) -> Result<(), QuantiseError> {
    let operand = walk.input(node, 0);
    let moments = walk.moments(node)?;
    let floats: Vec<f64> = linear.weight.iter().map(|&w| w.into()).collect();
    let inputs = linear.weight.ncols();
    let weight_bits = walk.options.bits_of(&node.name);
    let rounding = Rounding::new(moments.covariance(), weight_bits);
    let (weights, unit) = rounding.together(&floats, inputs);
    let mean = moments.mean();
    let lost = |class: usize| -> f64 {
        let row = class * inputs..(class + 1) * inputs;
        let pairs = floats[row.clone()].iter().zip(&weights[row]);
        pairs.zip(&mean).map(|((w, &q), mean)| (w - f64::from(q) * unit) * mean).sum()
    };
    let scale = significant(unit * operand.unit);
    let bias = |(class, &b): (usize, &f32)| ((f64::from(b) + lost(class)) / scale).round() as i32;
    let bias = linear.bias.iter().enumerate().map(bias).collect();
    let op = contract::Op::Linear(contract::Linear { weight_bits, weights, bias, scale });
    let made = walk.push(&node.name, op, &[operand.id], walk.value(id, Form::Logits));
    walk.stands(Made { id: made, unit: scale, frac: None });
    Ok(())
}

/// Nine significant digits, which JSON gives back exactly.
fn significant(v: f64) -> f64 {
    format!("{v:.8e}").parse().unwrap_or(v)
}
