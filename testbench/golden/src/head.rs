//! Step 7: spike counts, logits and the class.

use spikegate_contract::tensor::{names, Tensor};

use crate::conv::{convolve, fits_32_bits};
use crate::{Context, GoldenError};

/// `count[c]` = spikes over T, H and W, (1, C, 1, 1).
pub(crate) fn counts(ctx: &mut Context, spikes: &Tensor) -> Tensor {
    let mut counts = Tensor::zeros(names::COUNTS, [1, spikes.dims[1], 1, 1]);
    for at in 0..spikes.data.len() {
        let [_, c, _, _] = spikes.coordinates(at);
        counts.data[c] += spikes.data[at];
    }
    ctx.record(&counts);
    counts
}

/// `logit[k] = bias[k] + sum_c weight[k,c] * count[c]`, s32.
///
/// # Errors
/// A sum, or a sum with its bias, that leaves 32 bits.
pub(crate) fn logits(ctx: &mut Context, counts: &Tensor) -> Result<Vec<i32>, GoldenError> {
    let head = &ctx.net.head;
    let mut logits = convolve(&head.conv, counts)?;
    logits.name = names::LOGITS.to_owned();
    for (k, bias) in head.bias.iter().enumerate() {
        logits.data[k] = fits_32_bits(logits.data[k] + i64::from(*bias), &head.conv, k)?;
    }
    ctx.record(&logits);
    Ok(logits.data.iter().map(|&v| v as i32).collect())
}

/// Lowest index of the maximum.
pub(crate) fn argmax(logits: &[i32]) -> usize {
    let mut best = 0;
    for k in 1..logits.len() {
        if logits[k] > logits[best] {
            best = k;
        }
    }
    best
}
