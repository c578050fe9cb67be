//! What the spikes and codes of real images look like to the hardware: how much of them is zero, and how evenly the rest is
//! spread over the slots of an array, which is what skipping zeros can gain.
//!
//! A *T-word* is the T spikes of one channel and pixel. Channel c lies in slot `c % CI` of an array with CI input channels;
//! each slot can walk through the non-zero T-words under a kernel by itself.

use serde::Serialize;
use spikegate_contract::network::{Form, Layer, Network, NodeId};
use spikegate_golden::fast::{Prepared, Seen};
use spikegate_golden::GoldenError;

use crate::evaluate::Share;

/// Input channels of arrays for which slots are looked at.
const CI: [usize; 3] = [4, 8, 16];
/// Bits of a code whose planes and nibbles are looked at.
const CODE_BITS: usize = 8;

/// What a network's tensors looked like, over all images.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Statistics {
    /// Images.
    pub images: usize,
    /// Layers that read spikes, in the order of the nodes.
    pub spikes: Vec<Spikes>,
    /// Codes, in the order of the nodes.
    pub codes: Vec<Codes>,
}

/// The spikes that a layer reads.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Spikes {
    /// Name of the layer's node.
    pub layer: String,
    /// Name of the population.
    pub population: String,
    /// Input channels.
    pub channels: usize,
    /// Spikes of all neurons and timesteps.
    pub fired: Share,
    /// T-words with a spike.
    pub words: Share,
    /// The same by channel, as a share.
    pub words_of_channel: Vec<f64>,
    /// On arrays.
    pub slots: Vec<Slots>,
}

/// T-words that a layer's slots walk through, one a cycle, over all output pixels and images; of one output group.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Slots {
    /// Slots.
    pub ci: usize,
    /// Groups of CI T-words, side by side in the slots, without any spike.
    pub silent: Share,
    /// Cycles when every word is served; words outside the map take none.
    pub dense: u64,
    /// Cycles when the slots skip words without spikes, and wait for the slowest at every output pixel.
    pub waiting: u64,
    /// Cycles when none waits but at the end of an image: what the best buffers come to.
    pub elastic: u64,
}

/// The values of a code of 8 bits.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Codes {
    /// Name of its node.
    pub name: String,
    /// Values that are 0.
    pub zero: Share,
    /// Values whose magnitude has no bit in its lower and in its upper four.
    pub zero_nibbles: [Share; 2],
    /// By plane from bit 0: bits of the magnitude that are 0.
    pub zero_bits: [Share; CODE_BITS],
}

impl Statistics {
    /// Runs a network over images, pixels u8 in (c, y, x) order.
    ///
    /// # Errors
    /// A network or an image that the golden model refuses.
    pub fn of<I: AsRef<[u8]>>(
        net: &Network,
        images: impl IntoIterator<Item = I>,
        done: &mut dyn FnMut(),
    ) -> Result<Statistics, GoldenError> {
        let engine = Prepared::new(net)?;
        let spiking: Vec<Layer<'_>> = net.layers().filter(|layer| layer.input.form == Form::Spikes).collect();
        let mut all = Statistics {
            spikes: spiking.iter().map(|layer| Spikes::new(net, layer)).collect(),
            ..Self::default()
        };
        for image in images {
            let mut codes = Vec::new();
            engine.run_observed(image.as_ref(), &mut |id, seen| match seen {
                Seen::Spikes(spikes) => {
                    let pairs = all.spikes.iter_mut().zip(&spiking);
                    pairs.filter(|(_, layer)| source(net, layer) == id).for_each(|(found, layer)| {
                        found.add(layer, spikes, net.timesteps);
                    });
                }
                Seen::Bytes(bytes, zero) => {
                    let values = bytes.iter().map(|&v| i32::from(v) - i32::from(zero));
                    codes.push(Codes::new(&net.node(id).name, values));
                }
                Seen::Codes(values) if fits(net, id) => {
                    codes.push(Codes::new(&net.node(id).name, values.iter().map(|&v| v.into())));
                }
                _ => {}
            })?;
            if all.codes.is_empty() {
                all.codes = codes;
            } else {
                all.codes.iter_mut().zip(&codes).for_each(|(all, one)| all.merge(one));
            }
            all.images += 1;
            done();
        }
        Ok(all)
    }
}

/// Whether a node's codes have at most 8 bits.
fn fits(net: &Network, id: NodeId) -> bool {
    let (low, high) = net.node(id).out.form.range();
    low >= -128 && high <= 255
}

/// What a layer reads.
fn source(net: &Network, layer: &Layer<'_>) -> NodeId {
    net.node(layer.id).inputs[0]
}

impl Spikes {
    fn new(net: &Network, layer: &Layer<'_>) -> Self {
        let channels = layer.in_c();
        let slots = CI.iter().filter(|&&ci| ci <= channels).map(|&ci| Slots { ci, ..Slots::default() });
        Self {
            layer: layer.name.to_owned(),
            population: net.node(source(net, layer)).name.clone(),
            channels,
            words_of_channel: vec![0.0; channels],
            slots: slots.collect(),
            ..Self::default()
        }
    }

    /// Adds the spikes of an image, (t, y, x, c).
    fn add(&mut self, layer: &Layer<'_>, spikes: &[u8], timesteps: usize) {
        let neurons = spikes.len() / timesteps.max(1);
        let mut words = vec![false; neurons];
        for map in spikes.chunks_exact(neurons.max(1)) {
            words.iter_mut().zip(map).for_each(|(word, &spike)| *word |= spike != 0);
        }
        self.fired = self.fired.plus(spikes.iter().map(|&s| u64::from(s)).sum(), spikes.len());
        self.words = self.words.plus(words.iter().filter(|&&word| word).count() as u64, neurons);
        // Their shares are kept as means over all images so far.
        let pixels = (neurons / self.channels.max(1)).max(1);
        let before = (self.words.of / neurons.max(1) as u64 - 1) as f64;
        for (channel, mean) in self.words_of_channel.iter_mut().enumerate() {
            let n = words.iter().skip(channel).step_by(self.channels).filter(|&&word| word).count();
            *mean = (*mean * before + n as f64 / pixels as f64) / (before + 1.0);
        }
        self.slots.iter_mut().for_each(|slots| slots.add(layer, &words));
    }
}

impl Slots {
    /// Adds the T-words of an image, (y, x, c).
    fn add(&mut self, layer: &Layer<'_>, words: &[bool]) {
        let (ci, channels) = (self.ci, layer.in_c());
        let ([h, w], [out_h, out_w]) = (layer.in_hw(), layer.out_hw());
        // Non-zero words of every slot, by pixel.
        let mut loads = vec![0u64; h * w * ci];
        for (pixel, words) in words.chunks_exact(channels.max(1)).enumerate() {
            for group in words.chunks(ci) {
                self.silent = self.silent.plus(u64::from(group.iter().all(|word| !word)), 1);
                group
                    .iter()
                    .enumerate()
                    .for_each(|(slot, &word)| loads[pixel * ci + slot] += u64::from(word));
            }
        }
        let mut slots = vec![0u64; ci];
        for row in 0..out_h {
            for column in 0..out_w {
                let mut pixel = vec![0u64; ci];
                let inside = |at: usize, size: usize| {
                    let taps =
                        (0..layer.k).filter_map(move |tap| (at * layer.stride + tap).checked_sub(layer.pad));
                    taps.filter(move |&v| v < size)
                };
                for y in inside(row, h) {
                    for x in inside(column, w) {
                        let at = (y * w + x) * ci;
                        pixel.iter_mut().zip(&loads[at..at + ci]).for_each(|(sum, n)| *sum += n);
                        self.dense += channels.div_ceil(ci) as u64;
                    }
                }
                self.waiting += pixel.iter().copied().max().unwrap_or(0);
                slots.iter_mut().zip(&pixel).for_each(|(sum, n)| *sum += n);
            }
        }
        self.elastic += slots.into_iter().max().unwrap_or(0);
    }
}

impl Codes {
    fn new(name: &str, values: impl Iterator<Item = i32>) -> Self {
        let mut found = Codes { name: name.to_owned(), ..Self::default() };
        let mut counts = [0u64; 256];
        values.for_each(|v| counts[v.unsigned_abs().min(255) as usize] += 1);
        let all: u64 = counts.iter().sum();
        let share = |zero: &dyn Fn(usize) -> bool| Share {
            n: (0..256).filter(|&v| zero(v)).map(|v| counts[v]).sum(),
            of: all,
        };
        found.zero = share(&|v| v == 0);
        found.zero_nibbles = [15, 240].map(|nibble| share(&|v| v & nibble == 0));
        found.zero_bits = std::array::from_fn(|bit| share(&|v| v >> bit & 1 == 0));
        found
    }

    fn merge(&mut self, other: &Self) {
        let own = self.zero_bits.iter_mut().chain(&mut self.zero_nibbles).chain([&mut self.zero]);
        let others = other.zero_bits.iter().chain(&other.zero_nibbles).chain([&other.zero]);
        own.zip(others).for_each(|(a, b)| *a = Share { n: a.n + b.n, of: a.of + b.of });
    }
}
