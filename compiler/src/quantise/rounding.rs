//! Rounding weights so that what a layer computes changes least.
//!
//! With operand covariance V an error d of one output channel's weights costs `d' V d` per output (the mean of the
//! error goes into the bias). Rounding each weight to the nearest step minimises the length of d; moving single weights
//! by single steps while that lowers `d' V d` finds a better point, because neighbouring pixels are alike and their
//! errors can cancel. Without a covariance the nearest step is all there is.

use ndarray::Array2;

/// Units tried per row, from the largest weight's downwards.
const UNITS: u32 = 24;
/// Of these, tried with the covariance.
const TRIED: usize = 6;
/// Smallest unit tried, as a share of the largest.
const SMALLEST: f64 = 0.6;
/// Passes over the weights of one row.
const SWEEPS: usize = 20;
/// Share of the mean variance added to every variance: keeps directions never seen in calibration from running away.
const RIDGE: f64 = 0.02;

/// How to round the weights of one layer.
pub(super) struct Rounding {
    /// Operand covariance with the ridge, axes (n, n) of the n values under the kernel; `None` when unknown.
    covariance: Option<Array2<f64>>,
    /// Steps either side of zero.
    levels: f64,
}

impl Rounding {
    /// Rounding to `bits` bits.
    pub fn new(covariance: Option<Array2<f64>>, bits: u8) -> Rounding {
        let covariance = covariance.and_then(|mut covariance| {
            let n = covariance.nrows();
            let ridge = RIDGE * covariance.diag().iter().sum::<f64>() / n.max(1) as f64;
            covariance.diag_mut().iter_mut().for_each(|v| *v += ridge);
            (ridge > 0.0).then_some(covariance)
        });
        Rounding { covariance, levels: f64::from((1i32 << (bits - 1)) - 1) }
    }

    /// One output channel: steps, and the float value of one step.
    pub fn row(&self, weights: &[f64]) -> (Vec<i8>, f64) {
        self.rows(weights, weights.len())
    }

    /// Output channels of `window` weights each, all with one unit.
    pub fn rows(&self, weights: &[f64], window: usize) -> (Vec<i8>, f64) {
        let largest = weights.iter().fold(0f64, |m, w| m.max(w.abs())) / self.levels;
        if largest == 0.0 {
            return (vec![0; weights.len()], 1.0);
        }
        let nearest = |unit: f64| -> Vec<f64> {
            weights.iter().map(|w| (w / unit).round().clamp(-self.levels, self.levels)).collect()
        };
        // The best unit by the length of the error, then the covariance decides among its neighbours.
        let unit = |i: u32| largest * (1.0 - (1.0 - SMALLEST) * f64::from(i) / f64::from(UNITS));
        let length = |unit: f64| -> f64 {
            nearest(unit).iter().zip(weights).map(|(q, w)| (q * unit - w).powi(2)).sum()
        };
        let mut units: Vec<f64> = (0..UNITS).map(unit).collect();
        units.sort_by(|&a, &b| length(a).total_cmp(&length(b)));
        units.truncate(if self.covariance.is_none() { 1 } else { TRIED });
        let candidates = units.into_iter().map(|unit| {
            let mut steps = nearest(unit);
            let rows = steps.chunks_mut(window).zip(weights.chunks(window));
            let cost: f64 = rows.map(|(steps, weights)| self.descend(steps, weights, unit)).sum();
            (cost, steps, unit)
        });
        let best = candidates.min_by(|a, b| a.0.total_cmp(&b.0));
        let (steps, unit) = best.map_or((vec![0.0; weights.len()], 1.0), |(_, steps, unit)| (steps, unit));
        (steps.iter().map(|&q| q as i8).collect(), unit)
    }

    /// Moves single weights while that lowers the cost; returns the cost.
    fn descend(&self, steps: &mut [f64], weights: &[f64], unit: f64) -> f64 {
        let n = weights.len();
        let Some(covariance) = &self.covariance else {
            return steps.iter().zip(weights).map(|(q, w)| (q * unit - w).powi(2)).sum();
        };
        // Rows of an array in standard layout.
        let row = |i: usize| covariance.row(i).to_slice().unwrap_or_default();
        let mut slope = vec![0.0; n];
        for i in 0..n {
            let error = steps[i] * unit - weights[i];
            slope.iter_mut().zip(row(i)).for_each(|(s, v)| *s += error * v);
        }
        for _ in 0..SWEEPS {
            let mut moved = false;
            for i in 0..n {
                let wanted = steps[i] - (slope[i] / (row(i)[i] * unit)).round();
                let change = wanted.clamp(-self.levels, self.levels) - steps[i];
                if change != 0.0 {
                    steps[i] += change;
                    slope.iter_mut().zip(row(i)).for_each(|(s, v)| *s += change * unit * v);
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        (0..n).map(|i| (steps[i] * unit - weights[i]) * slope[i]).sum()
    }
}
