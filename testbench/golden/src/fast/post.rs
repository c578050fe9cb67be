//! Clamping, counted, and requantisation.

use spikegate_contract::network::Requant;

use crate::arith::Clamp;

/// Values that passed a clamp, and those it changed.
#[derive(Clone, Copy, Default)]
pub(super) struct Count {
    saturated: u64,
    of: u64,
}

impl Count {
    /// `v` clamped to s16.
    pub(super) fn sat16(&mut self, v: i128) -> i16 {
        let clamped = v.clamp(-32768, 32767) as i16;
        self.add(u64::from(i128::from(clamped) != v), 1);
        clamped
    }
    /// So many values passed, so many of them clamped.
    pub(super) fn add(&mut self, saturated: u64, of: usize) {
        self.saturated += saturated;
        self.of += of as u64;
    }
}

impl From<Count> for Clamp {
    fn from(Count { saturated, of }: Count) -> Self {
        Self { saturated, of }
    }
}

/// Output channels that are requantised side by side.
const LANES: usize = 32;

/// Requantisation of all output channels of a convolution.
pub(super) struct Post(Vec<Lanes>);

/// Constants of neighbouring channels.
struct Lanes {
    /// Multiplier.
    m: [i32; LANES],
    /// Bias and rounding half.
    b: [i64; LANES],
    /// Shift.
    s: [u32; LANES],
}

impl Post {
    /// The constants.
    pub(super) fn new(requant: &[Requant]) -> Self {
        let lanes = requant.chunks(LANES).map(|requant| {
            let mut lanes = Lanes { m: [0; LANES], b: [0; LANES], s: [0; LANES] };
            for (j, r) in requant.iter().enumerate() {
                lanes.m[j] = r.m.into();
                lanes.b[j] = r.b + (1i64 << (r.s - 1));
                lanes.s[j] = r.s.into();
            }
            lanes
        });
        Self(lanes.collect())
    }

    /// s16 values of one pixel from its sums, of the channels from `first`, a multiple of [`LANES`], on, as many as `out`
    /// has; how many were clamped.
    #[inline(always)]
    pub(super) fn apply(&self, first: usize, sums: &[i32], out: &mut [i16]) -> u32 {
        let mut saturated = 0;
        let lanes = &self.0[first / LANES..];
        for ((out, sums), lanes) in out.chunks_mut(LANES).zip(sums.chunks(LANES)).zip(lanes) {
            saturated += match (out.as_mut_array::<LANES>(), sums.as_array::<LANES>()) {
                (Some(out), Some(sums)) => lanes.apply(sums, out),
                _ => lanes.apply(sums, out),
            }
        }
        saturated
    }
}

impl Lanes {
    /// Of as many sums as there are; a loop of a known length is unrolled.
    #[inline(always)]
    fn apply(&self, sums: &[i32], out: &mut [i16]) -> u32 {
        let mut saturated = 0;
        let constants = self.m.iter().zip(&self.b).zip(&self.s);
        for ((out, &sum), ((&m, &b), &s)) in out.iter_mut().zip(sums).zip(constants) {
            let v = (i64::from(sum) * i64::from(m) + b) >> s;
            let clamped = v.clamp(-32768, 32767);
            saturated += u32::from(clamped != v);
            *out = clamped as i16;
        }
        saturated
    }
}
