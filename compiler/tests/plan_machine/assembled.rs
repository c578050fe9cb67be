//! Random networks of what the core can compute, bound to no other form: steps that read any spikes or stream before them.

use spikegate_contract::network::{
    Conv, FireRule, Form, Gate, Linear, Network, Neuron, Node, NodeId, Op, Requant, Reset, Rounding,
    TemporalAttention, Value,
};
use spikegate_golden::random::Rng;

struct Assembly<'a> {
    net: Network,
    rng: &'a mut Rng,
    /// Channels of maps: few sizes, so that maps are alike and can be added.
    channels: [usize; 2],
    /// What later steps may read.
    spikes: Vec<NodeId>,
    streams: Vec<NodeId>,
}

/// A network of up to 7x7 pixels, 6 timesteps and 8 convolutions; all of its nodes are read.
pub fn assembled(rng: &mut Rng) -> Network {
    let image = [rng.size(1, 3), rng.size(3, 7), rng.size(3, 7)];
    let neuron = neuron(rng);
    let (timesteps, nodes) = (rng.size(2, 6), Vec::new());
    let net = Network { name: "assembled".to_owned(), timesteps, neuron, nodes };
    let channels = [rng.size(1, 9), rng.size(1, 9)];
    let mut a = Assembly { net, rng, channels, spikes: Vec::new(), streams: Vec::new() };
    let form = Form::Code { bits: 9, signed: true };
    let input = a.push(Op::Input { offset: vec![128; image[0]] }, &[], Value::still(image, form));
    let stem = a.conv(input, 3, 1, 40);
    if a.rng.chance(1, 2) {
        a.gated(stem);
    } else {
        a.neurons(stem);
        let repeat = Value { timed: true, ..a.out(stem) };
        let repeat = a.push(Op::Repeat, &[stem], repeat);
        a.streams.push(repeat);
    }
    for _ in 0..a.rng.size(1, 6) {
        a.step();
    }
    a.end();
    pruned(a.net)
}

fn neuron(rng: &mut Rng) -> Neuron {
    Neuron {
        leak_shift: rng.size(0, 3) as u8,
        fire: rng.pick(&[FireRule::Gt, FireRule::Ge]),
        reset: rng.pick(&[Reset::Zero, Reset::Subtract]),
    }
}

impl Assembly<'_> {
    fn push(&mut self, op: Op, inputs: &[NodeId], out: Value) -> NodeId {
        let name = format!("{}.{}", op.name(), self.net.nodes.len());
        self.net.nodes.push(Node { name, op, inputs: inputs.to_vec(), out });
        NodeId(self.net.nodes.len() - 1)
    }
    fn out(&self, id: NodeId) -> Value {
        self.net.node(id).out.clone()
    }
    /// Values of which some hundreds are usual.
    fn conv(&mut self, x: NodeId, k: usize, stride: usize, gain: i64) -> NodeId {
        let Value { shape: [in_c, h, w], timed, .. } = self.out(x);
        let out_c = self.channels[self.rng.size(0, 1)];
        let weights = (0..out_c * in_c * k * k).map(|_| self.rng.range(-40, 60) as i8).collect();
        let requant =
            |rng: &mut Rng| Requant { m: rng.range(1, 2 * gain) as i16, b: rng.range(-4000, 9000), s: 7 };
        let requant = (0..out_c).map(|_| requant(self.rng)).collect();
        let shape = [out_c, h.div_ceil(stride), w.div_ceil(stride)];
        let out = Value { timed, ..Value::still(shape, Form::Stream) };
        self.push(Op::Conv(Conv { k, stride, pad: (k - 1) / 2, weight_bits: 8, weights, requant }), &[x], out)
    }
    fn neurons(&mut self, x: NodeId) {
        let threshold = self.rng.range(1, 900) as i16;
        let own = self.rng.chance(1, 3).then(|| neuron(self.rng));
        let out = Value::timed(self.out(x).shape, Form::Spikes);
        let spikes = self.push(Op::Lif { threshold, neuron: own }, &[x], out);
        self.spikes.push(spikes);
    }
    /// Two convolutions of codes as wide as the stem, attention, and the gate.
    fn gated(&mut self, stem: NodeId) {
        let map = self.out(stem).shape;
        self.channels = [map[0]; 2];
        let code = |signed| Value::still(map, Form::Code { bits: 8, signed });
        let xq = self.push(Op::Code { shift: 2, rounding: Rounding::HalfUp }, &[stem], code(true));
        self.neurons(stem);
        let statistics = self.push(Op::Statistics, &[stem], Value::still([2, 1, 1], Form::Statistics));
        let t = self.net.timesteps;
        let list = |rng: &mut Rng| (0..t).map(|_| rng.range(-900, 900) as i32).collect();
        let temporal = TemporalAttention {
            mean_pos: list(self.rng),
            mean_neg: list(self.rng),
            max_pos: list(self.rng),
            max_neg: list(self.rng),
            max_align: 4,
            ta_shift: 12,
        };
        let out = Value::timed([1, 1, 1], Form::Stream);
        let ta = self.push(Op::TemporalAttention(temporal), &[statistics], out);
        let sca1 = self.conv(xq, 3, 1, 2);
        let z1 = self.push(Op::Code { shift: 0, rounding: Rounding::HalfUp }, &[sca1], code(false));
        let sca = self.conv(z1, 2, 1, 2);
        let table = (0..1024).map(|_| self.rng.range(0, 1023) as u16).collect();
        let gate = Gate { z_shift: 8, table, table_bits: 10, y_shift: 3 };
        let spikes = self.spikes.pop().unwrap();
        let y = self.push(Op::Gate(gate), &[ta, sca, spikes], Value::timed(map, Form::Stream));
        self.neurons(y);
        self.streams.push(y);
        if self.rng.chance(1, 2) {
            let form = Form::Code { bits: 9, signed: false };
            let code = Op::Code { shift: 4, rounding: Rounding::Floor };
            let code = self.push(code, &[y], Value::timed(map, form));
            let projected = self.conv(code, 1, 1, 2);
            self.streams.push(projected);
        }
        self.channels = [map[0], self.rng.size(1, 9)];
    }
    /// A convolution, perhaps with a residual, and what is made of it.
    fn step(&mut self) {
        let of_stream = self.rng.chance(1, 4) && !self.streams.is_empty();
        let from = if of_stream { &self.streams } else { &self.spikes };
        let x = from[self.rng.size(0, from.len() - 1)];
        let (k, stride) = self.rng.pick(&[(3, 1), (3, 1), (1, 1), (3, 2), (1, 2), (2, 1)]);
        let mut value = self.conv(x, k, stride, if of_stream { 1 } else { 200 });
        let out = self.out(value);
        let alike = self.streams.iter().copied().filter(|&id| self.out(id).shape == out.shape);
        let alike: Vec<NodeId> = alike.collect();
        if !alike.is_empty() && self.rng.chance(2, 3) {
            let other = self.rng.pick(&alike);
            let inputs = if self.rng.chance(1, 2) { [value, other] } else { [other, value] };
            value = self.push(Op::Add, &inputs, out);
        }
        if self.rng.chance(3, 4) {
            self.neurons(value);
        }
        self.streams.push(value);
    }
    fn end(&mut self) {
        let stream = *self.streams.last().unwrap();
        let [c, ..] = self.out(stream).shape;
        let (x, c) = if self.rng.chance(1, 3) {
            let requant = vec![Requant { m: 90, b: 0, s: 12 }; c];
            (self.push(Op::Pool { requant }, &[stream], Value::still([c, 1, 1], Form::Stream)), c)
        } else {
            let spikes = *self.spikes.last().unwrap();
            let [c, h, w] = self.out(spikes).shape;
            let largest = (self.net.timesteps * h * w) as u32;
            (self.push(Op::Count, &[spikes], Value::still([c, 1, 1], Form::Counts { largest })), c)
        };
        let weights = (0..3 * c).map(|_| self.rng.range(-9, 9) as i8).collect();
        let linear = Linear { weight_bits: 8, weights, bias: vec![5, -7, 0], scale: 1.0 };
        self.push(Op::Linear(linear), &[x], Value::still([3, 1, 1], Form::Logits));
    }
}

/// The nodes that the logits need.
fn pruned(mut net: Network) -> Network {
    let mut needed = vec![false; net.nodes.len()];
    needed[net.nodes.len() - 1] = true;
    for at in (0..net.nodes.len()).rev().filter(|&at| at > 0) {
        if needed[at] {
            net.nodes[at].inputs.iter().for_each(|input| needed[input.0] = true);
        }
    }
    let place = |id: NodeId| NodeId(needed[..id.0].iter().filter(|&&needed| needed).count());
    for node in &mut net.nodes {
        node.inputs.iter_mut().for_each(|input| *input = place(*input));
    }
    let mut keep = needed.iter();
    net.nodes.retain(|_| *keep.next().unwrap());
    net
}
