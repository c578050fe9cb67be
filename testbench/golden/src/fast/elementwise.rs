//! What happens to every value by itself. No map has more than 2^28 values, so that they are counted in 32 bits.

use spikegate_contract::network::{Gate, Rounding, Value, GATE_ENTRIES};

use super::post::Count;
use crate::GoldenError;

/// The image as codes, (y, x, c).
///
/// # Errors
/// Another number of pixels than the network takes.
pub(super) fn codes(offset: &[u8], pixels: &[u8], out: &Value) -> Result<Vec<i16>, GoldenError> {
    let [channels, h, w] = out.shape;
    if pixels.len() != channels * h * w {
        return Err(GoldenError::Pixels { got: pixels.len(), expected: channels * h * w });
    }
    let mut codes = vec![0; pixels.len()];
    for (at, &p) in pixels.iter().enumerate() {
        let (c, place) = (at / (h * w), at % (h * w));
        codes[place * channels + c] = i16::from(p) - i16::from(offset[c]);
    }
    Ok(codes)
}

/// Shifted and clamped values. No code of a stream is wider than the stream.
pub(super) fn code(
    shift: u8,
    rounding: Rounding,
    (low, high): (i64, i64),
    x: &[i16],
    count: &mut Count,
) -> Vec<i16> {
    let half = if shift > 0 && rounding == Rounding::HalfUp { 1 << (shift - 1) } else { 0 };
    // Every code's range fits; what is below an unsigned one is the ReLU.
    let (low, high) = (low as i32, high as i32);
    let counted_below = if low == 0 { i32::MIN } else { low };
    let mut saturated = 0i32;
    let mut out = vec![0; x.len()];
    for (out, &v) in out.iter_mut().zip(x) {
        let v = (i32::from(v) + half) >> shift;
        saturated += i32::from((v < counted_below) | (v > high));
        *out = v.clamp(low, high) as i16;
    }
    count.add(saturated as u64, x.len());
    out
}

/// Product, table, mask: `spikes` are 1 or 0, (t, y, x, c), `sca` is one map.
pub(super) fn gate(gate: &Gate, ta: &[i16], sca: &[i16], spikes: &[i16], count: &mut Count) -> Vec<i16> {
    let half = (GATE_ENTRIES / 2) as i32;
    let table: Vec<i16> = gate.table.iter().map(|&g| (g << gate.y_shift) as i16).collect();
    let mut out = vec![0; spikes.len()];
    let mut saturated = 0i32;
    let timesteps = spikes.chunks_exact(sca.len()).zip(out.chunks_exact_mut(sca.len()));
    for (&ta, (spikes, out)) in ta.iter().zip(timesteps) {
        for ((out, &sca), &spike) in out.iter_mut().zip(sca).zip(spikes) {
            let z = (i32::from(ta) * i32::from(sca)) >> gate.z_shift;
            saturated += i32::from(z != i32::from(z as i16));
            *out = table[(z.clamp(-half, half - 1) + half) as usize] & -spike;
        }
    }
    count.add(saturated as u64, spikes.len());
    out
}

/// The same map at every timestep.
pub(super) fn repeat(x: &[i16], len: usize) -> Vec<i16> {
    x.repeat(len / x.len().max(1))
}

/// Saturated sums.
pub(super) fn add(a: &[i16], b: &[i16], count: &mut Count) -> Vec<i16> {
    let mut saturated = 0i32;
    let mut out = vec![0; a.len()];
    for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *out = a.saturating_add(b);
        saturated += i32::from(*out != a.wrapping_add(b));
    }
    count.add(saturated as u64, a.len());
    out
}
