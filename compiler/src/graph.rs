//! The checked float network: what a trained checkpoint means, node by node.
//!
//! Data in: weights and constants from [`crate::import`]. Data out: [`Network`], read by the float interpreter
//! ([`crate::float`]), by the quantiser and by `spikegate inspect` (through [`Network::summary`]). Nothing is folded here:
//! batch norm stays beside its convolution, as trained.
//!
//! A node makes one tensor and names it; the integer network has the same names, and of the nodes that it adds (codes,
//! statistics) the float network needs none. Networks with Gated Attention Coding (Qiu et al., "Gated Attention Coding for
//! Training High-performance and Efficient Spiking Neural Networks", AAAI-24, and the authors' CIFAR code) are these:
//!
//! | node | operation | reads |
//! | --- | --- | --- |
//! | `input` | [`Op::Input`] | the image |
//! | `stem.x` | [`Op::Conv`] | `input` |
//! | `stem.spikes` | [`Op::Lif`] | `stem.x` |
//! | `encoder.ta` | [`Op::TemporalAttention`] | `stem.x` |
//! | `encoder.sca1` | [`Op::Conv`] | `stem.x` |
//! | `encoder.z1` | [`Op::Relu`] | `encoder.sca1` |
//! | `encoder.sca` | [`Op::Conv`] | `encoder.z1` |
//! | `gate.y` | [`Op::Gate`] | `encoder.ta`, `encoder.sca`, `stem.spikes` |
//! | `gate.spikes` | [`Op::Lif`] | `gate.y` |
//! | `B.shortcut` | [`Op::Conv`], of blocks with a projection | the stream before |
//! | `B.conv1`, `B.conv1.spikes` | [`Op::Conv`], [`Op::Lif`] | the spikes before |
//! | `B.conv2` | [`Op::Conv`] | `B.conv1.spikes` |
//! | `B.stream` | [`Op::Add`] | `B.conv2`, and `B.shortcut` or the stream before |
//! | `B.spikes` | [`Op::Lif`] | `B.stream` |
//! | `head.counts` | [`Op::Mean`] | the last spikes |
//! | `head.logits` | [`Op::Linear`] | `head.counts` |
//!
//! where B is a block such as `layer1.0`. Direct coding has `stem.stream` ([`Op::Repeat`] of `stem.x`) in place of encoder and
//! gate; without the last LIF `head.pooled`, the mean of the last stream, stands for `head.counts`.
//!
//! Every type here has public fields, so that a pass may rewrite a network; [`Network::check`] says whether the result
//! still fits together, and everything that computes with a network calls it first.

mod check;
mod error;
mod network;
mod op;
mod origin;
mod shape;
mod summary;
mod value;

pub use error::GraphError;
pub use network::{FireRule, Network, Neuron, Node, NodeId, Reset, BN_EPSILON};
pub use op::{BatchNorm, Conv, Linear, Op, Padding, Steps, TemporalAttention};
pub use origin::{Assumption, Origin};
pub use summary::{InputKind, Layer, LayerKind, Summary};
pub use value::{MapShape, Value};

impl Network {
    /// What every node makes: whether the nodes fit together, whatever numbers they hold.
    ///
    /// # Errors
    /// The first node that does not fit to what it reads, with what was expected.
    pub fn values(&self) -> Result<Vec<Value>, GraphError> {
        shape::values(self)
    }

    /// Whether all parts fit together: constants, order, extents, padding, lengths, finite numbers.
    ///
    /// # Errors
    /// The first thing that does not, with what was expected.
    pub fn check(&self) -> Result<Vec<Value>, GraphError> {
        self.check_constants()?;
        let values = self.values()?;
        self.nodes.iter().try_for_each(check::numbers)?;
        Ok(values)
    }

    /// Whether the constants are in their ranges; part of [`Network::check`], which needs no weights.
    ///
    /// # Errors
    /// The first that is not, with what was expected.
    pub fn check_constants(&self) -> Result<(), GraphError> {
        check::constants(self)
    }

    /// Nodes with shapes, parameter counts and work per image, for people and for JSON.
    ///
    /// # Errors
    /// The network does not pass [`Network::check`].
    pub fn summary(&self) -> Result<Summary, GraphError> {
        Ok(summary::of(self, &self.check()?))
    }
}
