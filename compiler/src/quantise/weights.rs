//! Weights as integers, and the requantisation that follows them.

use rayon::prelude::*;
use spikegate_contract::network::{Conv, Requant};

use crate::calibrate::Moments;
use crate::graph;

use super::rounding::Rounding;

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
    pub moments: &'a Moments,
    pub input: graph::MapShape,
    pub output: graph::MapShape,
    pub bits: u8,
}

impl Layer<'_> {
    /// The integer convolution. The mean error that rounding the weights causes goes into the bias.
    pub fn quantise(self) -> Conv {
        let (out_c, in_c, k) = (self.conv.out_channels(), self.conv.in_channels(), self.conv.kernel());
        let taps = k * k;
        let window = in_c * taps;
        // Operands arrive divided by their channel's factor, so their moments do.
        let factor = |at: usize| self.in_scale.get(at / taps).copied().unwrap_or(1.0);
        let mean: Vec<f64> = self.moments.mean().iter().enumerate().map(|(i, v)| v / factor(i)).collect();
        let covariance = self.moments.covariance().map(|mut c| {
            c.iter_mut().enumerate().for_each(|(at, v)| *v /= factor(at / window) * factor(at % window));
            c
        });
        let rounding = Rounding::new(covariance, self.bits);
        let rows: Vec<(Vec<i8>, Requant)> = (0..out_c)
            .into_par_iter()
            .map(|o| {
                let row = &self.conv.weight.data()[o * window..(o + 1) * window];
                let row: Vec<f64> = row.iter().enumerate().map(|(i, &w)| f64::from(w) * factor(i)).collect();
                let (values, unit) = rounding.row(&row);
                let (scale, offset) = self.affine.get(o).copied().unwrap_or((1.0, 0.0));
                let errors = row.iter().zip(&values).map(|(w, &q)| w - f64::from(q) * unit);
                let lost: f64 = errors.zip(&mean).map(|(error, mean)| error * mean).sum();
                let factor = unit * self.in_unit * scale / self.out_unit;
                (values, requant(factor, (offset + lost * scale) / self.out_unit))
            })
            .collect();
        let (weights, requant): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        Conv {
            name: self.name,
            in_c,
            in_hw: [self.input.h, self.input.w],
            out_c,
            out_hw: [self.output.h, self.output.w],
            k,
            stride: self.conv.stride,
            pad: self.conv.padding.before,
            weights: weights.concat(),
            requant,
        }
    }
}
