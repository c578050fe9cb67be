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

/// Requantisation of all output channels of a convolution: multiplier, bias with the rounding half, shift.
pub(super) struct Post(Vec<(i64, i64, u32)>);

impl Post {
    /// The constants.
    pub(super) fn new(requant: &[Requant]) -> Self {
        let entry = |r: &Requant| (i64::from(r.m), r.b + (1i64 << (r.s - 1)), u32::from(r.s));
        Self(requant.iter().map(entry).collect())
    }
    /// s16 values of one pixel from its sums.
    pub(super) fn apply(&self, sums: &[i32], out: &mut [i16], count: &mut Count) {
        let mut saturated = 0;
        for ((out, &sum), &(m, b, s)) in out.iter_mut().zip(sums).zip(&self.0) {
            let v = (i64::from(sum) * m + b) >> s;
            *out = v.clamp(-32768, 32767) as i16;
            saturated += u64::from(i64::from(*out) != v);
        }
        count.add(saturated, out.len());
    }
}
