//! The roundings and saturations of the integer network, each in one place.

/// `v` clamped to 16 bits, two's complement. Counts in `saturated` when it changed.
pub fn sat16(v: i128, saturated: &mut u64) -> i64 {
    clamp(v, -32768, 32767, saturated)
}

/// `v` clamped to `low..=high`. Counts in `saturated` when it changed.
pub fn clamp(v: i128, low: i64, high: i64, saturated: &mut u64) -> i64 {
    let clamped = v.clamp(i128::from(low), i128::from(high));
    *saturated += u64::from(clamped != v);
    clamped as i64
}

/// Rounding right shift, half up: `(v + (1 << (s - 1))) >> s` with a floor shift, and `v` for `s = 0`.
pub fn round(v: i128, s: u8) -> i128 {
    match s {
        0 => v,
        s => (v + (1 << (s - 1))) >> s,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up_also_below_zero() {
        let got: Vec<i128> = [-6, -5, -4, -3, -2, -1, 0, 1, 2, 3].iter().map(|&v| round(v, 2)).collect();
        assert_eq!(got, [-1, -1, -1, -1, 0, 0, 0, 0, 1, 1]);
        assert_eq!(round(-7, 0), -7);
        assert_eq!(round(-1, 1), 0);
        assert_eq!(round(-3, 1), -1);
    }

    #[test]
    fn saturates_and_counts_at_both_ends() {
        let mut n = 0;
        assert_eq!((sat16(32767, &mut n), sat16(-32768, &mut n), n), (32767, -32768, 0));
        assert_eq!((sat16(32768, &mut n), sat16(-32769, &mut n), n), (32767, -32768, 2));
    }
}
