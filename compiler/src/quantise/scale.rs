//! Units from calibrated ranges.

use crate::calibrate::Range;

/// Share of a word left free above the largest value seen in calibration.
pub(super) const HEADROOM: f64 = 1.2;

/// Largest magnitude of an s16.
const MOST: f64 = 32767.0;

/// What an s16 with so many fraction bits reaches.
pub(super) fn reach_with(bits: i32) -> f64 {
    MOST * 2f64.powi(-bits)
}

/// Most fraction bits, up to `most`, with which `reach` fits s16.
pub(super) fn bits_for(reach: f64, most: i32) -> i32 {
    let bits = (MOST / reach.max(f64::MIN_POSITIVE)).log2().floor();
    bits.clamp(-64.0, f64::from(most)) as i32
}

/// The power of two of a code with at most `levels` steps that loses least.
pub(super) fn best_power(range: &Range, levels: f64) -> i32 {
    let error = |bits: i32| range.squared_error(2f64.powi(-bits), levels);
    let all = (-14..=24).min_by(|&a, &b| error(a).total_cmp(&error(b)));
    all.unwrap_or(0)
}

/// The unit of a code with at most `levels` steps that loses least.
pub(super) fn best_unit(range: &Range, levels: f64) -> f64 {
    let full = range.max_abs.max(f64::MIN_POSITIVE) / levels;
    let units = (0..=64).map(|i| full * 2f64.powf(-f64::from(i) / 16.0));
    let error = |unit: f64| range.squared_error(unit, levels);
    units.min_by(|&a, &b| error(a).total_cmp(&error(b))).unwrap_or(full)
}
