//! Convolution of spikes: the weights of every spike in the window are added, zeros cost nothing.

use spikegate_contract::network::Layer;

use super::map::Events;
use super::window::Window;

/// Output channels summed side by side.
pub(super) const LANES: usize = 64;
/// Weights of 8 bits that always fit when they are summed in 16.
const FITS: usize = 256;

/// Weights laid out as (group of output channels, ky, kx, i), output channels contiguous.
pub(super) struct Sparse {
    window: Window,
    weights: Vec<[i16; LANES]>,
}

impl Sparse {
    /// Lays out the weights.
    pub(super) fn new(layer: &Layer) -> Self {
        let window = Window::new(layer);
        let terms = window.terms();
        let mut weights = vec![[0; LANES]; terms * layer.out_c().div_ceil(LANES)];
        Window::weights(layer, |o, term, weight| {
            weights[o / LANES * terms + term][o % LANES] = weight.into();
        });
        Self { window, weights }
    }

    /// Sums of all pixels of all timesteps: `take` gets the pixel, counted through the maps, the first of up to [`LANES`]
    /// channels, and their sums.
    #[inline(always)]
    pub(super) fn run(&self, maps: &[Events], mut take: impl FnMut(usize, usize, &[i32; LANES])) {
        let (pixels, width) = (self.window.pixels(), self.window.out_hw[1]);
        for (group, weights) in self.weights.chunks_exact(self.window.terms()).enumerate() {
            for pixel in 0..pixels {
                // All timesteps of a pixel in turn: their spikes are much alike, and so are the weights that they fetch.
                for (t, map) in maps.iter().enumerate() {
                    let sums = self.sums(weights, map, pixel / width, pixel % width);
                    take(t * pixels + pixel, group * LANES, &sums);
                }
            }
        }
    }

    /// Sums of one group of output channels.
    #[inline(always)]
    fn sums(&self, weights: &[[i16; LANES]], map: &Events, y: usize, x: usize) -> [i32; LANES] {
        let mut sums = [0; LANES];
        let mut few = [0i16; LANES];
        let mut added = 0;
        for run in self.window.runs(y, x) {
            let weights = &weights[run.tap * self.window.in_c..];
            for events in map.run(run.pixel, run.pixel + run.pixels).chunks(FITS) {
                if added + events.len() > FITS {
                    flush(&mut few, &mut sums);
                    added = 0;
                }
                added += events.len();
                for &event in events {
                    let tap = &weights[event as usize - run.pixel * self.window.in_c];
                    for (sum, w) in few.iter_mut().zip(tap) {
                        *sum = sum.wrapping_add(*w);
                    }
                }
            }
        }
        flush(&mut few, &mut sums);
        sums
    }
}

/// Moves sums of 16 bits to those of 32.
#[inline(always)]
fn flush(few: &mut [i16; LANES], sums: &mut [i32; LANES]) {
    for (sum, few) in sums.iter_mut().zip(few) {
        *sum += i32::from(*few);
        *few = 0;
    }
}
