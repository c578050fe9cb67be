//! Bad networks are refused with the node's name, never with a panic.

use spikegate_contract::network::{
    Conv, FireRule, Form, Gate, Linear, Network, Node, NodeId, Op, Requant, Rounding, TemporalAttention,
    Value,
};

use super::{neuron, small, small_direct, small_pooled};
use crate::{run, GoldenError};

/// The network with the change is refused with a message that contains the text.
fn refused_of(mut net: Network, message: &str, change: impl FnOnce(&mut Network)) {
    change(&mut net);
    let error = net.validate().expect_err(message);
    assert!(error.to_string().contains(message), "`{error}` lacks `{message}`");
    assert_eq!(run(&net, &[0; 20], &mut ()), Err(GoldenError::Invalid(error)));
}

fn refused(message: &str, change: impl FnOnce(&mut Network)) {
    refused_of(small(), message, change);
}

fn id(net: &Network, name: &str) -> NodeId {
    net.find(name).unwrap()
}

fn op<'a>(net: &'a mut Network, name: &str) -> &'a mut Op {
    let at = id(net, name);
    &mut net.nodes[at.0].op
}

fn out<'a>(net: &'a mut Network, name: &str) -> &'a mut Value {
    let at = id(net, name);
    &mut net.nodes[at.0].out
}

fn conv<'a>(net: &'a mut Network, name: &str) -> &'a mut Conv {
    let Op::Conv(conv) = op(net, name) else { panic!("{name} is no convolution") };
    conv
}

fn temporal(net: &mut Network) -> &mut TemporalAttention {
    let Op::TemporalAttention(k) = op(net, "encoder.ta") else { panic!() };
    k
}

fn gate(net: &mut Network) -> &mut Gate {
    let Op::Gate(gate) = op(net, "gate.y") else { panic!() };
    gate
}

fn linear(net: &mut Network) -> &mut Linear {
    let Op::Linear(linear) = op(net, "head.logits") else { panic!() };
    linear
}

/// Lets a node read others.
fn rewire(net: &mut Network, name: &str, inputs: &[&str]) {
    let inputs = inputs.iter().map(|name| id(net, name)).collect();
    let at = id(net, name);
    net.nodes[at.0].inputs = inputs;
}

#[test]
fn accepts_good_networks() {
    assert_eq!(small().validate(), Ok(()));
    assert_eq!(small_pooled().validate(), Ok(()));
}

#[test]
fn names_what_is_wrong_with_the_list() {
    refused("network: T is 1, expected 2 to 16", |n| n.timesteps = 1);
    refused("network: T is 17", |n| n.timesteps = 17);
    refused("network: leak_shift is 16", |n| n.neuron.leak_shift = 16);
    refused("gate.spikes: leak_shift is 16, expected 0 to 15", |n| {
        let neuron = Some(neuron(16, FireRule::Gt));
        *op(n, "gate.spikes") = Op::Lif { threshold: 1, neuron };
    });
    refused("network: number of nodes is 0", |n| n.nodes.clear());
    refused("network: number of nodes is 1", |n| n.nodes.truncate(1));
    refused("stem.x: number of nodes with this name is 2", |n| n.nodes[2].name = "stem.x".into());
    refused("stem.x: number of inputs is 0, expected 1", |n| n.nodes[1].inputs.clear());
    refused("layer1.0.stream: number of inputs is 1, expected 2", |n| {
        rewire(n, "layer1.0.stream", &["layer1.0.conv2"]);
    });
    refused("stem.x: place of an input is 1, expected before its own, 1", |n| {
        n.nodes[1].inputs = vec![NodeId(1)]
    });
    refused("stem.x: place of an input is 99", |n| n.nodes[1].inputs = vec![NodeId(99)]);
    refused("input: first node is convolution, expected one input", |n| {
        n.nodes[0].op = n.nodes[1].op.clone()
    });
    refused("stem.x: an input behind the first node is input", |n| {
        (n.nodes[1].op, n.nodes[1].inputs) = (n.nodes[0].op.clone(), vec![]);
    });
    refused("head.counts: last node is count, expected a linear layer", |n| drop(n.nodes.pop()));
}

#[test]
fn names_nodes_that_read_the_wrong_form() {
    let reads = |message: &str, name: &str, inputs: &[&str]| {
        refused(&format!("{name}: what it reads is {message}"), |n| rewire(n, name, inputs));
    };
    reads("untimed statistics [2, 1, 1], expected a map", "encoder.sca1", &["encoder.statistics"]);
    reads("untimed signed 9-bit codes [1, 4, 5], expected a stream", "stem.xq", &["input"]);
    reads("untimed signed 8-bit codes [2, 4, 5], expected a stream", "stem.spikes", &["stem.xq"]);
    reads(
        "untimed signed 9-bit codes [1, 4, 5], expected an untimed stream",
        "encoder.statistics",
        &["input"],
    );
    reads("untimed stream [2, 4, 5], expected statistics", "encoder.ta", &["stem.x"]);
    let gate = |inputs: &[&str], expected: &str| reads(expected, "gate.y", inputs);
    gate(
        &["stem.x", "encoder.sca", "stem.spikes"],
        "untimed stream [2, 4, 5], expected a temporal attention first",
    );
    gate(
        &["encoder.ta", "encoder.z1", "stem.spikes"],
        "untimed unsigned 8-bit codes [2, 4, 5], expected a spatial",
    );
    gate(
        &["encoder.ta", "encoder.ta", "stem.spikes"],
        "timed stream [1, 1, 1], expected a spatial attention of",
    );
    gate(
        &["encoder.ta", "encoder.sca", "stem.xq"],
        "untimed signed 8-bit codes [2, 4, 5], expected spikes last",
    );
    reads(
        "timed spikes [3, 2, 3], expected timed streams",
        "layer1.0.stream",
        &["layer1.0.conv2", "layer1.0.conv1.spikes"],
    );
    reads("timed stream [3, 2, 3], expected spikes", "head.counts", &["layer1.1.stream"]);
    reads("timed spikes [3, 2, 3], expected counts", "head.logits", &["layer1.1.spikes"]);
    refused("layer1.0.stream: shape of the second summand is [2, 4, 5], expected [3, 2, 3]", |n| {
        rewire(n, "layer1.0.stream", &["layer1.0.conv2", "gate.y"]);
    });
    refused_of(small_pooled(), "head.pooled: what it reads is untimed stream", |n| {
        rewire(n, "head.pooled", &["stem.x"])
    });
    refused_of(small_direct(), "stem.stream: what it reads is untimed signed 9-bit codes", |n| {
        rewire(n, "stem.stream", &["input"])
    });
}

#[test]
fn names_nodes_that_make_another_form() {
    let all = [small(), small_pooled(), small_direct()];
    for (net, at) in all.iter().flat_map(|net| (0..net.nodes.len()).map(move |at| (net, at))) {
        let node = &net.nodes[at];
        let changed = |change: fn(&mut Value)| {
            let mut net = net.clone();
            change(&mut net.nodes[at].out);
            net.validate()
        };
        let refused = |change: fn(&mut Value)| {
            let error = changed(change).expect_err(&node.name);
            assert_eq!((&error.node, &error.what[..]), (&node.name, "what it makes"));
        };
        refused(|out| out.timed ^= true);
        refused(|out| out.form = if out.form == Form::Logits { Form::Stream } else { Form::Logits });
        assert!(changed(|out| out.shape[0] += 1).is_err(), "{}", node.name);
        assert!(changed(|out| out.shape[1] += 9).is_err() || at == 0, "{}", node.name);
        assert_eq!(changed(|out| out.frac_bits = Some(3)), Ok(()), "fraction bits are free");
    }
    refused("head.counts: what it makes is untimed counts up to 11", |n| {
        out(n, "head.counts").form = Form::Counts { largest: 11 };
    });
    refused("stem.xq: bits of the code is 0, expected 1 to 16", |n| {
        out(n, "stem.xq").form = Form::Code { bits: 0, signed: true };
    });
    refused("stem.xq: bits of the code is 17", |n| {
        out(n, "stem.xq").form = Form::Code { bits: 17, signed: true }
    });
}

#[test]
fn names_ranges_that_are_left() {
    let threshold = |name: &str, value: i16| {
        refused(&format!("{name}: threshold is {value}, expected 1 to 32766"), |n| {
            *op(n, name) = Op::Lif { threshold: value, neuron: None };
        });
    };
    threshold("stem.spikes", 0);
    threshold("gate.spikes", 32767);
    threshold("layer1.0.conv1.spikes", -5);
    refused("stem.xq: shift is 16", |n| {
        *op(n, "stem.xq") = Op::Code { shift: 16, rounding: Rounding::Floor }
    });
    for (what, list) in [
        ("mean_pos", (|k| &mut k.mean_pos) as fn(&mut TemporalAttention) -> &mut Vec<i32>),
        ("mean_neg", |k| &mut k.mean_neg),
        ("max_pos", |k| &mut k.max_pos),
        ("max_neg", |k| &mut k.max_neg),
    ] {
        refused(&format!("encoder.ta: {what} is 8388608"), |n| list(temporal(n))[1] = 1 << 23);
        refused(&format!("encoder.ta: {what} is -8388609"), |n| list(temporal(n))[0] = -(1 << 23) - 1);
        refused(&format!("encoder.ta: length of {what} is 1"), |n| list(temporal(n)).truncate(1));
    }
    refused("encoder.ta: max_align is 25", |n| temporal(n).max_align = 25);
    refused("encoder.ta: ta_shift is 64", |n| temporal(n).ta_shift = 64);
    refused("gate.y: z_shift is 32", |n| gate(n).z_shift = 32);
    refused("gate.y: table_bits is 13", |n| gate(n).table_bits = 13);
    refused("gate.y: table_bits is 7", |n| gate(n).table_bits = 7);
    refused("gate.y: table_bits + y_shift is 16", |n| gate(n).y_shift = 16 - gate(n).table_bits);
    refused("gate.y: table entry is 4096", |n| gate(n).table[1023] = 4096);
    refused("gate.y: length of table is 1023, expected 1024", |n| gate(n).table.truncate(1023));
    refused("layer1.0.conv1: requantisation shift is 0", |n| conv(n, "layer1.0.conv1").requant[2].s = 0);
    refused("stem.x: requantisation bias", |n| conv(n, "stem.x").requant[0].b = 1 << 47);
    refused("layer1.0.conv2: k is 9", |n| conv(n, "layer1.0.conv2").k = 9);
    refused("layer1.0.conv2: k is 0", |n| conv(n, "layer1.0.conv2").k = 0);
    refused("layer1.0.conv1: stride is 3", |n| conv(n, "layer1.0.conv1").stride = 3);
    refused("layer1.0.conv1: pad is 3", |n| conv(n, "layer1.0.conv1").pad = 3);
    refused("head.logits: weight is -8", |n| {
        linear(n).weight_bits = 4;
        linear(n).weights.fill(7);
        linear(n).weights[1] = -8;
    });
    refused("encoder.sca: weight is 8", |n| {
        conv(n, "encoder.sca").weight_bits = 4;
        conv(n, "encoder.sca").weights.fill(-7);
        conv(n, "encoder.sca").weights[0] = 8;
    });
    refused("layer1.0.conv2: weight is -2", |n| {
        conv(n, "layer1.0.conv2").weight_bits = 2;
        conv(n, "layer1.0.conv2").weights.fill(-2);
    });
    refused("layer1.0.conv1: weight_bits is 1, expected 2 to 8", |n| {
        conv(n, "layer1.0.conv1").weight_bits = 1
    });
    refused("head.logits: weight_bits is 9, expected 2 to 8", |n| linear(n).weight_bits = 9);
}

#[test]
fn names_shapes_and_lengths_that_do_not_fit() {
    refused("input: length of offset is 0, expected 1", |n| *op(n, "input") = Op::Input { offset: vec![] });
    refused("layer1.0.conv1: length of requant is 2, expected 3", |n| {
        conv(n, "layer1.0.conv1").requant.truncate(2);
    });
    refused("encoder.sca: number of weights is 3, expected 64", |n| {
        conv(n, "encoder.sca").weights.truncate(3)
    });
    refused("head.logits: number of weights is 10, expected 9", |n| linear(n).weights.push(0));
    refused("head.logits: length of bias is 4, expected 3", |n| linear(n).bias.push(0));
    refused("layer1.0.conv1: first row or column of the last window", |n| {
        out(n, "layer1.0.conv1").shape = [3, 9, 9]
    });
    refused("layer1.0.conv1: height is 0, expected 1 to 65536", |n| {
        out(n, "layer1.0.conv1").shape = [3, 0, 1]
    });
    refused("input: number of values of a map", |n| out(n, "input").shape = [1 << 16; 3]);
    refused("input: width", |n| out(n, "input").shape = [1, 1, usize::MAX]);
    refused("stem.x: channels", |n| out(n, "stem.x").shape[0] = usize::MAX);
    let pool = |message: &str, change: fn(&mut Vec<Requant>)| {
        refused_of(small_pooled(), message, |n| {
            let Op::Pool { requant } = op(n, "head.pooled") else { panic!() };
            change(requant);
        });
    };
    pool("head.pooled: length of requant is 2, expected 3", |requant| requant.truncate(2));
    pool("head.pooled: requantisation shift is 32", |requant| requant[0].s = 32);
    // 16 timesteps of more than 2^20 pixels.
    refused_of(small_direct(), "pool: number of values of a sum (T * H * W) is 33554432", |n| {
        let wide = [1, 1 << 13, 1 << 8];
        let still = Value::still(wide, Form::Stream);
        n.timesteps = 16;
        n.nodes.truncate(2);
        out(n, "input").shape = wide;
        n.nodes[1].out = still;
        *conv(n, "stem.x") = Conv {
            k: 1,
            stride: 1,
            pad: 0,
            weight_bits: 8,
            weights: vec![1],
            requant: vec![Requant { m: 1, b: 0, s: 1 }],
        };
        let repeat = Value::timed(wide, Form::Stream);
        n.nodes.push(Node { name: "stream".into(), op: Op::Repeat, inputs: vec![NodeId(1)], out: repeat });
        let requant = vec![Requant { m: 1, b: 0, s: 1 }];
        let pooled = Value::still([1, 1, 1], Form::Stream);
        n.nodes.push(Node {
            name: "pool".into(),
            op: Op::Pool { requant },
            inputs: vec![NodeId(2)],
            out: pooled,
        });
    });
}
