//! Networks changed after import are checked again, and the interpreter's small print.
#![allow(clippy::unwrap_used)]

mod graph_support;
mod import_support;

use graph_support::{bn, conv, head, input, without_shortcut, Named};
use import_support::Checkpoint;
use ndarray::{arr1, s, Array1, Array2, Axis};
use spikegate_compiler::float::{Interpreter, Recorder, ARGUMENT, MEMBRANE};
use spikegate_compiler::graph::{FireRule, GraphError, Network, Neuron, NodeId, Op, Padding, Reset};

fn network() -> Network {
    Checkpoint::small().import().unwrap()
}

fn refused(change: impl Fn(&mut Network)) -> GraphError {
    let mut net = network();
    change(&mut net);
    let error = net.check().expect_err("this network must be refused");
    // As text: a NaN in an error is not equal to itself.
    assert_eq!(Interpreter::new(&net).unwrap_err().to_string(), error.to_string());
    assert_eq!(net.summary().unwrap_err().to_string(), error.to_string());
    error
}

#[test]
fn a_changed_network_is_checked_again() {
    let e = refused(|n| conv(n, "encoder.sca").padding = Padding { before: 2, after: 1 });
    assert!(matches!(e, GraphError::Padding { kernel: 4, .. }), "{e}");
    let e = refused(|n| conv(n, "layer1.1.conv2").weight[[0, 0, 1, 0]] = f32::NAN);
    assert!(matches!(e, GraphError::BadNumber { ref node, index: 3, .. } if node == "layer1.1.conv2"), "{e}");
    let e = refused(|n| bn(n, "stem.x").var[0] = -1.0);
    assert!(e.to_string().contains("`stem.x` bn.var[0] is -1"), "{e}");
    let e = refused(|n| head(n).weight = Array2::zeros((6, 4)));
    assert!(e.to_string().contains("`head.logits` weight: expected [6, 5], got [6, 4]"), "{e}");
    let e = refused(|n| bn(n, "layer1.0.shortcut").mean = Array1::zeros(5));
    assert!(e.to_string().contains("`layer1.0.shortcut` bn.mean: expected [4], got [5]"), "{e}");
    for (change, first) in [
        ((|n| conv(n, "layer2.0.conv2").stride = 2) as fn(&mut Network), "[5, 3, 2]"),
        (|n| conv(n, "layer2.0.shortcut").stride = 1, "[5, 5, 4]"),
        (|n| *n = without_shortcut(n, "layer2.0"), "[5, 5, 4]"),
    ] {
        let e = refused(change);
        assert!(e.to_string().contains(&format!("`layer2.0.stream` adds {first} and [")), "{e}");
    }
    assert!(matches!(refused(|n| n.timesteps = 1), GraphError::OneTimestep));
    for change in [
        (|n| n.timesteps = 1000) as fn(&mut Network),
        |n| n.neuron.leak_shift = 16,
        |n| n.neuron.threshold = f64::NAN,
        |n| input(n).0[0] = f64::INFINITY,
        |n| input(n).1.push(1.0),
        |n| head(n).bias = arr1(&[]),
        |n| n.nodes.truncate(4),
        |n| n.nodes.clear(),
        |n| n.nodes[3].name = n.nodes[2].name.clone(),
        |n| n.nodes[3].inputs.clear(),
        |n| n.nodes[3].inputs[0] = NodeId(7),
        |n| n.nodes.swap(0, 1),
    ] {
        let e = refused(change);
        assert!(matches!(e, GraphError::OutOfRange { .. }), "{e}");
    }
}

/// An operation says what it reads.
#[test]
fn an_operation_on_another_form_is_refused() {
    for (node, index, reads, expected) in [
        ("gate.y", 0, "encoder.sca", "a timed number"),
        ("gate.y", 1, "stem.spikes", "an untimed one of the map of the spikes"),
        ("gate.y", 2, "stem.x", "a timed tensor"),
        ("encoder.ta", 0, "stem.spikes", "an untimed tensor"),
        ("layer1.0.stream", 1, "stem.x", "a timed tensor"),
        ("head.counts", 0, "stem.x", "a timed tensor"),
        ("head.logits", 0, "layer2.0.spikes", "an untimed tensor of one pixel"),
    ] {
        let e = refused(|n| {
            let mut nodes = Named::of(n);
            let at = nodes.at(node);
            nodes.0[at].2[index] = reads.to_owned();
            *n = nodes.network(n);
        });
        let text = e.to_string();
        assert!(matches!(e, GraphError::Reads { .. }), "{e}");
        assert!(text.contains(&format!("`{node}` reads `{reads}`")) && text.contains(expected), "{e}");
    }
    let e = refused(|n| {
        let mut nodes = Named::of(n);
        nodes.add(2, "twice", Op::Repeat, &["stem.x"]);
        nodes.add(3, "thrice", Op::Repeat, &["twice"]);
        *n = nodes.network(n);
    });
    assert_eq!(e.to_string(), "`thrice` reads `twice`, a timed [3, 9, 7]; expected an untimed tensor");
}

#[test]
fn an_image_of_another_size_is_refused() {
    let error = Interpreter::new(&network()).unwrap().run(&[0; 125]).unwrap_err();
    assert_eq!(error.to_string(), "image has 125 bytes, the network reads [2, 9, 7] = 126 bytes");
}

#[test]
fn a_recorder_keeps_what_was_asked_for() {
    let net = network();
    let interpreter = Interpreter::new(&net).unwrap();
    let image: Vec<u8> = (0..126).map(|i| (i * 37 % 256) as u8).collect();
    let mut all = Recorder::all();
    let result = interpreter.run_observed(&image, &mut all).unwrap();
    let argument = format!("gate.y{ARGUMENT}");
    let mut some = Recorder::only([argument.as_str(), "layer1.0.conv1.spikes"]);
    assert_eq!(interpreter.run_observed(&image, &mut some).unwrap(), result);
    assert_eq!(some.names().collect::<Vec<_>>(), [&argument, "layer1.0.conv1.spikes"]);
    assert_eq!(some.get(&argument), all.get(&argument));
    assert_eq!(interpreter.run_all(&[&image, &image]).unwrap(), [result.clone(), result.clone()]);
    let names: Vec<_> = net.populations().collect();
    assert_eq!(names[..3], ["stem.spikes", "gate.spikes", "layer1.0.conv1.spikes"]);
    for name in &names {
        let (u, s) = (all.get(&format!("{name}{MEMBRANE}")).unwrap(), all.get(name).unwrap());
        assert_eq!((u.dim().0, u.dim()), (4, s.dim()));
        assert!(u.iter().zip(s).all(|(&u, &s)| (u > 1.0) == (s == 1.0)), "{name}");
    }
    // Every node is seen in the form that the graph says, and the mean of the last spikes is their rate.
    for (node, value) in net.nodes.iter().zip(net.values().unwrap()) {
        let seen = all.get(&node.name).unwrap().dim();
        assert_eq!(seen, (value.steps(4), value.map.c, value.map.h, value.map.w), "{}", node.name);
    }
    let (spikes, rates) = (all.get("layer2.0.spikes").unwrap(), all.get("head.counts").unwrap());
    let (t, c, h, w) = spikes.dim();
    for channel in 0..c {
        let count: f64 = spikes.index_axis(Axis(1), channel).iter().sum();
        assert_eq!(rates[[0, channel, 0, 0]], count / (t * h * w) as f64);
    }
}

/// With X = 0.75 everywhere the membrane is 0.75, then 1.125: with threshold 1.125 equality decides.
#[test]
fn equality_fires_only_where_the_rule_says_so() {
    for (fire, spikes) in [(FireRule::Gt, [0.0, 0.0, 1.0, 0.0]), (FireRule::Ge, [0.0, 1.0, 0.0, 1.0])] {
        let mut net = network();
        net.neuron.fire = fire;
        net.neuron.threshold = 1.125;
        bn(&mut net, "stem.x").weight.fill(0.0);
        bn(&mut net, "stem.x").bias.fill(0.75);
        let mut seen = Recorder::only(["stem.spikes"]);
        Interpreter::new(&net).unwrap().run_observed(&[9; 126], &mut seen).unwrap();
        let first = seen.get("stem.spikes").unwrap().slice(s![.., 0, 0, 0]).to_vec();
        assert_eq!(first, spikes);
    }
}

/// With X = 0.75 everywhere, a threshold of 1 and no leak, 0.5 is left of the first 1.5, then 0.25: 1 is at the threshold.
#[test]
fn a_spike_takes_the_threshold_off() {
    for (fire, last) in [(FireRule::Gt, 0.0), (FireRule::Ge, 1.0)] {
        let mut net = network();
        net.neuron = Neuron { leak_shift: 0, threshold: 1.0, fire, reset: Reset::Subtract };
        bn(&mut net, "stem.x").weight.fill(0.0);
        bn(&mut net, "stem.x").bias.fill(0.75);
        let mut seen = Recorder::only(["stem.spikes", "stem.spikes.membrane"]);
        Interpreter::new(&net).unwrap().run_observed(&[9; 126], &mut seen).unwrap();
        let first = |name| seen.get(name).unwrap().slice(s![.., 0, 0, 0]).to_vec();
        assert_eq!(first("stem.spikes"), [0.0, 1.0, 1.0, last]);
        assert_eq!(first("stem.spikes.membrane"), [0.75, 1.5, 1.25, 1.0]);
    }
}

#[test]
fn the_lowest_of_equal_logits_is_the_class() {
    let mut net = network();
    head(&mut net).weight.fill(0.0);
    head(&mut net).bias = arr1(&[0.0, 1.0, -1.0, 1.0, 1.0, 0.5]);
    assert_eq!(Interpreter::new(&net).unwrap().run(&[7; 126]).unwrap().class, 1);
}
