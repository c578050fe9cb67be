//! The integer network: a graph of nodes that the golden model, the RustHDL simulation, the Verilog and a board must all
//! equal, value for value. The float checkpoint is only its source. **The document of record** for every rounding and
//! saturation: this page has the notation and the form, [`Op`] the arithmetic of each operation.
//!
//! Notation: `sat16(v)` clamps to -32768..=32767, `>>` is an arithmetic (floor) shift, and
//! `round(v, s) = s == 0 ? v : (v + (1 << (s - 1))) >> s` (half up).
//!
//! A [`Network`] is a list of nodes in which every node stands behind its inputs. A [`Node`] is one operation; its name is
//! that of the tensor it makes, and nothing else names that tensor: traces, programs, reports and messages use it. Its
//! [`Value`] says what the tensor holds: shape, form (the width of a value, with its sign), and whether there is one map for
//! every timestep or one for the image. All arithmetic is on integers; unused bits do not exist.
//!
//! Networks with Gated Attention Coding (Qiu et al., AAAI-24, vol 38(1) pp 601-610, in the form of the authors' CIFAR code:
//! one image shown T times, so that the stem, the attention convolutions, mean and max are computed once per image) are
//! these nodes:
//!
//! | node | operation | reads |
//! | --- | --- | --- |
//! | `input` | [`Op::Input`] | the image |
//! | `stem.x` | [`Op::Conv`] | `input` |
//! | `stem.xq` | [`Op::Code`], signed 8 bits | `stem.x` |
//! | `stem.spikes` | [`Op::Lif`] | `stem.x` |
//! | `encoder.statistics` | [`Op::Statistics`] | `stem.x` |
//! | `encoder.ta` | [`Op::TemporalAttention`] | `encoder.statistics` |
//! | `encoder.sca1` | [`Op::Conv`] | `stem.xq` |
//! | `encoder.z1` | [`Op::Code`], unsigned 8 bits: the ReLU | `encoder.sca1` |
//! | `encoder.sca` | [`Op::Conv`] | `encoder.z1` |
//! | `gate.y` | [`Op::Gate`] | `encoder.ta`, `encoder.sca`, `stem.spikes` |
//! | `gate.code` | [`Op::Code`], unsigned, the highest bits of the gate: only before a projection | `gate.y` |
//! | `gate.spikes` | [`Op::Lif`] | `gate.y` |
//! | `B.shortcut` | [`Op::Conv`], 1x1, of blocks with a projection | the stream before (`gate.code` in the first block) |
//! | `B.conv1` | [`Op::Conv`] | the spikes before |
//! | `B.conv1.spikes` | [`Op::Lif`] | `B.conv1` |
//! | `B.conv2` | [`Op::Conv`] | `B.conv1.spikes` |
//! | `B.stream` | [`Op::Add`] | `B.conv2`, and `B.shortcut` or the stream before |
//! | `B.spikes` | [`Op::Lif`] | `B.stream` |
//! | `head.counts` | [`Op::Count`] | the last spikes |
//! | `head.logits` | [`Op::Linear`] | `head.counts` |
//!
//! where B is a block such as `layer1.0`. **Direct coding** has `stem.x`, `stem.spikes` and `stem.stream` ([`Op::Repeat`] of
//! `stem.x`), and the first block reads the latter two. **Without the last LIF** the last block has no `B.spikes`, and
//! `head.pooled` ([`Op::Pool`] of the last stream) stands for `head.counts`. The class is the lowest index of the largest
//! logit.
//!
//! Nothing below is bound to that list: what else the operations can be composed to is a network of the contract too, if
//! [`Network::validate`] finds it good.

mod neuron;
mod op;
mod validate;
mod value;

pub use neuron::{FireRule, Neuron, Reset};
pub use op::{Conv, Gate, Linear, Op, Requant, Rounding, TemporalAttention};
pub use validate::Invalid;
pub use value::{Form, Value};

use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Number of entries of the sigmoid table; index `z + 512` for z in -512..=511.
pub const GATE_ENTRIES: usize = 1024;
/// Widest entry of the sigmoid table in bits.
pub const GATE_MAX_BITS: u32 = 12;
/// Planes (bits) of an image code, two's complement.
pub const IMAGE_CODE_BITS: usize = 9;
/// Planes (bits) of an attention operand: Xq (signed) and Z1 (unsigned).
pub const ATTENTION_CODE_BITS: usize = 8;
/// Bits of a convolution sum. The compiler proves from the weights that no sum leaves this range.
pub const ACC_BITS: u32 = 32;
/// Largest attention kernel and largest convolution kernel.
pub const MAX_KERNEL: usize = 8;
/// Most timesteps of a network.
pub const MAX_T: usize = 16;
/// Widths that the weights of a layer may have, in bits.
pub const WEIGHT_BITS: RangeInclusive<u8> = 2..=8;

/// Weights of a width: as many steps below zero as above, and with 8 bits -128 too.
pub fn weight_range(bits: u8) -> RangeInclusive<i8> {
    let high = i8::MAX >> (8 - bits.clamp(2, 8));
    (if bits < 8 { -high } else { i8::MIN })..=high
}

/// Place of a node in [`Network::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub usize);

/// One operation and the tensor that it makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Name of the tensor, unique in the network.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// What it is computed from, in the order that the operation says; all stand before this node.
    pub inputs: Vec<NodeId>,
    /// What comes out.
    pub out: Value,
}

/// The whole integer network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Name for people, usually the model file's stem.
    pub name: String,
    /// Timesteps T, 2..=16.
    pub timesteps: usize,
    /// Neuron constants of every [`Op::Lif`] that has none of its own.
    pub neuron: Neuron,
    /// Every node stands behind its inputs; the first is the only [`Op::Input`], the last the logits.
    pub nodes: Vec<Node>,
}

/// A node with weights, seen with its maps: a convolution, or a linear layer as the 1x1 convolution that it is.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// Its node.
    pub id: NodeId,
    /// Name of the node.
    pub name: &'a str,
    /// What it reads.
    pub input: &'a Value,
    /// What it makes.
    pub output: &'a Value,
    /// Kernel size K (square).
    pub k: usize,
    /// Stride in both directions.
    pub stride: usize,
    /// Zero rows above (and columns left of) the map.
    pub pad: usize,
    /// Width of its weights in bits, see [`weight_range`].
    pub weight_bits: u8,
    /// Weights, index `((o * in_c + i) * k + ky) * k + kx`.
    pub weights: &'a [i8],
    /// One entry per output channel; none of a linear layer.
    pub requant: &'a [Requant],
    /// Bias per output channel; none of a convolution, whose requantisation has it.
    pub bias: &'a [i32],
}

impl Layer<'_> {
    /// Input channels.
    pub fn in_c(&self) -> usize {
        self.input.shape[0]
    }
    /// Input height and width.
    pub fn in_hw(&self) -> [usize; 2] {
        [self.input.shape[1], self.input.shape[2]]
    }
    /// Output channels.
    pub fn out_c(&self) -> usize {
        self.output.shape[0]
    }
    /// Output height and width.
    pub fn out_hw(&self) -> [usize; 2] {
        [self.output.shape[1], self.output.shape[2]]
    }
    /// The one place that flattens a weight index.
    pub fn weight_index(&self, o: usize, i: usize, ky: usize, kx: usize) -> usize {
        ((o * self.in_c() + i) * self.k + ky) * self.k + kx
    }
    /// Multiply-accumulates or synaptic operations of one evaluation (one timestep), padded taps included.
    pub fn dense_ops(&self) -> u64 {
        (self.weights.len() * self.output.shape[1] * self.output.shape[2]) as u64
    }
}

impl Network {
    /// The node at a place.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// The first input of a node: what an operation with one input reads.
    ///
    /// # Panics
    /// The node has none, which [`Network::validate`] would have said.
    pub fn source(&self, id: NodeId) -> &Node {
        self.node(self.node(id).inputs[0])
    }

    /// All nodes with their places, each behind its inputs.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(at, node)| (NodeId(at), node))
    }

    /// The nodes that read a node.
    pub fn readers(&self, id: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        self.iter().filter(move |(_, node)| node.inputs.contains(&id))
    }

    /// The place of a node by its name, for messages and tests; nothing that is computed looks a node up by name.
    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.name == name).map(NodeId)
    }

    /// A node with weights as a [`Layer`].
    pub fn layer(&self, id: NodeId) -> Option<Layer<'_>> {
        match &self.node(id).op {
            Op::Conv(conv) => Some(self.conv_layer(id, conv)),
            &Op::Linear(Linear { weight_bits, ref weights, ref bias, .. }) => {
                Some(Layer { weight_bits, weights, bias, ..self.bare_layer(id) })
            }
            _ => None,
        }
    }

    /// The convolution of a node as a [`Layer`].
    pub fn conv_layer<'a>(&'a self, id: NodeId, conv: &'a Conv) -> Layer<'a> {
        let &Conv { k, stride, pad, weight_bits, ref weights, ref requant } = conv;
        Layer { k, stride, pad, weight_bits, weights, requant, ..self.bare_layer(id) }
    }

    /// A layer's place and maps.
    fn bare_layer(&self, id: NodeId) -> Layer<'_> {
        let Node { name, out: output, .. } = self.node(id);
        let input = &self.source(id).out;
        let (weights, requant, bias) = (&[][..], &[][..], &[][..]);
        Layer { id, name, input, output, k: 1, stride: 1, pad: 0, weight_bits: 8, weights, requant, bias }
    }

    /// All nodes with weights in their order, which lays out `weights.bin`.
    pub fn layers(&self) -> impl Iterator<Item = Layer<'_>> {
        self.iter().filter_map(|(id, _)| self.layer(id))
    }

    /// The weights of the layers in their order, to be filled in: `weights.bin` holds them, not the network's file.
    pub fn weights_mut(&mut self) -> impl Iterator<Item = &mut Vec<i8>> {
        self.nodes.iter_mut().filter_map(|node| match &mut node.op {
            Op::Conv(Conv { weights, .. }) | Op::Linear(Linear { weights, .. }) => Some(weights),
            _ => None,
        })
    }

    /// Numbers of weights of the layers in their order, by the shapes of their maps; `None` where no product holds one. Of a
    /// network that [`Network::validate`] refuses they may be anything.
    pub fn weight_counts(&self) -> impl Iterator<Item = Option<u128>> + '_ {
        self.nodes.iter().filter_map(|node| {
            let k = match &node.op {
                Op::Conv(conv) => conv.k,
                Op::Linear(_) => 1,
                _ => return None,
            };
            let source = node.inputs.first().and_then(|id| self.nodes.get(id.0));
            let in_c = source.map_or(0, |source| source.out.shape[0]);
            let factors = [node.out.shape[0], in_c, k, k];
            Some(factors.iter().map(|&n| n as u128).try_fold(1, u128::checked_mul))
        })
    }

    /// The constants of a population: its own, or those of the network.
    pub fn neuron(&self, own: Option<Neuron>) -> Neuron {
        own.unwrap_or(self.neuron)
    }

    /// The first population that arrays without [`crate::array::ArrayConfig::neurons`] cannot compute: it resets by subtraction,
    /// or leaks or fires unlike the network's neurons.
    pub fn special_neurons(&self) -> Option<&Node> {
        let plain = Neuron { reset: Reset::Zero, ..self.neuron };
        self.nodes.iter().find(|node| match node.op {
            Op::Lif { neuron, .. } => self.neuron(neuron) != plain,
            _ => false,
        })
    }

    /// Channels, height and width of an image.
    pub fn input_shape(&self) -> [usize; 3] {
        self.nodes.first().map_or([0; 3], |node| node.out.shape)
    }

    /// Number of classes.
    pub fn classes(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.out.shape[0])
    }

    /// Float value of one unit of a logit: see [`Linear::scale`].
    pub fn logit_unit(&self) -> f64 {
        match self.nodes.last().map(|node| &node.op) {
            Some(Op::Linear(linear)) => linear.scale,
            _ => 1.0,
        }
    }

    /// Timesteps of a value: T, or 1 where one map stands for the image.
    pub fn steps(&self, value: &Value) -> usize {
        if value.timed {
            self.timesteps
        } else {
            1
        }
    }

    /// Sizes (timestep, channel, y, x) of a value's tensor.
    pub fn dims(&self, value: &Value) -> [usize; 4] {
        let [c, h, w] = value.shape;
        [self.steps(value), c, h, w]
    }

    /// Dense synaptic operations of one image: all taps of the convolutions that read spikes, padded ones included, times
    /// T.
    pub fn dense_sops(&self) -> u64 {
        let spiking = self.layers().filter(|layer| layer.input.form == Form::Spikes);
        spiking.map(|layer| layer.dense_ops() * self.timesteps as u64).sum()
    }
}
