//! Numbers that spread the activations: every requantisation is chosen from its weights and the mean and
//! deviation of what it reads, then thresholds are moved until the populations fire at moderate rates.

use spikegate_contract::network::{
    weight_range, Conv, Form, Gate, Network, NodeId, Op, Requant, TemporalAttention, GATE_ENTRIES,
    GATE_MAX_BITS,
};

use super::{image_of, ImageKind, Rng};
use crate::fast::Prepared;

/// Mean and standard deviation of a node's values.
#[derive(Clone, Copy, Default)]
struct Spread {
    mean: f64,
    deviation: f64,
}

/// Spikes at a rate near 20 %.
const SPIKES: Spread = Spread { mean: 0.2, deviation: 0.4 };
/// Deviation that a signed 8-bit code is brought to, of its 128.
const CODED: f64 = 0.35;
/// Deviation of what becomes an unsigned code, of its range: a sixth of it, as half of the values are below zero, is lost.
const RECTIFIED: f64 = 0.4;
/// Deviation of the gate's stream, of its largest value.
const GATED: f64 = 0.25;
/// Largest deviation of a stream that others are brought to.
const WIDEST: f64 = 8000.0;
/// Larger networks keep their first thresholds: running them takes too long.
const MAX_MODERATED: u64 = 100_000_000;

/// Fills a network of any form.
pub(super) fn fill(net: &mut Network, rng: &mut Rng) {
    let widths: Vec<u8> = net.layers().map(|layer| layer.weight_bits).collect();
    net.weights_mut().zip(widths).for_each(|(all, bits)| weights(all, bits, rng));
    let mut spreads: Vec<Spread> = Vec::with_capacity(net.nodes.len());
    for at in 0..net.nodes.len() {
        let spread = numbers(net, NodeId(at), &spreads, rng);
        spreads.push(spread);
    }
    moderate(net, rng);
}

/// Chooses the numbers of a node; the spread of what it makes.
fn numbers(net: &mut Network, id: NodeId, spreads: &[Spread], rng: &mut Rng) -> Spread {
    let inputs: Vec<Spread> = net.node(id).inputs.iter().map(|id| spreads[id.0]).collect();
    let deviation = target(net, id, spreads);
    let code_shift = gate_code_shift(net, id);
    let out = net.node(id).out.clone();
    let gated = matches!(net.node(id).inputs.first().map(|&id| &net.node(id).op), Some(Op::Gate(_)));
    let (of, timesteps) =
        (net.node(id).inputs.first().map_or(0, |&id| net.node(id).out.len()), net.timesteps);
    let first = |net: &Network| net.source(net.node(id).inputs[0]).out.len();
    let statistics_of = if let Op::TemporalAttention(_) = net.node(id).op { first(net) } else { 0 };
    match &mut net.nodes[id.0].op {
        Op::Input { offset } => {
            let all = rng.range(60, 160);
            offset.fill(all as u8);
            Spread { mean: 127.5 - all as f64, deviation: 74.0 }
        }
        Op::Conv(conv) => {
            let deviation = deviation.unwrap_or_else(|| rng.real(400.0, 2000.0));
            requantise(conv, inputs[0], deviation, rng);
            Spread { mean: 0.0, deviation }
        }
        Op::Code { shift, .. } => {
            let (low, high) = out.form.range();
            let Spread { mean, deviation } = inputs[0];
            if let Some(kept) = code_shift {
                *shift = kept;
            } else if low < 0 {
                *shift = (deviation / (CODED * high as f64)).log2().clamp(0.0, 15.0) as u8;
            }
            let unit = f64::from(1u32 << *shift);
            if low < 0 || gated {
                Spread { mean: mean / unit, deviation: deviation / unit }
            } else {
                Spread { mean: 0.4 * deviation / unit, deviation: 0.58 * deviation / unit }
            }
        }
        Op::Lif { threshold, .. } => {
            let share = if gated { rng.real(0.3, 0.8) / GATED } else { rng.real(0.3, 1.0) };
            *threshold = (share * inputs[0].deviation).clamp(1.0, 32766.0) as i16;
            SPIKES
        }
        // The deviation of the values, for the attention.
        Op::Statistics => inputs[0],
        Op::TemporalAttention(constants) => {
            temporal(constants, statistics_of as f64, inputs[0].deviation.max(1.0), rng);
            Spread { mean: 0.0, deviation: 1000.0 }
        }
        Op::Gate(constants) => {
            let full = gate(constants, rng);
            Spread { mean: 0.15 * full, deviation: GATED * full }
        }
        Op::Repeat => inputs[0],
        Op::Add => {
            let [a, b] = [inputs[0], inputs[1]];
            Spread { mean: a.mean + b.mean, deviation: a.deviation.hypot(b.deviation) }
        }
        Op::Count => SPIKES,
        Op::Pool { requant } => {
            // The sum of T * H * W values that hang together half and half.
            let values = timesteps * of / out.len();
            let sum = inputs[0].deviation.max(1.0) * (values as f64).powf(0.75);
            requant.fill_with(|| pooled(sum, rng));
            Spread { mean: 0.0, deviation: 2000.0 }
        }
        Op::Linear(linear) => {
            linear.bias.fill_with(|| rng.range(-500, 500) as i32);
            Spread::default()
        }
    }
}

/// The deviation that the readers of a convolution want; none where any will do.
fn target(net: &Network, id: NodeId, spreads: &[Spread]) -> Option<f64> {
    net.readers(id).find_map(|(_, reader)| match (&reader.op, reader.out.form) {
        // That of the other summand, if it is known.
        (Op::Add, _) => {
            let other = reader.inputs.iter().find(|&&input| input != id)?;
            Some(spreads.get(other.0)?.deviation.clamp(100.0, WIDEST))
        }
        (&Op::Code { shift, .. }, Form::Code { bits, signed: false }) => {
            Some(RECTIFIED * f64::from(1u32 << bits) * f64::from(1u32 << shift))
        }
        (Op::Gate(_), _) => Some(1000.0),
        _ => None,
    })
}

/// The shift of a code that keeps the highest bits of a gate's table.
pub(super) fn gate_code_shift(net: &Network, id: NodeId) -> Option<u8> {
    let (Op::Code { .. }, Form::Code { bits, .. }) = (&net.node(id).op, net.node(id).out.form) else {
        return None;
    };
    let Op::Gate(gate) = &net.source(id).op else { return None };
    Some((gate.table_bits + gate.y_shift).saturating_sub(bits))
}

/// Mostly small weights, some at the ends of the range.
fn weights(weights: &mut [i8], bits: u8, rng: &mut Rng) {
    let high = *weight_range(bits).end();
    let low = -high;
    for w in weights {
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
    let terms = conv.weights.len() / conv.requant.len().max(1);
    for (weights, r) in conv.weights.chunks(terms.max(1)).zip(&mut conv.requant) {
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

/// Brings a sum of such a deviation to some hundreds or thousands.
fn pooled(sum: f64, rng: &mut Rng) -> Requant {
    let factor = rng.real(400.0, 4000.0) / sum;
    let s = (32767.0 / factor).log2().floor().clamp(1.0, 31.0);
    let m = (factor * 2f64.powf(s)).floor().clamp(1.0, 32767.0) as i16;
    Requant { m, b: rng.range(-1000, 1000) << (s as u32 / 2), s: s as u8 }
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

/// A table that falls from the largest entry to 0, of at least the bits it has; z deviates by about 2.0 (128 steps).
/// Returns the largest value of the stream.
fn gate(gate: &mut Gate, rng: &mut Rng) -> f64 {
    gate.z_shift = rng.size(12, 14) as u8;
    gate.table_bits = rng.size(gate.table_bits.into(), GATE_MAX_BITS as usize) as u8;
    let one = f64::from(1u32 << gate.table_bits);
    let half = (GATE_ENTRIES / 2) as f64;
    for (i, g) in gate.table.iter_mut().enumerate() {
        let z = (half - 0.5 - i as f64) / 64.0;
        // z / (1 + |z|) has the form of the sigmoid and, unlike exp, the same bits on every machine.
        *g = (one * 0.5 * (1.0 + z / (1.0 + z.abs()))).round().min(one - 1.0) as u16;
    }
    gate.y_shift = rng.size(0, 15 - usize::from(gate.table_bits)) as u8;
    one * f64::from(1u32 << gate.y_shift)
}

/// Moves the thresholds of populations that fire in less than 8 % or more than 50 % of the timesteps.
fn moderate(net: &mut Network, rng: &mut Rng) {
    if net.dense_sops() > MAX_MODERATED {
        return;
    }
    let images = [ImageKind::Uniform, ImageKind::Smooth].map(|kind| image_of(rng, net.input_shape(), kind));
    for _ in 0..16 {
        let Ok(prepared) = Prepared::new(net) else { return };
        let outcomes: Vec<_> = images.iter().filter_map(|i| prepared.run(i).ok()).collect();
        let mut settled = true;
        for (p, threshold) in thresholds(net).enumerate() {
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
fn thresholds(net: &mut Network) -> impl Iterator<Item = &mut i16> {
    net.nodes.iter_mut().filter_map(|node| match &mut node.op {
        Op::Lif { threshold, .. } => Some(threshold),
        _ => None,
    })
}
