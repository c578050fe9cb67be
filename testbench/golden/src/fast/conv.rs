//! Convolution and requantisation: of spikes by their weights, of everything else as products.

use spikegate_contract::network::{Form, Layer, Network};

use super::blocks::{split, Blocks, Plane};
use super::dots::Dots;
use super::map::{zero_byte, Buffers, Events, Map};
use super::post::{Count, Post};
use super::simd::Simd;
use super::sparse::Sparse;

/// A convolution, laid out.
pub(super) struct Conv {
    simd: Simd,
    sums: Sums,
    post: Post,
    /// Input channels.
    in_c: usize,
    /// Values of one map that is read.
    in_len: usize,
    /// The byte of a zero that is read.
    zero: u8,
    /// Output channels.
    channels: usize,
    /// Pixels of all maps that are made.
    pixels: usize,
}

enum Sums {
    Sparse(Sparse),
    Dots(Dots),
    Blocks(Blocks),
    /// Whichever costs less for the spikes of an image.
    Either(Sparse, Blocks),
}

/// Of how many neurons one fires when products of bytes cost as much as the sums of the spikes' weights, with AVX-512.
const DENSE_FROM: u64 = 7;

impl Conv {
    /// Lays out the weights.
    pub(super) fn new(net: &Network, layer: &Layer, simd: Simd) -> Self {
        let spikes = layer.input.form == Form::Spikes;
        let [h, w] = layer.out_hw();
        Self {
            simd,
            sums: match (spikes, simd.multiplies_bytes()) {
                (true, false) => Sums::Sparse(Sparse::new(layer)),
                (false, false) => Sums::Dots(Dots::new(layer)),
                (true, true) if !simd.has_tiles() => Sums::Either(Sparse::new(layer), Blocks::new(layer)),
                (_, true) => Sums::Blocks(Blocks::new(layer)),
            },
            post: Post::new(layer.requant, simd),
            in_c: layer.in_c(),
            in_len: layer.input.len(),
            zero: zero_byte(layer.input.form).unwrap_or(0),
            channels: layer.out_c(),
            pixels: net.steps(layer.output) * h * w,
        }
    }

    /// The stream, (t, y, x, c).
    pub(super) fn run(&self, x: &Map, buffers: &mut Buffers, count: &mut Count) -> Vec<i16> {
        let mut out = buffers.values(self.pixels * self.channels);
        let saturated = match &self.sums {
            Sums::Sparse(sparse) => self.sparse(sparse, x.bytes(), &mut out),
            Sums::Dots(dots) => self.dots(dots, x.values(), &mut out),
            Sums::Either(sparse, _) if x.spikes(self.simd) * DENSE_FROM < x.bytes().len() as u64 => {
                self.sparse(sparse, x.bytes(), &mut out)
            }
            Sums::Blocks(blocks) | Sums::Either(_, blocks) => self.blocks(blocks, x, buffers, &mut out),
        };
        count.add(saturated, out.len());
        out
    }

    fn sparse(&self, sparse: &Sparse, spikes: &[u8], out: &mut [i16]) -> u64 {
        let maps: Vec<Events> = spikes.chunks_exact(self.in_len).map(|m| Events::new(m, self.in_c)).collect();
        let mut saturated = 0;
        self.simd.run(
            #[inline(always)]
            || {
                sparse.run(
                    &maps,
                    #[inline(always)]
                    |pixel, first, sums| {
                        let out = &mut out[pixel * self.channels..(pixel + 1) * self.channels][first..];
                        let lanes = out.len().min(sums.len());
                        saturated += u64::from(self.post.apply(first, sums, &mut out[..lanes]));
                    },
                );
            },
        );
        saturated
    }

    fn dots(&self, dots: &Dots, values: &[i16], out: &mut [i16]) -> u64 {
        let mut saturated = 0;
        self.simd.run(
            #[inline(always)]
            || {
                dots.run(
                    values,
                    #[inline(always)]
                    |pixel, sums| {
                        let out = &mut out[pixel * self.channels..(pixel + 1) * self.channels];
                        saturated += u64::from(self.post.apply(0, sums, out));
                    },
                );
            },
        );
        saturated
    }

    fn blocks(&self, blocks: &Blocks, x: &Map, buffers: &mut Buffers, out: &mut [i16]) -> u64 {
        let values = x.values();
        let mut halves = buffers.bytes(2 * values.len());
        let planes = if let Map::Bytes(bytes) = x {
            vec![Plane { bytes, zero: self.zero }]
        } else {
            let (high, low) = halves.split_at_mut(values.len());
            self.simd.run(
                #[inline(always)]
                || split(values, high, low),
            );
            vec![Plane { bytes: high, zero: 128 }, Plane { bytes: low, zero: 0 }]
        };
        let mut saturated = 0;
        self.simd.run(
            #[inline(always)]
            || {
                blocks.run(
                    self.simd,
                    &planes,
                    &mut buffers.panels,
                    #[inline(always)]
                    |pixel, first, sums| {
                        let rows = out[pixel * self.channels..].chunks_exact_mut(self.channels);
                        for (out, sums) in rows.zip(&sums.0) {
                            let out = &mut out[first..];
                            let lanes = out.len().min(sums.len());
                            saturated += u64::from(self.post.apply(first, sums, &mut out[..lanes]));
                        }
                    },
                );
            },
        );
        buffers.give(Map::Bytes(halves));
        saturated
    }
}
