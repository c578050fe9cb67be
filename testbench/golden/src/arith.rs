//! The one place that rounds and the one place that saturates.

use spikegate_contract::network::Requant;

use crate::outcome::{Saturation, SaturationKind};

/// Smallest and largest s16.
pub(crate) const S16: (i128, i128) = (-32768, 32767);

/// `s == 0 ? v : (v + (1 << (s - 1))) >> s`: half up, also for negative values.
pub(crate) fn round(v: i128, s: u8) -> i128 {
    if s == 0 {
        v
    } else {
        (v + (1 << (s - 1))) >> s
    }
}

/// Clamps values of one place and counts those that it changed.
pub(crate) struct Clamp(Saturation);

impl Clamp {
    /// A counter at zero.
    pub(crate) fn new(kind: SaturationKind, layer: &str) -> Self {
        Self(Saturation { kind, layer: layer.to_owned(), saturated: 0, of: 0 })
    }
    /// The nearest value within the limits.
    pub(crate) fn clamp(&mut self, v: i128, (low, high): (i128, i128)) -> i64 {
        self.0.of += 1;
        self.0.saturated += u64::from(v < low || v > high);
        v.clamp(low, high) as i64
    }
    /// `sat16(v)`.
    pub(crate) fn sat16(&mut self, v: i128) -> i64 {
        self.clamp(v, S16)
    }
    /// `sat16((acc * m + b + half) >> s)` with `half = 1 << (s - 1)`.
    pub(crate) fn requantise(&mut self, acc: i64, r: &Requant) -> i64 {
        let half = 1i128 << (r.s - 1);
        self.sat16((i128::from(acc) * i128::from(r.m) + i128::from(r.b) + half) >> r.s)
    }
    /// The count.
    pub(crate) fn done(self) -> Saturation {
        self.0
    }
}
