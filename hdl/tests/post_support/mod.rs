//! What the tests of the post lanes and of the encoder share.
#![allow(dead_code)]

use spikegate_hdl::lang::Value;

/// splitmix64, leaning to the values where saturation, rounding and sign go wrong.
pub struct Rng(pub u64);

impl Rng {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// 0..n
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }
    /// One of `n` times true.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
    /// One of the values.
    pub fn pick(&mut self, values: &[i64]) -> i64 {
        values[self.below(values.len())]
    }
    /// A two's complement value of `width` bits: an end of the range, a value near 0, or of random size.
    pub fn signed(&mut self, width: u32) -> i64 {
        let (min, max) = (-1 << (width - 1), (1 << (width - 1)) - 1);
        match self.below(8) {
            0 => self.pick(&[min, max]),
            1 => self.pick(&[min + 1, max - 1, -1, 0, 1]),
            _ => {
                let size = 1 + self.below(width as usize) as u32;
                (self.bits() as i64) >> (64 - size)
            }
        }
    }
    /// `width` bits: all, none, or random ones.
    pub fn mask(&mut self, width: usize) -> u64 {
        let all = (1 << width) - 1;
        match self.below(4) {
            0 => all,
            1 => 0,
            _ => self.bits() & all,
        }
    }
}

/// A value of a signal.
pub fn value(v: i64) -> Value {
    Value(i128::from(v))
}

/// Clamped to 16 bits.
pub fn sat16(v: i128) -> i64 {
    v.clamp(-32768, 32767) as i64
}

/// `v / 2^shift` to the nearest integer, halves up, by division instead of a shift.
pub fn round(v: i128, shift: u32) -> i128 {
    if shift == 0 {
        return v;
    }
    let unit = 1i128 << shift;
    (v + unit / 2).div_euclid(unit)
}
