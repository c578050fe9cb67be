//! Convolution of spikes: the weights of every spike in the window are added, zeros cost nothing.

use spikegate_contract::network::Conv;

/// Output channels summed side by side.
const LANES: usize = 32;

/// Spikes of one timestep: per pixel (y, x) the spiking channels.
#[derive(Default)]
pub(super) struct Events {
    /// Where the events of each pixel start; one entry more than there are pixels.
    starts: Vec<u32>,
    /// `x * channels + c` of each spike.
    events: Vec<u32>,
}

impl Events {
    /// No pixels yet.
    pub(super) fn new(pixels: usize) -> Self {
        let mut starts = Vec::with_capacity(pixels + 1);
        starts.push(0);
        Self { starts, events: Vec::new() }
    }
    /// Adds the next pixel, in (y, x) order, at column x: `fires` is 1 or 0 per channel.
    pub(super) fn pixel(&mut self, x: usize, fires: &[i16]) {
        // Every channel is written and only spikes advance: no branch that depends on the data.
        let (mut end, channels) = (self.events.len(), fires.len());
        self.events.resize(end + channels, 0);
        for (event, &fire) in (x * channels..).zip(fires) {
            self.events[end] = event as u32;
            end += usize::from(fire != 0);
        }
        self.events.truncate(end);
        self.starts.push(end as u32);
    }
    /// Spikes.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }
    /// Channel of every spike, in a map of so many channels.
    pub(super) fn channels(&self, channels: usize) -> impl Iterator<Item = usize> + '_ {
        self.events.iter().map(move |&e| e as usize % channels)
    }
    /// Events of neighbouring pixels of one row.
    fn run(&self, first: usize, end: usize) -> &[u32] {
        &self.events[self.starts[first] as usize..self.starts[end] as usize]
    }
}

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
    pub(super) fn new(conv: &Conv) -> Self {
        let taps = conv.k * conv.k * conv.in_c;
        let mut weights = vec![[0; LANES]; taps * conv.out_c.div_ceil(LANES)];
        for o in 0..conv.out_c {
            for i in 0..conv.in_c {
                for ky in 0..conv.k {
                    for kx in 0..conv.k {
                        let at = o / LANES * taps + (ky * conv.k + kx) * conv.in_c + i;
                        weights[at][o % LANES] = conv.weights[conv.weight_index(o, i, ky, kx)].into();
                    }
                }
            }
        }
        let &Conv { in_c, in_hw, k, stride, pad, .. } = conv;
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
