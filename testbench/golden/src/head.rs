//! Step 7: spike counts or pooled stream, logits and the class.

use spikegate_contract::network::Pool;
use spikegate_contract::tensor::{names, Tensor};

use crate::arith::Clamp;
use crate::conv::{convolve, fits_32_bits};
use crate::{Context, GoldenError, SaturationKind};

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

/// `pooled[c] = requantise(sum of the stream over T, H and W)`, (1, C, 1, 1).
pub(crate) fn pooled(ctx: &mut Context, pool: &Pool, stream: &Tensor) -> Tensor {
    let mut sums = vec![0i64; stream.dims[1]];
    for at in 0..stream.data.len() {
        let [_, c, _, _] = stream.coordinates(at);
        sums[c] += stream.data[at];
    }
    let mut pooled = Tensor::zeros(names::POOLED, [1, sums.len(), 1, 1]);
    let mut clamp = Clamp::new(SaturationKind::Requantise, names::POOLED);
    for ((value, sum), r) in pooled.data.iter_mut().zip(sums).zip(&pool.requant) {
        *value = clamp.requantise(sum, r);
    }
    ctx.saturations.0.push(clamp.done());
    ctx.record(&pooled);
    pooled
}

/// `logit[k] = bias[k] + sum_c weight[k,c] * value[c]`, s32, of counts or pooled values.
///
/// # Errors
/// A sum, or a sum with its bias, that leaves 32 bits.
pub(crate) fn logits(ctx: &mut Context, values: &Tensor) -> Result<Vec<i32>, GoldenError> {
    let head = &ctx.net.head;
    let mut logits = convolve(&head.conv, values)?;
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
