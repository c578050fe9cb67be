//! How large the values of a tensor are.

use multiversion::multiversion;

/// Histogram buckets per factor of two.
const PER_OCTAVE: usize = 8;
/// Magnitude of the first bucket, 2^-16; the last one is open.
const FIRST: f64 = 1.0 / 65536.0;
/// Buckets: up to 2^24.
const BUCKETS: usize = 320;
/// Values whose buckets are found together.
const CHUNK: usize = 256;
/// Bits of an f64 behind the binary point.
const MANTISSA: u64 = (1 << 52) - 1;
/// Bits of 1.0.
const ONE: u64 = 1023 << 52;

/// Magnitudes of one tensor over all images.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// Largest magnitude.
    pub max_abs: f64,
    /// Values seen.
    pub count: u64,
    /// Values per bucket; bucket i holds magnitudes from 2^(i/8 - 16) to 2^((i+1)/8 - 16), the first also less.
    histogram: Vec<u64>,
}

impl Default for Range {
    fn default() -> Self {
        Self { max_abs: 0.0, count: 0, histogram: vec![0; BUCKETS] }
    }
}

impl Range {
    /// Adds values, in whatever order.
    pub(super) fn add<'a>(&mut self, values: impl IntoIterator<Item = &'a f64>) {
        let mut values = values.into_iter();
        let mut chunk = Vec::with_capacity(CHUNK);
        loop {
            chunk.clear();
            chunk.extend(values.by_ref().take(CHUNK));
            if chunk.is_empty() {
                return;
            }
            self.count += chunk.len() as u64;
            let mut buckets = [0; CHUNK];
            self.max_abs = self.max_abs.max(sort(&chunk, &mut buckets));
            buckets[..chunk.len()].iter().for_each(|&bucket| self.histogram[bucket] += 1);
        }
    }

    pub(super) fn merge(&mut self, other: &Range) {
        self.max_abs = self.max_abs.max(other.max_abs);
        self.count += other.count;
        self.histogram.iter_mut().zip(&other.histogram).for_each(|(a, b)| *a += b);
    }

    /// Magnitude that a share `of` (0 to 1) of the values does not exceed, up to the histogram's resolution of 9 %.
    pub fn percentile(&self, of: f64) -> f64 {
        let wanted = (of * self.count as f64).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.histogram.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return upper(bucket).min(self.max_abs);
            }
        }
        self.max_abs
    }

    /// Mean magnitude of the values that are not zero, up to the histogram's resolution; 0 of none.
    pub fn mean_of_nonzero(&self) -> f64 {
        let counted = self.histogram.iter().enumerate().skip(1);
        let (sum, count) = counted
            .fold((0.0, 0), |(sum, n), (bucket, &count)| (sum + centre(bucket) * count as f64, n + count));
        sum / count.max(1) as f64
    }

    /// Share of the values above a magnitude, 0 to 1, up to the histogram's resolution.
    pub fn share_above(&self, magnitude: f64) -> f64 {
        let above: u64 = (0..BUCKETS).filter(|&b| centre(b) > magnitude).map(|b| self.histogram[b]).sum();
        above as f64 / self.count.max(1) as f64
    }

    /// Expected squared error of a value in steps of `unit` with at most `levels` steps.
    pub fn squared_error(&self, unit: f64, levels: f64) -> f64 {
        let each = self.histogram.iter().enumerate().map(|(bucket, &count)| {
            let v = centre(bucket);
            let clipped = v - levels * unit;
            // Below half a step a value vanishes; else it is off by a uniform rounding error.
            let error = if clipped > 0.0 { clipped * clipped } else { (unit * unit / 12.0).min(v * v) };
            count as f64 * error
        });
        each.sum::<f64>() / self.count.max(1) as f64
    }
}

/// Where buckets begin inside a factor of two, `2^(k/8)`, but the first, in the bits of f64: these grow with the value.
const STEPS: [u64; PER_OCTAVE - 1] = [
    0x3ff1_72b8_3c7d_517b,
    0x3ff3_06fe_0a31_b715,
    0x3ff4_bfda_d536_2a27,
    0x3ff6_a09e_667f_3bcd,
    0x3ff8_ace5_422a_a0db,
    0x3ffa_e89f_995a_d3ad,
    0x3ffd_5818_dcfb_a487,
];

/// Finds the buckets of values; returns the largest magnitude. There are millions of values in an image.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn sort(values: &[f64], buckets: &mut [usize]) -> f64 {
    // As integers magnitudes have the same order, and vectors compare them in whatever order.
    let mut largest = 0;
    for (to, v) in buckets.iter_mut().zip(values) {
        largest = largest.max(v.abs().to_bits());
        *to = bucket(v.abs());
    }
    f64::from_bits(largest)
}

/// Bucket of a magnitude, without a logarithm.
#[inline(always)]
fn bucket(magnitude: f64) -> usize {
    let bits = (magnitude / FIRST).max(1.0).to_bits();
    let (octave, mantissa) = ((bits >> 52) as usize - 1023, bits & MANTISSA | ONE);
    let mut step = 0;
    for begin in STEPS {
        step += usize::from(mantissa >= begin);
    }
    (octave * PER_OCTAVE + step).min(BUCKETS - 1)
}

/// Middle magnitude of a bucket.
fn centre(bucket: usize) -> f64 {
    upper(bucket) * 2f64.powf(-0.5 / PER_OCTAVE as f64)
}

/// Upper magnitude of a bucket.
fn upper(bucket: usize) -> f64 {
    FIRST * 2f64.powf((bucket + 1) as f64 / PER_OCTAVE as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_those_of_the_logarithm() {
        let octaves =
            (-20..26).flat_map(|octave| (0..1000).map(move |i| (octave, 1.0 + f64::from(i) / 1000.3)));
        for (octave, mantissa) in octaves {
            let v = mantissa * 2f64.powi(octave);
            let expected = ((v / FIRST).log2() * 8.0).clamp(0.0, (BUCKETS - 1) as f64) as usize;
            assert_eq!(bucket(v), expected, "{v}");
            assert!(expected == 0 || upper(expected - 1) <= v);
            assert!(expected == BUCKETS - 1 || v <= upper(expected));
        }
        for (step, at) in STEPS.iter().zip(1..) {
            assert_eq!(f64::from_bits(*step), 2f64.powf(f64::from(at) / 8.0));
        }
        assert_eq!([0.0, f64::MIN_POSITIVE, f64::INFINITY, f64::NAN].map(bucket), [0, 0, BUCKETS - 1, 0]);
    }
}
