//! Convolution and requantisation.

use spikegate_contract::network::Conv;

use crate::arithmetic::sat16;
use crate::GoldenError;

/// Exact convolution sums of an integer map (c, y, x), zero outside; output (o, y, x).
pub fn sums(conv: &Conv, input: &[i64]) -> Result<Vec<i64>, GoldenError> {
    let ([h, w], [oh, ow], k) = (conv.in_hw, conv.out_hw, conv.k);
    let mut out = vec![0i64; conv.out_c * oh * ow];
    for o in 0..conv.out_c {
        for oy in 0..oh {
            for ox in 0..ow {
                let mut acc = 0i64;
                for c in 0..conv.in_c {
                    for ky in 0..k {
                        let Some(y) = (oy * conv.stride + ky).checked_sub(conv.pad).filter(|&y| y < h) else {
                            continue;
                        };
                        for kx in 0..k {
                            let Some(x) = (ox * conv.stride + kx).checked_sub(conv.pad).filter(|&x| x < w)
                            else {
                                continue;
                            };
                            acc += i64::from(conv.weights[conv.weight_index(o, c, ky, kx)])
                                * input[(c * h + y) * w + x];
                        }
                    }
                }
                if i32::try_from(acc).is_err() {
                    return Err(GoldenError::Accumulator { layer: conv.name.clone(), sum: acc });
                }
                out[(o * oh + oy) * ow + ox] = acc;
            }
        }
    }
    Ok(out)
}

/// `sat16((acc * m + b + (1 << (s - 1))) >> s)`, floor shift, with each output channel's constants.
pub fn requantise(conv: &Conv, sums: &[i64], saturated: &mut u64) -> Vec<i64> {
    let pixels = conv.out_hw[0] * conv.out_hw[1];
    let one = |(i, &acc): (usize, &i64)| {
        let r = conv.requant[i / pixels];
        let v = i128::from(acc) * i128::from(r.m) + i128::from(r.b) + (1 << (r.s - 1));
        sat16(v >> r.s, saturated)
    };
    sums.iter().enumerate().map(one).collect()
}

/// Both, one after the other.
pub fn convolve(conv: &Conv, input: &[i64], saturated: &mut u64) -> Result<Vec<i64>, GoldenError> {
    Ok(requantise(conv, &sums(conv, input)?, saturated))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spikegate_contract::network::Requant;

    fn conv(k: usize, stride: usize, pad: usize, n: usize, out: usize, weights: Vec<i8>) -> Conv {
        let requant = vec![Requant { m: 1, b: 0, s: 1 }];
        let (in_hw, out_hw) = ([1, n], [1, out]);
        Conv { name: "t".into(), in_c: 1, in_hw, out_c: 1, out_hw, k, stride, pad, weights, requant }
    }

    #[test]
    fn even_kernels_reach_one_before_and_two_after() {
        // Row 1 of the kernel lies on the only row of the map.
        let mut weights = vec![0; 16];
        weights[4..8].copy_from_slice(&[1, 10, 100, 127]);
        let c = conv(4, 1, 1, 4, 4, weights);
        assert_eq!(
            sums(&c, &[1, 2, 3, 4]).unwrap(),
            [10 + 200 + 381, 1 + 20 + 300 + 508, 2 + 30 + 400, 3 + 40]
        );
    }

    #[test]
    fn stride_two_on_an_odd_width() {
        let mut weights = vec![0; 9];
        weights[3..6].copy_from_slice(&[1, 10, 100]);
        let c = conv(3, 2, 1, 5, 3, weights);
        assert_eq!(sums(&c, &[1, 2, 3, 4, 5]).unwrap(), [210, 432, 54]);
    }

    #[test]
    fn requantises_with_floor_after_half() {
        let c = conv(1, 1, 0, 4, 4, vec![1]);
        assert_eq!(requantise(&c, &[-3, -1, 1, 3], &mut 0), [-1, 0, 1, 2]);
        let mut n = 0;
        assert_eq!(requantise(&c, &[65535, -65538, 65533, -65536], &mut n), [32767, -32768, 32767, -32768]);
        assert_eq!(n, 2);
    }

    #[test]
    fn accepts_the_most_negative_weight() {
        let c = conv(1, 1, 0, 2, 2, vec![-128]);
        assert_eq!(sums(&c, &[255, -128]).unwrap(), [-32640, 16384]);
    }
}
