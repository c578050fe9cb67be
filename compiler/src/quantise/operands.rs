//! What a layer with weights reads, as far as rounding its weights needs it.

use ndarray::{Array1, Array2};
use spikegate_contract::network as contract;

use crate::calibrate::Moments;

/// The n values under a kernel, in units of the float network.
pub(super) struct Operands {
    /// Mean of what the layer reads, axis (n).
    pub mean: Array1<f64>,
    /// Mean of what it reads in the float network, axis (n).
    pub meant: Array1<f64>,
    /// Covariance of what it reads, axes (n, n), where it is known.
    pub covariance: Option<Array2<f64>>,
}

impl Operands {
    /// What the layer reads, when it reads what the float network does.
    pub fn meant(seen: &Moments) -> Operands {
        Operands { mean: seen.mean(), meant: seen.mean(), covariance: seen.covariance() }
    }

    /// What the layer reads, beside what it reads in the float network.
    pub fn own(seen: &Moments, meant: &Moments) -> Operands {
        Operands { mean: seen.mean(), meant: meant.mean(), covariance: seen.covariance() }
    }
}

/// Makes the integer operation of a layer for what it reads.
pub(super) type Round<'a> = Box<dyn Fn(&Operands) -> contract::Op + Sync + 'a>;

/// What an output's mean lacks when its weights are rounded, of (weight, rounded weight).
pub(super) fn lost(
    weights: impl Iterator<Item = (f64, f64)>,
    mean: &Array1<f64>,
    meant: &Array1<f64>,
) -> f64 {
    let pairs = weights.zip(mean.iter().zip(meant));
    pairs.map(|((weight, rounded), (mean, meant))| (weight - rounded) * mean + weight * (meant - mean)).sum()
}
