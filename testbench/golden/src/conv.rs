//! Convolution with exact sums.

use spikegate_contract::network::Conv;
use spikegate_contract::tensor::Tensor;

use crate::arith::Clamp;
use crate::{Context, GoldenError, SaturationKind};

/// `acc[t,o,y,x]` = sum over i, ky, kx of `weight[o,i,ky,kx] * input[t,i,y*stride+ky-pad,x*stride+kx-pad]`, with
/// zeros outside the map. Input (T, C, H, W), any number of timesteps.
///
/// # Errors
/// A sum that does not fit s32.
pub(crate) fn convolve(conv: &Conv, input: &Tensor) -> Result<Tensor, GoldenError> {
    let [timesteps, _, in_h, in_w] = input.dims;
    let [out_h, out_w] = conv.out_hw;
    let mut out = Tensor::zeros(&conv.name, [timesteps, conv.out_c, out_h, out_w]);
    for at in 0..out.data.len() {
        let [t, o, y, x] = out.coordinates(at);
        let mut sum = 0i64;
        for i in 0..conv.in_c {
            for ky in 0..conv.k {
                for kx in 0..conv.k {
                    // Rows and columns counted from the padded corner.
                    let (py, px) = (y * conv.stride + ky, x * conv.stride + kx);
                    let inside =
                        py >= conv.pad && py < conv.pad + in_h && px >= conv.pad && px < conv.pad + in_w;
                    if inside {
                        let weight = conv.weights[conv.weight_index(o, i, ky, kx)];
                        sum += i64::from(weight) * input.at(t, i, py - conv.pad, px - conv.pad);
                    }
                }
            }
        }
        out.data[at] = fits_32_bits(sum, conv, o)?;
    }
    Ok(out)
}

/// The value itself.
///
/// # Errors
/// It does not fit s32.
pub(crate) fn fits_32_bits(value: i64, conv: &Conv, channel: usize) -> Result<i64, GoldenError> {
    if i32::try_from(value).is_ok() {
        return Ok(value);
    }
    Err(GoldenError::Accumulator { layer: conv.name.clone(), channel, value })
}

impl Context<'_> {
    /// `requantise(conv(input))`, s16, with the constants of each output channel; named `name`.
    ///
    /// # Errors
    /// A sum that does not fit s32.
    pub(crate) fn requantised(
        &mut self,
        conv: &Conv,
        input: &Tensor,
        name: &str,
    ) -> Result<Tensor, GoldenError> {
        let mut out = convolve(conv, input)?;
        out.name = name.to_owned();
        let mut clamp = Clamp::new(SaturationKind::Requantise, &conv.name);
        for at in 0..out.data.len() {
            let [_, o, _, _] = out.coordinates(at);
            out.data[at] = clamp.requantise(out.data[at], &conv.requant[o]);
        }
        self.saturations.0.push(clamp.done());
        Ok(out)
    }
}
