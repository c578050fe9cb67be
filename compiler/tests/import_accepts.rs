//! What the importer reads, and that it means what the file says.
#![allow(clippy::unwrap_used)]

mod graph_support;
mod import_support;

use graph_support::{attention, bn, conv, head, input};
use import_support::{Checkpoint, Form, GAC};
use safetensors::tensor::Dtype;
use spikegate_compiler::graph::{FireRule, LayerKind, MapShape, Padding, Steps};
use spikegate_compiler::import::{self, ImportError};
use spikegate_contract::bundle::sha256;

#[test]
fn a_small_network_has_its_shapes_and_constants() {
    let checkpoint = Checkpoint::small();
    let mut net = checkpoint.import().unwrap();
    assert_eq!((net.origin.name.as_str(), net.origin.preset.as_str()), ("model", "cifar"));
    assert_eq!((net.input, net.timesteps, net.classes()), (MapShape { c: 2, h: 9, w: 7 }, 4, 6));
    assert_eq!(input(&mut net), (&mut vec![0.5, 0.4], &mut vec![0.25, 0.2]));
    assert_eq!((net.neuron.leak_shift, net.neuron.threshold, net.neuron.fire), (1, 1.0, FireRule::Gt));
    assert_eq!(conv(&mut net, "stem.x").weight.as_slice().unwrap(), checkpoint.values("conv1.weight"));
    assert_eq!(bn(&mut net, "stem.x").mean.to_vec(), checkpoint.values("bn1.bn.running_mean"));
    assert_eq!(attention(&mut net).w1.dim(), (2, 4));
    assert_eq!(conv(&mut net, "encoder.sca1").padding, Padding { before: 1, after: 2 });
    assert_eq!((conv(&mut net, "layer2.0.conv1").stride, conv(&mut net, "layer2.0.shortcut").stride), (2, 2));
    let names: Vec<_> = net.nodes.iter().map(|node| node.name.as_str()).collect();
    let nodes = "input stem.x stem.spikes encoder.ta encoder.sca1 encoder.z1 encoder.sca gate.y gate.spikes \
        layer1.0.shortcut layer1.0.conv1 layer1.0.conv1.spikes layer1.0.conv2 layer1.0.stream layer1.0.spikes \
        layer1.1.conv1 layer1.1.conv1.spikes layer1.1.conv2 layer1.1.stream layer1.1.spikes \
        layer2.0.shortcut layer2.0.conv1 layer2.0.conv1.spikes layer2.0.conv2 layer2.0.stream layer2.0.spikes \
        head.counts head.logits";
    assert_eq!(names, nodes.split_whitespace().collect::<Vec<_>>());
    let reads = |name: &str| -> Vec<_> {
        net.find(name).unwrap().inputs.iter().map(|&id| net.node(id).name.as_str()).collect()
    };
    assert_eq!(reads("gate.y"), ["encoder.ta", "encoder.sca", "stem.spikes"]);
    assert_eq!(reads("layer1.0.shortcut"), ["gate.y"]);
    assert_eq!(reads("layer1.0.stream"), ["layer1.0.conv2", "layer1.0.shortcut"]);
    assert_eq!(reads("layer1.1.stream"), ["layer1.1.conv2", "layer1.0.stream"]);
    assert_eq!(reads("layer2.0.conv1"), ["layer1.1.spikes"]);
    assert_eq!(net.values().unwrap()[25].map, MapShape { c: 5, h: 5, w: 4 });
}

/// LSQ's step and Brevitas' last step, one for all or one for every output channel.
#[test]
fn steps_come_with_the_weights() {
    let plain = Checkpoint::small().import().unwrap();
    let mut c = Checkpoint::small();
    c.put("layer1.0.conv1.alpha", &[4, 1, 1, 1], &[0.5, 0.25, 0.125, 1.0]);
    c.put("layer1.0.conv1.init_state", &[], &[1.0]);
    c.put("fc1.alpha", &[1], &[0.75]);
    c.put("layer2.0.conv2.weight_quant.tensor_quant.scaling_impl.value", &[], &[1.27]);
    c.add_aliases();
    let mut net = c.import().unwrap();
    let steps = conv(&mut net, "layer1.0.conv1").steps.take().unwrap();
    assert_eq!(*steps, Steps::One(vec![0.5, 0.25, 0.125, 1.0]));
    assert_eq!(steps.of(4), steps.of(8));
    assert_eq!(head(&mut net).steps.take(), Some(Box::new(Steps::One(vec![0.75]))));
    let last = conv(&mut net, "layer2.0.conv2").steps.take().unwrap();
    assert_eq!(*last, Steps::Last(vec![f64::from(1.27f32); 5]));
    assert_eq!(last.of(4), [f64::from(1.27f32) / 7.0; 5]);
    let said = net.origin.assumed.pop().unwrap();
    assert_eq!(
        (&said.what[..], &said.taken[..]),
        ("layer1.0.conv1.alpha and 2 more", "the steps of the weights")
    );
    assert_eq!(net, plain, "and nothing else");
}

#[test]
fn aliases_change_nothing() {
    let plain = Checkpoint::small();
    let mut aliased = plain.clone();
    aliased.add_aliases();
    assert!(aliased.tensors.len() > 2 * plain.tensors.len());
    assert_eq!(aliased.import().unwrap(), plain.import().unwrap());
}

/// The authors' state_dict has 415 keys for [3, 3, 2] blocks; their network has 12,633,198 parameters at T = 6.
#[test]
fn the_authors_network_counts_as_published() {
    let stages = &[(128, 3, true), (256, 3, true), (512, 2, true)];
    let form = |timesteps| Form { image_channels: 3, stem: 64, kernel: 4, timesteps, stages, classes: 10 };
    let gac = |t| {
        format!(
            r#"{{"preset": "cifar", "T": {t}, "leak": 0.5, "threshold": 1, "fire": ">", "strides": [1, 2, 2],
            "input": [3, 32, 32], "mean": [0.4914, 0.4822, 0.4465], "std": [0.2023, 0.1994, 0.2010]}}"#
        )
    };
    let mut six = Checkpoint::new(&form(6), &gac(6));
    six.add_aliases();
    assert_eq!(six.tensors.len(), 415);
    assert_eq!(six.import().unwrap().summary().unwrap().params, 12_633_198);

    let summary = Checkpoint::new(&form(4), &gac(4)).import().unwrap().summary().unwrap();
    let macs = |kind| summary.layers.iter().filter(|l| l.kind == kind).map(|l| l.macs).sum::<u64>();
    assert_eq!(summary.sops, 8_757_706_752);
    assert_eq!(macs(LayerKind::SpatialChannelAttention), 2 * 64 * 64 * 16 * 1024);
    assert_eq!(macs(LayerKind::Projection), 4 * 3 * 64 * 128 * 1024);
    assert_eq!(macs(LayerKind::Stem), 1_769_472);
    assert_eq!(summary.layers.iter().filter(|l| l.kind == LayerKind::SpikingConv).count(), 16);
    let json = serde_json::to_value(&summary).unwrap();
    assert_eq!(json["layers"][0]["name"], "stem.x");
    assert_eq!(json["neuron"]["fire"], ">");
}

#[test]
fn other_widths_stages_kernels_and_timesteps_are_read() {
    for (kernel, timesteps) in [(1, 2), (3, 5), (7, 6)] {
        let stages = &[(3, 1, false), (7, 3, true), (7, 1, false), (2, 1, true)];
        let form = Form { image_channels: 1, stem: 3, kernel, timesteps, stages, classes: 1 };
        let gac = format!(
            r#"{{"preset": "custom", "T": {timesteps}, "leak": 0.25, "threshold": 0.5, "fire": ">=",
            "strides": [1, 2, 1, 3], "input": [1, 10, 8], "mean": [0], "std": [1], "reset": "zero"}}"#
        );
        let mut net = Checkpoint::new(&form, &gac).import().unwrap();
        assert_eq!((conv(&mut net, "encoder.sca1").kernel(), net.timesteps), (kernel, timesteps));
        assert_eq!((net.neuron.leak_shift, net.neuron.fire), (2, FireRule::Ge));
        let stream = net.nodes.iter().position(|node| node.name == "layer4.0.stream").unwrap();
        assert_eq!(net.values().unwrap()[stream].map, MapShape { c: 2, h: 2, w: 2 });
    }
}

#[test]
fn other_float_types_are_converted() {
    let plain = Checkpoint::small();
    let expected = plain.import().unwrap();
    let mut wide = plain.clone();
    for t in wide.tensors.values_mut().filter(|t| t.dtype == Dtype::F32) {
        let values = t.bytes.chunks_exact(4).map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())));
        t.bytes = values.flat_map(f64::to_le_bytes).collect();
        t.dtype = Dtype::F64;
    }
    assert_eq!(wide.import().unwrap(), expected);
    // 1.0, -2.0, 2^-24 (the smallest half), 65504 (the largest), -0.0, and 1.5
    let halves: [u16; 6] = [0x3c00, 0xc000, 0x0001, 0x7bff, 0x8000, 0x3e00];
    let brains: [u16; 6] = [0x3f80, 0xc000, 0x3380, 0x477f, 0x8000, 0x3fc0];
    for (dtype, bits, values) in [
        (Dtype::F16, halves, [1.0, -2.0, 2f32.powi(-24), 65504.0, -0.0, 1.5]),
        (Dtype::BF16, brains, [1.0, -2.0, 2f32.powi(-24), 65280.0, -0.0, 1.5]),
    ] {
        let mut narrow = plain.clone();
        let bias = narrow.tensors.get_mut("fc1.bias").unwrap();
        bias.dtype = dtype;
        bias.bytes = bits.iter().flat_map(|b| b.to_le_bytes()).collect();
        assert_eq!(head(&mut narrow.import().unwrap()).bias.to_vec(), values);
    }
}

#[test]
fn constants_may_stand_in_a_toml_beside_the_file() {
    let mut bare = Checkpoint::small();
    let expected = bare.import().unwrap();
    bare.gac = None;
    let toml = r#"
        preset = "cifar"
        T = 4
        leak = 0.5
        threshold = 1
        fire = ">"
        strides = [1, 2]
        input = [2, 9, 7]
        mean = [0.5, 0.4]
        std = [0.25, 0.2]
    "#;
    assert_eq!(bare.import_with(toml).unwrap(), expected);
    // Each field from where it is given.
    let mut both = Checkpoint::small();
    both.gac = Some(GAC.replace(r#""T": 4, "#, ""));
    assert_eq!(both.import_with("T = 4\nleak = 0.5\n").unwrap(), expected);
    // And from disk.
    let dir = tempfile::tempdir().unwrap();
    let model = dir.path().join("model.safetensors");
    std::fs::write(&model, bare.bytes()).unwrap();
    std::fs::write(dir.path().join("model.toml"), toml).unwrap();
    let mut loaded = import::load(&model).unwrap();
    assert_eq!(std::mem::take(&mut loaded.origin.sha256), sha256(&bare.bytes()));
    assert_eq!(loaded, expected);
}

#[test]
fn the_examples_shown_in_errors_parse() {
    let form = Form {
        image_channels: 1,
        stem: 2,
        kernel: 4,
        timesteps: 4,
        stages: &[(3, 1, true), (4, 1, true)],
        classes: 2,
    };
    let json = Checkpoint::new(&form, import::EXAMPLE_JSON);
    json.import().unwrap();
    let mut toml = json.clone();
    toml.gac = None;
    let e = toml.import().unwrap_err();
    let ImportError::NoConstants { example, .. } = e else { panic!("{e}") };
    assert_eq!(toml.import_with(&example).unwrap().timesteps, 4);
}
