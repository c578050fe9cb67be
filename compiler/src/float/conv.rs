//! Convolution on sparse maps in f64, the work-horse of the interpreter.
//!
//! Spikes are mostly zero, and so is what a ReLU or a gate leaves, so a map is walked as lists of its
//! non-zero entries. Maps are channel-last inside the interpreter: the weights one entry meets, one per
//! output channel, then lie side by side, and a group of sums stays in registers.

use crate::graph::{Conv, MapShape};

/// Output channels summed together.
const GROUP: usize = 16;

/// Values of one feature map; channel-last, index `(y * w + x) * c + channel`.
#[derive(Debug, Clone)]
pub(super) struct Map {
    pub(super) shape: MapShape,
    pub(super) values: Vec<f64>,
}

impl Map {
    pub(super) fn zeros(shape: MapShape) -> Map {
        Map { shape, values: vec![0.0; shape.len()] }
    }

    /// Values in `[C, H, W]` order, appended to `out`.
    pub(super) fn write_channel_first(&self, out: &mut Vec<f64>) {
        let c = self.shape.c;
        for channel in 0..c {
            out.extend(self.values.iter().skip(channel).step_by(c));
        }
    }
}

/// The non-zero entries of a map, pixel by pixel.
struct Entries {
    /// Entries of pixel `p` are `starts[p]..starts[p + 1]`.
    starts: Vec<usize>,
    /// Channel and value.
    entries: Vec<(u32, f64)>,
}

impl Entries {
    fn of(map: &Map) -> Entries {
        let mut starts = vec![0];
        let mut entries = Vec::new();
        for pixel in map.values.chunks_exact(map.shape.c.max(1)) {
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

/// A convolution whose weights are arranged for [`Kernel::apply`].
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    side: usize,
    stride: usize,
    before: usize,
    cin: usize,
    /// `[group][ky][kx][cin]`, each entry the weights to [`GROUP`] output channels, zero beyond the last.
    weights: Vec<[f64; GROUP]>,
}

impl Kernel {
    pub(super) fn new(conv: &Conv) -> Kernel {
        let (cout, cin, side) = (conv.out_channels(), conv.in_channels(), conv.kernel());
        let taps = side * side;
        let groups = cout.div_ceil(GROUP);
        let mut weights = vec![[0.0; GROUP]; groups * taps * cin];
        for (index, &weight) in conv.weight.data().iter().enumerate() {
            let (tap, i, o) = (index % taps, index / taps % cin, index / taps / cin);
            weights[((o / GROUP) * taps + tap) * cin + i][o % GROUP] = f64::from(weight);
        }
        Kernel { side, stride: conv.stride, before: conv.padding.before, cin, weights }
    }

    /// `output` is the map that [`Conv::output`] gives for the input's shape.
    pub(super) fn apply(&self, input: &Map, output: MapShape) -> Map {
        let entries = Entries::of(input);
        let mut out = Map::zeros(output);
        let group_len = self.side * self.side * self.cin;
        for (index, pixel) in out.values.chunks_exact_mut(output.c.max(1)).enumerate() {
            let (y, x) = (index / output.w, index % output.w);
            for (sums, weights) in pixel.chunks_mut(GROUP).zip(self.weights.chunks_exact(group_len)) {
                let result = self.pixel(&entries, input.shape, (y, x), weights);
                sums.copy_from_slice(&result[..sums.len()]);
            }
        }
        out
    }

    /// Sums of one group of output channels at output pixel `(y, x)`.
    fn pixel(
        &self,
        entries: &Entries,
        map: MapShape,
        at: (usize, usize),
        weights: &[[f64; GROUP]],
    ) -> [f64; GROUP] {
        let mut sums = [0.0; GROUP];
        for ky in 0..self.side {
            let Some(y) = (at.0 * self.stride + ky).checked_sub(self.before).filter(|&y| y < map.h) else {
                continue;
            };
            for kx in 0..self.side {
                let Some(x) = (at.1 * self.stride + kx).checked_sub(self.before).filter(|&x| x < map.w)
                else {
                    continue;
                };
                let tap = &weights[(ky * self.side + kx) * self.cin..][..self.cin];
                for &(channel, value) in entries.pixel(y * map.w + x) {
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

/// A convolution, its batch norm and its output map, ready to run.
#[derive(Debug, Clone)]
pub(super) struct Stage {
    pub(super) kernel: Kernel,
    pub(super) affine: Vec<(f64, f64)>,
    pub(super) output: MapShape,
}

impl Stage {
    pub(super) fn apply(&self, input: &Map) -> Map {
        let mut map = self.kernel.apply(input, self.output);
        for pixel in map.values.chunks_exact_mut(self.output.c.max(1)) {
            for (v, &(scale, offset)) in pixel.iter_mut().zip(&self.affine) {
                *v = *v * scale + offset;
            }
        }
        map
    }
}
