//! Convolution on sparse maps in f64, the work-horse of the interpreter.
//!
//! Spikes are mostly zero, and so is what a ReLU or a gate leaves, so a map is walked as lists of its
//! non-zero entries. The weights that one entry meets, one per output channel, lie side by side, and a group of sums stays
//! in registers.

use super::maps::{self, Maps};
use super::observe::Inner;
use super::operation::Operation;
use crate::graph::{self, MapShape};

/// Output channels summed together.
const GROUP: usize = 16;

/// The non-zero entries of a map, pixel by pixel.
struct Entries {
    /// Entries of pixel `p` are `starts[p]..starts[p + 1]`.
    starts: Vec<usize>,
    /// Channel and value.
    entries: Vec<(u32, f64)>,
}

impl Entries {
    /// Of the values of a map, `channels` per pixel.
    fn of(map: &[f64], channels: usize) -> Entries {
        let mut starts = vec![0];
        let mut entries = Vec::new();
        for pixel in map.chunks_exact(channels.max(1)) {
            let non_zero = pixel.iter().enumerate().filter(|(_, &v)| v != 0.0);
            entries.extend(non_zero.map(|(channel, &v)| (channel as u32, v)));
            starts.push(entries.len());
        }
        Entries { starts, entries }
    }

    fn pixel(&self, index: usize) -> &[(u32, f64)] {
        &self.entries[self.starts[index]..self.starts[index + 1]]
    }
}

/// A convolution with its batch norm and its output map.
#[derive(Debug)]
pub(super) struct Conv {
    side: usize,
    stride: usize,
    before: usize,
    cin: usize,
    /// `[group][ky][kx][cin]`, each entry the weights to [`GROUP`] output channels, zero beyond the last.
    weights: Vec<[f64; GROUP]>,
    /// Batch norm as scale and offset per output channel; empty for none.
    affine: Vec<(f64, f64)>,
    output: MapShape,
}

impl Conv {
    /// `output` is the map that the convolution makes.
    pub fn new(conv: &graph::Conv, output: MapShape) -> Conv {
        let (cout, cin, side) = (conv.out_channels(), conv.in_channels(), conv.kernel());
        let taps = side * side;
        let groups = cout.div_ceil(GROUP);
        let mut weights = vec![[0.0; GROUP]; groups * taps * cin];
        for ((o, i, ky, kx), &weight) in conv.weight.indexed_iter() {
            weights[((o / GROUP) * taps + ky * side + kx) * cin + i][o % GROUP] = f64::from(weight);
        }
        let affine = conv.bn.as_ref().map_or_else(Vec::new, graph::BatchNorm::affine);
        Conv { side, stride: conv.stride, before: conv.padding.before, cin, weights, affine, output }
    }

    /// One map in, one map out, its batch norm still to come.
    fn apply(&self, input: &[f64], hw: (usize, usize), out: &mut [f64]) {
        let entries = Entries::of(input, self.cin);
        let group_len = self.side * self.side * self.cin;
        for (index, pixel) in out.chunks_exact_mut(self.output.c.max(1)).enumerate() {
            let (y, x) = (index / self.output.w, index % self.output.w);
            for (sums, weights) in pixel.chunks_mut(GROUP).zip(self.weights.chunks_exact(group_len)) {
                let result = self.pixel(&entries, hw, (y, x), weights);
                sums.copy_from_slice(&result[..sums.len()]);
            }
        }
    }

    /// Sums of one group of output channels at output pixel `(y, x)`; `hw` are the extents of the input.
    fn pixel(
        &self,
        entries: &Entries,
        hw: (usize, usize),
        at: (usize, usize),
        weights: &[[f64; GROUP]],
    ) -> [f64; GROUP] {
        let mut sums = [0.0; GROUP];
        let inside = |at: usize, tap: usize, size: usize| {
            (at * self.stride + tap).checked_sub(self.before).filter(|&v| v < size)
        };
        for ky in 0..self.side {
            let Some(y) = inside(at.0, ky, hw.0) else { continue };
            for kx in 0..self.side {
                let Some(x) = inside(at.1, kx, hw.1) else { continue };
                let tap = &weights[(ky * self.side + kx) * self.cin..][..self.cin];
                for &(channel, value) in entries.pixel(y * hw.1 + x) {
                    let row = &tap[channel as usize];
                    for (sum, weight) in sums.iter_mut().zip(row) {
                        *sum += value * weight;
                    }
                }
            }
        }
        sums
    }
}

impl Operation for Conv {
    fn run(&self, inputs: &[&Maps], _inner: &mut Inner<'_>) -> Maps {
        let (steps, h, w, _) = inputs[0].dim();
        let mut out = maps::zeros(steps, self.output);
        for (t, map) in maps::each_mut(&mut out).enumerate() {
            self.apply(maps::at(inputs[0], t), (h, w), map);
            for pixel in map.chunks_exact_mut(self.output.c.max(1)) {
                for (v, &(scale, offset)) in pixel.iter_mut().zip(&self.affine) {
                    *v = *v * scale + offset;
                }
            }
        }
        out
    }
}
