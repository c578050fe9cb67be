//! Ranges of the float network's tensors over calibration images.
//!
//! Data in: the interpreter and images. Data out: [`Calibration`], read by the quantiser: for every tensor the largest
//! magnitude, a histogram of magnitudes, and the mean of every channel. Results do not depend on the number of
//! threads.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::float::{ImageSizeError, Interpreter, Observer};

/// Images used when nothing else is said.
pub const DEFAULT_IMAGES: usize = 200;

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
    /// Sum per channel, and values per channel.
    sums: Vec<f64>,
}

impl Default for Range {
    fn default() -> Self {
        Self { max_abs: 0.0, count: 0, histogram: vec![0; BUCKETS], sums: Vec::new() }
    }
}

impl Range {
    fn add(&mut self, channels: usize, values: &[f64]) {
        let plane = values.len() / channels.max(1);
        self.sums.resize(channels.max(self.sums.len()), 0.0);
        if plane == 0 {
            return;
        }
        for (channel, plane) in values.chunks_exact(plane).enumerate() {
            self.sums[channel] += plane.iter().sum::<f64>();
            for v in plane.iter().map(|v| v.abs()) {
                self.max_abs = self.max_abs.max(v);
                let bucket = ((v / FIRST).log2() * PER_OCTAVE).max(0.0) as usize;
                self.histogram[bucket.min(BUCKETS - 1)] += 1;
            }
        }
        self.count += values.len() as u64;
    }

    fn merge(&mut self, other: &Range) {
        self.max_abs = self.max_abs.max(other.max_abs);
        self.count += other.count;
        self.histogram.iter_mut().zip(&other.histogram).for_each(|(a, b)| *a += b);
        self.sums.resize(other.sums.len().max(self.sums.len()), 0.0);
        self.sums.iter_mut().zip(&other.sums).for_each(|(a, b)| *a += b);
    }

    /// Mean of every channel.
    pub fn channel_means(&self) -> Vec<f64> {
        let each = self.count as f64 / self.sums.len().max(1) as f64;
        self.sums.iter().map(|s| if each > 0.0 { s / each } else { 0.0 }).collect()
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

    /// Expected squared error of a value in steps of `unit` with at most `levels` steps.
    pub fn squared_error(&self, unit: f64, levels: f64) -> f64 {
        let each = self.histogram.iter().enumerate().map(|(bucket, &count)| {
            let v = upper(bucket) * 2f64.powf(-0.5 / PER_OCTAVE);
            let clipped = v - levels * unit;
            // Below half a step a value vanishes; else it is off by a uniform rounding error.
            let error = if clipped > 0.0 { clipped * clipped } else { (unit * unit / 12.0).min(v * v) };
            count as f64 * error
        });
        each.sum::<f64>() / self.count.max(1) as f64
    }
}

/// Upper magnitude of a bucket.
fn upper(bucket: usize) -> f64 {
    FIRST * 2f64.powf((bucket + 1) as f64 / PER_OCTAVE)
}

/// Ranges by tensor name, see [`crate::float`] for the names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Images seen.
    pub images: usize,
    ranges: BTreeMap<String, Range>,
}

impl Calibration {
    /// The range of a tensor, if it was seen.
    pub fn get(&self, name: &str) -> Option<&Range> {
        self.ranges.get(name)
    }

    fn merge(mut self, other: &Calibration) -> Calibration {
        self.images += other.images;
        for (name, range) in &other.ranges {
            self.ranges.entry(name.clone()).or_default().merge(range);
        }
        self
    }
}

impl Observer for Calibration {
    fn wants(&self, _name: &str) -> bool {
        true
    }

    fn tensor(&mut self, name: &str, shape: &[usize], values: &[f64]) {
        let range = self.ranges.entry(name.to_owned()).or_default();
        match *shape {
            [c, _, _] => range.add(c, values),
            [_, c, h, w] if c * h * w > 0 => {
                values.chunks_exact(c * h * w).for_each(|step| range.add(c, step))
            }
            _ => range.add(1, values),
        }
    }
}

/// Runs the float network over images, bytes in `[C, H, W]` order, on all threads of the current rayon pool.
///
/// # Errors
/// An image of another size than the network's input.
pub fn calibrate<I: AsRef<[u8]> + Sync>(
    net: &Interpreter,
    images: &[I],
) -> Result<Calibration, ImageSizeError> {
    let mut total = Calibration::default();
    // In groups, so that memory stays small; merged in order, so that sums are always the same.
    for group in images.chunks(16) {
        let seen: Result<Vec<Calibration>, ImageSizeError> = group
            .par_iter()
            .map(|image| {
                let mut seen = Calibration { images: 1, ..Calibration::default() };
                net.run_observed(image.as_ref(), &mut seen)?;
                Ok(seen)
            })
            .collect();
        total = seen?.iter().fold(total, Calibration::merge);
    }
    Ok(total)
}
