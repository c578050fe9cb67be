//! Numbers at the ends of their ranges.

use spikegate_contract::network::{
    weight_range, Gate, Network, NodeId, Op, Requant, TemporalAttention, GATE_MAX_BITS,
};

use super::typical::gate_code_shift;
use super::Rng;

/// Fills a network so that nearly every clamp clamps.
pub(super) fn fill(net: &mut Network, rng: &mut Rng) {
    for at in 0..net.nodes.len() {
        let code_shift = gate_code_shift(net, NodeId(at));
        let terms = net.layer(NodeId(at)).map_or(1, |layer| layer.in_c() * layer.k * layer.k);
        let signed = net.nodes[at].out.form.range().0 < 0;
        match &mut net.nodes[at].op {
            Op::Input { offset } => offset.fill_with(|| rng.pick(&[0, 128, 255])),
            Op::Conv(conv) => {
                weights(&mut conv.weights, terms, conv.weight_bits, rng);
                conv.requant.fill_with(|| requant(rng));
            }
            Op::Code { shift, .. } => match code_shift {
                Some(kept) => *shift = kept,
                None if signed => *shift = rng.pick(&[0, 1, 8, 15]),
                None => {}
            },
            Op::Lif { threshold, .. } => *threshold = rng.pick(&[1, 1, 2, 1000, 32766]),
            Op::TemporalAttention(constants) => temporal(constants, rng),
            Op::Gate(constants) => gate(constants, rng),
            Op::Pool { requant: all } => all.fill_with(|| requant(rng)),
            Op::Linear(linear) => {
                weights(&mut linear.weights, terms, linear.weight_bits, rng);
                linear.bias.fill_with(|| rng.range(-(1 << 20), 1 << 20) as i32);
            }
            Op::Statistics | Op::Repeat | Op::Add | Op::Count => {}
        }
    }
}

fn temporal(k: &mut TemporalAttention, rng: &mut Rng) {
    for list in [&mut k.mean_pos, &mut k.mean_neg, &mut k.max_pos, &mut k.max_neg] {
        list.fill_with(|| rng.pick(&[-(1 << 23), (1 << 23) - 1, 0, 1]));
    }
    k.max_align = rng.pick(&[0, 1, 24]);
    k.ta_shift = rng.pick(&[0, 1, 31, 47, 63]);
}

fn gate(gate: &mut Gate, rng: &mut Rng) {
    gate.z_shift = rng.pick(&[0, 1, 15, 22, 31]);
    gate.table_bits = rng.pick(&[gate.table_bits, GATE_MAX_BITS as u8]);
    gate.y_shift = rng.pick(&[0, 15 - gate.table_bits]);
    let largest = (1u16 << gate.table_bits) - 1;
    gate.table.fill_with(|| {
        let any = rng.range(0, largest.into()) as u16;
        rng.pick(&[0, largest, largest, any])
    });
}

/// Every weight at an end of its range; half of the channels have one sign throughout.
fn weights(weights: &mut [i8], terms: usize, bits: u8, rng: &mut Rng) {
    let (low, high) = weight_range(bits).into_inner();
    for channel in weights.chunks_mut(terms) {
        let ends = rng.pick(&[[low, high], [low, high], [high, high], [low, low]]);
        channel.fill_with(|| rng.pick(&ends));
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
