//! What happens to every value by itself. No map has more than 2^28 values, so that they are counted in 32 bits.

use spikegate_contract::network::{Form, Gate, Rounding, Value, GATE_ENTRIES};

use super::map::{zero_byte, Buffers, Map};
use super::post::Count;
use super::simd::Simd;
use crate::GoldenError;

/// The image as codes, (y, x, c).
///
/// # Errors
/// Another number of pixels than the network takes.
pub(super) fn codes(
    offset: &[u8],
    pixels: &[u8],
    value: &Value,
    codes: &mut [i16],
) -> Result<(), GoldenError> {
    let [channels, h, w] = value.shape;
    if pixels.len() != channels * h * w {
        return Err(GoldenError::Pixels { got: pixels.len(), expected: channels * h * w });
    }
    for (at, &p) in pixels.iter().enumerate() {
        let (c, place) = (at / (h * w), at % (h * w));
        codes[place * channels + c] = i16::from(p) - i16::from(offset[c]);
    }
    Ok(())
}

/// A stream in few bits.
pub(super) struct Code {
    simd: Simd,
    shift: u8,
    half: i32,
    low: i32,
    high: i32,
    /// Added to what becomes a byte; none where the code stays a value of 16 bits.
    byte: Option<u8>,
}

impl Code {
    /// To the range of a form.
    pub(super) fn new(shift: u8, rounding: Rounding, form: Form, simd: Simd) -> Self {
        let half = if shift > 0 && rounding == Rounding::HalfUp { 1 << (shift - 1) } else { 0 };
        // Every code's range fits; no code of a stream is wider than the stream.
        let (low, high) = form.range();
        let byte = zero_byte(form).filter(|_| simd.multiplies_bytes());
        Self { simd, shift, half, low: low as i32, high: high as i32, byte }
    }

    /// Shifted and clamped values.
    pub(super) fn run(&self, x: &[i16], buffers: &mut Buffers, count: &mut Count) -> Map {
        let (map, saturated) = match self.byte {
            Some(zero) => {
                let mut out = buffers.bytes(x.len());
                let saturated = self.each(
                    x,
                    &mut out,
                    #[inline(always)]
                    |v| (v as u8).wrapping_add(zero),
                );
                (Map::Bytes(out), saturated)
            }
            None => {
                let mut out = buffers.values(x.len());
                let saturated = self.each(
                    x,
                    &mut out,
                    #[inline(always)]
                    |v| v as i16,
                );
                (Map::Values(out), saturated)
            }
        };
        count.add(saturated.into(), x.len());
        map
    }

    fn each<V>(&self, x: &[i16], out: &mut [V], value: impl Fn(i32) -> V) -> u32 {
        let Self { shift, half, low, high, .. } = *self;
        // What is below an unsigned code is the ReLU.
        let counted_below = if low == 0 { i32::MIN } else { low };
        self.simd.run(
            // Constants that are not its own would be read again after every value that is written.
            #[inline(always)]
            move || {
                let mut saturated = 0;
                for (out, &v) in out.iter_mut().zip(x) {
                    let v = (i32::from(v) + half) >> shift;
                    saturated += u32::from((v < counted_below) | (v > high));
                    // Not `clamp`, whose check of the ends keeps the loop from becoming vectors.
                    *out = value(v.max(low).min(high));
                }
                saturated
            },
        )
    }
}

/// Values that the gate looks up together.
const SIDE_BY_SIDE: usize = 64;

/// The gate, laid out.
pub(super) struct Gated {
    simd: Simd,
    z_shift: u8,
    /// Of every z the value of a spike.
    table: Box<[i16; GATE_ENTRIES]>,
}

impl Gated {
    /// The table of a gate.
    pub(super) fn new(gate: &Gate, simd: Simd) -> Self {
        let mut table = Box::new([0; GATE_ENTRIES]);
        table.iter_mut().zip(&gate.table).for_each(|(value, &g)| *value = (g << gate.y_shift) as i16);
        Self { simd, z_shift: gate.z_shift, table }
    }

    /// Product, table, mask: `spikes` are 1 or 0, (t, y, x, c), `sca` is one map.
    pub(super) fn run(&self, ta: &[i16], sca: &[i16], spikes: &[u8], out: &mut [i16], count: &mut Count) {
        let timesteps = spikes.chunks_exact(sca.len()).zip(out.chunks_exact_mut(sca.len()));
        let mut saturated = 0;
        for (&ta, (spikes, out)) in ta.iter().zip(timesteps) {
            saturated += self.simd.run(
                #[inline(always)]
                || self.timestep(ta.into(), sca, spikes, out),
            );
        }
        count.add(saturated.into(), spikes.len());
    }

    #[inline(always)]
    fn timestep(&self, ta: i32, sca: &[i16], spikes: &[u8], out: &mut [i16]) -> u32 {
        let half = (GATE_ENTRIES / 2) as i32;
        let (z_shift, mut saturated) = (self.z_shift, 0);
        // Places in the table side by side, then their values one by one.
        let mut places = [0u16; SIDE_BY_SIDE];
        let together = sca.chunks(SIDE_BY_SIDE).zip(spikes.chunks(SIDE_BY_SIDE));
        for (out, (sca, spikes)) in out.chunks_mut(SIDE_BY_SIDE).zip(together) {
            for (place, &sca) in places.iter_mut().zip(sca) {
                let z = (ta * i32::from(sca)) >> z_shift;
                saturated += u32::from(z != i32::from(z as i16));
                *place = (z.clamp(-half, half - 1) + half) as u16;
            }
            for ((out, &place), &spike) in out.iter_mut().zip(&places).zip(spikes) {
                *out = self.table[usize::from(place) % GATE_ENTRIES] & -i16::from(spike);
            }
        }
        saturated
    }
}

/// The same map at every timestep.
pub(super) fn repeat(x: &[i16], out: &mut [i16]) {
    out.chunks_exact_mut(x.len()).for_each(|map| map.copy_from_slice(x));
}

/// Saturated sums.
pub(super) fn add(a: &[i16], b: &[i16], simd: Simd, out: &mut [i16], count: &mut Count) {
    let saturated = simd.run(
        #[inline(always)]
        || {
            let mut saturated = 0u32;
            for ((out, &a), &b) in out.iter_mut().zip(a).zip(b) {
                *out = a.saturating_add(b);
                saturated += u32::from(*out != a.wrapping_add(b));
            }
            saturated
        },
    );
    count.add(saturated.into(), a.len());
}
