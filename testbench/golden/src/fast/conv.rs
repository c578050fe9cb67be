//! Convolution and requantisation: of spikes by their weights, of everything else as dot products.

use spikegate_contract::network::{Form, Layer, Network};

use super::dense::Dense;
use super::map::Map;
use super::post::{Count, Post};
use super::sparse::Sparse;

/// A convolution, laid out.
pub(super) struct Conv {
    sums: Sums,
    post: Post,
    in_len: usize,
    channels: usize,
    out_hw: [usize; 2],
    timesteps: usize,
}

enum Sums {
    Sparse(Sparse),
    Dense(Dense),
}

impl Conv {
    /// Lays out the weights.
    pub(super) fn new(net: &Network, layer: &Layer) -> Self {
        Self {
            sums: match layer.input.form {
                Form::Spikes => Sums::Sparse(Sparse::new(layer)),
                _ => Sums::Dense(Dense::new(layer)),
            },
            post: Post::new(layer.requant),
            in_len: layer.input.len(),
            channels: layer.out_c(),
            out_hw: layer.out_hw(),
            timesteps: net.steps(layer.output),
        }
    }

    /// The stream, (t, y, x, c).
    pub(super) fn run(&self, x: &Map, count: &mut Count) -> Vec<i16> {
        let (channels, [h, w]) = (self.channels, self.out_hw);
        let len = channels * h * w;
        let mut out = vec![0; self.timesteps * len];
        let mut sums = vec![0; channels];
        match &self.sums {
            Sums::Sparse(sparse) => {
                // All timesteps of a pixel in turn: their spikes are much alike, and so are the weights that they fetch.
                for pixel in 0..h * w {
                    for (events, out) in x.events().iter().zip(out.chunks_exact_mut(len)) {
                        sparse.sums(events, pixel / w, pixel % w, &mut sums);
                        let at = pixel * channels;
                        self.post.apply(&sums, &mut out[at..at + channels], count);
                    }
                }
            }
            Sums::Dense(dense) => {
                let mut patch = dense.patch();
                for (x, out) in x.values().chunks_exact(self.in_len).zip(out.chunks_exact_mut(len)) {
                    for (pixel, out) in out.chunks_exact_mut(channels).enumerate() {
                        dense.sums(x, pixel / w, pixel % w, &mut patch, &mut sums);
                        self.post.apply(&sums, out, count);
                    }
                }
            }
        }
        out
    }
}
