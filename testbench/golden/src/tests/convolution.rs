//! Taps, padding, stride and the 32-bit check.

use spikegate_contract::network::{Conv, Form, Op};
use spikegate_contract::tensor::Tensor;

use super::{compute, conv, tensor};
use crate::ops::conv::sums;
use crate::GoldenError;

/// The sums of a convolution of one input channel, of the given size.
fn correlate(conv: &Conv, x: &Tensor, out: [usize; 4]) -> Vec<i64> {
    let mut out = Tensor::zeros("node", out);
    sums(conv, x, &mut out).unwrap();
    out.data
}

#[test]
fn correlates_and_does_not_flip() {
    let c = conv(2, 1, 0, 1, vec![1, 10, 100, -128]);
    let sums = correlate(&c, &tensor([1, 1, 2, 2], &[1, 2, 3, 4]), [1; 4]);
    assert_eq!(sums, [1 + 20 + 300 - 512]);
}

#[test]
fn pads_an_even_kernel_with_one_before_and_two_after() {
    // K = 4, pad 1: output x sees input x-1 ..= x+2. Weight of tap kx is 10^kx in row ky = 1, which is the pixel's own row.
    let mut c = conv(4, 1, 1, 1, vec![0; 16]);
    c.weights[4..8].copy_from_slice(&[1, 10, 100, -100]);
    let sums = correlate(&c, &tensor([1, 1, 1, 4], &[1, 2, 3, 4]), [1, 1, 1, 4]);
    // x = 0: [0, 1, 2, 3]; x = 1: [1, 2, 3, 4]; x = 2: [2, 3, 4, 0]; x = 3: [3, 4, 0, 0].
    assert_eq!(sums, [10 + 200 - 300, 1 + 20 + 300 - 400, 2 + 30 + 400, 3 + 40]);
}

#[test]
fn pads_rows_as_columns() {
    let mut c = conv(4, 1, 1, 1, vec![0; 16]);
    for (ky, w) in [1, 10, 100, -100].into_iter().enumerate() {
        c.weights[4 * ky + 1] = w;
    }
    let sums = correlate(&c, &tensor([1, 1, 3, 1], &[1, 2, 3]), [1, 1, 3, 1]);
    assert_eq!(sums, [10 + 200 - 300, 1 + 20 + 300, 2 + 30]);
}

#[test]
fn strides_over_odd_sizes() {
    // 3x3, stride 2, pad 1 on 5x3: rows 0, 2, 4 and columns 0, 2. All-one weights count the pixels inside.
    let mut c = conv(3, 2, 1, 1, vec![1; 9]);
    let dims = [1, 1, 3, 2];
    assert_eq!(correlate(&c, &tensor([1, 1, 5, 3], &[1; 15]), dims), [4, 4, 6, 6, 4, 4]);
    // The centre tap alone picks the pixels.
    c.weights = vec![0, 0, 0, 0, 1, 0, 0, 0, 0];
    let pixels: Vec<i64> = (0..15).collect();
    assert_eq!(correlate(&c, &tensor([1, 1, 5, 3], &pixels), dims), [0, 2, 6, 8, 12, 14]);
}

#[test]
fn sums_channels_and_keeps_timesteps_apart() {
    let c = conv(1, 1, 0, 2, vec![1, 2, 3, -4]);
    assert_eq!(correlate(&c, &tensor([2, 2, 1, 1], &[1, 0, 1, 1]), [2, 2, 1, 1]), [1, 3, 3, -1]);
}

#[test]
fn takes_all_zero_and_all_one_spikes_and_the_smallest_weight() {
    let c = conv(3, 1, 1, 1, vec![-128; 27]);
    assert_eq!(correlate(&c, &tensor([1, 3, 3, 3], &[0; 27]), [1, 1, 3, 3]), [0; 9]);
    let sums = correlate(&c, &tensor([1, 3, 3, 3], &[1; 27]), [1, 1, 3, 3]);
    assert_eq!(sums, [4, 6, 4, 6, 9, 6, 4, 6, 4].map(|n| n * 3 * -128));
}

#[test]
fn refuses_a_sum_beyond_32_bits_and_takes_the_last_one_within() {
    let run = |last: i64| {
        let c = conv(1, 1, 0, 1, vec![-128; 512]);
        let mut x = vec![-32768; 512];
        x[511] = last;
        let mut out = Tensor::zeros("node", [1; 4]);
        sums(&c, &tensor([1, 512, 1, 1], &x), &mut out).map(|()| out.data[0])
    };
    // 512 * 2^22 = 2^31 is one too many.
    let error = run(-32768);
    assert_eq!(error, Err(GoldenError::Accumulator { node: "node".into(), channel: 0, value: 1 << 31 }));
    assert_eq!(run(-32767), Ok((1 << 31) - 128));
}

#[test]
fn requantises_every_channel_with_its_own_constants() {
    let mut c = conv(1, 1, 0, 2, vec![100, -128]);
    (c.requant[0].m, c.requant[1].b) = (1, -1);
    let x = tensor([2, 1, 1, 2], &[3, 0, 1, 256]);
    let (out, clamp) = compute(Op::Conv(c), Form::Stream, [2, 2, 1, 2], &[&x]).unwrap();
    // (100 x + 1) >> 1 and (-256 x - 1 + 1) >> 1, one of which saturates.
    assert_eq!(out, [150, 0, -384, 0, 50, 12800, -128, -32768]);
    assert_eq!((clamp.saturated, clamp.of), (0, 8));
    let mut c = conv(1, 1, 0, 1, vec![-128]);
    c.requant[0].m = 4;
    let (out, clamp) =
        compute(Op::Conv(c), Form::Stream, [1, 1, 1, 2], &[&tensor([1, 1, 1, 2], &[255, 1])]).unwrap();
    // 255 * -128 * 2 = -65280 saturates.
    assert_eq!((out, clamp.saturated), (vec![-32768, -256], 1));
}
