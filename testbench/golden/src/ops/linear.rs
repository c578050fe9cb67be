//! The fully connected layer.

use spikegate_contract::network::Linear;
use spikegate_contract::tensor::Tensor;

use crate::arith::fits_32_bits;
use crate::GoldenError;

/// `logit[k] = bias[k] + sum_c weight[k,c] * x[c]`.
///
/// # Errors
/// A sum, or a sum with its bias, that leaves 32 bits.
pub(super) fn run(linear: &Linear, x: &Tensor, out: &mut Tensor) -> Result<(), GoldenError> {
    out.data = logits(linear, &x.data, &out.name)?;
    Ok(())
}

/// The logits of the values, of a layer of this name.
///
/// # Errors
/// A sum, or a sum with its bias, that leaves 32 bits.
pub(crate) fn logits(linear: &Linear, x: &[i64], name: &str) -> Result<Vec<i64>, GoldenError> {
    let mut logits = Vec::with_capacity(linear.bias.len());
    for (k, (weights, &bias)) in linear.weights.chunks(x.len().max(1)).zip(&linear.bias).enumerate() {
        let sum = weights.iter().zip(x).map(|(&w, &x)| i64::from(w) * x).sum();
        let sum = fits_32_bits(sum, name, k)?;
        logits.push(fits_32_bits(sum + i64::from(bias), name, k)?);
    }
    Ok(logits)
}
