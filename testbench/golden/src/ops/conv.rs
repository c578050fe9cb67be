//! Convolution with exact sums, requantised.

use spikegate_contract::network::Conv;
use spikegate_contract::tensor::Tensor;

use crate::arith::fits_32_bits;
use crate::arith::Clamp;
use crate::GoldenError;

/// `requantise(acc)` of every sum, with the constants of its output channel.
///
/// # Errors
/// A sum that does not fit s32.
pub(super) fn run(conv: &Conv, x: &Tensor, out: &mut Tensor, clamp: &mut Clamp) -> Result<(), GoldenError> {
    sums(conv, x, out)?;
    for at in 0..out.data.len() {
        let [_, o, _, _] = out.coordinates(at);
        out.data[at] = clamp.requantise(out.data[at], &conv.requant[o]);
    }
    Ok(())
}

/// `acc[t,o,y,x]` = sum over i, ky, kx of `weight[o,i,ky,kx] * x[t,i,y*stride+ky-pad,x*stride+kx-pad]`, with zeros outside
/// the map.
///
/// # Errors
/// A sum that does not fit s32.
pub(crate) fn sums(conv: &Conv, input: &Tensor, out: &mut Tensor) -> Result<(), GoldenError> {
    let &Conv { k, stride, pad, ref weights, .. } = conv;
    let [_, in_c, in_h, in_w] = input.dims;
    for at in 0..out.data.len() {
        let [t, o, y, x] = out.coordinates(at);
        let mut sum = 0i64;
        for i in 0..in_c {
            for ky in 0..k {
                for kx in 0..k {
                    // Rows and columns counted from the padded corner.
                    let (py, px) = (y * stride + ky, x * stride + kx);
                    let inside = py >= pad && py < pad + in_h && px >= pad && px < pad + in_w;
                    if inside {
                        let weight = weights[((o * in_c + i) * k + ky) * k + kx];
                        sum += i64::from(weight) * input.at(t, i, py - pad, px - pad);
                    }
                }
            }
        }
        out.data[at] = fits_32_bits(sum, &out.name, o)?;
    }
    Ok(())
}
