//! First and second moments of a convolution's operand windows: what rounding its weights costs.

use ndarray::{s, Array1, Array2, ArrayView1, ArrayView3, ArrayView4, Axis};

use crate::graph::MapShape;

/// Largest window whose second moments are kept: 1,536 values take 19 MB.
const MAX_WINDOW: usize = 1536;
/// Multiplications spent on one layer's second moments, about.
const BUDGET: usize = 2_000_000_000;

/// Moments of the n values under a kernel, in the order of its weights: channel, row, column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Windows seen.
    count: u64,
    /// Axis (n).
    sum: Array1<f64>,
    /// Axes (n, n): the sum of products, of which only the upper triangle is kept; no values above [`MAX_WINDOW`].
    products: Array2<f64>,
}

impl Moments {
    fn of_size(n: usize) -> Moments {
        let kept = if n <= MAX_WINDOW { n } else { 0 };
        Moments { products: Array2::zeros((kept, kept)), ..Moments::none(n) }
    }

    /// Of no window of `n` values: a mean of zero, no covariance.
    pub(super) fn none(n: usize) -> Moments {
        Moments { count: 0, sum: Array1::zeros(n), products: Array2::default((0, 0)) }
    }

    /// Adds one window, given by its non-zero values.
    fn add(&mut self, entries: &[(usize, f64)]) {
        self.count += 1;
        let n = self.sum.len();
        let products = self.products.as_slice_mut().unwrap_or_default();
        for (at, &(i, v)) in entries.iter().enumerate() {
            self.sum[i] += v;
            if let Some(row) = products.get_mut(i * n..(i + 1) * n) {
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
        self.sum += &other.sum;
        self.products += &other.products;
    }

    /// Mean of every value under the kernel, axis (n).
    pub fn mean(&self) -> Array1<f64> {
        &self.sum / self.count.max(1) as f64
    }

    /// Covariance of the values under the kernel, axes (n, n), symmetric; `None` where the window is too large.
    pub fn covariance(&self) -> Option<Array2<f64>> {
        if self.products.is_empty() || self.count == 0 {
            return None;
        }
        let (mean, count) = (self.mean(), self.count as f64);
        let covariance = |(i, j): (usize, usize)| {
            let (i, j) = (i.min(j), i.max(j));
            self.products[[i, j]] / count - mean[i] * mean[j]
        };
        Some(Array2::from_shape_fn(self.products.dim(), covariance))
    }
}

/// A kernel on a map.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Rows and columns.
    pub side: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Zeros above the map and left of it.
    pub before: usize,
}

/// Samples the windows of one layer.
#[derive(Clone, Debug)]
pub(super) struct Sampler {
    window: Window,
    input: MapShape,
    output: MapShape,
    /// Windows to take per image.
    per_image: usize,
}

impl Sampler {
    /// Of windows of `input` for the pixels of `output`, over a number of images.
    pub fn new(window: Window, input: MapShape, output: MapShape, images: usize) -> Sampler {
        let n = (input.c * window.side * window.side).max(1);
        let windows = (2 * BUDGET / (n * n)).clamp(1000, 40_000);
        Sampler { window, input, output, per_image: windows.div_ceil(images.max(1)) }
    }

    /// Values under the kernel.
    pub fn values(&self) -> usize {
        self.input.c * self.window.side * self.window.side
    }

    /// Moments of windows of a tensor, axes (t, c, y, x), spread evenly over all of them and shifted from image to image.
    pub fn sample(&self, image: usize, values: ArrayView4<'_, f64>) -> Moments {
        let mut out = Moments::of_size(self.values());
        let pixels = self.output.h * self.output.w;
        let all = values.len_of(Axis(0)) * pixels;
        let take = self.per_image.min(all);
        let mut entries = Vec::new();
        for index in 0..take {
            // 7,919 is a prime far from the map sizes: successive images take different windows.
            let at = (index * all / take + image * 7919) % all;
            let (step, pixel) = (at / pixels, at % pixels);
            self.entries(values.index_axis(Axis(0), step), pixel, &mut entries);
            out.add(&entries);
        }
        out
    }

    /// Non-zero values of a map, axes (c, y, x), under the kernel at an output pixel.
    fn entries(&self, map: ArrayView3<'_, f64>, pixel: usize, entries: &mut Vec<(usize, f64)>) {
        let (MapShape { c, h, w }, Window { side: k, stride, before }) = (self.input, self.window);
        let (row, column) = (pixel / self.output.w, pixel % self.output.w);
        let inside = |at: usize, size: usize| {
            let taps = (0..k).filter_map(move |tap| Some((tap, (at * stride + tap).checked_sub(before)?)));
            taps.filter(move |&(_, v)| v < size)
        };
        // The pixels under the kernel, axis (c) each.
        let pixels: Vec<(usize, ArrayView1<'_, f64>)> = inside(row, h)
            .flat_map(|(ky, y)| {
                inside(column, w).map(move |(kx, x)| (ky * k + kx, map.slice_move(s![.., y, x])))
            })
            .collect();
        entries.clear();
        for channel in 0..c {
            for (tap, pixel) in &pixels {
                let v = pixel[channel];
                if v != 0.0 {
                    entries.push((channel * k * k + tap, v));
                }
            }
        }
    }
}
