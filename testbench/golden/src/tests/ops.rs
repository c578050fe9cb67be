//! Codes, neurons, attention, gate, additions and the head.

use spikegate_contract::network::{
    FireRule, Form, Gate, Linear, Neuron, Op, Requant, Reset, Rounding, TemporalAttention, GATE_ENTRIES,
};
use spikegate_contract::tensor::Tensor;

use super::{compute, compute_with, neuron, small, tensor};
use crate::outcome::argmax;
use crate::{run, GoldenError};

fn code(bits: u8, signed: bool) -> Form {
    Form::Code { bits, signed }
}

#[test]
fn codes_subtract_the_offset_of_their_channel() {
    let mut net = small();
    net.nodes[0].out.shape = [2, 1, 2];
    let mut out = Tensor::zeros("input", [1, 2, 1, 2]);
    let mut image = |pixels: &[u8]| {
        let mut clamp = crate::arith::Clamp::default();
        net.nodes[0].op = Op::Input { offset: vec![0, 255] };
        crate::ops::compute(&net.nodes[0], &net.neuron, pixels, &[], &mut out, &mut clamp)
            .map(|()| out.data.clone())
    };
    assert_eq!(image(&[0, 255, 0, 255]), Ok(vec![0, 255, -255, 0]));
    assert_eq!(image(&[0; 5]), Err(GoldenError::Pixels { got: 5, expected: 4 }));
    assert_eq!(run(&small(), &[0; 21], &mut ()), Err(GoldenError::Pixels { got: 21, expected: 20 }));
}

#[test]
fn a_code_rounds_or_floors_and_its_relu_is_no_saturation() {
    let x = tensor([1, 1, 1, 6], &[-260, 254, 255, 256, -1, 3]);
    let coded = |shift, rounding, form| {
        let (out, clamp) = compute(Op::Code { shift, rounding }, form, x.dims, &[&x]).unwrap();
        assert_eq!(clamp.of, 6);
        (out, clamp.saturated)
    };
    // 255 is rounded up to 128, which is too large as 128 is; -130 is too small.
    assert_eq!(coded(1, Rounding::HalfUp, code(8, true)), (vec![-128, 127, 127, 127, 0, 2], 3));
    assert_eq!(coded(1, Rounding::Floor, code(8, true)), (vec![-128, 127, 127, 127, -1, 1], 2));
    assert_eq!(coded(0, Rounding::HalfUp, code(8, false)), (vec![0, 254, 255, 255, 0, 3], 1));
    assert_eq!(coded(0, Rounding::Floor, code(16, false)), (vec![0, 254, 255, 256, 0, 3], 0));
    assert_eq!(coded(15, Rounding::HalfUp, code(1, true)), (vec![0; 6], 0));
    assert_eq!(coded(15, Rounding::Floor, code(1, true)), (vec![-1, 0, 0, 0, -1, 0], 0));
}

#[test]
fn neurons_read_the_same_map_at_every_timestep_or_one_of_each() {
    let lif = |x: &Tensor, threshold| {
        let (out, clamp) = compute_with(
            neuron(1, FireRule::Gt),
            Op::Lif { threshold, neuron: None },
            Form::Spikes,
            [3, 1, 1, 3],
            &[x],
        )
        .unwrap();
        assert_eq!(clamp.of, 9);
        (out, clamp.saturated)
    };
    // 254 fires at once; 200 + 100 = 300 fires in the second step; 128, 192, 224 never does.
    let still = tensor([1, 1, 1, 3], &[254, 200, 128]);
    assert_eq!(lif(&still, 250), (vec![1, 0, 0, 1, 1, 0, 1, 0, 0], 0));
    // 100, 50 + 201; reset by the spike; -32768, -16384 - 32768 saturates.
    let timed = tensor([3, 1, 1, 3], &[100, 251, -32768, 201, 250, -32768, 0, 126, 0]);
    assert_eq!(lif(&timed, 250), (vec![0, 1, 0, 1, 0, 0, 0, 1, 0], 1));
}

#[test]
fn a_population_has_constants_of_its_own() {
    let x = tensor([3, 1, 1, 1], &[20, 0, 0]);
    let spikes = |own| {
        let op = Op::Lif { threshold: 10, neuron: own };
        compute_with(neuron(1, FireRule::Gt), op, Form::Spikes, [3, 1, 1, 1], &[&x]).unwrap().0
    };
    let soft = |leak_shift, fire| Some(Neuron { reset: Reset::Subtract, ..neuron(leak_shift, fire) });
    assert_eq!(spikes(None), [1, 0, 0]);
    // 10 is left, which is at the threshold.
    assert_eq!(spikes(soft(0, FireRule::Gt)), [1, 0, 0]);
    assert_eq!(spikes(soft(0, FireRule::Ge)), [1, 1, 0]);
    assert_eq!(spikes(soft(1, FireRule::Ge)), [1, 0, 0]);
}

#[test]
fn statistics_are_sum_and_maximum() {
    let statistics = |x: &[i64]| {
        compute(Op::Statistics, Form::Statistics, [1, 2, 1, 1], &[&tensor([1, 2, 1, 2], x)]).unwrap().0
    };
    assert_eq!(statistics(&[-260, 254, 200, 128]), [322, 254]);
    assert_eq!(statistics(&[-4, -3, -2, -9]), [-18, -2]);
}

fn attention(k: &TemporalAttention, sum: i64, max: i64) -> (Vec<i64>, u64) {
    let x = tensor([1, 2, 1, 1], &[sum, max]);
    let (out, clamp) = compute(Op::TemporalAttention(k.clone()), Form::Stream, [2, 1, 1, 1], &[&x]).unwrap();
    (out, clamp.saturated)
}

#[test]
fn temporal_attention_takes_the_constant_of_each_sign() {
    let k = TemporalAttention {
        mean_pos: vec![3, 3],
        mean_neg: vec![5, 5],
        max_pos: vec![7, -7],
        max_neg: vec![11, -11],
        max_align: 4,
        ta_shift: 2,
    };
    // 10 * 3 + ((2 * 7) << 4) = 254; + 2 >> 2 = 64. 30 - 224 = -194; -192 >> 2 = -48.
    assert_eq!(attention(&k, 10, 2), (vec![64, -48], 0));
    // -10 * -5 + ((-2 * -11) << 4) = 402 -> 101; 50 + ((-2 * 11) << 4) = -302; -300 >> 2 = -75.
    assert_eq!(attention(&k, -10, -2), (vec![101, -75], 0));
    // Zero is not negative.
    assert_eq!(attention(&k, 0, 0), (vec![0, 0], 0));
}

#[test]
fn temporal_attention_is_exact_at_its_widest() {
    let least = || vec![-(1 << 23); 2];
    let mut k = TemporalAttention {
        mean_pos: least(),
        mean_neg: least(),
        max_pos: least(),
        max_neg: least(),
        max_align: 24,
        ta_shift: 48,
    };
    // -2^39 * 2^23 + (-2^15 * 2^23 << 24) = -2^63; -2^63 >> 48 = -32768, not saturated.
    assert_eq!(attention(&k, -(1 << 39), -(1 << 15)), (vec![-32768; 2], 0));
    k.ta_shift = 0;
    assert_eq!(attention(&k, -(1 << 39), -(1 << 15)), (vec![-32768; 2], 2));
}

#[test]
fn gate_floors_saturates_indexes_masks_and_shifts() {
    let table = (0..GATE_ENTRIES as u16).map(|i| i / 4 * 4 + 3).collect();
    let gate = Gate { z_shift: 1, table, table_bits: 10, y_shift: 4 };
    // z: 3 >> 1 = 1 -> 513; -3 >> 1 = -2 -> 510; 32767 and -32768 -> both ends of the table.
    let ta = tensor([2, 1, 1, 1], &[3, -32768]);
    let sca = tensor([1, 1, 1, 3], &[1, -1, 4]);
    let spikes = tensor([2, 1, 1, 3], &[1, 1, 0, 1, 1, 1]);
    let (y, clamp) = compute(Op::Gate(gate), Form::Stream, spikes.dims, &[&ta, &sca, &spikes]).unwrap();
    assert_eq!(y, [515 << 4, 511 << 4, 0, 3 << 4, 1023 << 4, 3 << 4]);
    // -32768 * 4 / 2 saturates; its neuron is masked only at t = 0.
    assert_eq!((clamp.saturated, clamp.of), (1, 6));
}

#[test]
fn repeats_and_adds() {
    let x = tensor([1, 1, 1, 2], &[5, -6]);
    let (r, _) = compute(Op::Repeat, Form::Stream, [2, 1, 1, 2], &[&x]).unwrap();
    assert_eq!(r, [5, -6, 5, -6]);
    let a = tensor([2, 1, 1, 2], &[1, 32767, -32768, 3]);
    let b = tensor([2, 1, 1, 2], &[50, 1, -1, -3]);
    let (sum, clamp) = compute(Op::Add, Form::Stream, a.dims, &[&a, &b]).unwrap();
    assert_eq!((sum, clamp.saturated, clamp.of), (vec![51, 32767, -32768, 0], 2, 4));
}

#[test]
fn counts_over_time_and_space() {
    let spikes = tensor([2, 2, 1, 2], &[1, 1, 0, 1, 0, 1, 0, 0]);
    let (counts, _) = compute(Op::Count, Form::Counts { largest: 4 }, [1, 2, 1, 1], &[&spikes]).unwrap();
    assert_eq!(counts, [3, 1]);
}

#[test]
fn logits_have_a_bias_fit_32_bits_and_ties_go_to_the_lowest_class() {
    let linear = |bias: Vec<i32>, x: [i64; 2]| {
        let linear = Linear { weight_bits: 8, weights: vec![1, -1, 2, 0, 0, 3], bias, scale: 1.0 };
        compute(Op::Linear(linear), Form::Logits, [1, 3, 1, 1], &[&tensor([1, 2, 1, 1], &x)])
            .map(|(out, _)| out)
    };
    assert_eq!(linear(vec![0, -1, i32::MIN], [3, 1]), Ok(vec![2, 5, i64::from(i32::MIN) + 3]));
    assert!(matches!(
        linear(vec![0, i32::MAX, 0], [3, 1]),
        Err(GoldenError::Accumulator { channel: 1, value: 2_147_483_653, .. })
    ));
    // The sum itself, whatever its bias.
    assert!(matches!(
        linear(vec![0, 0, i32::MIN], [0, 1 << 30]),
        Err(GoldenError::Accumulator { channel: 2, value: 3_221_225_472, .. })
    ));
    assert_eq!([argmax(&[5, 7, 7]), argmax(&[-1, -1, -2]), argmax(&[i32::MIN])], [1, 0, 0]);
}

#[test]
fn a_stream_is_summed_over_time_and_space_and_requantised() {
    let requant = |m, b, s| Requant { m, b, s };
    // Channels 0 and 1 as (t, c, y, x).
    let stream = tensor([2, 2, 1, 2], &[3, 4, -5, 1, -2, 6, 1, 0]);
    let pool = |x: &Tensor, requant: Vec<Requant>| {
        let dims = [1, requant.len(), 1, 1];
        let (out, clamp) = compute(Op::Pool { requant }, Form::Stream, dims, &[x]).unwrap();
        (out, clamp.saturated)
    };
    let pooled = |a, b| pool(&stream, vec![a, b]);
    // Sums 11 and -3: halves are rounded up.
    assert_eq!(pooled(requant(2, 0, 1), requant(1, 0, 1)), (vec![11, -1], 0));
    assert_eq!(pooled(requant(1, 0, 1), requant(-1, 1, 2)), (vec![6, 1], 0));
    // The ends of s16, reached and passed by one.
    assert_eq!(pooled(requant(2978, 9, 1), requant(21846, 0, 1)), (vec![16384, -32768], 1));
    assert_eq!(pooled(requant(5957, 7, 1), requant(21845, -1, 1)), (vec![32767, -32768], 0));
    assert_eq!(pooled(requant(5957, 8, 1), requant(21845, -2, 1)), (vec![32767, -32768], 1));
    // The largest sum of s16 values over T * H * W = 2 * 2^20, and the largest bias.
    let wide = tensor([2, 1, 1024, 1024], &vec![-32768; 2 << 20]);
    let last = requant(i16::MIN, (1 << 47) - 1 - (1 << 30), 31);
    assert_eq!(pool(&wide, vec![last]), (vec![32767], 1));
}
