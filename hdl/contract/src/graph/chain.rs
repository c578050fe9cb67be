//! The chain of layers as nodes, while both forms stand side by side.

use super::{Conv, Form, Gate, Linear, Network, Node, NodeId, Op, Rounding, Value};
use crate::network::{self as chain, ATTENTION_CODE_BITS, IMAGE_CODE_BITS};
use crate::tensor::names;

struct Chain {
    nodes: Vec<Node>,
}

impl Chain {
    fn push(&mut self, name: impl Into<String>, op: Op, inputs: &[NodeId], out: Value) -> NodeId {
        self.nodes.push(Node { name: name.into(), op, inputs: inputs.to_vec(), out });
        NodeId(self.nodes.len() - 1)
    }

    fn shape(&self, id: NodeId) -> [usize; 3] {
        self.nodes[id.0].out.shape
    }

    fn conv(&mut self, name: impl Into<String>, c: &chain::Conv, x: NodeId, frac: Option<i32>) -> NodeId {
        let out = Value {
            shape: [c.out_c, c.out_hw[0], c.out_hw[1]],
            timed: self.nodes[x.0].out.timed,
            form: Form::Stream,
            frac_bits: frac,
        };
        let (k, stride, pad) = (c.k, c.stride, c.pad);
        let conv = Conv { k, stride, pad, weights: c.weights.clone(), requant: c.requant.clone() };
        self.push(name, Op::Conv(conv), &[x], out)
    }

    fn lif(&mut self, name: impl Into<String>, threshold: i16, x: NodeId) -> NodeId {
        let out = Value::timed(self.shape(x), Form::Spikes);
        self.push(name, Op::Lif { threshold }, &[x], out)
    }

    fn encoder(
        &mut self,
        e: &chain::Encoder,
        x: NodeId,
        xq: NodeId,
        spikes: NodeId,
        projects: bool,
    ) -> (NodeId, NodeId, NodeId) {
        let map = self.shape(x);
        let out = Value::still([2, 1, 1], Form::Statistics);
        let statistics = self.push(names::STATISTICS, Op::Statistics, &[x], out);
        let out = Value::timed([1, 1, 1], Form::Stream).with_frac_bits(e.ta_frac_bits);
        let ta = self.push(names::TA, Op::TemporalAttention(e.temporal.clone()), &[statistics], out);
        let sca1 = self.conv("encoder.sca1", &e.sca1, xq, None);
        let z1 = Form::Code { bits: ATTENTION_CODE_BITS as u8, signed: false };
        let relu = Op::Code { shift: 0, rounding: Rounding::HalfUp };
        let z1 = self.push(names::Z1, relu, &[sca1], Value::still(map, z1));
        let sca = self.conv(names::SCA, &e.sca2, z1, Some(e.sca_frac_bits));
        let chain::Gate { z_shift, ref table, table_bits, gate_bits, y_shift, threshold } = e.gate;
        let frac = i32::from(table_bits + y_shift);
        let out = Value::timed(map, Form::Stream).with_frac_bits(frac);
        let gate = Op::Gate(Gate { z_shift, table: table.clone(), table_bits, y_shift });
        let y = self.push(names::GATE_Y, gate, &[ta, sca, spikes], out);
        let mut projected = y;
        if projects {
            let shift = y_shift + table_bits - gate_bits;
            let out = Value::timed(map, Form::Code { bits: gate_bits, signed: false });
            let out = out.with_frac_bits(frac - i32::from(shift));
            projected = self.push("gate.code", Op::Code { shift, rounding: Rounding::Floor }, &[y], out);
        }
        let spikes = self.lif(names::GATE_SPIKES, threshold, y);
        (spikes, y, projected)
    }
}

impl From<&chain::Network> for Network {
    fn from(net: &chain::Network) -> Self {
        let mut c = Chain { nodes: Vec::new() };
        let code = |bits: usize| Form::Code { bits: bits as u8, signed: true };
        let input = Op::Input { offset: net.input.offset.clone() };
        let input = c.push("input", input, &[], Value::still(net.input.shape, code(IMAGE_CODE_BITS)));
        let stem = &net.stem;
        let x = c.conv(names::STEM_X, &stem.conv, input, Some(stem.frac_bits));
        let map = c.shape(x);
        let projects = net.blocks.first().is_some_and(|b| b.shortcut.is_some());
        let (mut spikes, mut stream, mut projected) = match &net.encoder {
            Some(encoder) => {
                let xq = Op::Code { shift: stem.xq_shift, rounding: Rounding::HalfUp };
                let xq = c.push(names::STEM_XQ, xq, &[x], Value::still(map, code(ATTENTION_CODE_BITS)));
                let spikes = c.lif(names::STEM_SPIKES, stem.threshold, x);
                c.encoder(encoder, x, xq, spikes, projects)
            }
            None => {
                let spikes = c.lif(names::STEM_SPIKES, stem.threshold, x);
                let out = Value::timed(map, Form::Stream).with_frac_bits(stem.frac_bits);
                let stream = c.push("stem.stream", Op::Repeat, &[x], out);
                (spikes, stream, stream)
            }
        };
        for (index, b) in net.blocks.iter().enumerate() {
            let name = |suffix: &str| format!("{}.{suffix}", b.name);
            let shortcut = match &b.shortcut {
                Some(conv) => c.conv(name(names::SHORTCUT), conv, projected, Some(b.frac_bits)),
                None => stream,
            };
            let conv1 = c.conv(name("conv1"), &b.conv1, spikes, Some(b.frac_bits1));
            let spikes1 = c.lif(name(names::SPIKES1), b.threshold1, conv1);
            let conv2 = c.conv(name("conv2"), &b.conv2, spikes1, Some(b.frac_bits));
            let out = Value::timed(c.shape(conv2), Form::Stream).with_frac_bits(b.frac_bits);
            stream = c.push(name(names::STREAM), Op::Add, &[conv2, shortcut], out);
            projected = stream;
            if index + 1 < net.blocks.len() || net.head.pool.is_none() {
                spikes = c.lif(name(names::SPIKES), b.threshold_out, stream);
            }
        }
        let [channels, h, w] = c.shape(stream);
        let read = match &net.head.pool {
            None => {
                let largest = (net.t * h * w) as u32;
                c.push(
                    names::COUNTS,
                    Op::Count,
                    &[spikes],
                    Value::still([channels, 1, 1], Form::Counts { largest }),
                )
            }
            Some(pool) => {
                let out = Value::still([channels, 1, 1], Form::Stream).with_frac_bits(pool.frac_bits);
                c.push(names::POOLED, Op::Pool { requant: pool.requant.clone() }, &[stream], out)
            }
        };
        let (weights, bias, scale) = (net.head.conv.weights.clone(), net.head.bias.clone(), net.head.scale);
        let out = Value::still([bias.len(), 1, 1], Form::Logits);
        c.push(names::LOGITS, Op::Linear(Linear { weights, bias, scale }), &[read], out);
        Network {
            name: net.name.clone(),
            timesteps: net.t,
            neuron: net.neuron,
            weight_bits: net.weight_bits,
            nodes: c.nodes,
        }
    }
}
