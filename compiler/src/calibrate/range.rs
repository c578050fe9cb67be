//! How large the values of a tensor are.

/// Histogram buckets per factor of two.
const PER_OCTAVE: f64 = 8.0;
/// Magnitude of the first bucket, 2^-16; the last one is open.
const FIRST: f64 = 1.0 / 65536.0;
/// Buckets: up to 2^24.
const BUCKETS: usize = 320;

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
        for v in values.into_iter().map(|v| v.abs()) {
            self.max_abs = self.max_abs.max(v);
            let bucket = ((v / FIRST).log2() * PER_OCTAVE).max(0.0) as usize;
            self.histogram[bucket.min(BUCKETS - 1)] += 1;
            self.count += 1;
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

/// Middle magnitude of a bucket.
fn centre(bucket: usize) -> f64 {
    upper(bucket) * 2f64.powf(-0.5 / PER_OCTAVE)
}

/// Upper magnitude of a bucket.
fn upper(bucket: usize) -> f64 {
    FIRST * 2f64.powf((bucket + 1) as f64 / PER_OCTAVE)
}
