//! Networks of other shapes through calibration, quantiser, planner and design folder.
#![allow(clippy::unwrap_used, missing_docs)]

mod float_support;
mod graph_support;

use float_support::{random, reference};
use graph_support::{bn, conv, direct, head, pooled, Named};
use ndarray::Array4;
use spikegate_compiler::calibrate::calibrate;
use spikegate_compiler::float::Interpreter;
use spikegate_compiler::graph::{Conv, Network, Op, Steps};
use spikegate_compiler::plan::{plan, Request};
use spikegate_compiler::quantise::{evaluate, quantise, Options, QuantiseError, Quantised};
use spikegate_compiler::report::Report;
use spikegate_compiler::{compile, import, Design, Labelled, Settings};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{self, sha256};
use spikegate_contract::failure::Failure;
use spikegate_contract::network::{self as integer, Node, NodeId};

/// Random trained-like networks with K = 4 and K = 8, several image channels and odd maps: spikes follow the float
/// network's.
#[test]
fn random_networks_keep_their_spikes() {
    for name in ["random_k4", "random_k8"] {
        let (network, vectors) = random(name);
        let images = vectors.images();
        let calibration = calibrate(&network, &images).unwrap();
        for gate_bits in [8, 12] {
            let integer =
                quantise(&network, &calibration, &Options { gate_bits, ..Options::default() }).unwrap();
            let e = evaluate(&network, &integer, &images, &[], images.len(), &|_| ()).unwrap();
            for s in &e.spikes {
                let share = s.equal as f64 / s.total as f64;
                println!("{name} gate {gate_bits} {:<16} {:.3} %", s.name, 100.0 * share);
                // Errors grow from layer to layer; these networks are untrained, and more sensitive than trained ones.
                assert!(share > 0.8, "{name} {s:?}");
            }
            assert!(e.spikes[0].equal as f64 > 0.99 * e.spikes[0].total as f64);
        }
    }
}

/// Weights that were trained in steps stay in these, at any width that holds them, also layer after layer; what lies beyond
/// the last step is cut off. Their batch norm is not turned to a mean error they do not have.
#[test]
fn trained_steps_are_taken() {
    let (mut network, vectors) = random("random_k4");
    let images = vectors.images();
    let step = |channel: usize| 0.01 * (1.0 + channel as f64 / 7.0);
    let trained = |at: usize| [(at * 5 % 16) as f64 - 8.0, 0.0][usize::from(at.is_multiple_of(3))];
    let name = "layer1.0.conv1";
    let layer = conv(&mut network, name);
    let (channels, window) = (layer.out_channels(), layer.weight.len() / layer.out_channels());
    for (at, w) in layer.weight.iter_mut().enumerate() {
        *w = (trained(at) * step(at / window)) as f32;
    }
    let first = layer.weight.iter_mut().next().unwrap();
    *first = (-1000.0 * step(0)) as f32;
    let chosen = network.clone();
    conv(&mut network, name).steps = Some(Box::new(Steps::One((0..channels).map(step).collect())));
    let calibration = calibrate(&network, &images).unwrap();
    let weights = |network: &Network, options: &Options| {
        let made = Quantised::new(network, &calibration, options).unwrap();
        let integer = made.compensated(&images, &|_, _| ()).unwrap();
        match &integer.node(integer.find(name).unwrap()).op {
            integer::Op::Conv(conv) => (conv.weights.clone(), conv.requant.clone()),
            other => panic!("{other:?}"),
        }
    };
    for bits in [4, 5, 8] {
        let options = Options { weight_bits: bits, ..Options::default() };
        let (got, requant) = weights(&network, &options);
        let lowest = 1.0 - 2f64.powi(i32::from(bits) - 1);
        let mut expected: Vec<i8> = (0..got.len()).map(|at| trained(at).max(lowest) as i8).collect();
        expected[0] = lowest as i8;
        assert_eq!(got, expected, "{bits} bits");
        assert_ne!(weights(&chosen, &options).0, expected, "other steps would be chosen");
        // Multipliers stand as the steps do.
        let of = |channel: usize| f64::from(requant[channel].m) * 2f64.powi(-i32::from(requant[channel].s));
        let scale = |channel: usize| bn(&mut network.clone(), name).affine()[channel].0 * step(channel);
        for channel in 1..channels {
            let (got, expected) = (of(channel) / of(0), scale(channel) / scale(0));
            assert!((got / expected - 1.0).abs() < 1e-3, "{channel}: {got} {expected}");
        }
    }
}

/// Direct coding: the stream that enters the first block is X, with and without a projection there.
#[test]
fn networks_without_an_encoder_keep_their_spikes() {
    let (network, vectors) = random("random_k4");
    let network = direct(&network);
    for network in [identity_first(&network), network] {
        let images = vectors.images();
        let calibration = calibrate(&network, &images).unwrap();
        let integer = quantise(&network, &calibration, &Options::default()).unwrap();
        assert_eq!(integer.layers().next().unwrap().name, "stem.x");
        assert!(integer.find("gate.y").is_none());
        let e = evaluate(&network, &integer, &images, &[], images.len(), &|_| ()).unwrap();
        for s in &e.spikes {
            let share = s.equal as f64 / s.total as f64;
            println!("{:<16} {:.3} %", s.name, 100.0 * share);
            assert!(share > 0.8, "{s:?}");
        }
        assert_eq!(e.spikes[0].name, "stem.spikes");
        assert!(e.spikes[0].equal as f64 > 0.99 * e.spikes[0].total as f64);
        plan(&integer, Request::Size { lanes: 4, pixels: 1, ci: 8, co: 4 }).unwrap();
    }
}

/// Streams that are added have one scale, whatever leads to them: a projection, the gate, or X in direct coding.
#[test]
fn streams_that_are_added_share_their_scale() {
    let (gated, vectors) = random("random_k4");
    let images = vectors.images();
    let networks = [identity_first(&direct(&gated)), identity_first(&gated), direct(&gated), gated];
    for network in networks {
        let calibration = calibrate(&network, &images).unwrap();
        let integer = quantise(&network, &calibration, &Options::default()).unwrap();
        integer.validate().unwrap();
        let frac_bits = |id: &NodeId| integer.node(*id).out.frac_bits;
        let sums =
            integer.nodes.iter().filter(|node| matches!(node.op, integer::Op::Add | integer::Op::Repeat));
        for node in sums {
            assert!(node.out.frac_bits.is_some(), "{}", node.name);
            for input in &node.inputs {
                assert_eq!(frac_bits(input), node.out.frac_bits, "{}", node.name);
            }
        }
    }
}

/// Spikes can be added in the float network, and not in the integer one.
#[test]
fn what_has_no_integer_form_is_refused() {
    let (network, vectors) = random("random_k4");
    let mut nodes = Named::of(&network);
    let sum = nodes.at("layer1.1.stream");
    nodes.0[sum].2[1] = "layer1.0.spikes".to_owned();
    let network = nodes.network(&network);
    let calibration = calibrate(&network, &vectors.images()).unwrap();
    let error = quantise(&network, &calibration, &Options::default()).unwrap_err().to_string();
    assert!(error.contains("`layer1.1.stream` reads `layer1.0.spikes`"), "{error}");
}

/// The network with a block in front of its first, of as many channels as the stem has and without a projection.
fn identity_first(net: &Network) -> Network {
    let mut source = net.clone();
    let channels = conv(&mut source, "stem.x").out_channels();
    let mut narrow = |name: &str| {
        let conv = conv(&mut source, name).clone();
        let old: Vec<f32> = conv.weight.iter().copied().collect();
        let weight = Array4::from_shape_fn((channels, channels, 3, 3), |(o, i, y, x)| {
            old[(((o * channels + i) * 3 + y) * 3 + x) % old.len()]
        });
        let mut bn = conv.bn.unwrap();
        for v in [&mut bn.weight, &mut bn.bias, &mut bn.mean, &mut bn.var] {
            *v = v.iter().copied().cycle().take(channels).collect();
        }
        Op::Conv(Conv { weight, stride: 1, bn: Some(bn), ..conv })
    };
    let convs = ["layer1.0.conv1", "layer1.0.conv2"].map(&mut narrow);
    let mut nodes = Named::of(net);
    let at = nodes.at("layer1.0.shortcut");
    let behind = nodes.0.split_off(at);
    let mut behind = Named(behind);
    // What enters the first block, in direct coding or behind a gate.
    let (stream, spikes) = match net.find("gate.y") {
        Some(_) => ("gate.y", "gate.spikes"),
        None => ("stem.stream", "stem.spikes"),
    };
    behind.redirect(stream, "layer0.0.stream");
    behind.redirect(spikes, "layer0.0.spikes");
    let [conv1, conv2] = convs;
    for (name, op, inputs) in [
        ("conv1", conv1, &[spikes][..]),
        ("conv1.spikes", Op::Lif, &["layer0.0.conv1"]),
        ("conv2", conv2, &["layer0.0.conv1.spikes"]),
        ("stream", Op::Add, &["layer0.0.conv2", stream]),
        ("spikes", Op::Lif, &["layer0.0.stream"]),
    ] {
        nodes.add(nodes.0.len(), &format!("layer0.0.{name}"), op, inputs);
    }
    nodes.0.extend(behind.0);
    nodes.network(net)
}

/// Without the last LIF: pooled values are the mean of the integer stream to half a unit and the factor's rounding, and
/// logits what the float head makes of that mean to the weights' rounding. Against the float network they are as good as
/// the stream, which in these untrained networks is not very good: that is printed, not judged.
#[test]
fn a_head_without_neurons_keeps_its_logits() {
    for name in ["random_k4", "random_k8", "random_direct_imagenet"] {
        let (network, vectors) = random(name);
        let mut network = pooled(&network);
        let images = vectors.images();
        let calibration = calibrate(&network, &images).unwrap();
        let integer = quantise(&network, &calibration, &Options::default()).unwrap();
        let pool = integer.find("head.pooled").unwrap();
        let last = integer.source(pool);
        let frac_bits = |node: &Node| node.out.frac_bits.unwrap();
        let scale = match &integer.nodes.last().unwrap().op {
            integer::Op::Linear(linear) => linear.scale,
            other => panic!("{other:?}"),
        };
        let head = head(&mut network).clone();
        let interpreter = Interpreter::new(&network).unwrap();
        let (mut error, mut head_error, mut of) = (0f64, 0f64, 0f64);
        for image in &images {
            let mut trace = Vec::new();
            let outcome = spikegate_golden::run(&integer, image, &mut trace).unwrap();
            let tensor = |name: &str| trace.iter().find(|t| t.name == name).unwrap();
            let stream = tensor(&last.name);
            let window = (stream.data.len() / stream.dims[1]) as f64;
            let mut means = vec![0f64; stream.dims[1]];
            for (at, &v) in stream.data.iter().enumerate() {
                means[stream.coordinates(at)[1]] += v as f64 * 2f64.powi(-frac_bits(last)) / window;
            }
            let unit = 2f64.powi(-frac_bits(integer.node(pool)));
            for (mean, &pooled) in means.iter().zip(&tensor("head.pooled").data) {
                let off = (mean - pooled as f64 * unit).abs();
                assert!(off <= 0.5001 * unit + mean.abs() / 16384.0, "{name}: {pooled} for {mean}");
            }
            let float = interpreter.run(image).unwrap().logits;
            let rows = head.weight.rows().into_iter().zip(&head.bias);
            let of_means = rows.map(|(row, &bias)| {
                let sum: f64 = row.iter().zip(&means).map(|(&w, mean)| f64::from(w) * mean).sum();
                sum + f64::from(bias)
            });
            for ((float, head), &logit) in float.iter().zip(of_means).zip(&outcome.logits) {
                let got = f64::from(logit) * scale;
                error += (float - got).powi(2);
                head_error += (head - got).powi(2);
                of += float.powi(2);
            }
        }
        let [whole, head] = [error, head_error].map(|e| (e / of).sqrt());
        println!(
            "{name}: logits off by {:.2} % of their size, {:.2} % by the head",
            100.0 * whole,
            100.0 * head
        );
        assert!(head < 0.01, "{name}: {head}");
        plan(&integer, Request::Size { lanes: 4, pixels: 1, ci: 8, co: 4 }).unwrap();
    }
}

#[test]
fn a_written_design_reads_back_and_is_the_same_every_time() {
    let path = reference("random_k4.safetensors");
    let network = import::load(&path).unwrap();
    let (_, vectors) = random("random_k4");
    let images = vectors.images();
    let evaluation = Labelled { images: images.iter().map(Vec::as_slice).collect(), labels: vec![] };
    let array = ArrayConfig::new(4, 1, 8, 4).unwrap();
    let settings = Settings { evaluation: Some(evaluation), ..Settings::new(array) };
    let design = compile(&network, &images, &settings, &mut ()).unwrap();
    let made = design.files().unwrap();
    assert_eq!(made, compile(&network, &images, &settings, &mut ()).unwrap().files().unwrap());

    let home = tempfile::tempdir().unwrap();
    design.write(home.path()).unwrap();
    let read = bundle::Design::open(home.path()).unwrap();
    let Design { network, planned, hardware, report, .. } = design;
    assert_eq!((&read.network, &read.plan), (&network, &planned.plan));
    assert_eq!((&read.program, &read.trace), (&planned.packets, &planned.trace_packets));
    assert_eq!(read.manifest.model_hash, sha256(&std::fs::read(&path).unwrap()));
    assert_eq!(read.manifest.calibration_hash, sha256(&images.concat()));
    assert_eq!(read.manifest.verilog_hash, sha256(hardware.verilog.as_bytes()));
    assert_eq!((&read.manifest.array, read.verilog.as_str()), (&planned.array, &*hardware.verilog));
    let back: Report = read.report().unwrap();
    assert_eq!(back, report);
    let text = back.text();
    println!("{text}");
    assert!(text.contains("cycles per image") && text.lines().all(|l| l.len() <= 110), "{text}");
}

/// What is too large is told in the float network's units: the limit is where it begins, for every threshold.
#[test]
fn reach_and_limit_are_in_one_unit() {
    let (network, vectors) = random("random_k4");
    let conv = network.nodes.iter().position(|node| node.name == "layer1.0.conv1").unwrap();
    for threshold in [1.0, 0.001, 0.25] {
        let quantised = |factor: f32| {
            let mut network = network.clone();
            network.neuron.threshold = threshold;
            let Op::Conv(conv) = &mut network.nodes[conv].op else { unreachable!() };
            let bn = conv.bn.as_mut().unwrap();
            bn.weight.mapv_inplace(|w| w * factor);
            bn.bias.fill(0.0);
            bn.mean.fill(0.0);
            let calibration = calibrate(&network, &vectors.images()).unwrap();
            quantise(&network, &calibration, &Options::default())
        };
        let mut factor = 1.0;
        let (reach, limit) = loop {
            match quantised(factor) {
                Ok(integer) => {
                    let thresholds = integer.nodes.iter().filter_map(|node| match node.op {
                        integer::Op::Lif { threshold, .. } => Some(threshold),
                        _ => None,
                    });
                    assert!(thresholds.min().unwrap() >= 1);
                    factor *= 2.0;
                }
                Err(QuantiseError::Range { tensor, reach, limit }) => {
                    assert_eq!(tensor, "layer1.0.conv1");
                    break (reach, limit);
                }
                Err(other) => panic!("{other}"),
            }
        };
        assert!(reach > limit && reach <= 2.0 * limit, "{threshold}: {reach} {limit}");
        let Err(QuantiseError::Range { reach: larger, limit: same, .. }) = quantised(1024.0 * factor) else {
            panic!("{threshold}")
        };
        assert_eq!(same, limit);
        assert!((larger / reach - 1024.0).abs() < 1.0, "{larger} {reach}");
    }
}

/// Widths by name reach their layers, which keep to them and use them; a name of no layer is said.
#[test]
fn layers_have_the_widths_that_are_asked_for() {
    let (network, vectors) = random("random_k4");
    let calibration = calibrate(&network, &vectors.images()).unwrap();
    let names = |widths: &[(&str, u8)]| Options {
        weight_bits: 4,
        layer_bits: widths.iter().map(|&(name, bits)| (name.to_owned(), bits)).collect(),
        ..Options::default()
    };
    let options = names(&[("head", 8), ("layer1", 3), ("layer1.0.conv2", 2)]);
    let net = quantise(&network, &calibration, &options).unwrap();
    net.validate().unwrap();
    for layer in net.layers() {
        let bits = match layer.name {
            "head.logits" => 8,
            "layer1.0.conv2" => 2,
            name if name.starts_with("layer1.") => 3,
            _ => 4,
        };
        assert_eq!(layer.weight_bits, bits, "{}", layer.name);
        let largest = layer.weights.iter().map(|w| w.unsigned_abs()).max();
        let reach = integer::weight_range(bits).end().unsigned_abs();
        assert!(largest.is_some_and(|w| w <= reach && w > reach / 2), "{}: {largest:?}", layer.name);
    }
    let error = quantise(&network, &calibration, &names(&[("layer", 8)])).unwrap_err();
    assert!(matches!(&error, QuantiseError::NoLayer { name, layers } if name == "layer" && layers.len() > 4));
}

#[test]
fn settings_and_calibration_are_checked() {
    let (network, vectors) = random("random_k4");
    let none = calibrate(&network, &Vec::<Vec<u8>>::new()).unwrap();
    let error = quantise(&network, &none, &Options::default()).unwrap_err().in_a_line();
    assert!(error.contains("at least one image"), "{error}");
    let calibration = calibrate(&network, &vectors.images()).unwrap();
    for (weight_bits, gate_bits) in [(1, 8), (9, 8), (8, 7), (8, 13)] {
        assert!(quantise(&network, &calibration, &Options { weight_bits, gate_bits, ..Options::default() })
            .is_err());
    }
    let short = vec![vec![0u8; 3]];
    assert!(calibrate(&network, &short).is_err());
    assert_eq!(calibrate(&network, &vectors.images()).unwrap(), calibration);
}
