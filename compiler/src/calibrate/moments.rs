//! First and second moments of a convolution's operand windows: what rounding its weights costs.

use crate::graph::{Conv, MapShape};

/// Largest window whose second moments are kept: 1,536 values take 19 MB.
const MAX_WINDOW: usize = 1536;
/// Multiplications spent on one layer's second moments, about.
const BUDGET: usize = 2_000_000_000;

/// Moments of the values under a kernel, in the order of its weights: channel, row, column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Windows seen.
    count: u64,
    sum: Vec<f64>,
    /// Upper triangle of the sum of products, row by row with full rows; empty above [`MAX_WINDOW`].
    products: Vec<f64>,
}

impl Moments {
    fn of_size(n: usize) -> Moments {
        Moments {
            count: 0,
            sum: vec![0.0; n],
            products: if n <= MAX_WINDOW { vec![0.0; n * n] } else { Vec::new() },
        }
    }

    /// Of no window of `n` values: a mean of zero, no covariance.
    pub(super) fn none(n: usize) -> Moments {
        Moments { count: 0, sum: vec![0.0; n], products: Vec::new() }
    }

    /// Adds one window, given by its non-zero values.
    fn add(&mut self, entries: &[(usize, f64)]) {
        self.count += 1;
        let n = self.sum.len();
        for (at, &(i, v)) in entries.iter().enumerate() {
            self.sum[i] += v;
            if let Some(row) = self.products.get_mut(i * n..(i + 1) * n) {
                entries[at..].iter().for_each(|&(j, w)| row[j] += v * w);
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Moments) {
        if self.sum.is_empty() {
            self.clone_from(other);
            return;
        }
        self.count += other.count;
        self.sum.iter_mut().zip(&other.sum).for_each(|(a, b)| *a += b);
        self.products.iter_mut().zip(&other.products).for_each(|(a, b)| *a += b);
    }

    /// Mean of every value under the kernel.
    pub fn mean(&self) -> Vec<f64> {
        let count = self.count.max(1) as f64;
        self.sum.iter().map(|s| s / count).collect()
    }

    /// Covariance of the values under the kernel, a full symmetric matrix; `None` where the window is too large.
    pub fn covariance(&self) -> Option<Vec<f64>> {
        let n = self.sum.len();
        if self.products.is_empty() || self.count == 0 {
            return None;
        }
        let (mean, count) = (self.mean(), self.count as f64);
        let mut out = vec![0.0; n * n];
        for i in 0..n {
            for j in i..n {
                let v = self.products[i * n + j] / count - mean[i] * mean[j];
                out[i * n + j] = v;
                out[j * n + i] = v;
            }
        }
        Some(out)
    }
}

/// Samples the windows of one layer.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    kernel: usize,
    stride: usize,
    before: usize,
    input: MapShape,
    output: MapShape,
    /// Windows to take per image.
    per_image: usize,
}

impl Sampler {
    /// Values under the kernel.
    pub fn values(&self) -> usize {
        self.input.c * self.kernel * self.kernel
    }

    pub fn new(conv: &Conv, input: MapShape, output: MapShape, images: usize) -> Sampler {
        let n = (input.c * conv.kernel() * conv.kernel()).max(1);
        let windows = (2 * BUDGET / (n * n)).clamp(1000, 40_000);
        Sampler {
            kernel: conv.kernel(),
            stride: conv.stride,
            before: conv.padding.before,
            input,
            output,
            per_image: windows.div_ceil(images.max(1)),
        }
    }

    /// Moments of windows of `values`, one `[C, H, W]` map or several in a row, spread evenly over all of them and
    /// shifted from image to image.
    pub fn sample(&self, image: usize, values: &[f64]) -> Moments {
        let mut out = Moments::of_size(self.input.c * self.kernel * self.kernel);
        let map = self.input.len().max(1);
        let pixels = self.output.h * self.output.w;
        let all = values.len() / map * pixels;
        let take = self.per_image.min(all);
        let mut entries = Vec::new();
        for index in 0..take {
            // 7,919 is a prime far from the map sizes: successive images take different windows.
            let at = (index * all / take + image * 7919) % all;
            let (step, pixel) = (at / pixels, at % pixels);
            self.window(&values[step * map..(step + 1) * map], pixel, &mut entries);
            out.add(&entries);
        }
        out
    }

    /// Non-zero values under the kernel at an output pixel.
    fn window(&self, map: &[f64], pixel: usize, entries: &mut Vec<(usize, f64)>) {
        entries.clear();
        let (MapShape { c, h, w }, k) = (self.input, self.kernel);
        let inside = |at: usize, tap: usize, size: usize| {
            (at * self.stride + tap).checked_sub(self.before).filter(|&v| v < size)
        };
        for channel in 0..c {
            for ky in 0..k {
                let Some(y) = inside(pixel / self.output.w, ky, h) else { continue };
                for kx in 0..k {
                    let Some(x) = inside(pixel % self.output.w, kx, w) else { continue };
                    let v = map[(channel * h + y) * w + x];
                    if v != 0.0 {
                        entries.push(((channel * k + ky) * k + kx, v));
                    }
                }
            }
        }
    }
}
