//! Nodes with neutral numbers: all weights 0, all lists of the right length.

use spikegate_contract::network::{
    Conv, Form, Gate, Linear, Network, Neuron, Node, NodeId, Op, Requant, Rounding, TemporalAttention, Value,
    GATE_ENTRIES,
};

/// Requantisation by one half.
const NEUTRAL: Requant = Requant { m: 1, b: 0, s: 1 };

/// A network that grows node by node.
pub(super) struct Builder {
    net: Network,
    /// Weight widths of the layers in their order, over and over.
    widths: Vec<u8>,
}

impl Builder {
    /// The network's input.
    pub(super) fn new(shape: [usize; 3], timesteps: usize, neuron: Neuron, weight_bits: &[u8]) -> Self {
        let name = "random".to_owned();
        let net = Network { name, timesteps, neuron, nodes: Vec::new() };
        let mut new = Self { net, widths: weight_bits.to_vec() };
        let input = Op::Input { offset: vec![0; shape[0]] };
        new.push("input", input, &[], Value::still(shape, Form::Code { bits: 9, signed: true }));
        new
    }

    /// The network.
    pub(super) fn finish(self) -> Network {
        self.net
    }

    /// Nodes so far.
    pub(super) fn nodes(&self) -> &[Node] {
        &self.net.nodes
    }

    /// What a node makes.
    pub(super) fn out(&self, id: NodeId) -> &Value {
        &self.net.node(id).out
    }

    fn shape(&self, id: NodeId) -> [usize; 3] {
        self.out(id).shape
    }

    /// Of the next layer.
    fn weight_bits(&self) -> u8 {
        self.widths.iter().copied().cycle().nth(self.net.layers().count()).unwrap_or(8)
    }

    fn push(&mut self, name: &str, op: Op, inputs: &[NodeId], out: Value) -> NodeId {
        self.net.nodes.push(Node { name: name.to_owned(), op, inputs: inputs.to_vec(), out });
        NodeId(self.net.nodes.len() - 1)
    }

    /// A convolution whose output has `ceil(size / stride)` rows and columns.
    pub(super) fn conv(
        &mut self,
        name: &str,
        x: NodeId,
        out_c: usize,
        k: usize,
        stride: usize,
        pad: usize,
    ) -> NodeId {
        let [_, h, w] = self.shape(x);
        self.conv_to(name, x, [out_c, h.div_ceil(stride), w.div_ceil(stride)], k, stride, pad)
    }

    /// A convolution with an output of a shape.
    pub(super) fn conv_to(
        &mut self,
        name: &str,
        x: NodeId,
        shape: [usize; 3],
        k: usize,
        stride: usize,
        pad: usize,
    ) -> NodeId {
        let weights = vec![0; shape[0] * self.shape(x)[0] * k * k];
        let conv = Conv {
            k,
            stride,
            pad,
            weight_bits: self.weight_bits(),
            weights,
            requant: vec![NEUTRAL; shape[0]],
        };
        self.like(name, Op::Conv(conv), x, shape, Form::Stream)
    }

    /// A map of another shape and form, timed as `x` is.
    fn like(&mut self, name: &str, op: Op, x: NodeId, shape: [usize; 3], form: Form) -> NodeId {
        let timed = self.out(x).timed;
        self.push(name, op, &[x], Value { timed, ..Value::still(shape, form) })
    }

    /// A code.
    pub(super) fn code(
        &mut self,
        name: &str,
        x: NodeId,
        form: Form,
        rounding: Rounding,
        shift: u8,
    ) -> NodeId {
        self.like(name, Op::Code { shift, rounding }, x, self.shape(x), form)
    }

    /// Neurons of the network's constants.
    pub(super) fn lif(&mut self, name: &str, x: NodeId) -> NodeId {
        let out = Value::timed(self.shape(x), Form::Spikes);
        self.push(name, Op::Lif { threshold: 1, neuron: None }, &[x], out)
    }

    /// Sum and maximum.
    pub(super) fn statistics(&mut self, name: &str, x: NodeId) -> NodeId {
        self.push(name, Op::Statistics, &[x], Value::still([2, 1, 1], Form::Statistics))
    }

    /// Temporal attention.
    pub(super) fn temporal(&mut self, name: &str, statistics: NodeId) -> NodeId {
        let list = || vec![0; self.net.timesteps];
        let constants = TemporalAttention {
            mean_pos: list(),
            mean_neg: list(),
            max_pos: list(),
            max_neg: list(),
            max_align: 0,
            ta_shift: 0,
        };
        let out = Value::timed([1, 1, 1], Form::Stream);
        self.push(name, Op::TemporalAttention(constants), &[statistics], out)
    }

    /// A gate whose table has at least so many bits.
    pub(super) fn gate(&mut self, name: &str, inputs: [NodeId; 3], bits: u8) -> NodeId {
        let gate = Gate { z_shift: 0, table: vec![0; GATE_ENTRIES], table_bits: bits, y_shift: 0 };
        let out = Value::timed(self.shape(inputs[2]), Form::Stream);
        self.push(name, Op::Gate(gate), &inputs, out)
    }

    /// The same map at every timestep.
    pub(super) fn repeat(&mut self, name: &str, x: NodeId) -> NodeId {
        let out = Value::timed(self.shape(x), Form::Stream);
        self.push(name, Op::Repeat, &[x], out)
    }

    /// A sum.
    pub(super) fn add(&mut self, name: &str, a: NodeId, b: NodeId) -> NodeId {
        let out = Value::timed(self.shape(a), Form::Stream);
        self.push(name, Op::Add, &[a, b], out)
    }

    /// Spike counts.
    pub(super) fn count(&mut self, name: &str, x: NodeId) -> NodeId {
        let [c, h, w] = self.shape(x);
        let largest = (self.net.timesteps * h * w) as u32;
        self.push(name, Op::Count, &[x], Value::still([c, 1, 1], Form::Counts { largest }))
    }

    /// Requantised sums.
    pub(super) fn pool(&mut self, name: &str, x: NodeId) -> NodeId {
        let [c, ..] = self.shape(x);
        let requant = vec![NEUTRAL; c];
        self.push(name, Op::Pool { requant }, &[x], Value::still([c, 1, 1], Form::Stream))
    }

    /// The logits.
    pub(super) fn linear(&mut self, name: &str, x: NodeId, classes: usize) -> NodeId {
        let weights = vec![0; classes * self.shape(x)[0]];
        let linear = Linear { weight_bits: self.weight_bits(), weights, bias: vec![0; classes], scale: 1.0 };
        self.push(name, Op::Linear(linear), &[x], Value::still([classes, 1, 1], Form::Logits))
    }
}
