//! What a convolution reads for an output pixel.

use spikegate_contract::network::Layer;
use std::ops::Range;

/// The windows of a convolution over maps (y, x, c).
#[derive(Clone)]
pub(super) struct Window {
    /// Input channels.
    pub(super) in_c: usize,
    in_hw: [usize; 2],
    /// Height and width of the map that is made.
    pub(super) out_hw: [usize; 2],
    k: usize,
    stride: usize,
    pad: usize,
}

/// The part of a row of a window that lies within the map.
pub(super) struct Run {
    /// The first pixel of the map, and how many.
    pub(super) pixel: usize,
    pub(super) pixels: usize,
    /// The tap of the first.
    pub(super) tap: usize,
}

impl Window {
    /// That of a layer.
    pub(super) fn new(layer: &Layer) -> Self {
        let &Layer { k, stride, pad, .. } = layer;
        Self { in_c: layer.in_c(), in_hw: layer.in_hw(), out_hw: layer.out_hw(), k, stride, pad }
    }

    /// Hands over every weight of the layer with its output channel and its term.
    pub(super) fn weights(layer: &Layer, mut put: impl FnMut(usize, usize, i8)) {
        for o in 0..layer.out_c() {
            for i in 0..layer.in_c() {
                for ky in 0..layer.k {
                    for kx in 0..layer.k {
                        let weight = layer.weights[layer.weight_index(o, i, ky, kx)];
                        put(o, (ky * layer.k + kx) * layer.in_c() + i, weight);
                    }
                }
            }
        }
    }

    /// Terms of a sum: taps times input channels, in the order (ky, kx, i).
    pub(super) fn terms(&self) -> usize {
        self.k * self.k * self.in_c
    }

    /// Values of one map that is read.
    pub(super) fn in_len(&self) -> usize {
        self.in_c * self.in_hw[0] * self.in_hw[1]
    }

    /// Pixels of one map that is made.
    pub(super) fn pixels(&self) -> usize {
        self.out_hw[0] * self.out_hw[1]
    }

    /// Whether the output pixel at (y, x) reads nothing outside the map.
    #[inline(always)]
    fn is_inside(&self, y: usize, x: usize) -> bool {
        let within = |at: usize, size: usize| {
            let first = at * self.stride;
            first >= self.pad && first + self.k <= self.pad + size
        };
        within(y, self.in_hw[0]) && within(x, self.in_hw[1])
    }

    /// The rows of the window of the output pixel at (y, x), as far as they lie within the map.
    #[inline(always)]
    pub(super) fn runs(&self, y: usize, x: usize) -> impl Iterator<Item = Run> + '_ {
        let [h, w] = self.in_hw;
        let (top, left) = (y * self.stride, x * self.stride); // in the padded map
        let first = self.pad.saturating_sub(left).min(self.k);
        let end = (self.pad + w).saturating_sub(left).clamp(first, self.k);
        (0..self.k).filter_map(move |ky| {
            let inside = first < end && top + ky >= self.pad && top + ky < self.pad + h;
            inside.then(|| Run {
                pixel: (top + ky - self.pad) * w + left + first - self.pad,
                pixels: end - first,
                tap: ky * self.k + first,
            })
        })
    }

    /// The windows of some output pixels, counted through the maps, one after the other: `put` gets the number of the window
    /// in this call, a term, and the values of the terms from there on; where a window reaches out of the map first
    /// `outside`, a value for every term.
    #[inline(always)]
    pub(super) fn gather<V>(
        &self,
        maps: &[V],
        pixels: Range<usize>,
        outside: &[V],
        mut put: impl FnMut(usize, usize, &[V]),
    ) {
        let (in_len, [h, w]) = (self.in_len(), self.out_hw);
        let (mut map, mut y, mut x) = (pixels.start / (h * w), pixels.start / w % h, pixels.start % w);
        for number in 0..pixels.len() {
            let values = &maps[map * in_len..(map + 1) * in_len];
            if !self.is_inside(y, x) {
                put(number, 0, outside);
            }
            for run in self.runs(y, x) {
                let from = run.pixel * self.in_c;
                put(number, run.tap * self.in_c, &values[from..from + run.pixels * self.in_c]);
            }
            x += 1;
            if x == w {
                (x, y) = (0, y + 1);
            }
            if y == h {
                (y, map) = (0, map + 1);
            }
        }
    }
}
