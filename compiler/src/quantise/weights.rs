//! Weights as integers, and the requantisation that follows them.

use spikegate_contract::network::{Conv, Requant};

use crate::graph;

/// Integer weights with the float value of one unit per output channel.
pub(super) struct Weights {
    pub values: Vec<i8>,
    pub units: Vec<f64>,
}

/// One output channel's weights in at most `levels` steps either side of zero, and the unit.
///
/// The unit is the one of 48 between 60 % and 100 % of the largest weight's that loses least.
fn channel(weights: &[f64], levels: f64) -> (Vec<i8>, f64) {
    let largest = weights.iter().fold(0f64, |m, w| m.max(w.abs()));
    if largest == 0.0 {
        return (vec![0; weights.len()], 1.0);
    }
    let round = |w: f64, unit: f64| (w / unit).round().clamp(-levels, levels);
    let error = |unit: f64| weights.iter().map(|&w| (round(w, unit) * unit - w).powi(2)).sum::<f64>();
    let units = (0..48).map(|i| largest / levels * (1.0 - 0.4 * f64::from(i) / 48.0));
    let unit = units.min_by(|&a, &b| error(a).total_cmp(&error(b))).unwrap_or(largest / levels);
    (weights.iter().map(|&w| round(w, unit) as i8).collect(), unit)
}

/// Weights with one unit per output channel.
pub(super) fn per_channel(weights: &[f64], out_channels: usize, bits: u8) -> Weights {
    let levels = f64::from((1i32 << (bits - 1)) - 1);
    let each = weights.chunks(weights.len() / out_channels.max(1)).map(|w| channel(w, levels));
    let (values, units): (Vec<_>, Vec<_>) = each.unzip();
    Weights { values: values.concat(), units }
}

/// Weights with one unit for all.
pub(super) fn per_tensor(weights: &[f64], bits: u8) -> (Vec<i8>, f64) {
    channel(weights, f64::from((1i32 << (bits - 1)) - 1))
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
pub(super) struct Layer<'a> {
    pub name: String,
    pub conv: &'a graph::Conv,
    /// Float value of one unit of the operand.
    pub in_unit: f64,
    /// Float value of one unit of the output.
    pub out_unit: f64,
    /// Batch norm as scale and offset per output channel; empty for none.
    pub affine: Vec<(f64, f64)>,
    /// Factor on each input channel's weights; empty for none.
    pub in_scale: Vec<f64>,
    /// Expected operand per input channel, float; empty for unknown.
    pub in_mean: Vec<f64>,
    pub input: graph::MapShape,
    pub output: graph::MapShape,
    pub bits: u8,
}

impl Layer<'_> {
    /// The integer convolution. The mean error that rounding the weights causes, given the expected operands, goes
    /// into the bias.
    pub fn quantise(self) -> Conv {
        let (out_c, in_c, k) = (self.conv.out_channels(), self.conv.in_channels(), self.conv.kernel());
        let taps = k * k;
        let in_scale = |i: usize| self.in_scale.get(i).copied().unwrap_or(1.0);
        let floats = self.conv.weight.data().iter().enumerate();
        let floats: Vec<f64> = floats.map(|(at, &w)| f64::from(w) * in_scale(at / taps % in_c)).collect();
        let weights = per_channel(&floats, out_c, self.bits);
        let requant = (0..out_c).map(|o| {
            let (scale, offset) = self.affine.get(o).copied().unwrap_or((1.0, 0.0));
            let row = o * in_c * taps..(o + 1) * in_c * taps;
            let unit = weights.units[o];
            let lost: f64 = floats[row.clone()]
                .iter()
                .zip(&weights.values[row])
                .enumerate()
                .map(|(at, (w, &q))| {
                    (w - f64::from(q) * unit) * self.in_mean.get(at / taps).copied().unwrap_or(0.0)
                })
                .sum();
            let factor = unit * self.in_unit * scale / self.out_unit;
            requant(factor, (offset + lost * scale) / self.out_unit)
        });
        Conv {
            requant: requant.collect(),
            name: self.name,
            in_c,
            in_hw: [self.input.h, self.input.w],
            out_c,
            out_hw: [self.output.h, self.output.w],
            k,
            stride: self.conv.stride,
            pad: self.conv.padding.before,
            weights: weights.values,
        }
    }
}
