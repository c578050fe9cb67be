//! What a random network looks like.

use spikegate_contract::network::{FireRule, Neuron};

use super::neurons::neuron;
use super::Rng;

/// Shape and options of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels, height, width of the image.
    pub input: [usize; 3],
    /// Stem channels.
    pub stem: usize,
    /// Stem kernel and stride; `(kernel - 1) / 2` zeros before the image.
    pub stem_kernel: (usize, usize),
    /// Kernel of both attention convolutions, 1..=8.
    pub k: usize,
    /// Timesteps, 2..=16.
    pub t: usize,
    /// Channels, blocks (at least 1) and stride of each stage; at least one stage.
    pub stages: Vec<(usize, usize, usize)>,
    /// Classes.
    pub classes: usize,
    /// Leak, fire rule and reset.
    pub neuron: Neuron,
    /// Populations with constants of their own, drawn.
    pub own_neurons: bool,
    /// Weight widths of the layers in their order, over and over; none is 8 for all.
    pub weight_bits: Vec<u8>,
    /// 8..=12.
    pub gate_bits: u8,
    /// Direct coding: no encoder.
    pub direct: bool,
    /// Neurons behind the last block; without them its stream is pooled.
    pub last_lif: bool,
    /// Numbers at the ends of their ranges instead of typical ones.
    pub extreme: bool,
}

/// Largest side of a last map that the hardware sums without the last LIF.
pub const LARGEST_POOL: usize = 8;

impl Shape {
    /// The same with neurons behind the last block where its map is too large for the hardware to sum.
    pub fn pooled_within(self) -> Self {
        let strides = [self.stem_kernel.1].into_iter().chain(self.stages.iter().map(|stage| stage.2));
        let side = strides.fold(self.input[1].max(self.input[2]), |side, stride| side.div_ceil(stride));
        Self { last_lif: self.last_lif || side > LARGEST_POOL, ..self }
    }
}

/// The demo network: 1x28x28, stem 16, attention kernel 4, a block of 32 and one of 64 channels, both with stride 2, T = 4.
pub fn demo() -> Shape {
    Shape {
        input: [1, 28, 28],
        stem: 16,
        stem_kernel: (3, 1),
        k: 4,
        t: 4,
        stages: vec![(32, 1, 2), (64, 1, 2)],
        classes: 10,
        neuron: Neuron::new(1, FireRule::Gt),
        own_neurons: false,
        weight_bits: vec![8],
        gate_bits: 8,
        direct: false,
        last_lif: true,
        extreme: false,
    }
}

/// GAC-MS-ResNet-18 for CIFAR at the authors' size: 3x32x32, stem 64, attention kernel 4, three blocks of 128 channels, three
/// of 256 and two of 512, T = 4.
pub fn cifar18() -> Shape {
    Shape { input: [3, 32, 32], stem: 64, stages: vec![(128, 3, 1), (256, 3, 2), (512, 2, 2)], ..demo() }
}

/// A shape of up to 11x11 pixels, 12 channels and 4 blocks. One in five is extreme.
pub fn shape(rng: &mut Rng) -> Shape {
    draw(rng, 11, 12, 2)
}

/// A shape of up to 6x6 pixels, 6 channels and 2 blocks, for slow simulators.
pub fn tiny(rng: &mut Rng) -> Shape {
    draw(rng, 6, 6, 1)
}

/// A shape of up to 19x19 pixels, 70 channels and 6 blocks, for fast engines.
pub fn large(rng: &mut Rng) -> Shape {
    draw(rng, 19, 70, 3)
}

fn draw(rng: &mut Rng, size: usize, channels: usize, stages: usize) -> Shape {
    let stem = rng.size(1, channels);
    let mut previous = stem;
    let stages = (0..rng.size(1, stages)).map(|_| {
        if rng.chance(2, 3) {
            previous = rng.size(1, channels);
        }
        (previous, rng.size(1, 2), rng.size(1, 2))
    });
    Shape {
        stages: stages.collect(),
        input: [rng.size(1, 3), rng.size(3, size), rng.size(3, size)],
        stem,
        stem_kernel: rng.pick(&[(3, 1), (3, 1), (3, 2), (5, 1), (7, 2)]),
        k: rng.size(2, 8),
        t: if rng.chance(3, 4) { rng.size(2, 7) } else { rng.size(8, 16) },
        classes: rng.size(2, 13),
        neuron: neuron(rng),
        own_neurons: rng.chance(1, 4),
        weight_bits: rng.pick(&[&[8][..], &[8, 4, 3], &[4]]).to_vec(),
        gate_bits: rng.size(8, 12) as u8,
        direct: false,
        extreme: rng.chance(1, 5),
        last_lif: rng.chance(2, 3),
    }
    .pooled_within()
}
