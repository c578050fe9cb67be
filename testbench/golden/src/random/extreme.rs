//! Numbers at the ends of their ranges.

use spikegate_contract::network::{Conv, Encoder, Network, Requant, GATE_MAX_BITS};

use super::Rng;

/// Fills a network so that nearly every clamp clamps.
pub(super) fn fill(net: &mut Network, rng: &mut Rng) {
    for offset in &mut net.input.offset {
        *offset = rng.pick(&[0, 128, 255]);
    }
    let bits = net.weight_bits;
    for conv in net.convs_mut() {
        weights(conv, bits, rng);
        for r in &mut conv.requant {
            *r = requant(rng);
        }
    }
    net.stem.threshold = threshold(rng);
    net.stem.xq_shift = rng.pick(&[0, 1, 8, 15]);
    if let Some(encoder) = &mut net.encoder {
        attention(encoder, rng);
    }
    for block in &mut net.blocks {
        block.threshold1 = threshold(rng);
        block.threshold_out = threshold(rng);
    }
    for r in net.head.pool.iter_mut().flat_map(|pool| &mut pool.requant) {
        *r = requant(rng);
    }
    for bias in &mut net.head.bias {
        *bias = rng.range(-(1 << 20), 1 << 20) as i32;
    }
}

fn attention(encoder: &mut Encoder, rng: &mut Rng) {
    let Encoder { temporal, gate, .. } = encoder;
    for list in [&mut temporal.mean_pos, &mut temporal.mean_neg, &mut temporal.max_pos, &mut temporal.max_neg]
    {
        for v in list {
            *v = rng.pick(&[-(1 << 23), (1 << 23) - 1, 0, 1]);
        }
    }
    temporal.max_align = rng.pick(&[0, 1, 24]);
    temporal.ta_shift = rng.pick(&[0, 1, 31, 47, 63]);
    gate.z_shift = rng.pick(&[0, 1, 15, 22, 31]);
    gate.table_bits = rng.pick(&[gate.gate_bits, GATE_MAX_BITS as u8]);
    gate.y_shift = rng.pick(&[0, 15 - gate.table_bits]);
    gate.threshold = threshold(rng);
    let largest = (1u16 << gate.table_bits) - 1;
    for g in &mut gate.table {
        let any = rng.range(0, largest.into()) as u16;
        *g = rng.pick(&[0, largest, largest, any]);
    }
}

/// Every weight at an end of its range; half of the channels have one sign throughout.
fn weights(conv: &mut Conv, bits: u8, rng: &mut Rng) {
    let (low, high) = if bits == 4 { (-7, 7) } else { (-128, 127) };
    for channel in conv.weights.chunks_mut((conv.in_c * conv.k * conv.k).max(1)) {
        let ends = rng.pick(&[[low, high], [low, high], [high, high], [low, low]]);
        for w in channel {
            *w = rng.pick(&ends);
        }
    }
}

fn requant(rng: &mut Rng) -> Requant {
    let s = rng.pick(&[1, 2, 4, 8, 16, 24, 31]);
    let half = 1i64 << (s - 1);
    Requant {
        m: rng.pick(&[i16::MAX, i16::MIN, -1, 1, 12345, -12345]),
        b: rng.pick(&[0, 0, 1, -1, -half, 1 << 20, -(1 << 47), (1 << 47) - 1 - half]),
        s: s as u8,
    }
}

fn threshold(rng: &mut Rng) -> i16 {
    rng.pick(&[1, 1, 2, 1000, 32766])
}
