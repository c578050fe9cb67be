//! What one image gives.

use spikegate_contract::network::{Form, Network, Node, Op};
use std::fmt;

use crate::arith::Clamp;

/// Class, logits and the counters of one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Lowest index of the largest logit.
    pub class: usize,
    /// Logits, s32, one per class.
    pub logits: Vec<i32>,
    /// Spikes per channel, over T, H and W, of which the logits are made; none where they are made of a stream.
    pub counts: Vec<i64>,
    /// Values that were clamped, for every node that clamps, in the order of the nodes.
    pub saturations: Saturations,
    /// Spikes of every LIF, in the order of the nodes.
    pub spikes: Vec<Population>,
}

/// Spikes of one LIF in one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Population {
    /// Name of its node, such as `stem.spikes` or `layer1.0.conv1.spikes`.
    pub name: String,
    /// Spikes.
    pub spikes: u64,
    /// Neurons times timesteps: the most spikes there could be.
    pub of: u64,
}

/// What was clamped: one kind an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SaturationKind {
    /// The sat16 of a requantisation: convolutions and pooling.
    Requantise,
    /// A code outside its bits; values below zero of an unsigned code are the ReLU, not a saturation.
    Code,
    /// `TA[t]` of a temporal attention.
    Ta,
    /// The argument z of a gate.
    Z,
    /// The sum of two streams.
    Add,
    /// The membrane v + x of a LIF.
    Lif,
}

impl SaturationKind {
    /// What an operation clamps; none where it clamps nothing.
    pub(crate) fn of(op: &Op) -> Option<Self> {
        match op {
            Op::Conv(_) | Op::Pool { .. } => Some(Self::Requantise),
            Op::Code { .. } => Some(Self::Code),
            Op::TemporalAttention(_) => Some(Self::Ta),
            Op::Gate(_) => Some(Self::Z),
            Op::Add => Some(Self::Add),
            Op::Lif { .. } => Some(Self::Lif),
            Op::Input { .. } | Op::Statistics | Op::Repeat | Op::Count | Op::Linear(_) => None,
        }
    }
}

impl fmt::Display for SaturationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Requantise => "requantise",
            Self::Code => "code",
            Self::Ta => "ta",
            Self::Z => "z",
            Self::Add => "add",
            Self::Lif => "lif",
        })
    }
}

/// Clamped values of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saturation {
    /// What was clamped.
    pub kind: SaturationKind,
    /// Name of the node.
    pub layer: String,
    /// Values that the clamp changed. A value that lies on the limit by itself does not count.
    pub saturated: u64,
    /// Values that passed the clamp.
    pub of: u64,
}

/// Clamped values of one image. Nodes where nothing was clamped are listed with 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saturations(pub Vec<Saturation>);

/// What is counted while an image runs.
#[derive(Default)]
pub(crate) struct Counters {
    saturations: Saturations,
    populations: Vec<Population>,
}

impl Counters {
    /// Notes what a node clamped, and the spikes that it fired if it is a LIF.
    pub(crate) fn note(&mut self, node: &Node, clamp: Clamp, spikes: impl FnOnce() -> u64) {
        let Some(kind) = SaturationKind::of(&node.op) else { return };
        let Clamp { saturated, of } = clamp;
        self.saturations.0.push(Saturation { kind, layer: node.name.clone(), saturated, of });
        if kind == SaturationKind::Lif {
            // Every neuron's membrane is clamped at every timestep.
            self.populations.push(Population { name: node.name.clone(), spikes: spikes(), of });
        }
    }

    /// The outcome of the image, with its logits and what they are made of.
    pub(crate) fn outcome(self, net: &Network, read: Vec<i64>, logits: &[i64]) -> Outcome {
        // The logits fit 32 bits: they were refused otherwise.
        let logits: Vec<i32> = logits.iter().map(|&v| v as i32).collect();
        let counted = net.nodes.last().is_some_and(|last| {
            let source = last.inputs.first().map(|&id| net.node(id).out.form);
            matches!(source, Some(Form::Counts { .. }))
        });
        Outcome {
            class: argmax(&logits),
            logits,
            counts: if counted { read } else { Vec::new() },
            saturations: self.saturations,
            spikes: self.populations,
        }
    }
}

/// Lowest index of the maximum.
pub(crate) fn argmax(logits: &[i32]) -> usize {
    let mut best = 0;
    for k in 1..logits.len() {
        if logits[k] > logits[best] {
            best = k;
        }
    }
    best
}

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
