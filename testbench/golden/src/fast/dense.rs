//! Convolution of multi-bit operands: one dot product of s16 per output value.

use spikegate_contract::network::Layer;

/// Values of a weight row are padded with zeros to a multiple of this.
const BLOCK: usize = 16;

/// Weights laid out as rows of (ky, kx, i) per output channel.
pub(super) struct Dense {
    in_c: usize,
    in_hw: [usize; 2],
    k: usize,
    stride: usize,
    pad: usize,
    row: usize,
    weights: Vec<i16>,
}

impl Dense {
    /// Lays out the weights.
    pub(super) fn new(layer: &Layer) -> Self {
        let taps = layer.k * layer.k * layer.in_c();
        let row = taps.next_multiple_of(BLOCK);
        let mut weights = vec![0; row * layer.out_c()];
        for o in 0..layer.out_c() {
            for i in 0..layer.in_c() {
                for ky in 0..layer.k {
                    for kx in 0..layer.k {
                        let at = o * row + (ky * layer.k + kx) * layer.in_c() + i;
                        weights[at] = layer.weights[layer.weight_index(o, i, ky, kx)].into();
                    }
                }
            }
        }
        let (in_c, in_hw) = (layer.in_c(), layer.in_hw());
        let &Layer { k, stride, pad, .. } = layer;
        Self { in_c, in_hw, k, stride, pad, row, weights }
    }

    /// A buffer for [`Dense::sums`].
    pub(super) fn patch(&self) -> Vec<i16> {
        vec![0; self.row]
    }

    /// Sums of all output channels at one output pixel. `input` is one map, s16, (y, x, c).
    pub(super) fn sums(&self, input: &[i16], y: usize, x: usize, patch: &mut [i16], sums: &mut [i32]) {
        self.gather(input, y, x, patch);
        for (sum, weights) in sums.iter_mut().zip(self.weights.chunks_exact(self.row)) {
            *sum = dot(patch, weights);
        }
    }

    /// Copies the window of an output pixel; zeros outside the map.
    fn gather(&self, input: &[i16], y: usize, x: usize, patch: &mut [i16]) {
        let [h, w] = self.in_hw;
        let (top, left) = (y * self.stride, x * self.stride); // in the padded map
        let first = self.pad.saturating_sub(left).min(self.k);
        let end = (self.pad + w).saturating_sub(left).clamp(first, self.k);
        patch.fill(0);
        for ky in 0..self.k {
            let py = top + ky;
            if py < self.pad || py >= self.pad + h || first == end {
                continue;
            }
            let from = ((py - self.pad) * w + left + first - self.pad) * self.in_c;
            let to = (ky * self.k + first) * self.in_c;
            let n = (end - first) * self.in_c;
            patch[to..to + n].copy_from_slice(&input[from..from + n]);
        }
    }
}

/// Exact: the network's weights prove that no partial sum leaves 32 bits. Both lengths are multiples of [`BLOCK`];
/// sums side by side, one per place in a block, become multiply-add instructions.
fn dot(a: &[i16], b: &[i16]) -> i32 {
    let mut sums = [0i32; BLOCK];
    for (a, b) in a.as_chunks::<BLOCK>().0.iter().zip(b.as_chunks::<BLOCK>().0) {
        for j in 0..BLOCK {
            sums[j] += i32::from(a[j]) * i32::from(b[j]);
        }
    }
    sums.iter().sum()
}
