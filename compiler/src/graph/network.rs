//! A network as a list of nodes.

use super::{MapShape, Op, Origin};

pub use spikegate_contract::network::{FireRule, Reset};

/// Added to every running variance before the square root, unless the constants say otherwise (PyTorch's `BatchNorm2d`
/// default).
pub const BN_EPSILON: f64 = 1e-5;

/// The leaky integrate-and-fire neuron, the same for every population of a network:
/// `u = 2^-leak_shift * rest + x`, `s = u > threshold`, where rest is u of the timestep before, and behind a spike 0 or
/// `u - threshold`; u and s zero before the first timestep.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Neuron {
    /// `k` of the leak `2^-k`, 0 (no leak) to 15.
    pub leak_shift: u8,
    /// Firing level, positive.
    pub threshold: f64,
    /// Whether equality fires: not in the authors' networks.
    pub fire: FireRule,
    /// What a spike leaves of the membrane.
    pub reset: Reset,
}

impl Neuron {
    /// Whether a membrane `u` fires, in the units of the float network.
    pub fn fires(&self, u: f64) -> bool {
        match self.fire {
            FireRule::Gt => u > self.threshold,
            FireRule::Ge => u >= self.threshold,
        }
    }

    /// What a spike leaves of a membrane `u`.
    pub fn rest(&self, u: f64) -> f64 {
        match self.reset {
            Reset::Zero => 0.0,
            Reset::Subtract => u - self.threshold,
        }
    }

    /// The factor on the membrane per timestep, `2^-leak_shift`.
    pub fn leak(&self) -> f64 {
        2f64.powi(-i32::from(self.leak_shift))
    }
}

/// Place of a node in [`Network::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub usize);

/// One operation and the tensor that it makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Name of the tensor, unique in the network.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// What it is computed from, in the order that the operation says; all stand before this node.
    pub inputs: Vec<NodeId>,
}

/// A whole float network.
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    /// Where it came from.
    pub origin: Origin,
    /// Image extents; pixels are bytes.
    pub input: MapShape,
    /// Timesteps per image.
    pub timesteps: usize,
    /// The neuron of every population.
    pub neuron: Neuron,
    /// Every node stands behind its inputs; the first is the only [`Op::Input`], the last is [`Op::Linear`].
    pub nodes: Vec<Node>,
}

impl Network {
    /// Adds a node behind all others.
    pub fn push(&mut self, name: impl Into<String>, op: Op, inputs: &[NodeId]) -> NodeId {
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec() });
        NodeId(self.nodes.len() - 1)
    }

    /// The node at a place.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// All nodes with their places, each behind its inputs.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (NodeId(at), node))
    }

    /// The nodes that read a node.
    pub fn readers(&self, id: NodeId) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(move |node| node.inputs.contains(&id))
    }

    /// A node by its name, for messages and tests; nothing that is computed looks a node up by name.
    pub fn find(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// As [`Network::find`], to be changed.
    pub fn find_mut(&mut self, name: &str) -> Option<&mut Node> {
        self.nodes.iter_mut().find(|node| node.name == name)
    }

    /// Names of the spikes of every LIF population, in the order they are computed.
    pub fn populations(&self) -> impl Iterator<Item = &str> {
        let populations = self.nodes.iter().filter(|node| matches!(node.op, Op::Lif));
        populations.map(|node| node.name.as_str())
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        match self.nodes.last().map(|node| &node.op) {
            Some(Op::Linear(linear)) => linear.bias.len(),
            _ => 0,
        }
    }
}
