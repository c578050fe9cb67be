//! Numbers that spread the activations: every requantisation is chosen from its weights and the mean and
//! deviation of what it reads, then thresholds are moved until the populations fire at moderate rates.

use spikegate_contract::network::{
    Conv, Gate, Network, Requant, TemporalAttention, GATE_ENTRIES, GATE_MAX_BITS,
};

use super::{image_of, ImageKind, Rng};
use crate::fast::Prepared;

/// Mean and standard deviation of an operand.
#[derive(Clone, Copy)]
struct Spread {
    mean: f64,
    deviation: f64,
}

/// Spikes at a rate near 20 %.
const SPIKES: Spread = Spread { mean: 0.2, deviation: 0.4 };
/// Larger networks keep their first thresholds: running them takes too long.
const MAX_MODERATED: u64 = 100_000_000;

/// Fills a network of any shape.
pub(super) fn fill(net: &mut Network, rng: &mut Rng) {
    let offset = rng.range(60, 160);
    net.input.offset.fill(offset as u8);
    let bits = net.weight_bits;
    for conv in net.convs_mut() {
        weights(conv, bits, rng);
    }
    let codes = Spread { mean: 127.5 - offset as f64, deviation: 74.0 };
    let x = rng.real(400.0, 2000.0);
    requantise(&mut net.stem.conv, codes, x, rng);
    net.stem.threshold = rng.real(0.3 * x, x) as i16;
    net.stem.xq_shift = (x / 45.0).log2() as u8;
    let values = net.stem.conv.out_c * net.stem.conv.out_hw.iter().product::<usize>();
    // What block 0 reads: its projection, and its identity.
    let (stream, scale) = match &mut net.encoder {
        Some(encoder) => {
            let xq = Spread { mean: 0.0, deviation: 45.0 };
            requantise(&mut encoder.sca1, xq, 100.0, rng);
            let z1 = Spread { mean: 40.0, deviation: 58.0 };
            requantise(&mut encoder.sca2, z1, 1000.0, rng);
            temporal(&mut encoder.temporal, values as f64, x, rng);
            gate(&mut encoder.gate, rng);
            let full = f64::from(1u32 << encoder.gate.gate_bits);
            let stream = Spread { mean: 0.15 * full, deviation: 0.25 * full };
            let unread = encoder.gate.table_bits - encoder.gate.gate_bits;
            (stream, stream.deviation * f64::from(1u32 << (unread + encoder.gate.y_shift)))
        }
        None => (Spread { mean: 0.0, deviation: x }, x),
    };
    let scale = blocks(net, stream, scale, rng);
    let [h, w] = net.blocks.last().map_or([1, 1], |b| b.conv2.out_hw);
    if let Some(pool) = &mut net.head.pool {
        // The sum of T * H * W values that hang together half and half.
        let sum = scale * ((net.t * h * w) as f64).powf(0.75);
        for r in &mut pool.requant {
            let factor = rng.real(400.0, 4000.0) / sum;
            let s = (32767.0 / factor).log2().floor().clamp(1.0, 31.0);
            let m = (factor * 2f64.powf(s)).floor().clamp(1.0, 32767.0) as i16;
            *r = Requant { m, b: rng.range(-1000, 1000) << (s as u32 / 2), s: s as u8 };
        }
    }
    for bias in &mut net.head.bias {
        *bias = rng.range(-500, 500) as i32;
    }
    moderate(net, rng);
}

/// Mostly small weights, some at the ends of the range.
fn weights(conv: &mut Conv, bits: u8, rng: &mut Rng) {
    let (low, high) = if bits == 4 { (-7, 7) } else { (-127, 127) };
    for w in &mut conv.weights {
        *w = match rng.range(0, 15) {
            0 => high,
            1 if bits == 8 => -128,
            1 => low,
            2..=4 => 0,
            _ => ((rng.range(low.into(), high.into()) + rng.range(low.into(), high.into())) / 2) as i8,
        };
    }
}

/// Brings every output channel to a mean near 0 and the given deviation; a quarter of the channels is negated.
fn requantise(conv: &mut Conv, input: Spread, deviation: f64, rng: &mut Rng) {
    let taps = (conv.in_c * conv.k * conv.k).max(1);
    for (weights, r) in conv.weights.chunks(taps).zip(&mut conv.requant) {
        let sum: f64 = weights.iter().map(|&w| f64::from(w)).sum();
        let squares: f64 = weights.iter().map(|&w| f64::from(w).powi(2)).sum();
        let acc = (squares.sqrt() * input.deviation).max(1.0);
        let factor = deviation * rng.real(0.7, 1.4) / acc;
        let shift = (32767.0 / factor).log2().floor().clamp(1.0, 31.0) as u8;
        let s = (shift - rng.size(0, 3) as u8 % shift).max(1);
        let unit = (1u64 << s) as f64;
        let sign = if rng.chance(1, 4) { -1.0 } else { 1.0 };
        let m = (sign * factor * unit).round().clamp(-32768.0, 32767.0);
        let offset = rng.real(-0.5, 0.5) * deviation;
        let b = offset * unit - m * sum * input.mean;
        *r = Requant { m: m as i16, b: b.round().clamp(-1e14, 1e14) as i64, s };
    }
}

/// TA near +-1000 from a maximum near three deviations of X and a sum of a tenth of a deviation per value.
fn temporal(k: &mut TemporalAttention, values: f64, x: f64, rng: &mut Rng) {
    k.ta_shift = rng.size(18, 26) as u8;
    k.max_align = rng.size(0, 6) as u8;
    let target = 500.0 * (1u64 << k.ta_shift) as f64;
    let ca = target / (0.1 * x * values);
    let cm = target / (3.0 * x) / (1u64 << k.max_align) as f64;
    let reach = f64::from((1 << 23) - 1);
    for (list, typical) in
        [(&mut k.mean_pos, ca), (&mut k.mean_neg, ca), (&mut k.max_pos, cm), (&mut k.max_neg, cm)]
    {
        for v in list {
            let sign = if rng.chance(1, 6) { -1.0 } else { 1.0 };
            *v = (sign * typical * rng.real(0.5, 1.5)).clamp(-reach, reach) as i32;
        }
    }
}

/// A table that falls from the largest entry to 0; z deviates by about 2.0 (128 steps).
fn gate(gate: &mut Gate, rng: &mut Rng) {
    gate.z_shift = rng.size(12, 14) as u8;
    gate.table_bits = rng.size(gate.gate_bits.into(), GATE_MAX_BITS as usize) as u8;
    let one = f64::from(1u32 << gate.table_bits);
    let half = (GATE_ENTRIES / 2) as f64;
    for (i, g) in gate.table.iter_mut().enumerate() {
        let z = (half - 0.5 - i as f64) / 64.0;
        // z / (1 + |z|) has the form of the sigmoid and, unlike exp, the same bits on every machine.
        *g = (one * 0.5 * (1.0 + z / (1.0 + z.abs()))).round().min(one - 1.0) as u16;
    }
    gate.y_shift = rng.size(0, 15 - usize::from(gate.table_bits)) as u8;
    let full = one * f64::from(1u32 << gate.y_shift);
    gate.threshold = rng.real(0.3 * full, 0.8 * full) as i16;
}

/// Returns the deviation of the stream that leaves the last block.
fn blocks(net: &mut Network, mut stream: Spread, mut scale: f64, rng: &mut Rng) -> f64 {
    for block in &mut net.blocks {
        let current = rng.real(400.0, 2000.0);
        requantise(&mut block.conv1, SPIKES, current, rng);
        block.threshold1 = rng.real(0.3 * current, current) as i16;
        if let Some(shortcut) = &mut block.shortcut {
            scale = rng.real(400.0, 2000.0);
            requantise(shortcut, stream, scale, rng);
        }
        requantise(&mut block.conv2, SPIKES, scale, rng);
        scale *= 1.4;
        stream = Spread { mean: 0.0, deviation: scale };
        block.threshold_out = rng.real(0.3 * scale, scale).clamp(1.0, 32766.0) as i16;
    }
    scale
}

/// Moves the thresholds of populations that fire in less than 8 % or more than 50 % of the timesteps.
fn moderate(net: &mut Network, rng: &mut Rng) {
    if net.dense_sops() > MAX_MODERATED {
        return;
    }
    let images = [ImageKind::Uniform, ImageKind::Smooth].map(|kind| image_of(rng, net.input.shape, kind));
    for _ in 0..16 {
        let Ok(prepared) = Prepared::new(net) else { return };
        let outcomes: Vec<_> = images.iter().filter_map(|i| prepared.run(i).ok()).collect();
        let mut settled = true;
        for (p, threshold) in thresholds(net).into_iter().enumerate() {
            let spikes: u64 = outcomes.iter().map(|o| o.spikes[p].spikes).sum();
            let of: u64 = outcomes.iter().map(|o| o.spikes[p].of).sum();
            let factor = match spikes as f64 / (of as f64).max(1.0) {
                rate if rate < 0.08 => 0.6,
                rate if rate > 0.5 => 1.5,
                _ => continue,
            };
            let moved = (f64::from(*threshold) * factor).round().clamp(1.0, 32766.0) as i16;
            settled &= moved == *threshold;
            *threshold = moved;
        }
        if settled {
            return;
        }
    }
}

/// Thresholds in the order of [`crate::Outcome::spikes`].
fn thresholds(net: &mut Network) -> Vec<&mut i16> {
    let mut out = vec![&mut net.stem.threshold];
    out.extend(net.encoder.as_mut().map(|e| &mut e.gate.threshold));
    for block in &mut net.blocks {
        out.push(&mut block.threshold1);
        out.push(&mut block.threshold_out);
    }
    if net.head.pool.is_some() {
        out.pop();
    }
    out
}
