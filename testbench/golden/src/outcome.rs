//! What one image gives.

use std::fmt;

/// Class, logits and the counters of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Lowest index of the largest logit.
    pub class: usize,
    /// Logits, s32, one per class.
    pub logits: Vec<i32>,
    /// Spikes of the last block per channel, over T, H and W; none without the last LIF.
    pub counts: Vec<i64>,
    /// Values that were clamped, per kind and layer, in execution order.
    pub saturations: Saturations,
    /// Spikes per LIF population, in execution order.
    pub spikes: Vec<Population>,
}

/// Spikes of one LIF population in one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Population {
    /// Name of its spike tensor, such as `stem.spikes` or `layer1.0.conv1.spikes`.
    pub name: String,
    /// Spikes.
    pub spikes: u64,
    /// Neurons times timesteps: the most spikes there could be.
    pub of: u64,
}

/// What was clamped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SaturationKind {
    /// The sat16 of a requantisation; layer: the convolution's name, or `head.pooled`.
    Requantise,
    /// Xq, below -128 or above 127; layer: the stem convolution's name.
    Xq,
    /// `TA[t]`; layer: `encoder.ta`.
    Ta,
    /// Z1 above 255 (values below zero are the ReLU, not a saturation); layer: the name of sca1.
    Z1Top,
    /// The gate argument z; layer: `encoder.z`.
    Z,
    /// Main path plus shortcut; layer: the block's name.
    Residual,
    /// The membrane v + x of a LIF; layer: the name of its spike tensor.
    LifAdd,
}

impl fmt::Display for SaturationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requantise => "requantise",
            Self::Xq => "xq",
            Self::Ta => "ta",
            Self::Z1Top => "z1",
            Self::Z => "z",
            Self::Residual => "residual",
            Self::LifAdd => "lif",
        })
    }
}

/// Clamped values of one kind in one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saturation {
    /// What was clamped.
    pub kind: SaturationKind,
    /// Where.
    pub layer: String,
    /// Values that the clamp changed. A value that lies on the limit by itself does not count.
    pub saturated: u64,
    /// Values that passed the clamp.
    pub of: u64,
}

/// Clamped values of one image. Places where nothing was clamped are listed with 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saturations(pub Vec<Saturation>);

impl Saturations {
    /// All clamped values.
    pub fn total(&self) -> u64 {
        self.0.iter().map(|s| s.saturated).sum()
    }
    /// Clamped values of one kind in one layer; 0 for a pair that does not occur.
    pub fn of(&self, kind: SaturationKind, layer: &str) -> u64 {
        self.0.iter().filter(|s| s.kind == kind && s.layer == layer).map(|s| s.saturated).sum()
    }
    /// Adds the counts of another image of the same network.
    pub fn add(&mut self, other: &Self) {
        for o in &other.0 {
            match self.0.iter_mut().find(|s| s.kind == o.kind && s.layer == o.layer) {
                Some(s) => (s.saturated, s.of) = (s.saturated + o.saturated, s.of + o.of),
                None => self.0.push(o.clone()),
            }
        }
    }
}
