//! Convolution on sparse maps in f64, the work-horse of the interpreter.
//!
//! Spikes are mostly zero, and so is what a ReLU or a gate leaves, so a map is walked as lists of its
//! non-zero entries. The weights that one entry meets, one per output channel, lie side by side. A pixel's sums are taken
//! tap by tap, in each by input channel, whatever the processor's vectors are; but all pixels of a tile pass by the same few
//! weights, which stay close, before the next weights come.

use multiversion::multiversion;

use super::maps::{self, Maps};
use super::observe::Inner;
use super::operation::Operation;
use crate::graph::{self, MapShape};

/// Output channels summed together: their sums stay in registers.
const WIDE: usize = 32;
/// The same in narrow layers.
const NARROW: usize = 16;
/// Input channels whose weights, of one tap and [`WIDE`] output channels, stay in the innermost cache.
const BLOCK: usize = 128;
/// Output pixels of a tile, whose sums stay in the cache behind it.
const TILE: usize = 256;

/// The non-zero entries of a map, pixel by pixel and in each block by block of channels.
struct Entries {
    /// Blocks of a pixel.
    blocks: usize,
    /// Entries of block `b` of pixel `p` are `starts[p * blocks + b]..starts[p * blocks + b + 1]`.
    starts: Vec<usize>,
    /// Channel inside the block and value.
    entries: Vec<(u32, f64)>,
    /// All values are one.
    spikes: bool,
}

impl Entries {
    /// Of the values of a map, `channels` per pixel.
    fn of(map: &[f64], channels: usize) -> Entries {
        let channels = channels.max(1);
        let mut starts = vec![0];
        let mut entries = Vec::new();
        for block in map.chunks_exact(channels).flat_map(|pixel| pixel.chunks(BLOCK)) {
            let non_zero = block.iter().enumerate().filter(|(_, &v)| v != 0.0);
            entries.extend(non_zero.map(|(channel, &v)| (channel as u32, v)));
            starts.push(entries.len());
        }
        let spikes = entries.iter().all(|&(_, v)| v == 1.0);
        Entries { blocks: channels.div_ceil(BLOCK), starts, entries, spikes }
    }

    fn of_block(&self, pixel: usize, block: usize) -> &[(u32, f64)] {
        let at = pixel * self.blocks + block;
        &self.entries[self.starts[at]..self.starts[at + 1]]
    }
}

/// A convolution with its batch norm and its output map.
#[derive(Debug)]
pub(super) struct Conv {
    side: usize,
    stride: usize,
    before: usize,
    cin: usize,
    /// Output channels summed together.
    group: usize,
    /// `[group][ky][kx][cin]`, each entry the weights to the group's output channels, zero beyond the last.
    weights: Vec<f64>,
    /// Batch norm as scale and offset per output channel; empty for none.
    affine: Vec<(f64, f64)>,
    output: MapShape,
}

impl Conv {
    /// `output` is the map that the convolution makes.
    pub fn new(conv: &graph::Conv, output: MapShape) -> Conv {
        let (cout, cin, side) = (conv.out_channels(), conv.in_channels(), conv.kernel());
        let taps = side * side;
        let group = if cout > NARROW { WIDE } else { NARROW };
        let mut weights = vec![0.0; cout.div_ceil(group) * taps * cin * group];
        for ((o, i, ky, kx), &weight) in conv.weight.indexed_iter() {
            let row = ((o / group) * taps + ky * side + kx) * cin + i;
            weights[row * group + o % group] = f64::from(weight);
        }
        let affine = conv.bn.as_ref().map_or_else(Vec::new, graph::BatchNorm::affine);
        Conv { side, stride: conv.stride, before: conv.padding.before, cin, group, weights, affine, output }
    }

    /// One map in, one map out, its batch norm still to come.
    fn apply(&self, input: &[f64], hw: (usize, usize), out: &mut [f64]) {
        match self.group {
            WIDE => self.tiles::<WIDE>(input, hw, out),
            _ => self.tiles::<NARROW>(input, hw, out),
        }
    }

    /// Tile by tile, with as many sums together as the weights are arranged for.
    fn tiles<const GROUP: usize>(&self, input: &[f64], hw: (usize, usize), out: &mut [f64]) {
        let (taps, cin, cout) = (self.side * self.side, self.cin.max(1), self.output.c.max(1));
        let entries = Entries::of(input, cin);
        let (weights, _) = self.weights.as_chunks::<GROUP>();
        let mut sums = [[0.0; GROUP]; TILE];
        for (number, tile) in out.chunks_mut(TILE * cout).enumerate() {
            let pixels = tile.len() / cout;
            let sums = &mut sums[..pixels];
            let sources = self.sources(number * TILE, pixels, hw);
            for (group, weights) in weights.chunks_exact(taps * cin).enumerate() {
                sums.fill([0.0; GROUP]);
                for (sources, weights) in sources.chunks(pixels).zip(weights.chunks_exact(cin)) {
                    for (block, weights) in weights.chunks(BLOCK).enumerate() {
                        add(sums, weights, &entries, block, sources);
                    }
                }
                for (pixel, sums) in tile.chunks_exact_mut(cout).zip(&*sums) {
                    let pixel = &mut pixel[group * GROUP..];
                    let channels = pixel.len().min(GROUP);
                    pixel[..channels].copy_from_slice(&sums[..channels]);
                }
            }
        }
    }

    /// For every tap the input pixels under it, of the output pixels from `first` on; none beyond the edge. `h` and `w` are
    /// the extents of the input.
    fn sources(&self, first: usize, pixels: usize, (h, w): (usize, usize)) -> Vec<Option<usize>> {
        let inside = |at: usize, tap: usize, size: usize| {
            (at * self.stride + tap).checked_sub(self.before).filter(|&v| v < size)
        };
        let taps = (0..self.side * self.side).map(|tap| (tap / self.side, tap % self.side));
        let source = |(ky, kx): (usize, usize), at: usize| {
            Some(inside(at / self.output.w, ky, h)? * w + inside(at % self.output.w, kx, w)?)
        };
        taps.flat_map(|tap| (first..first + pixels).map(move |at| source(tap, at))).collect()
    }
}

/// Adds to the sums of every pixel what a block of channels brings under one tap.
#[multiversion(targets("x86_64+avx512f+avx512dq+avx512vl", "x86_64+avx2"))]
fn add<const GROUP: usize>(
    sums: &mut [[f64; GROUP]],
    weights: &[[f64; GROUP]],
    entries: &Entries,
    block: usize,
    sources: &[Option<usize>],
) {
    for (sums, source) in sums.iter_mut().zip(sources) {
        let Some(source) = *source else { continue };
        // Not in place: they stay in registers.
        let mut here = *sums;
        let entries_here = entries.of_block(source, block);
        // Loops, not closures: what is inlined into this function has its vectors.
        if entries.spikes {
            for (channel, _) in entries_here {
                for (sum, weight) in here.iter_mut().zip(&weights[*channel as usize]) {
                    *sum += weight;
                }
            }
        } else {
            for (channel, value) in entries_here {
                for (sum, weight) in here.iter_mut().zip(&weights[*channel as usize]) {
                    *sum += value * weight;
                }
            }
        }
        *sums = here;
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
