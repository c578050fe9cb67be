//! Taps, padding, stride and the 32-bit check.

use super::{conv, tensor};
use crate::conv::convolve;
use crate::GoldenError;

#[test]
fn correlates_and_does_not_flip() {
    let mut c = conv(1, [2, 2], (1, [1, 1]), 2, 1, 0);
    c.weights = vec![1, 10, 100, -128];
    let sums = convolve(&c, &tensor("x", [1, 1, 2, 2], &[1, 2, 3, 4])).unwrap();
    assert_eq!(sums.data, [1 + 20 + 300 - 512]);
}

#[test]
fn pads_an_even_kernel_with_one_before_and_two_after() {
    // K = 4, pad 1: output x sees input x-1 ..= x+2. Weight of tap kx is 10^kx in row ky = 1, which is the pixel's own row.
    let mut c = conv(1, [1, 4], (1, [1, 4]), 4, 1, 1);
    for (kx, w) in [1, 10, 100].into_iter().enumerate() {
        let at = c.weight_index(0, 0, 1, kx);
        c.weights[at] = w;
    }
    let at = c.weight_index(0, 0, 1, 3);
    c.weights[at] = -100;
    let sums = convolve(&c, &tensor("x", [1, 1, 1, 4], &[1, 2, 3, 4])).unwrap();
    // x = 0: [0, 1, 2, 3]; x = 1: [1, 2, 3, 4]; x = 2: [2, 3, 4, 0]; x = 3: [3, 4, 0, 0].
    assert_eq!(sums.data, [10 + 200 - 300, 1 + 20 + 300 - 400, 2 + 30 + 400, 3 + 40]);
}

#[test]
fn pads_rows_as_columns() {
    let mut c = conv(1, [3, 1], (1, [3, 1]), 4, 1, 1);
    for ky in 0..4 {
        let at = c.weight_index(0, 0, ky, 1);
        c.weights[at] = [1, 10, 100, -100][ky];
    }
    let sums = convolve(&c, &tensor("x", [1, 1, 3, 1], &[1, 2, 3])).unwrap();
    assert_eq!(sums.data, [10 + 200 - 300, 1 + 20 + 300, 2 + 30]);
}

#[test]
fn strides_over_odd_sizes() {
    // 3x3, stride 2, pad 1 on 5x3: rows 0, 2, 4 and columns 0, 2. All-one weights count the pixels inside.
    let mut c = conv(1, [5, 3], (1, [3, 2]), 3, 2, 1);
    c.weights.fill(1);
    let sums = convolve(&c, &tensor("x", [1, 1, 5, 3], &[1; 15])).unwrap();
    assert_eq!(sums.data, [4, 4, 6, 6, 4, 4]);
    // The centre tap alone picks the pixels.
    c.weights = vec![0, 0, 0, 0, 1, 0, 0, 0, 0];
    let sums = convolve(&c, &tensor("x", [1, 1, 5, 3], &(0..15).collect::<Vec<_>>())).unwrap();
    assert_eq!(sums.data, [0, 2, 6, 8, 12, 14]);
}

#[test]
fn sums_channels_and_keeps_timesteps_apart() {
    let mut c = conv(2, [1, 1], (2, [1, 1]), 1, 1, 0);
    c.weights = vec![1, 2, 3, -4];
    let sums = convolve(&c, &tensor("x", [2, 2, 1, 1], &[1, 0, 1, 1])).unwrap();
    assert_eq!(sums.data, [1, 3, 3, -1]);
}

#[test]
fn takes_all_zero_and_all_one_spikes_and_the_smallest_weight() {
    let mut c = conv(3, [3, 3], (1, [3, 3]), 3, 1, 1);
    c.weights.fill(-128);
    assert!(convolve(&c, &tensor("s", [1, 3, 3, 3], &[0; 27])).unwrap().data.iter().all(|&v| v == 0));
    let sums = convolve(&c, &tensor("s", [1, 3, 3, 3], &[1; 27])).unwrap();
    assert_eq!(sums.data, [4, 6, 4, 6, 9, 6, 4, 6, 4].map(|n| n * 3 * -128));
}

#[test]
fn refuses_a_sum_beyond_32_bits_and_takes_the_last_one_within() {
    let run = |w: i8, last: i64| {
        let mut c = conv(512, [1, 1], (1, [1, 1]), 1, 1, 0);
        c.weights.fill(w);
        let mut x = vec![-32768; 512];
        x[511] = last;
        convolve(&c, &tensor("x", [1, 512, 1, 1], &x)).map(|t| t.data[0])
    };
    // 512 * 2^22 = 2^31 is one too many.
    let error = run(-128, -32768);
    assert_eq!(error, Err(GoldenError::Accumulator { layer: "conv".into(), channel: 0, value: 1 << 31 }));
    assert_eq!(run(-128, -32767), Ok((1 << 31) - 128));
}
