//! What becomes few values out of a map.

use spikegate_contract::network::{Requant, TemporalAttention};

use super::post::Count;
use super::simd::Simd;

/// Sum and maximum of a map.
pub(super) fn statistics(x: &[i16], simd: Simd) -> Vec<i64> {
    simd.run(
        #[inline(always)]
        || {
            // The sum of a chunk fits 32 bits.
            let sum =
                x.chunks(1 << 16).map(|c| i64::from(c.iter().map(|&v| i32::from(v)).sum::<i32>())).sum();
            vec![sum, x.iter().copied().max().unwrap_or(0).into()]
        },
    )
}

/// TA per timestep.
pub(super) fn temporal(k: &TemporalAttention, statistics: &[i64], out: &mut [i16], count: &mut Count) {
    let &[sum, max] = statistics else { return };
    let constant = |value: i64, pos: i32, neg: i32| i128::from(if value >= 0 { pos } else { -neg });
    let constants = k.mean_pos.iter().zip(&k.mean_neg).zip(k.max_pos.iter().zip(&k.max_neg));
    for (out, ((&mean_pos, &mean_neg), (&max_pos, &max_neg))) in out.iter_mut().zip(constants) {
        let mean = i128::from(sum) * constant(sum, mean_pos, mean_neg);
        let v = mean + ((i128::from(max) * constant(max, max_pos, max_neg)) << k.max_align);
        let rounded = if k.ta_shift == 0 { v } else { (v + (1i128 << (k.ta_shift - 1))) >> k.ta_shift };
        *out = count.sat16(rounded);
    }
}

/// Spikes per channel.
pub(super) fn counts(spikes: &[u8], channels: usize) -> Vec<i64> {
    let mut counts = vec![0u32; channels];
    for pixel in spikes.chunks_exact(channels) {
        counts.iter_mut().zip(pixel).for_each(|(count, &spike)| *count += u32::from(spike));
    }
    counts.into_iter().map(i64::from).collect()
}

/// The requantised sums of a stream per channel.
pub(super) fn pooled(requant: &[Requant], stream: &[i16], out: &mut [i16], count: &mut Count) {
    let mut sums = vec![0i64; requant.len()];
    for pixel in stream.chunks_exact(requant.len().max(1)) {
        sums.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum += i64::from(v));
    }
    for (out, (sum, r)) in out.iter_mut().zip(sums.into_iter().zip(requant)) {
        let product = i128::from(sum) * i128::from(r.m) + i128::from(r.b) + (1i128 << (r.s - 1));
        *out = count.sat16(product >> r.s);
    }
}
