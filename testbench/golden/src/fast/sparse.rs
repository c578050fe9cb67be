//! Convolution of spikes: the weights of every spike in the window are added, zeros cost nothing.

use spikegate_contract::network::Layer;

use super::map::Events;

/// Output channels summed side by side.
const LANES: usize = 32;

/// Weights laid out as (group of output channels, ky, kx, i), output channels contiguous.
pub(super) struct Sparse {
    in_c: usize,
    in_hw: [usize; 2],
    k: usize,
    stride: usize,
    pad: usize,
    weights: Vec<[i32; LANES]>,
}

impl Sparse {
    /// Lays out the weights.
    pub(super) fn new(layer: &Layer) -> Self {
        let taps = layer.k * layer.k * layer.in_c();
        let mut weights = vec![[0; LANES]; taps * layer.out_c().div_ceil(LANES)];
        for o in 0..layer.out_c() {
            for i in 0..layer.in_c() {
                for ky in 0..layer.k {
                    for kx in 0..layer.k {
                        let at = o / LANES * taps + (ky * layer.k + kx) * layer.in_c() + i;
                        weights[at][o % LANES] = layer.weights[layer.weight_index(o, i, ky, kx)].into();
                    }
                }
            }
        }
        let (in_c, in_hw) = (layer.in_c(), layer.in_hw());
        let &Layer { k, stride, pad, .. } = layer;
        Self { in_c, in_hw, k, stride, pad, weights }
    }

    /// Sums of all output channels at one output pixel.
    pub(super) fn sums(&self, input: &Events, y: usize, x: usize, sums: &mut [i32]) {
        let taps = self.k * self.k * self.in_c;
        for (out, weights) in sums.chunks_mut(LANES).zip(self.weights.chunks_exact(taps)) {
            let sum = self.group(weights, input, y, x);
            out.copy_from_slice(&sum[..out.len()]);
        }
    }

    /// Sums of one group of output channels.
    fn group(&self, weights: &[[i32; LANES]], input: &Events, y: usize, x: usize) -> [i32; LANES] {
        let [h, w] = self.in_hw;
        let (top, left) = (y * self.stride, x * self.stride); // in the padded map
        let first = left.max(self.pad) - self.pad;
        let end = (left + self.k).saturating_sub(self.pad).clamp(first, w);
        let mut sum = [0; LANES];
        for ky in 0..self.k {
            let py = top + ky;
            if py < self.pad || py >= self.pad + h {
                continue;
            }
            let row = (py - self.pad) * w;
            // Event x * in_c + c is tap (x + pad - left) * in_c + c of this kernel row.
            let base = (ky * self.k + self.pad) * self.in_c;
            for &event in input.run(row + first, row + end) {
                let tap = base + event as usize - left * self.in_c;
                for (s, w) in sum.iter_mut().zip(&weights[tap]) {
                    *s += w;
                }
            }
        }
        sum
    }
}
