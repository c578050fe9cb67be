//! What becomes few values out of a map.

use spikegate_contract::network::{Requant, TemporalAttention};

use super::map::Events;
use super::post::Count;

/// Sum and maximum of a map.
pub(super) fn statistics(x: &[i16]) -> Vec<i64> {
    let sum = x.iter().map(|&v| i64::from(v)).sum();
    vec![sum, x.iter().copied().max().unwrap_or(0).into()]
}

/// TA per timestep.
pub(super) fn temporal(k: &TemporalAttention, statistics: &[i64], count: &mut Count) -> Vec<i16> {
    let &[sum, max] = statistics else { return Vec::new() };
    let constant = |value: i64, pos: i32, neg: i32| i128::from(if value >= 0 { pos } else { -neg });
    let constants = k.mean_pos.iter().zip(&k.mean_neg).zip(k.max_pos.iter().zip(&k.max_neg));
    let ta = constants.map(|((&mean_pos, &mean_neg), (&max_pos, &max_neg))| {
        let mean = i128::from(sum) * constant(sum, mean_pos, mean_neg);
        let v = mean + ((i128::from(max) * constant(max, max_pos, max_neg)) << k.max_align);
        let rounded = if k.ta_shift == 0 { v } else { (v + (1i128 << (k.ta_shift - 1))) >> k.ta_shift };
        count.sat16(rounded)
    });
    ta.collect()
}

/// Spikes per channel.
pub(super) fn counts(events: &[Events], channels: usize) -> Vec<i64> {
    let mut counts = vec![0; channels];
    for c in events.iter().flat_map(|events| events.channels(channels)) {
        counts[c] += 1;
    }
    counts
}

/// The requantised sums of a stream per channel.
pub(super) fn pooled(requant: &[Requant], stream: &[i16], count: &mut Count) -> Vec<i16> {
    let mut sums = vec![0i64; requant.len()];
    for pixel in stream.chunks_exact(requant.len().max(1)) {
        sums.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum += i64::from(v));
    }
    let value = |(sum, r): (i64, &Requant)| {
        let product = i128::from(sum) * i128::from(r.m) + i128::from(r.b) + (1i128 << (r.s - 1));
        count.sat16(product >> r.s)
    };
    sums.into_iter().zip(requant).map(value).collect()
}
