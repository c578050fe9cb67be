//! Steps 1 to 5: codes, stem, temporal and spatial attention, gate.

use spikegate_contract::network::{Encoder, Gate, Input, TemporalAttention, GATE_ENTRIES};
use spikegate_contract::tensor::{names, Tensor};

use crate::arith::{round, Clamp};
use crate::{Context, GoldenError, SaturationKind};

/// What the stem gives.
pub(crate) struct Stem {
    /// X, s16, (1, C, H, W).
    pub(crate) x: Tensor,
    /// Xq, s8, (1, C, H, W); nothing reads it in direct coding.
    pub(crate) xq: Tensor,
    /// S, (T, C, H, W).
    pub(crate) spikes: Tensor,
    /// Sum of X over C, H and W, s40.
    pub(crate) sum: i64,
    /// Maximum of X, s16.
    pub(crate) max: i64,
}

/// What the gate gives.
pub(crate) struct Gated {
    /// Yc = S ? G >> (table_bits - gate_bits) : 0, `gate_bits` wide, (T, C, H, W).
    pub(crate) yc: Tensor,
    /// Y = S ? G << y_shift : 0, s16, (T, C, H, W).
    pub(crate) y: Tensor,
    /// Spikes of the LIF on Y, (T, C, H, W).
    pub(crate) spikes: Tensor,
}

/// Step 1: `code[c,y,x] = pixel[c,y,x] - offset[c]`, signed 9 bit, (1, C, H, W).
///
/// # Errors
/// Another number of pixels than the network takes.
pub(crate) fn codes(input: &Input, pixels: &[u8]) -> Result<Tensor, GoldenError> {
    let [c, h, w] = input.shape;
    let mut codes = Tensor::zeros("codes", [1, c, h, w]);
    if pixels.len() != codes.data.len() {
        return Err(GoldenError::Pixels { got: pixels.len(), expected: codes.data.len() });
    }
    for (at, &pixel) in pixels.iter().enumerate() {
        let [_, c, _, _] = codes.coordinates(at);
        codes.data[at] = i64::from(pixel) - i64::from(input.offset[c]);
    }
    Ok(codes)
}

/// Step 2: X, Xq, S, sum and max; in direct coding only X and S are recorded.
///
/// # Errors
/// A sum that leaves 32 bits.
pub(crate) fn stem(ctx: &mut Context, codes: &Tensor) -> Result<Stem, GoldenError> {
    let stem = &ctx.net.stem;
    let x = ctx.requantised(&stem.conv, codes, names::STEM_X)?;
    ctx.record(&x);

    let mut xq = Tensor::zeros(names::STEM_XQ, x.dims);
    let mut clamp = Clamp::new(SaturationKind::Xq, &stem.conv.name);
    for at in 0..x.data.len() {
        xq.data[at] = clamp.clamp(round(x.data[at].into(), stem.xq_shift), (-128, 127));
    }
    let attends = ctx.net.encoder.is_some();
    if attends {
        ctx.saturations.0.push(clamp.done());
        ctx.record(&xq);
    }

    let spikes = ctx.lif(&constant(&x, ctx.net.t), stem.threshold, names::STEM_SPIKES);

    let sum = x.data.iter().sum();
    let max = x.data.iter().copied().max().unwrap_or(0);
    if attends {
        ctx.record(&Tensor { name: names::STATISTICS.to_owned(), dims: [1, 2, 1, 1], data: vec![sum, max] });
    }
    Ok(Stem { x, xq, spikes, sum, max })
}

/// The same map at every timestep.
pub(crate) fn constant(x: &Tensor, t: usize) -> Tensor {
    let [_, c, h, w] = x.dims;
    Tensor { name: x.name.clone(), dims: [t, c, h, w], data: x.data.repeat(t) }
}

/// Step 3: `TA[t] = sat16(round(sum * ca + ((max * cm) << max_align), ta_shift))`, (T, 1, 1, 1).
pub(crate) fn temporal_attention(ctx: &mut Context, k: &TemporalAttention, stem: &Stem) -> Tensor {
    let (sum, max) = (i128::from(stem.sum), i128::from(stem.max));
    let mut ta = Tensor::zeros(names::TA, [ctx.net.t, 1, 1, 1]);
    let mut clamp = Clamp::new(SaturationKind::Ta, names::TA);
    for t in 0..ctx.net.t {
        let ca = if sum >= 0 { i128::from(k.mean_pos[t]) } else { -i128::from(k.mean_neg[t]) };
        let cm = if max >= 0 { i128::from(k.max_pos[t]) } else { -i128::from(k.max_neg[t]) };
        ta.data[t] = clamp.sat16(round(sum * ca + ((max * cm) << k.max_align), k.ta_shift));
    }
    ctx.saturations.0.push(clamp.done());
    ctx.record(&ta);
    ta
}

/// Step 4: `Z1 = clamp(requantise(conv(Xq)), 0, 255)`, `sca = requantise(conv(Z1))` s16, (1, C, H, W).
///
/// # Errors
/// A sum that leaves 32 bits.
pub(crate) fn spatial_attention(
    ctx: &mut Context,
    encoder: &Encoder,
    xq: &Tensor,
) -> Result<Tensor, GoldenError> {
    let mut z1 = ctx.requantised(&encoder.sca1, xq, names::Z1)?;
    let mut clamp = Clamp::new(SaturationKind::Z1Top, &encoder.sca1.name);
    for v in &mut z1.data {
        let rectified = (*v).max(0); // the ReLU; only the upper limit is a saturation
        *v = clamp.clamp(rectified.into(), (0, 255));
    }
    ctx.saturations.0.push(clamp.done());
    ctx.record(&z1);

    let sca = ctx.requantised(&encoder.sca2, &z1, names::SCA)?;
    ctx.record(&sca);
    Ok(sca)
}

/// Step 5: `z = sat16((TA[t] * sca) >> z_shift)`, `G = table[clamp(z, -512, 511) + 512]`, Yc, Y and its LIF.
pub(crate) fn gate(ctx: &mut Context, gate: &Gate, s: &Tensor, ta: &Tensor, sca: &Tensor) -> Gated {
    let half = (GATE_ENTRIES / 2) as i64;
    let mut yc = Tensor::zeros("gate.yc", s.dims);
    let mut y = Tensor::zeros(names::GATE_Y, s.dims);
    let mut clamp = Clamp::new(SaturationKind::Z, "encoder.z");
    for at in 0..s.data.len() {
        let [t, c, row, col] = s.coordinates(at);
        let product = i128::from(ta.at(t, 0, 0, 0)) * i128::from(sca.at(0, c, row, col));
        let z = clamp.sat16(product >> gate.z_shift);
        let g = i64::from(gate.table[(z.clamp(-half, half - 1) + half) as usize]);
        let open = if s.data[at] == 1 { g } else { 0 };
        yc.data[at] = open >> (gate.table_bits - gate.gate_bits);
        y.data[at] = open << gate.y_shift;
    }
    ctx.saturations.0.push(clamp.done());
    ctx.record(&y);
    let spikes = ctx.lif(&y, gate.threshold, names::GATE_SPIKES);
    Gated { yc, y, spikes }
}
