//! The encoder, the gate, both shortcuts and the head.

use spikegate_contract::network::{Block, Encoder, FireRule, Network, Pool, Requant};
use spikegate_contract::tensor::{names, Tensor};

use super::{conv, neuron, small, tensor, with};
use crate::encoder::{self, Stem};
use crate::random::{self, Rng, Shape};
use crate::{block, head, GoldenError, SaturationKind};

fn stem(sum: i64, max: i64) -> Stem {
    Stem {
        x: tensor("", [0; 4], &[]),
        xq: tensor("", [0; 4], &[]),
        spikes: tensor("", [0; 4], &[]),
        sum,
        max,
    }
}

fn attention(net: &Network) -> &Encoder {
    net.encoder.as_ref().unwrap()
}

#[test]
fn codes_subtract_the_offset_of_their_channel() {
    let mut net = small();
    net.input.shape = [2, 1, 2];
    net.input.offset = vec![0, 255];
    let codes = encoder::codes(&net.input, &[0, 255, 0, 255]).unwrap();
    assert_eq!((codes.dims, codes.data), ([1, 2, 1, 2], vec![0, 255, -255, 0]));
    assert_eq!(encoder::codes(&net.input, &[0; 5]), Err(GoldenError::Pixels { got: 5, expected: 4 }));
}

#[test]
fn stem_gives_x_its_8_bit_copy_its_spikes_its_sum_and_its_maximum() {
    let mut net = small();
    net.t = 3;
    net.neuron = neuron(1, FireRule::Gt);
    net.stem.conv = conv(1, [1, 4], (1, [1, 4]), 1, 1, 0);
    net.stem.conv.weights = vec![1];
    net.stem.conv.requant = vec![Requant { m: 4, b: 0, s: 1 }]; // X = 2 code
    net.stem.xq_shift = 1;
    net.stem.threshold = 250;
    let codes = tensor("codes", [1, 1, 1, 4], &[-130, 127, 100, 64]);
    let (got, tensors, saturations) = with(&net, |ctx| encoder::stem(ctx, &codes).unwrap());
    assert_eq!(tensors[0].data, [-260, 254, 200, 128]);
    assert_eq!(got.xq.data, [-128, 127, 100, 64]);
    // 254 fires at once; 200 + 100 = 300 fires in the second step; 128, 192, 224 never does.
    assert_eq!(got.spikes.data, [0, 1, 0, 0, 0, 1, 1, 0, 0, 1, 0, 0]);
    assert_eq!((got.sum, got.max), (322, 254));
    let order: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(order, [names::STEM_X, names::STEM_XQ, names::STEM_SPIKES, names::STATISTICS]);
    assert_eq!(saturations.of(SaturationKind::Xq, "conv"), 1);
}

#[test]
fn temporal_attention_takes_the_constant_of_each_sign() {
    let mut net = small();
    let k = &mut net.encoder.as_mut().unwrap().temporal;
    (k.mean_pos, k.mean_neg) = (vec![3, 3], vec![5, 5]);
    (k.max_pos, k.max_neg) = (vec![7, -7], vec![11, -11]);
    (k.max_align, k.ta_shift) = (4, 2);
    let ta = |sum, max| {
        with(&net, |ctx| encoder::temporal_attention(ctx, &attention(ctx.net).temporal, &stem(sum, max)))
            .0
            .data
    };
    // 10 * 3 + ((2 * 7) << 4) = 254; + 2 >> 2 = 64. 30 - 224 = -194; -192 >> 2 = -48.
    assert_eq!(ta(10, 2), [64, -48]);
    // -10 * -5 + ((-2 * -11) << 4) = 402 -> 101; 50 + ((-2 * 11) << 4) = -302; -300 >> 2 = -75.
    assert_eq!(ta(-10, -2), [101, -75]);
    // Zero is not negative.
    assert_eq!(ta(0, 0), [0, 0]);
}

#[test]
fn temporal_attention_is_exact_at_its_widest() {
    let mut net = small();
    let k = &mut net.encoder.as_mut().unwrap().temporal;
    let least = -(1 << 23);
    (k.mean_pos, k.max_pos) = (vec![least; 2], vec![least; 2]);
    (k.mean_neg, k.max_neg) = (vec![least; 2], vec![least; 2]);
    (k.max_align, k.ta_shift) = (24, 48);
    // -2^39 * 2^23 + (-2^15 * 2^23 << 24) = -2^63; -2^63 >> 48 = -32768, not saturated.
    let (ta, _, s) = with(&net, |ctx| {
        encoder::temporal_attention(ctx, &attention(ctx.net).temporal, &stem(-(1 << 39), -(1 << 15)))
    });
    assert_eq!((ta.data, s.total()), (vec![-32768; 2], 0));
    net.encoder.as_mut().unwrap().temporal.ta_shift = 0;
    let (ta, _, s) = with(&net, |ctx| {
        encoder::temporal_attention(ctx, &attention(ctx.net).temporal, &stem(-(1 << 39), -(1 << 15)))
    });
    assert_eq!((ta.data, s.of(SaturationKind::Ta, names::TA)), (vec![-32768; 2], 2));
}

#[test]
fn spatial_attention_rectifies_and_counts_only_the_upper_limit() {
    let mut net = small();
    let encoder = net.encoder.as_mut().unwrap();
    for (sca, w) in [(&mut encoder.sca1, 2), (&mut encoder.sca2, -128)] {
        *sca = conv(1, [1, 3], (1, [1, 3]), 1, 1, 0);
        sca.weights = vec![w];
    }
    net.encoder.as_mut().unwrap().sca1.name = "sca1".into();
    net.encoder.as_mut().unwrap().sca2.requant = vec![Requant { m: 4, b: 0, s: 1 }];
    let xq = tensor("xq", [1, 1, 1, 3], &[-128, 127, 128]);
    let (sca, tensors, s) =
        with(&net, |ctx| encoder::spatial_attention(ctx, attention(ctx.net), &xq).unwrap());
    assert_eq!(tensors[0].data, [0, 254, 255]);
    // 255 * -128 * 2 = -65280 saturates.
    assert_eq!(sca.data, [0, -32768, -32768]);
    assert_eq!((s.of(SaturationKind::Z1Top, "sca1"), s.of(SaturationKind::Requantise, "conv")), (1, 2));
}

#[test]
fn gate_floors_saturates_indexes_masks_and_shifts() {
    let mut net = small();
    net.neuron = neuron(0, FireRule::Ge);
    let gate = &mut net.encoder.as_mut().unwrap().gate;
    gate.z_shift = 1;
    gate.table = (0..1024).map(|i| i / 4 * 4 + 3).collect();
    (gate.table_bits, gate.gate_bits) = (10, 8);
    gate.y_shift = 4;
    gate.threshold = 803 << 4;
    // z: 3 >> 1 = 1 -> 513; -3 >> 1 = -2 -> 510; 32767 and -32768 -> both ends of the table.
    let s = tensor("s", [2, 1, 1, 3], &[1, 1, 0, 1, 1, 1]);
    let ta = tensor("ta", [2, 1, 1, 1], &[3, -32768]);
    let sca = tensor("sca", [1, 1, 1, 3], &[1, -1, 4]);
    let (got, _, saturations) = with(&net, |ctx| encoder::gate(ctx, &attention(ctx.net).gate, &s, &ta, &sca));
    assert_eq!(got.yc.data, [128, 127, 0, 0, 255, 0]);
    assert_eq!(got.y.data, [515 << 4, 511 << 4, 0, 3 << 4, 1023 << 4, 3 << 4]);
    assert_eq!(got.spikes.data, [0, 0, 0, 0, 1, 0]);
    // -32768 * 4 / 2 saturates; its neuron is masked only at t = 0.
    assert_eq!(saturations.of(SaturationKind::Z, "encoder.z"), 1);
}

#[test]
fn block_adds_the_identity_or_the_projection_of_another_tensor() {
    let mut net = small();
    net.neuron = neuron(1, FireRule::Gt);
    let mut b = net.blocks[0].clone();
    b.name = "b".into();
    b.conv1 = conv(1, [1, 2], (1, [1, 2]), 1, 1, 0);
    b.conv1.weights = vec![100];
    b.threshold1 = 99;
    b.conv2 = conv(1, [1, 2], (1, [1, 2]), 1, 1, 0);
    b.conv2.weights = vec![50];
    b.threshold_out = 32766;
    b.shortcut = None;
    let stream = tensor("r", [2, 1, 1, 2], &[1, 32767, -32768, 3]);
    let yc = tensor("yc", [2, 1, 1, 2], &[5, 6, 7, 8]);
    let spikes = tensor("s", [2, 1, 1, 2], &[1, 1, 0, 0]);
    let run = |ctx: &mut crate::Context, b: &Block| {
        let r = block::block(ctx, b, &stream, &yc, &spikes).unwrap();
        let s = block::fire(ctx, b, &r);
        (r, s)
    };
    let ((r, s), _, saturations) = with(&net, |ctx| run(ctx, &b));
    assert_eq!((r.data, s.data), (vec![51, 32767, -32768, 3], vec![0, 1, 0, 0]));
    assert_eq!(saturations.of(SaturationKind::Residual, "b"), 1);
    // 25 + -32768 does not saturate, 16383 + 3 was reset: no membrane does.
    assert_eq!(saturations.of(SaturationKind::LifAdd, "b.spikes"), 0);

    let mut shortcut = conv(1, [1, 2], (1, [1, 2]), 1, 1, 0);
    shortcut.weights = vec![-10];
    b.shortcut = Some(shortcut);
    let ((r, _), tensors, _) = with(&net, |ctx| run(ctx, &b));
    assert_eq!(r.data, [0, -10, -70, -80]);
    let order: Vec<&str> = tensors.iter().map(|t| t.name.as_str()).collect();
    assert_eq!(order, ["b.shortcut", "b.conv1.spikes", "b.stream", "b.spikes"]);
}

#[test]
fn head_counts_over_time_and_space_and_ties_go_to_the_lowest_class() {
    let mut net = small();
    net.head.conv = conv(2, [1, 1], (3, [1, 1]), 1, 1, 0);
    net.head.conv.weights = vec![1, -1, 2, 0, 0, 3];
    net.head.bias = vec![0, -1, i32::MIN];
    let spikes = tensor("s", [2, 2, 1, 2], &[1, 1, 0, 1, 0, 1, 0, 0]);
    let (logits, _, _) = with(&net, |ctx| {
        let counts = head::counts(ctx, &spikes);
        assert_eq!(counts.data, [3, 1]);
        head::logits(ctx, &counts)
    });
    assert_eq!(logits, Ok(vec![2, 5, i32::MIN + 3]));
    assert_eq!([head::argmax(&[5, 7, 7]), head::argmax(&[-1, -1, -2]), head::argmax(&[i32::MIN])], [1, 0, 0]);
    net.head.bias[1] = i32::MAX;
    let counts = tensor("n", [1, 2, 1, 1], &[3, 1]);
    assert!(matches!(
        with(&net, |ctx| head::logits(ctx, &counts)).0,
        Err(GoldenError::Accumulator { channel: 1, .. })
    ));
}

#[test]
fn without_the_last_lif_the_stream_is_summed_over_time_and_space_and_requantised() {
    let net = small();
    let requant = |m, b, s| Requant { m, b, s };
    // Channels 0 and 1 as (t, c, y, x).
    let stream = tensor("r", [2, 2, 1, 2], &[3, 4, -5, 1, -2, 6, 1, 0]);
    let pooled = |first: Requant, second: Requant| {
        let pool = Pool { requant: vec![first, second], frac_bits: 0 };
        let (out, tensors, saturations) = with(&net, |ctx| head::pooled(ctx, &pool, &stream));
        assert_eq!((out.name.as_str(), out.dims), ("head.pooled", [1, 2, 1, 1]));
        assert_eq!(tensors, std::slice::from_ref(&out));
        (out.data, saturations.of(SaturationKind::Requantise, "head.pooled"))
    };
    // Sums 11 and -3: halves are rounded up.
    assert_eq!(pooled(requant(2, 0, 1), requant(1, 0, 1)), (vec![11, -1], 0));
    assert_eq!(pooled(requant(1, 0, 1), requant(-1, 1, 2)), (vec![6, 1], 0));
    // The ends of s16, reached and passed by one.
    assert_eq!(pooled(requant(2978, 9, 1), requant(21846, 0, 1)), (vec![16384, -32768], 1));
    assert_eq!(pooled(requant(5957, 7, 1), requant(21845, -1, 1)), (vec![32767, -32768], 0));
    assert_eq!(pooled(requant(5957, 8, 1), requant(21845, -2, 1)), (vec![32767, -32768], 1));
    // The largest sum of s16 values over T * H * W = 2 * 2^20, and the largest bias.
    let wide = tensor("r", [2, 1, 1024, 1024], &vec![-32768; 2 << 20]);
    let last = requant(i16::MIN, (1 << 47) - 1 - (1 << 30), 31);
    let pool = Pool { requant: vec![last], frac_bits: 0 };
    let (out, _, saturations) = with(&net, |ctx| head::pooled(ctx, &pool, &wide));
    assert_eq!((out.data, saturations.of(SaturationKind::Requantise, "head.pooled")), (vec![32767], 1));
}

#[test]
fn without_the_last_lif_the_last_block_has_no_spikes() {
    let shape = Shape { input: [1, 4, 5], stages: vec![(3, 2, 2)], last_lif: false, ..random::demo() };
    let net = random::network(&mut Rng(4), &shape);
    let pixels = random::image(&mut Rng(5), [1, 4, 5]);
    let mut tensors: Vec<Tensor> = Vec::new();
    let outcome = crate::run(&net, &pixels, &mut tensors).unwrap();
    let names: Vec<&str> = tensors.iter().rev().take(3).map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["head.logits", "head.pooled", "layer1.1.stream"]);
    assert!(outcome.counts.is_empty());
    assert_eq!(outcome.spikes.last().unwrap().name, "layer1.1.conv1.spikes");
    assert_eq!(crate::fast::Prepared::new(&net).unwrap().run(&pixels), Ok(outcome));
}
