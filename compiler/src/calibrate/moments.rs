//! First and second moments of a convolution's operand windows: what rounding its weights costs.
//!
//! Windows are taken image by image, and added up when several images are there: sums of products are large, and a row of
//! them is worth fetching for many windows only. They are added in the order of the images, whatever the number of threads.

use multiversion::multiversion;
use ndarray::{s, Array1, Array2, ArrayView1, ArrayView3, ArrayView4, Axis};
use rayon::prelude::*;

use crate::graph::MapShape;

/// Largest window whose second moments are kept of the float network, all of whose layers are seen at once: 1,536 values
/// take 19 MB.
const MAX_WINDOW: usize = 1536;
/// Multiplications spent on one layer's second moments, about.
const BUDGET: usize = 2_000_000_000;
/// Rows and columns of products that are added to together.
const ROWS: usize = 16;
const COLUMNS: usize = 128;
/// Windows that are held with their zeros.
const DENSE: usize = 512;

/// Moments of the n values under a kernel, in the order of its weights: channel, row, column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// Windows seen.
    count: u64,
    /// Axis (n).
    sum: Array1<f64>,
    /// Axes (n, n): the sum of products, of which the upper triangle counts; no values of larger windows.
    products: Array2<f64>,
}

/// Windows of one layer, by their values that are not zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Windows {
    /// Entries of window `w` end at `ends[w]`.
    ends: Vec<usize>,
    /// Place under the kernel, which grows, and value.
    entries: Vec<(u32, f64)>,
}

impl Windows {
    fn iter(&self) -> impl Iterator<Item = &[(u32, f64)]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.entries[start..end])
    }
}

impl Moments {
    /// Of windows of `n` values, none yet.
    pub(crate) fn new(n: usize) -> Moments {
        Moments::up_to(MAX_WINDOW, n)
    }

    /// The same, with second moments of windows of at most `largest` values.
    pub(crate) fn up_to(largest: usize, n: usize) -> Moments {
        let kept = if n <= largest { n } else { 0 };
        Moments { products: Array2::zeros((kept, kept)), ..Moments::none(n) }
    }

    /// Of no window of `n` values: a mean of zero, no covariance.
    pub(super) fn none(n: usize) -> Moments {
        Moments { count: 0, sum: Array1::zeros(n), products: Array2::default((0, 0)) }
    }

    /// Adds the windows of some images.
    pub(crate) fn add(&mut self, images: &[&Windows]) {
        let windows: Vec<&[(u32, f64)]> = images.iter().flat_map(|windows| windows.iter()).collect();
        self.count += windows.len() as u64;
        for &(at, v) in windows.iter().copied().flatten() {
            self.sum[at as usize] += v;
        }
        let n = self.products.ncols();
        // An array in standard layout.
        let products = self.products.as_slice_mut().filter(|products| !products.is_empty());
        let Some(products) = products else { return };
        for windows in windows.chunks(DENSE) {
            // With their zeros, one after the other.
            let mut values = vec![0.0; windows.len() * n];
            for (values, window) in values.chunks_exact_mut(n).zip(windows) {
                window.iter().for_each(|&(at, v)| values[at as usize] = v);
            }
            let rows = products.par_chunks_mut(ROWS * n).enumerate();
            rows.for_each(|(number, rows)| add_products(rows, n, number * ROWS, &values));
        }
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

/// Adds the products of windows of `n` values to some rows of their sums, from row `first` on: tile by tile, of which each
/// stays close while all windows pass.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add_products(rows: &mut [f64], n: usize, first: usize, windows: &[f64]) {
    for start in (first..n).step_by(COLUMNS) {
        let columns = start..n.min(start + COLUMNS);
        for window in windows.chunks_exact(n) {
            let by = &window[columns.clone()];
            for (row, &v) in rows.chunks_exact_mut(n).zip(&window[first..]) {
                if v != 0.0 {
                    for (sum, w) in row[columns.clone()].iter_mut().zip(by) {
                        *sum += v * w;
                    }
                }
            }
        }
    }
}

/// A kernel on a map.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// Rows and columns.
    pub side: usize,
    /// Step in both directions.
    pub stride: usize,
    /// Zeros above the map and left of it.
    pub before: usize,
}

/// Samples the windows of one layer.
#[derive(Clone, Debug)]
pub(crate) struct Sampler {
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

    /// Windows of a tensor, axes (t, c, y, x), spread evenly over all of them and shifted from image to image.
    pub fn sample(&self, image: usize, values: ArrayView4<'_, f64>) -> Windows {
        let mut out = Windows::default();
        let pixels = self.output.h * self.output.w;
        let all = values.len_of(Axis(0)) * pixels;
        let take = self.per_image.min(all);
        for index in 0..take {
            // 7,919 is a prime far from the map sizes: successive images take different windows.
            let at = (index * all / take + image * 7919) % all;
            let (step, pixel) = (at / pixels, at % pixels);
            self.entries(values.index_axis(Axis(0), step), pixel, &mut out.entries);
            out.ends.push(out.entries.len());
        }
        out
    }

    /// Appends the non-zero values of a map, axes (c, y, x), under the kernel at an output pixel.
    fn entries(&self, map: ArrayView3<'_, f64>, pixel: usize, entries: &mut Vec<(u32, f64)>) {
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
        for channel in 0..c {
            for (tap, pixel) in &pixels {
                let v = pixel[channel];
                if v != 0.0 {
                    entries.push(((channel * k * k + tap) as u32, v));
                }
            }
        }
    }
}
