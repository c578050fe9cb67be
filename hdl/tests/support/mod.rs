//! Shared by the tests of the modules.
#![allow(dead_code)]

use spikegate_hdl::lang::{Direction, Sig, Value};

/// splitmix64
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// 0..n
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }
    /// True `n` times of `of`.
    pub fn chance(&mut self, n: usize, of: usize) -> bool {
        self.below(of) < n
    }
    /// An unsigned value; every fourth is a corner.
    pub fn unsigned(&mut self, bits: usize) -> i128 {
        let max = (1i128 << bits) - 1;
        match self.below(8) {
            0 => 0,
            1 => max,
            _ => i128::from(self.next()) & max,
        }
    }
    /// A signed value; many are corners, and many are small.
    pub fn signed(&mut self, bits: usize) -> i128 {
        let half = 1i128 << (bits - 1);
        match self.below(12) {
            0 => -half,
            1 => half - 1,
            2 => 0,
            3 => -1,
            4 | 5 => (self.below(9) as i128 - 4).clamp(-half, half - 1),
            _ => (i128::from(self.next()) & (2 * half - 1)) - half,
        }
    }
}

/// Two's complement of `bits` bits.
pub fn wrap(v: i128, bits: usize) -> i128 {
    v << (128 - bits) >> (128 - bits)
}

/// The low bits.
pub fn low(v: i128, bits: usize) -> i128 {
    v & ((1 << bits) - 1)
}

/// Saturated to `bits` bits.
pub fn saturate(v: i128, bits: usize) -> i128 {
    v.clamp(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
}

/// `v / 2^shift`, rounded half up.
pub fn round_shift(v: i128, shift: usize) -> i128 {
    if shift == 0 {
        v
    } else {
        (v + (1 << (shift - 1))).div_euclid(1 << shift)
    }
}

/// Drives a signal.
pub fn set<D: Direction>(signal: &mut Sig<D>, v: impl TryInto<i128>) {
    signal.next = Value(v.try_into().unwrap_or_else(|_| panic!("a stimulus beyond 128 bits")));
}
