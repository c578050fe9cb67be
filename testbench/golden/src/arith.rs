//! The one place that rounds and the one place that saturates.

use crate::GoldenError;
use spikegate_contract::network::Requant;

/// Smallest and largest s16.
const S16: (i128, i128) = (-32768, 32767);

/// `s == 0 ? v : (v + (1 << (s - 1))) >> s`: half up, also for negative values.
pub(crate) fn round(v: i128, s: u8) -> i128 {
    if s == 0 {
        v
    } else {
        (v + (1 << (s - 1))) >> s
    }
}

/// Clamps the values of one node and counts those that it changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Clamp {
    /// Values that were changed.
    pub(crate) saturated: u64,
    /// Values that passed.
    pub(crate) of: u64,
}

impl Clamp {
    /// The nearest value within the limits.
    pub(crate) fn clamp(&mut self, v: i128, (low, high): (i128, i128)) -> i64 {
        self.of += 1;
        self.saturated += u64::from(v < low || v > high);
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
}

/// The value itself.
///
/// # Errors
/// It does not fit s32.
pub(crate) fn fits_32_bits(value: i64, node: &str, channel: usize) -> Result<i64, GoldenError> {
    if i32::try_from(value).is_ok() {
        return Ok(value);
    }
    Err(GoldenError::Accumulator { node: node.to_owned(), channel, value })
}
