//! What a random network looks like.

use spikegate_contract::network::{FireRule, Neuron};

use super::Prng;

/// Blocks of equal channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Output channels.
    pub channels: usize,
    /// Residual blocks, at least 1.
    pub blocks: usize,
    /// Stride of the first block, 1 or 2.
    pub stride: usize,
    /// Whether the first block projects even where an identity would fit. It always projects where not.
    pub project: bool,
}

/// Shape and options of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Channels, height, width of the image.
    pub input: [usize; 3],
    /// Timesteps, 2..=16.
    pub t: usize,
    /// Output channels of the stem.
    pub stem: usize,
    /// Kernel of the stem; padding `k / 2`.
    pub stem_k: usize,
    /// Stride of the stem, 1 or 2.
    pub stem_stride: usize,
    /// Kernel of both spatial attention convolutions, 1..=8.
    pub attention_k: usize,
    /// Stages in order, at least one.
    pub stages: Vec<Stage>,
    /// Classes.
    pub classes: usize,
    /// Leak and fire rule.
    pub neuron: Neuron,
    /// 8 or 4.
    pub weight_bits: u8,
    /// 8..=12.
    pub gate_bits: u8,
}

impl Shape {
    /// The demo network: 1x28x28, stem 16, attention kernel 4, one block of 32 and one of 64 channels, both with
    /// stride 2, T = 4.
    pub fn demo() -> Self {
        let stage = |channels| Stage { channels, blocks: 1, stride: 2, project: true };
        Self {
            input: [1, 28, 28],
            t: 4,
            stem: 16,
            stem_k: 3,
            stem_stride: 1,
            attention_k: 4,
            stages: vec![stage(32), stage(64)],
            classes: 10,
            neuron: Neuron { leak_shift: 1, fire: FireRule::Gt },
            weight_bits: 8,
            gate_bits: 8,
        }
    }
    /// A shape of up to 15x15 pixels, 24 channels and 5 blocks.
    pub fn random(seed: u64) -> Self {
        Self::draw(&mut Prng::new(seed ^ 0x5ba9_e000), 15, 24, 3)
    }
    /// A shape of up to 7x7 pixels, 9 channels and 3 blocks: for slow simulators.
    pub fn tiny(seed: u64) -> Self {
        Self::draw(&mut Prng::new(seed ^ 0x7191_0000), 7, 9, 2)
    }

    fn draw(rng: &mut Prng, size: usize, channels: usize, stages: usize) -> Self {
        let stem = rng.size(1, channels);
        let mut previous = stem;
        let stages = (0..rng.size(1, stages)).map(|_| {
            let channels = if rng.chance(1, 3) { previous } else { rng.size(1, channels) };
            previous = channels;
            let blocks = if rng.chance(1, 3) { 2 } else { 1 };
            Stage { channels, blocks, stride: rng.size(1, 2), project: rng.chance(1, 2) }
        });
        let mut stages: Vec<Stage> = stages.collect();
        while stages.iter().map(|s| s.blocks).sum::<usize>() > 5 {
            stages.pop();
        }
        Self {
            input: [rng.size(1, 3), rng.size(3, size), rng.size(3, size)],
            t: if rng.chance(1, 2) { rng.size(2, 6) } else { rng.size(2, 16) },
            stem,
            stem_k: rng.pick(&[3, 3, 3, 5, 7]),
            stem_stride: if rng.chance(1, 5) { 2 } else { 1 },
            attention_k: rng.size(2, 8),
            stages,
            classes: rng.size(2, 12),
            neuron: Neuron {
                leak_shift: rng.size(0, 3) as u8,
                fire: rng.pick(&[FireRule::Gt, FireRule::Ge]),
            },
            weight_bits: rng.pick(&[8, 8, 4]),
            gate_bits: rng.size(8, 12) as u8,
        }
    }
}
