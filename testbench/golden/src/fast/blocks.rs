//! Convolution as products of bytes: windows of output pixels in panels, weights in blocks.
//!
//! Operands are unsigned bytes. Signed codes stand 128 higher; a 16-bit value v is the two bytes of v + 32768, multiplied
//! one after the other. What that adds to a sum does not depend on the image; the sum
//! starts with its opposite.

use spikegate_contract::network::Layer;

use super::kernels::{Aligned, Multiplier, Panel, Start, Tile, LANES, ROWS, TERMS};
use super::map::zero_byte;
use super::simd::Simd;
use super::window::Window;

/// Bytes of panels that are multiplied by a block before the next block: they stay in the cache, and so does the block.
const PANELS: usize = 1 << 19;

/// Weights in blocks.
pub(super) struct Blocks {
    window: Window,
    /// Lines of [`TERMS`] terms, with the padding.
    lines: usize,
    weights: Vec<Aligned<[i8; TERMS]>>,
    /// What the sums of each channel start with, modulo 2^32; of two planes, those of the first.
    offsets: Vec<Aligned<[i32; LANES]>>,
    channels: usize,
}

/// A byte of every value of the maps that are read, and the byte of a zero.
#[derive(Clone, Copy)]
pub(super) struct Plane<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) zero: u8,
}

/// Splits values into the planes of their high and low bytes; their zeros are 128 and 0.
#[inline(always)]
pub(super) fn split(values: &[i16], high: &mut [u8], low: &mut [u8]) {
    for ((&v, high), low) in values.iter().zip(high).zip(low) {
        let v = v as u16 ^ 0x8000;
        (*high, *low) = ((v >> 8) as u8, v as u8);
    }
}

impl Blocks {
    /// Lays out the weights.
    pub(super) fn new(layer: &Layer) -> Self {
        let window = Window::new(layer);
        let (channels, lines) = (layer.out_c(), window.terms().div_ceil(TERMS));
        let zero = i32::from(zero_byte(layer.input.form).unwrap_or(128));
        let blocks = channels.div_ceil(LANES);
        let mut weights = vec![Aligned([0; TERMS]); blocks * LANES * lines];
        let mut offsets = vec![Aligned([0; LANES]); blocks];
        Window::weights(layer, |o, term, weight| {
            let (block, lane) = (o / LANES, o % LANES);
            let at = block * LANES * lines + (term / 4 * LANES + lane) / (TERMS / 4);
            weights[at].0[lane % (TERMS / 4) * 4 + term % 4] = weight;
            offsets[block].0[lane] -= zero * i32::from(weight);
        });
        Self { window, lines, weights, offsets, channels }
    }

    /// Sums of all pixels of all maps: `take` gets the first of up to [`ROWS`] pixels, counted through the maps, the first
    /// of up to [`LANES`] channels, and their sums. `panels` is a buffer. The sums of several planes are those of the first
    /// times 256 and the second.
    #[inline(always)]
    pub(super) fn run(
        &self,
        simd: Simd,
        planes: &[Plane],
        panels: &mut Vec<Aligned<[u8; TERMS]>>,
        mut take: impl FnMut(usize, usize, &Tile),
    ) {
        let multiplier = Multiplier::new(simd);
        let maps = planes.first().map_or(0, |plane| plane.bytes.len() / self.window.in_len());
        let pixels = maps * self.window.pixels();
        let panel = ROWS * self.lines;
        let together = (PANELS / (panel * TERMS)).clamp(1, pixels.div_ceil(ROWS).max(1)) * ROWS;
        panels.resize(planes.len() * together * self.lines, Aligned([0; TERMS]));
        let mut sums = Aligned([[0; LANES]; ROWS]);
        for first in (0..pixels).step_by(together) {
            let end = pixels.min(first + together);
            for (plane, panels) in planes.iter().zip(panels.chunks_exact_mut(together * self.lines)) {
                let outside = vec![plane.zero; self.window.terms()];
                self.window.gather(
                    plane.bytes,
                    first..end,
                    &outside,
                    #[inline(always)]
                    |number, term, values| {
                        let panel = &mut panels[number / ROWS * panel..][..panel];
                        place(panel, number % ROWS, term, values);
                    },
                );
            }
            for (block, weights) in self.weights.chunks_exact(LANES * self.lines).enumerate() {
                let lanes = LANES.min(self.channels - block * LANES);
                for pixel in (first..end).step_by(ROWS) {
                    let at = (pixel - first) * self.lines;
                    let mut start = Start::At(&self.offsets[block]);
                    for panels in panels.chunks_exact(together * self.lines) {
                        multiplier.sums(&panels[at..at + panel], weights, lanes, start, &mut sums);
                        start = Start::Shifted;
                    }
                    take(pixel, block * LANES, &sums);
                }
            }
        }
    }
}

/// Writes the bytes of a row of a panel from a term on.
#[inline(always)]
fn place(panel: &mut Panel, row: usize, mut term: usize, mut values: &[u8]) {
    if term.is_multiple_of(TERMS) {
        let (whole, rest) = values.as_chunks::<TERMS>();
        let lines = panel[term / TERMS * ROWS + row..].iter_mut().step_by(ROWS);
        lines.zip(whole).for_each(|(line, whole)| line.0 = *whole);
        (term, values) = (term + whole.len() * TERMS, rest);
    }
    while !values.is_empty() {
        let (now, rest) = values.split_at(values.len().min(TERMS - term % TERMS));
        panel[term / TERMS * ROWS + row].0[term % TERMS..][..now.len()].copy_from_slice(now);
        (term, values) = (term + now.len(), rest);
    }
}
