//! Convolutions: weights as integers, batch norm folded into the requantisation that follows them.

use ndarray::{Array1, Array2, Axis};
use spikegate_contract::network::{self as contract, Form, Requant, ATTENTION_CODE_BITS};

use super::operands::{lost, Operands};
use super::relu;
use super::rounding::Rounding;
use super::scale::best_power;
use super::walk::{beside, Made, Walk};
use super::{QuantiseError, Scales};
use crate::graph::{self, Node, NodeId, Op};

/// A convolution, and the code of its output where it is untimed and another convolution reads it.
pub(super) fn conv<'a>(
    walk: &mut Walk<'a>,
    id: NodeId,
    node: &Node,
    conv: &'a graph::Conv,
) -> Result<(), QuantiseError> {
    let operand = walk.operand(node);
    // In front of a ReLU alone, sums are in units of its code.
    let unit = match walk.frac(id) {
        Some(frac) => 2f64.powi(-frac),
        None => relu::unit(walk, id)?,
    };
    let layer = Layer {
        conv,
        in_unit: operand.unit,
        out_unit: unit,
        affine: conv.bn.as_ref().map_or_else(Vec::new, graph::BatchNorm::affine),
        in_scale: match &walk.net.node(node.inputs[0]).op {
            // One code step is 1 / (255 std) in the float network: the channel's weights take that factor.
            Op::Input { std, .. } => std.iter().map(|std| 1.0 / (255.0 * std)).collect(),
            _ => Vec::new(),
        },
        bits: walk.options.bits_of(&node.name),
        scales: walk.options.scales,
    };
    let rounded = move |operands: &Operands| contract::Op::Conv(layer.quantise(operands));
    let made = walk.weigh(node, operand, walk.value(id, Form::Stream), rounded)?;
    walk.stands(Made { id: made, unit, frac: walk.frac(id) });
    match walk.frac(id) {
        Some(frac) if !walk.is_timed(id) && walk.feeds_conv(id) => code(walk, id, node, frac),
        _ => Ok(()),
    }
}

/// The signed code that a convolution reads of an untimed stream, see [`contract::Op::Code`].
fn code(walk: &mut Walk<'_>, id: NodeId, node: &Node, frac: i32) -> Result<(), QuantiseError> {
    let form = Form::Code { bits: ATTENTION_CODE_BITS as u8, signed: true };
    let shift = (frac - best_power(walk.range(&node.name)?, 127.0)).clamp(0, 15);
    let op = contract::Op::Code { shift: shift as u8, rounding: contract::Rounding::HalfUp };
    let stream = walk.made(id);
    let code = walk.push(beside(&node.name, "xq"), op, &[stream.id], walk.value(id, form));
    walk.is_read_as(id, Made { id: code, unit: 2f64.powi(shift - frac), frac: None });
    Ok(())
}

/// `y = acc * factor + offset` in units of y, as multiplier, bias and shift with the multiplier as long as 16 bits
/// allow and the bias within 47 bits.
pub(super) fn requant(factor: f64, offset: f64) -> Requant {
    let fits = |s: i32| {
        let scale = 2f64.powi(s);
        (factor * scale).round().abs() <= 32767.0 && (offset * scale).abs() < 2f64.powi(46)
    };
    let s = (1..=31).rev().find(|&s| fits(s)).unwrap_or(1);
    let scale = 2f64.powi(s);
    let m = (factor * scale).round().clamp(-32768.0, 32767.0);
    Requant { m: m as i16, b: (offset * scale).round() as i64, s: s as u8 }
}

/// What one convolution is quantised from and to.
struct Layer<'a> {
    conv: &'a graph::Conv,
    /// Float value of one unit of the operand.
    in_unit: f64,
    /// Float value of one unit of the output.
    out_unit: f64,
    /// Batch norm as scale and offset per output channel; empty for none.
    affine: Vec<(f64, f64)>,
    /// Factor on each input channel's weights; empty for none.
    in_scale: Vec<f64>,
    bits: u8,
    scales: Scales,
}

impl Layer<'_> {
    /// The integer convolution. The mean error that rounding the weights causes goes into the bias.
    fn quantise(&self, operands: &Operands) -> contract::Conv {
        let k = self.conv.kernel();
        // Operands arrive divided by their channel's factor, so their moments do.
        let factor = |at: usize| self.in_scale.get(at / (k * k)).copied().unwrap_or(1.0);
        let divided = |mean: &Array1<f64>| -> Array1<f64> {
            mean.iter().enumerate().map(|(i, v)| v / factor(i)).collect()
        };
        let (mean, meant) = (divided(&operands.mean), divided(&operands.meant));
        let covariance = operands.covariance.clone().map(|mut covariance: Array2<f64>| {
            covariance.indexed_iter_mut().for_each(|((i, j), v)| *v /= factor(i) * factor(j));
            covariance
        });
        let rounding = Rounding::new(covariance, self.bits);
        let rows = self.conv.weight.axis_iter(Axis(0));
        let scaled = |(i, &w): (usize, &f32)| f64::from(w) * factor(i);
        let rows: Vec<Vec<f64>> = rows.map(|row| row.iter().enumerate().map(scaled).collect()).collect();
        let trained = self.trained();
        let is_trained = trained.is_some();
        let rounded = match (trained, self.scales) {
            (Some(units), _) => rounding.given(&rows, &units),
            (None, Scales::Channel) => rounding.each(&rows),
            (None, Scales::Layer) => {
                let window = rows.first().map_or(0, Vec::len);
                let (weights, unit) = rounding.together(&rows.concat(), window);
                weights.chunks(window.max(1)).map(|row| (row.to_vec(), unit)).collect()
            }
        };
        let rounded = rounded.into_iter().zip(&rows).enumerate();
        let rows = rounded.map(|(o, ((values, unit), row))| {
            let (scale, offset) = self.affine.get(o).copied().unwrap_or((1.0, 0.0));
            let steps = values.iter().map(|&q| f64::from(q) * unit);
            // A network that was trained in steps has the rounded weights.
            let weights = row.iter().copied().zip(steps);
            let weights = weights.map(|(w, step)| (if is_trained { step } else { w }, step));
            let lost = lost(weights, &mean, &meant);
            let factor = unit * self.in_unit * scale / self.out_unit;
            (values, requant(factor, (offset + lost * scale) / self.out_unit))
        });
        let (weights, requant): (Vec<_>, Vec<_>) = rows.unzip();
        let (stride, pad) = (self.conv.stride, self.conv.padding.before);
        contract::Conv { k, stride, pad, weight_bits: self.bits, weights: weights.concat(), requant }
    }

    /// Units of the output channels' weights as they were trained, where the factors of the input channels leave them alike.
    fn trained(&self) -> Option<Vec<f64>> {
        let steps = self.conv.steps.as_ref()?.of(self.bits);
        let factor = self.in_scale.first().copied().unwrap_or(1.0);
        let alike = self.in_scale.iter().all(|&other| other == factor);
        alike.then(|| steps.iter().map(|step| step * factor).collect())
    }
}
