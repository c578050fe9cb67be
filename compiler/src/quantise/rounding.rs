//! Rounding weights so that what a layer computes changes least.
//!
//! With operand covariance V an error d of one output channel's weights costs `d' V d` per output (the mean of the
//! error goes into the bias). Rounding each weight to the nearest step minimises the length of d; moving single weights
//! by single steps while that lowers `d' V d` finds a better point, because neighbouring pixels are alike and their
//! errors can cancel. Without a covariance the nearest step is all there is.
//!
//! Every sum is taken in one order, whatever the processor's vectors are: equal input gives equal weights everywhere.

use multiversion::multiversion;
use ndarray::Array2;
use rayon::prelude::*;

/// Units tried per row, from the largest weight's downwards.
const UNITS: usize = 24;
/// Of these, tried with the covariance.
const TRIED: usize = 6;
/// All of them are tried with weights of less than 8 bits, when so few are under a kernel.
const FEW: usize = 300;
/// Steps either side of zero of weights of 8 bits.
const WIDE: f64 = 127.0;
/// Smallest unit tried, as a share of the largest.
const SMALLEST: f64 = 0.6;
/// Passes over the weights of one row.
const SWEEPS: usize = 20;
/// Share of the mean variance added to every variance: keeps directions never seen in calibration from running away.
const RIDGE: f64 = 0.02;
/// Trials that go through the covariance side by side.
const TOGETHER: usize = 4 * TRIED;
/// Columns of the covariance that are multiplied with all errors before the next.
const COLUMNS: usize = 128;
/// Rows of it that are added up together.
const ROWS: usize = 4;
/// In place of rows behind the last.
const ZEROS: [f64; COLUMNS] = [0.0; COLUMNS];

/// How to round the weights of one layer.
pub(super) struct Rounding {
    /// Operand covariance with the ridge, axes (n, n) of the n values under the kernel; `None` when unknown.
    covariance: Option<Array2<f64>>,
    /// Steps either side of zero.
    levels: f64,
}

/// A row rounded in steps of one unit.
struct Trial<'a> {
    weights: &'a [f64],
    unit: f64,
    steps: Vec<f64>,
    /// What it costs.
    cost: f64,
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

    /// Output channels in the units that they were trained in: the nearest steps.
    pub fn given(&self, rows: &[Vec<f64>], units: &[f64]) -> Vec<(Vec<i8>, f64)> {
        // PyTorch rounds halves to even steps.
        let step = |w: f64, unit: f64| (w / unit).round_ties_even().clamp(-self.levels, self.levels);
        let row =
            |(row, &unit): (&Vec<f64>, &f64)| (row.iter().map(|&w| step(w, unit) as i8).collect(), unit);
        rows.iter().zip(units).map(row).collect()
    }

    /// Output channels with a unit each: their steps, and the float value of one step.
    pub fn each(&self, rows: &[Vec<f64>]) -> Vec<(Vec<i8>, f64)> {
        let units: Vec<Vec<f64>> = rows.par_iter().map(|row| self.units(row)).collect();
        let pairs = rows.iter().zip(&units);
        let trials = pairs.flat_map(|(row, units)| units.iter().map(move |&unit| (&row[..], unit)));
        let mut trials = self.run(trials).into_iter();
        let rows = rows.iter().zip(&units).map(|(row, units)| {
            let trials = trials.by_ref().take(units.len());
            let best = trials.min_by(|a, b| a.cost.total_cmp(&b.cost));
            best.map_or((vec![0; row.len()], 1.0), |best| (integers(&best.steps).collect(), best.unit))
        });
        rows.collect()
    }

    /// Output channels of `window` weights each, one after the other, all with one unit.
    pub fn together(&self, weights: &[f64], window: usize) -> (Vec<i8>, f64) {
        let rows = || weights.chunks(window.max(1));
        let units = self.units(weights);
        let trials = self.run(units.iter().flat_map(|&unit| rows().map(move |row| (row, unit))));
        let of_units = trials.chunks(rows().len().max(1));
        let cost = |trials: &&[Trial<'_>]| trials.iter().map(|trial| trial.cost).sum::<f64>();
        let best = of_units.zip(&units).min_by(|a, b| cost(&a.0).total_cmp(&cost(&b.0)));
        best.map_or((vec![0; weights.len()], 1.0), |(trials, &unit)| {
            (trials.iter().flat_map(|trial| integers(&trial.steps)).collect(), unit)
        })
    }

    /// The units worth a trial: the best by the length of the error, among whose neighbours the covariance decides; none of
    /// weights that are all zero.
    fn units(&self, weights: &[f64]) -> Vec<f64> {
        let largest = weights.iter().fold(0f64, |m, w| m.max(w.abs())) / self.levels;
        if largest == 0.0 {
            return Vec::new();
        }
        let unit = |i: usize| largest * (1.0 - (1.0 - SMALLEST) * i as f64 / UNITS as f64);
        let units: [f64; UNITS] = std::array::from_fn(unit);
        let mut lengths: Vec<(f64, f64)> =
            lengths(weights, &units, self.levels).into_iter().zip(units).collect();
        // Of equals the larger unit, which stands first.
        lengths.sort_by(|a, b| a.0.total_cmp(&b.0));
        let tried = match &self.covariance {
            None => 1,
            // Of large errors the length says little, and where there are few weights trials cost little.
            Some(covariance) if self.levels < WIDE && covariance.nrows() <= FEW => UNITS,
            Some(_) => TRIED,
        };
        lengths.into_iter().map(|(_, unit)| unit).take(tried).collect()
    }

    /// Rounds rows, each in steps of a unit.
    fn run<'a>(&self, trials: impl Iterator<Item = (&'a [f64], f64)>) -> Vec<Trial<'a>> {
        let trial = |(weights, unit): (&'a [f64], f64)| Trial { weights, unit, steps: vec![], cost: 0.0 };
        let mut trials: Vec<Trial<'_>> = trials.map(trial).collect();
        trials.par_chunks_mut(TOGETHER).for_each(|trials| {
            for trial in trials.iter_mut() {
                trial.steps = trial.weights.iter().map(|&w| nearest(w, trial.unit, self.levels)).collect();
            }
            match &self.covariance {
                Some(covariance) => descend(trials, covariance, self.levels),
                None => trials.iter_mut().for_each(|trial| {
                    trial.cost = trial.errors().map(|error| error * error).sum();
                }),
            }
        });
        trials
    }
}

impl Trial<'_> {
    /// What the steps are off, by weight.
    fn errors(&self) -> impl Iterator<Item = f64> + '_ {
        self.steps.iter().zip(self.weights).map(|(q, w)| q * self.unit - w)
    }
}

/// The step nearest to a weight.
#[inline(always)]
fn nearest(weight: f64, unit: f64, levels: f64) -> f64 {
    (weight / unit).round().clamp(-levels, levels)
}

/// Steps as they are stored.
fn integers(steps: &[f64]) -> impl Iterator<Item = i8> + '_ {
    steps.iter().map(|&q| q as i8)
}

/// Squared length of the error of the nearest steps, of every unit in one pass.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn lengths(weights: &[f64], units: &[f64; UNITS], levels: f64) -> [f64; UNITS] {
    let mut sums = [0.0; UNITS];
    for &w in weights {
        for (sum, &unit) in sums.iter_mut().zip(units) {
            let error = nearest(w, unit, levels) * unit - w;
            *sum += error * error;
        }
    }
    sums
}

/// Moves single weights while that lowers the cost, which it sets. The trials go through the covariance side by side: its
/// rows come from far away.
fn descend(trials: &mut [Trial<'_>], covariance: &Array2<f64>, levels: f64) {
    let n = covariance.nrows();
    // An array in standard layout.
    let rows = || covariance.as_slice().unwrap_or_default().chunks_exact(n.max(1)).enumerate();
    // Half the cost's derivative by the error of every weight.
    let errors: Vec<Vec<f64>> = trials.iter().map(|trial| trial.errors().collect()).collect();
    let mut slopes = products(covariance.as_slice().unwrap_or_default(), &errors);
    let mut moving = vec![true; trials.len()];
    for _ in 0..SWEEPS {
        let mut moved = vec![false; trials.len()];
        for (i, row) in rows() {
            for (at, (trial, slope)) in trials.iter_mut().zip(&mut slopes).enumerate() {
                if !moving[at] {
                    continue;
                }
                let wanted = trial.steps[i] - (slope[i] / (row[i] * trial.unit)).round();
                let change = wanted.clamp(-levels, levels) - trial.steps[i];
                if change != 0.0 {
                    trial.steps[i] += change;
                    add_scaled(slope, change * trial.unit, row);
                    moved[at] = true;
                }
            }
        }
        moving = moved;
        if !moving.contains(&true) {
            break;
        }
    }
    for (trial, slope) in trials.iter_mut().zip(&slopes) {
        trial.cost = trial.errors().zip(slope).map(|(error, slope)| error * slope).sum();
    }
}

/// The products of a symmetric matrix with some vectors. Of all vectors a few columns at a time, which stay close.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn products(matrix: &[f64], vectors: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let n = vectors.first().map_or(0, Vec::len);
    let mut out = vec![vec![0.0; n]; vectors.len()];
    for first in (0..n).step_by(COLUMNS) {
        let columns = first..n.min(first + COLUMNS);
        for (number, rows) in matrix.chunks(ROWS * n).enumerate() {
            let mut rows = rows.chunks_exact(n).map(|row| &row[columns.clone()]);
            let all = [(); ROWS].map(|()| rows.next().unwrap_or(&ZEROS[..columns.len()]));
            for (out, vector) in out.iter_mut().zip(vectors) {
                let by = std::array::from_fn::<_, ROWS, _>(|i| {
                    vector.get(number * ROWS + i).copied().unwrap_or(0.0)
                });
                for (at, sum) in out[columns.clone()].iter_mut().enumerate() {
                    // One after the other, as if each row came alone.
                    for (row, by) in all.iter().zip(by) {
                        *sum += by * row[at];
                    }
                }
            }
        }
    }
    out
}

/// `to += by * row`.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_scaled(to: &mut [f64], by: f64, row: &[f64]) {
    for (to, v) in to.iter_mut().zip(row) {
        *to += by * v;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spikegate_golden::random::Rng;

    /// Rows of weights, one all zero, one of a single magnitude, whose errors are zero in many units alike.
    fn rows(n: usize) -> Vec<Vec<f64>> {
        let rng = &mut Rng(7);
        let mut rows: Vec<Vec<f64>> = (0..9).map(|_| (0..n).map(|_| rng.real(-1.0, 1.0)).collect()).collect();
        rows.extend([vec![0.0; n], vec![0.5; n]]);
        rows
    }

    fn covariance(n: usize) -> Array2<f64> {
        let rng = &mut Rng(8);
        let factors = Array2::from_shape_fn((2 * n, n), |_| rng.real(0.0, 1.0));
        factors.t().dot(&factors)
    }

    #[test]
    fn units_come_by_the_length_of_their_error() {
        for row in rows(30).iter().filter(|row| row.iter().any(|&w| w != 0.0)) {
            let rounding = Rounding::new(Some(covariance(30)), 8);
            let largest = row.iter().fold(0f64, |m, w| m.max(w.abs())) / 127.0;
            let length = |unit: f64| -> f64 {
                row.iter().map(|w| ((w / unit).round().clamp(-127.0, 127.0) * unit - w).powi(2)).sum()
            };
            let mut sorted: Vec<f64> = (0..24).map(|i| largest * (1.0 - 0.4 * f64::from(i) / 24.0)).collect();
            sorted.sort_by(|&a, &b| length(a).total_cmp(&length(b)));
            assert_eq!(rounding.units(row), sorted[..TRIED]);
            assert_eq!(Rounding::new(None, 8).units(row), sorted[..1]);
        }
    }

    /// One row in steps of a unit, a weight after the other.
    fn alone(row: &[f64], unit: f64, covariance: &Array2<f64>) -> (f64, Vec<f64>) {
        let mut steps: Vec<f64> = row.iter().map(|w| (w / unit).round().clamp(-7.0, 7.0)).collect();
        let slope = |steps: &[f64], i: usize| -> f64 {
            (0..row.len()).map(|j| (steps[j] * unit - row[j]) * covariance[[i, j]]).sum()
        };
        for _ in 0..SWEEPS {
            for i in 0..row.len() {
                let wanted = steps[i] - (slope(&steps, i) / (covariance[[i, i]] * unit)).round();
                steps[i] = wanted.clamp(-7.0, 7.0);
            }
        }
        ((0..row.len()).map(|i| (steps[i] * unit - row[i]) * slope(&steps, i)).sum(), steps)
    }

    #[test]
    fn rows_side_by_side_are_rounded_as_alone() {
        let (rows, rounding) = (rows(20), Rounding::new(Some(covariance(20)), 4));
        let covariance = rounding.covariance.as_ref().unwrap();
        let best = |units: &[f64], rows: &[Vec<f64>]| {
            let trials = units.iter().map(|&unit| {
                let rows: Vec<_> = rows.iter().map(|row| alone(row, unit, covariance)).collect();
                (rows.iter().map(|row| row.0).sum::<f64>(), rows, unit)
            });
            let best = trials.min_by(|a, b| a.0.total_cmp(&b.0));
            best.map(|(_, rows, unit)| (rows.iter().flat_map(|row| integers(&row.1)).collect(), unit))
        };
        for (row, got) in rows.iter().zip(rounding.each(&rows)) {
            let expected = best(&rounding.units(row), std::slice::from_ref(row));
            assert_eq!(got, expected.unwrap_or((vec![0; 20], 1.0)));
        }
        let weights = rows.concat();
        assert_eq!(Some(rounding.together(&weights, 20)), best(&rounding.units(&weights), &rows));
    }
}
