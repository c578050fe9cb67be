//! Convolution of multi-bit operands where no instruction multiplies bytes: one dot product of s16 per output value.

use spikegate_contract::network::Layer;

use super::window::Window;

/// Values of a weight row are padded with zeros to a multiple of this.
const BLOCK: usize = 16;

/// Weights laid out as rows of (ky, kx, i) per output channel.
pub(super) struct Dots {
    window: Window,
    row: usize,
    weights: Vec<i16>,
}

impl Dots {
    /// Lays out the weights.
    pub(super) fn new(layer: &Layer) -> Self {
        let window = Window::new(layer);
        let row = window.terms().next_multiple_of(BLOCK);
        let mut weights = vec![0; row * layer.out_c()];
        Window::weights(layer, |o, term, weight| weights[o * row + term] = weight.into());
        Self { window, row, weights }
    }

    /// Sums of all pixels of all maps: `take` gets the pixel, counted through the maps, and the sums of all channels.
    #[inline(always)]
    pub(super) fn run(&self, maps: &[i16], mut take: impl FnMut(usize, &[i32])) {
        let (outside, mut window) = (vec![0; self.window.terms()], vec![0; self.row]);
        let mut sums = vec![0; self.weights.len() / self.row];
        let pixels = maps.len() / self.window.in_len() * self.window.pixels();
        for pixel in 0..pixels {
            self.window.gather(maps, pixel..pixel + 1, &outside, |_, term, values| {
                window[term..term + values.len()].copy_from_slice(values);
            });
            for (sum, weights) in sums.iter_mut().zip(self.weights.chunks_exact(self.row)) {
                *sum = dot(&window, weights);
            }
            take(pixel, &sums);
        }
    }
}

/// Exact: the network's weights prove that no partial sum leaves 32 bits. Both lengths are multiples of [`BLOCK`];
/// sums side by side, one per place in a block, become multiply-add instructions.
#[inline(always)]
fn dot(a: &[i16], b: &[i16]) -> i32 {
    let mut sums = [0i32; BLOCK];
    for (a, b) in a.as_chunks::<BLOCK>().0.iter().zip(b.as_chunks::<BLOCK>().0) {
        for j in 0..BLOCK {
            sums[j] += i32::from(a[j]) * i32::from(b[j]);
        }
    }
    sums.iter().sum()
}
