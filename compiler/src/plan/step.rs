//! A step: the nodes that one instruction computes, what they read and what they make.

use spikegate_contract::network::{Network, Neuron, NodeId, Reset};

/// One instruction before it has places and counts. (A pooling takes one instruction a channel group.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The node that it is named after: its convolution, pooling, linear layer or temporal attention.
    pub node: NodeId,
    /// All nodes that it computes, this one first.
    pub nodes: Vec<NodeId>,
    /// When it runs.
    pub phase: Phase,
    /// What it does.
    pub does: Does,
    /// The stream that it adds.
    pub residual: Option<NodeId>,
    /// The gate between the sum and what follows.
    pub gate: Option<Gated>,
    /// Sum and maximum are taken.
    pub statistics: bool,
    /// The code that it makes.
    pub code: Option<NodeId>,
    /// The stream that it makes for other steps.
    pub stream: Option<NodeId>,
    /// Neurons.
    pub neurons: Option<Neurons>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Does {
    /// A convolution or a linear layer.
    Layer(Operand),
    /// The sum over a map: of the stream that this node is.
    Pool(NodeId),
    /// Statistics become attention.
    Temporal,
}

/// When a step runs, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    /// For one image after the other, as what it reads is one image's.
    Image,
    /// For all images of a batch.
    Batch,
    /// For one image after the other, with its result.
    Result,
}

/// The gate of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gated {
    /// Its node.
    pub node: NodeId,
    /// The temporal attention.
    pub attention: NodeId,
    /// The spikes that it lets through.
    pub spikes: NodeId,
}

/// The neurons of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Neurons {
    /// Their node.
    pub node: NodeId,
    /// Their threshold.
    pub threshold: i16,
    /// Their constants, as the instruction has them.
    pub own: Own,
    /// Other steps read the spikes.
    pub kept: bool,
    /// The node that counts them.
    pub counts: Option<NodeId>,
}

/// Constants of a step's neurons as they differ from the global ones; all zero where they do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Own {
    /// Field `leak_flip`.
    pub leak_flip: u32,
    /// Field `fire_flip`.
    pub fire_flip: u32,
    /// Field `subtracts`.
    pub subtracts: u32,
}

impl Own {
    /// Those of a population of the network.
    pub fn of(net: &Network, own: Option<Neuron>) -> Own {
        let (all, this) = (net.neuron, net.neuron(own));
        Own {
            leak_flip: u32::from(all.leak_shift ^ this.leak_shift),
            fire_flip: u32::from(all.fire != this.fire),
            subtracts: u32::from(this.reset == Reset::Subtract),
        }
    }
}

/// What a layer reads: the tensor that a memory holds, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// Patches of the image.
    Image,
    /// An untimed code.
    Code { node: NodeId, signed: bool },
    /// Spikes.
    Spikes { node: NodeId },
    /// Planes of a timed stream: `planes` of them above `below` that are not read.
    Stream { node: NodeId, planes: u8, below: u8, signed: bool },
    /// Requantised sums in lane 0, s16, one pixel, of one image of the batch.
    Pooled { node: NodeId },
    /// Spike counts in lane 0, one pixel, of one image of the batch.
    Counts { node: NodeId, bits: u32 },
}

impl Operand {
    /// The tensor; none where it is the image.
    pub fn node(self) -> Option<NodeId> {
        match self {
            Operand::Image => None,
            Operand::Code { node, .. }
            | Operand::Spikes { node }
            | Operand::Stream { node, .. }
            | Operand::Pooled { node }
            | Operand::Counts { node, .. } => Some(node),
        }
    }
}

impl Step {
    pub fn new(node: NodeId, phase: Phase, does: Does) -> Step {
        let (residual, gate, code, stream, neurons) = Default::default();
        let nodes = vec![node];
        Step { node, nodes, phase, does, residual, gate, statistics: false, code, stream, neurons }
    }

    /// The operand of a layer.
    pub fn operand(&self) -> Option<Operand> {
        match self.does {
            Does::Layer(operand) => Some(operand),
            Does::Pool(_) | Does::Temporal => None,
        }
    }

    /// The map that it reads, sums over or turns into attention, besides a residual and what a gate reads.
    pub fn map(&self) -> Option<NodeId> {
        match self.does {
            Does::Layer(operand) => operand.node(),
            Does::Pool(node) => Some(node),
            Does::Temporal => None,
        }
    }
}
