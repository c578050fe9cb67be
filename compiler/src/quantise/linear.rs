//! Fully connected layers: one unit for all outputs.

use spikegate_contract::network::{self as contract, Form};

use super::operands::{lost, Operands};
use super::rounding::Rounding;
use super::walk::{Made, Walk};
use super::QuantiseError;
use crate::graph::{Linear, Node, NodeId};

/// A linear layer.
pub(super) fn linear<'a>(
    walk: &mut Walk<'a>,
    id: NodeId,
    node: &Node,
    linear: &'a Linear,
) -> Result<(), QuantiseError> {
    let operand = walk.input(node, 0);
    let layer = Layer { linear, in_unit: operand.unit, bits: walk.options.bits_of(&node.name) };
    let rounded = move |operands: &Operands| contract::Op::Linear(layer.quantise(operands));
    let made = walk.weigh(node, operand, walk.value(id, Form::Logits), rounded)?;
    // The logits' unit is in the operation, and nothing reads them.
    walk.stands(Made { id: made, unit: 1.0, frac: None });
    Ok(())
}

/// What a linear layer is quantised from and to.
struct Layer<'a> {
    linear: &'a Linear,
    /// Float value of one unit of the operand.
    in_unit: f64,
    bits: u8,
}

impl Layer<'_> {
    /// The integer layer. The mean error of the rounded weights goes into the bias, as in the convolutions.
    fn quantise(&self, operands: &Operands) -> contract::Linear {
        let floats: Vec<f64> = self.linear.weight.iter().map(|&w| w.into()).collect();
        let inputs = self.linear.weight.ncols();
        let rounding = Rounding::new(operands.covariance.clone(), self.bits);
        let trained = self.linear.steps.as_ref().map(|steps| steps.of(self.bits)[0]);
        let (weights, unit): (Vec<i8>, f64) = match trained {
            Some(unit) => {
                let rows = [floats.clone()];
                let rounded = rounding.given(&rows, &[unit]).into_iter();
                (rounded.flat_map(|(steps, _)| steps).collect(), unit)
            }
            None => rounding.together(&floats, inputs),
        };
        let lost = |class: usize| -> f64 {
            let row = class * inputs..(class + 1) * inputs;
            let steps = weights[row.clone()].iter().map(|&q| f64::from(q) * unit);
            // A network that was trained in steps has the rounded weights.
            let weights = floats[row].iter().copied().zip(steps);
            let weights = weights.map(|(w, step)| (if trained.is_some() { step } else { w }, step));
            lost(weights, &operands.mean, &operands.meant)
        };
        let scale = significant(unit * self.in_unit);
        let bias = |(class, &b): (usize, &f32)| ((f64::from(b) + lost(class)) / scale).round() as i32;
        let bias = self.linear.bias.iter().enumerate().map(bias).collect();
        contract::Linear { weight_bits: self.bits, weights, bias, scale }
    }
}

/// Nine significant digits, which JSON gives back exactly.
fn significant(v: f64) -> f64 {
    format!("{v:.8e}").parse().unwrap_or(v)
}
