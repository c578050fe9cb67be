//! Networks changed after import are checked again, and the interpreter's small print.
#![allow(clippy::unwrap_used)]

mod import_support;

use import_support::Checkpoint;
use spikegate_compiler::float::{population_names, Interpreter, Recorder};
use spikegate_compiler::graph::{FireRule, GraphError, Network, Padding, Tensor};

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
    let e = refused(|n| n.encoder.as_mut().unwrap().sca_v2.padding = Padding { before: 2, after: 1 });
    assert!(matches!(e, GraphError::Padding { kernel: 4, .. }), "{e}");
    let e = refused(|n| n.stages[0][1].conv2.conv.weight.data_mut()[3] = f32::NAN);
    assert!(
        matches!(e, GraphError::BadNumber { ref layer, index: 3, .. } if layer == "layer1.1.conv2"),
        "{e}"
    );
    let e = refused(|n| n.stem.bn.var[0] = -1.0);
    assert!(e.to_string().contains("`bn1` bn.running_var[0] is -1"), "{e}");
    let e = refused(|n| n.head.weight = Tensor::new(&[6, 4], vec![0.0; 24]).unwrap());
    assert!(e.to_string().contains("`fc1` weight: expected [6, 5], got [6, 4]"), "{e}");
    let e = refused(|n| n.stages[1][0].conv2.conv.stride = 2);
    assert!(matches!(e, GraphError::Shape { what: "output map", .. }), "{e}");
    let e = refused(|n| n.stages[1][0].shortcut.as_mut().unwrap().conv.stride = 1);
    assert!(e.to_string().contains("stride of `layer2.0.downsample` is 1, expected 2"), "{e}");
    let e = refused(|n| n.stages[0][0].shortcut = None);
    assert!(matches!(e, GraphError::NoProjection { .. }), "{e}");
    assert!(matches!(refused(|n| n.timesteps = 1), GraphError::OneTimestep));
    for change in [
        (|n| n.timesteps = 1000) as fn(&mut Network),
        |n| n.neuron.leak_shift = 16,
        |n| n.neuron.threshold = f64::NAN,
        |n| n.mean[0] = f64::INFINITY,
        |n| n.stages.clear(),
        |n| n.stages[1].clear(),
        |n| n.head.bias.clear(),
    ] {
        let e = refused(change);
        assert!(matches!(e, GraphError::OutOfRange { .. }), "{e}");
    }
    let e = Tensor::new(&[2, 3], vec![0.0; 5]).unwrap_err();
    assert_eq!(e.to_string(), "a tensor of shape [2, 3] needs 6 values, got 5");
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
    let mut some = Recorder::only(&["gate.z", "layer1.0.lif2.s"]);
    assert_eq!(interpreter.run_observed(&image, &mut some).unwrap(), result);
    assert_eq!(some.names().collect::<Vec<_>>(), ["gate.z", "layer1.0.lif2.s"]);
    assert_eq!(some.get("gate.z"), all.get("gate.z"));
    assert_eq!(interpreter.run_all(&[&image, &image]).unwrap(), [result.clone(), result.clone()]);
    let names = population_names(&net).unwrap();
    assert_eq!(names[..3], ["stem", "layer1.0.lif1", "layer1.0.lif2"]);
    for name in &names {
        let ((shape, u), (_, s)) =
            (all.get(&format!("{name}.u")).unwrap(), all.get(&format!("{name}.s")).unwrap());
        assert_eq!(shape[0], 4);
        assert!(u.iter().zip(s).all(|(&u, &s)| (u > 1.0) == (s == 1.0)), "{name}");
    }
    let counts: Vec<u64> = all.get("counts").unwrap().1.iter().map(|&n| n as u64).collect();
    assert_eq!(counts, result.spike_counts);
}

/// With X = 0.75 everywhere the membrane is 0.75, then 1.125: with threshold 1.125 equality decides.
#[test]
fn equality_fires_only_where_the_rule_says_so() {
    for (fire, spikes) in [(FireRule::Gt, [0.0, 0.0, 1.0, 0.0]), (FireRule::Ge, [0.0, 1.0, 0.0, 1.0])] {
        let mut net = network();
        net.neuron.fire = fire;
        net.neuron.threshold = 1.125;
        net.stem.bn.weight.fill(0.0);
        net.stem.bn.bias.fill(0.75);
        let mut seen = Recorder::only(&["stem.s"]);
        Interpreter::new(&net).unwrap().run_observed(&[9; 126], &mut seen).unwrap();
        let (shape, s) = seen.get("stem.s").unwrap();
        let per_step = shape[1..].iter().product();
        let first: Vec<f64> = s.chunks_exact(per_step).map(|step| step[0]).collect();
        assert_eq!(first, spikes);
    }
}

#[test]
fn the_lowest_of_equal_logits_is_the_class() {
    let mut net = network();
    net.head.weight.data_mut().fill(0.0);
    net.head.bias = vec![0.0, 1.0, -1.0, 1.0, 1.0, 0.5];
    assert_eq!(Interpreter::new(&net).unwrap().run(&[7; 126]).unwrap().class, 1);
}
