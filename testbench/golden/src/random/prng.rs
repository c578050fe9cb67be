//! SplitMix64: small, seedable, the same everywhere.

/// Pseudo-random numbers (Steele, Lea and Flood 2014), started with a seed: equal seeds, equal sequences.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// A value from `low` to `high`, both included. `low` where the range is empty.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        let span = (i128::from(high) - i128::from(low) + 1).max(1) as u128;
        (i128::from(low) + ((u128::from(self.bits()) * span) >> 64) as i128) as i64
    }
    /// As [`Rng::range`], for sizes.
    pub fn size(&mut self, low: usize, high: usize) -> usize {
        self.range(low as i64, high as i64) as usize
    }
    /// True in `n` of `of` cases.
    pub fn chance(&mut self, n: i64, of: i64) -> bool {
        self.range(1, of) <= n
    }
    /// One of the values. The slice must not be empty.
    pub fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.size(0, values.len() - 1)]
    }
    /// A real number from `low` to `high`, evenly spread.
    pub fn real(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}
