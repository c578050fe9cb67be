//! State dicts of SpikingJelly's MS-ResNet: read like the authors' keys with the same tensors, with the library's defaults said
//! as assumed, or refused by name.
#![allow(clippy::unwrap_used)]

mod import_support;

use import_support::{says, Checkpoint, Form};
use safetensors::tensor::Dtype;
use spikegate_compiler::graph::{Conv, FireRule, MapShape, Network, Neuron, Op, Reset};
use spikegate_compiler::import::{self, ImportError, Preset, Request};

const FILE: &str = "some/model.safetensors";
const TOML: &str = "preset = 'custom'\nT = 3\nleak = 0.25\nthreshold = 0.5\nfire = '>='\nstrides = [2, 2, 2, 2]\nstem_stride = 2\n\
                    input = [2, 35, 33]\nmean = [0.5, 0.4]\nstd = [0.25, 0.2]\n";

/// `ms_resnet18`'s shape at other widths, in the authors' CIFAR keys without an encoder: a 7x7 stem on so many image channels.
fn authors(image_channels: usize) -> Checkpoint {
    let stages = &[(4, 2, true), (5, 2, true), (6, 2, true), (7, 2, true)];
    let form = Form { image_channels, stem: 3, kernel: 4, timesteps: 4, stages, classes: 6 };
    let mut c = Checkpoint::new(&form, "");
    c.random("conv1.weight", &[3, image_channels, 7, 7]);
    c.tensors.retain(|key, _| !key.starts_with("encoding."));
    c.gac = None;
    c
}

/// The library's key of an authors' one.
fn jelly(key: &str) -> String {
    let start = [("conv1.", "stem.0."), ("bn1.bn.", "stem.1."), ("fc1.", "head.")];
    if let Some((rest, own)) = start.iter().find_map(|(from, own)| Some((key.strip_prefix(from)?, own))) {
        return format!("{own}{rest}");
    }
    let key = key.replace(".downsample.layer.module.", ".downsample.0.");
    let key = key.replace(".downsample.bn.bn.", ".downsample.1.");
    key.replace(".bn1.bn.", ".bn1.").replace(".bn2.bn.", ".bn2.")
}

/// The same in the library's keys.
fn small() -> Checkpoint {
    let mut c = authors(2);
    c.rename(jelly);
    c
}

/// `max_resnet18`'s shape: three stages behind a 3x3 stem, and no key that tells its max-pools.
fn max_resnet() -> Checkpoint {
    let stages = &[(4, 3, true), (5, 3, true), (6, 2, true)];
    let form = Form { image_channels: 2, stem: 3, kernel: 4, timesteps: 4, stages, classes: 6 };
    let mut c = Checkpoint::new(&form, "");
    c.tensors.retain(|key, _| !key.starts_with("encoding."));
    c.gac = None;
    c.rename(jelly);
    c
}

fn load(c: &Checkpoint, toml: Option<&str>, preset: Option<Preset>) -> Result<Network, ImportError> {
    import::from_bytes_with(FILE, &c.bytes(), toml, &Request { preset, ..Request::default() })
}

/// The error, whose message must say each of `parts`.
fn refused(c: &Checkpoint, toml: Option<&str>, preset: Option<Preset>, parts: &[&str]) -> ImportError {
    says(load(c, toml, preset).expect_err("this checkpoint must be refused"), parts)
}

/// What is said of an assumption.
fn assumed(net: &Network, what: &str) -> Option<(String, String)> {
    let one = net.origin.assumed.iter().find(|assumption| assumption.what == what)?;
    Some((one.taken.clone(), one.why.clone()))
}

fn conv<'n>(net: &'n Network, name: &str) -> &'n Conv {
    match &net.nodes.iter().find(|node| node.name == name).unwrap().op {
        Op::Conv(conv) => conv,
        other => panic!("{name} is {other:?}"),
    }
}

#[test]
fn the_same_tensors_make_the_same_network() {
    let expected = authors(2).import_with(TOML).unwrap();
    let net = small().import_with(TOML).unwrap();
    assert_eq!((&net.nodes, net.neuron), (&expected.nodes, expected.neuron));
    let said = Neuron { leak_shift: 2, threshold: 0.5, fire: FireRule::Ge, reset: Reset::Zero };
    assert_eq!((net.neuron, net.timesteps, net.input), (said, 3, MapShape { c: 2, h: 35, w: 33 }));
    // Every place, by its own tensor.
    for (node, key) in [
        ("stem.x", "stem.0.weight"),
        ("layer1.0.conv1", "layer1.0.conv1.weight"),
        ("layer3.0.shortcut", "layer3.0.downsample.0.weight"),
        ("layer4.1.conv2", "layer4.1.conv2.weight"),
    ] {
        let weights: Vec<f32> = conv(&net, node).weight.iter().copied().collect();
        assert_eq!(weights, small().values(key), "{key}");
    }
    for (node, norm) in [
        ("stem.x", "stem.1"),
        ("layer1.0.conv1", "layer1.0.bn1"),
        ("layer2.1.conv2", "layer2.1.bn2"),
        ("layer3.0.shortcut", "layer3.0.downsample.1"),
    ] {
        let bn = conv(&net, node).bn.as_ref().unwrap();
        for (ours, key) in [(&bn.weight, "weight"), (&bn.bias, "bias"), (&bn.mean, "running_mean")] {
            assert_eq!(ours.to_vec(), small().values(&format!("{norm}.{key}")), "{norm}.{key}");
        }
    }
    assert!(net.summary().unwrap().last_lif);
    let (taken, why) = assumed(&net, "pool").unwrap();
    assert!(taken == "none" && why.contains("stem_pool"), "{taken}: {why}");
}

#[test]
fn the_preset_says_the_librarys_defaults() {
    let mut c = authors(3);
    c.rename(jelly);
    let net = load(&c, None, Some(Preset::SpikingjellyMs)).unwrap();
    let neuron = Neuron { leak_shift: 2, threshold: 0.5, fire: FireRule::Ge, reset: Reset::Zero };
    assert_eq!((net.neuron, net.timesteps, net.input), (neuron, 6, MapShape { c: 3, h: 224, w: 224 }));
    assert_eq!((conv(&net, "stem.x").stride, conv(&net, "layer1.0.conv1").stride), (2, 2));
    let Op::Input { mean, std } = &net.nodes[0].op else { panic!("{:?}", net.nodes[0]) };
    assert_eq!((mean[..].to_vec(), std[..].to_vec()), (vec![0.485, 0.456, 0.406], vec![0.229, 0.224, 0.225]));
    // Each of them is said, and nothing beside.
    let (taken, why) = assumed(&net, "preset").unwrap();
    assert_eq!(
        taken,
        "T = 6, leak = 0.25, threshold = 0.5, fire = \">=\", strides = [2, 2, 2, 2], stem_stride = 2, input = [3, 224, 224], \
         mean = [0.485, 0.456, 0.406], std = [0.229, 0.224, 0.225], reset = \"zero\", last_lif = true, coding = \"direct\", \
         bn_eps = 1e-5, pool = \"none\""
    );
    assert!(why.contains("the preset spikingjelly-ms, where nothing is said"), "{why}");
    assert_eq!(net.origin.assumed.len(), 1, "{:?}", net.origin.assumed);
    // What is said beside the file counts.
    let toml = "T = 4\ninput = [3, 40, 37]\nthreshold = 1.5\nleak = 0.5\n";
    let net = load(&c, Some(toml), Some(Preset::SpikingjellyMs)).unwrap();
    let neuron = Neuron { leak_shift: 1, threshold: 1.5, fire: FireRule::Ge, reset: Reset::Zero };
    assert_eq!((net.neuron, net.timesteps, net.input), (neuron, 4, MapShape { c: 3, h: 40, w: 37 }));
    let (taken, why) = assumed(&net, "preset").unwrap();
    assert!(!taken.contains("T = ") && !taken.contains("leak"), "{taken}");
    assert!(
        why.contains("says otherwise, which counts: T = 4, leak = 0.5, threshold = 1.5, input = "),
        "{why}"
    );
    let without =
        Request { preset: Some(Preset::SpikingjellyMs), last_lif: Some(false), ..Request::default() };
    let net = import::from_bytes_with(FILE, &c.bytes(), Some(toml), &without).unwrap();
    assert!(!net.summary().unwrap().last_lif);
    assert!(!assumed(&net, "preset").unwrap().0.contains("last_lif"));
}

/// A preset of other keys would fire at another level: none is taken.
#[test]
fn presets_of_other_keys() {
    for preset in [Preset::Cifar, Preset::Imagenet] {
        let e = refused(
            &small(),
            None,
            Some(preset),
            &[FILE, preset.name(), "SpikingJelly's", "some/model.toml"],
        );
        assert!(matches!(e, ImportError::PresetDoesNotFit { .. }), "{e}");
    }
    let e = refused(
        &authors(2),
        None,
        Some(Preset::SpikingjellyMs),
        &["spikingjelly-ms", "(stem, head)", "the authors'"],
    );
    assert!(matches!(e, ImportError::PresetDoesNotFit { .. }), "{e}");
    let said = TOML.replace("custom", "imagenet");
    let e = refused(
        &small(),
        Some(&said),
        Some(Preset::SpikingjellyMs),
        &["\"imagenet\"", "\"spikingjelly-ms\""],
    );
    assert!(matches!(e, ImportError::PresetDisagrees { .. }), "{e}");
    let e = refused(
        &max_resnet(),
        None,
        Some(Preset::SpikingjellyMs),
        &["4 stages", "the file has 3, as max_resnet18 has"],
    );
    assert!(matches!(e, ImportError::PresetDoesNotFit { .. }), "{e}");
    let mut other_stem = small();
    other_stem.random("stem.0.weight", &[3, 2, 5, 5]);
    refused(&other_stem, None, Some(Preset::SpikingjellyMs), &["a stem of 7x7", "one of 5x5"]);
    // An image with two channels is not what the preset has.
    let e = refused(
        &small(),
        None,
        Some(Preset::SpikingjellyMs),
        &["stem.0.weight", "[3, 2, 7, 7]", "3 image channel(s)"],
    );
    assert!(matches!(e, ImportError::WrongShape { .. }), "{e}");
}

/// No key tells max-pools, so where they may be nothing is assumed.
#[test]
fn max_pools_have_no_keys() {
    let toml = TOML.replace("[2, 2, 2, 2]", "[1, 2, 2]").replace("stem_stride = 2", "stem_stride = 1");
    let e = refused(
        &max_resnet(),
        Some(&toml),
        None,
        &[
            FILE,
            "3 stage(s) behind a 3x3 stem",
            "max_resnet18",
            "not supported",
            "some/model.toml: pool = \"none\"",
        ],
    );
    assert!(matches!(e, ImportError::MayPool { stages: 3, kernel: 3, .. }), "{e}");
    let net = max_resnet().import_with(&(toml.clone() + "pool = 'none'\n")).unwrap();
    assert_eq!(assumed(&net, "pool"), None);
    for (pool, parts) in [
        ("max", &["max_resnet18", "not supported", "ms_resnet18"][..]),
        ("avg", &["\"avg\"", "expected \"none\""]),
    ] {
        let parts = [&["some/model.toml", "field `pool`"], parts].concat();
        for c in [max_resnet(), small()] {
            let e = refused(&c, Some(&format!("{TOML}pool = '{pool}'\n")), None, &parts);
            assert!(matches!(e, ImportError::Unsupported { .. }), "{e}");
        }
    }
    let mut wide_stem = max_resnet();
    wide_stem.random("stem.0.weight", &[3, 2, 7, 7]);
    refused(&wide_stem, Some(&toml), None, &["3 stage(s) behind a 7x7 stem"]);
    let mut four = small();
    four.random("stem.0.weight", &[3, 2, 3, 3]);
    refused(&four, Some(TOML), None, &["4 stage(s) behind a 3x3 stem"]);
}

/// `MSResNet` strides by 2 in a stem of any kernel unless it is told: a 3x3 one tells no stride, as the authors' does.
#[test]
fn a_small_stem_tells_no_stride() {
    let toml = TOML.replace("[2, 2, 2, 2]", "[2, 2, 2]").replace("stem_stride = 2\n", "pool = 'none'\n");
    let e = refused(&max_resnet(), Some(&toml), None, &["`stem_stride` is missing", "SpikingJelly's"]);
    assert!(matches!(e, ImportError::MissingField { field: "stem_stride", .. }), "{e}");
}

#[test]
fn no_constants() {
    let e = refused(
        &small(),
        None,
        None,
        &["some/model.toml does not exist", "--preset spikingjelly-ms if it is"],
    );
    let example = e.to_string() + &spikegate_contract::failure::Failure::help(&e).unwrap();
    for line in [
        "T = 6 ",
        "leak = 0.25 ",
        "fire = \">=\" ",
        "strides = [2, 2, 2, 2] ",
        "stem_stride = 2 ",
        "pool = \"none\" ",
    ] {
        assert!(example.contains(line), "{line}: {example}");
    }
    assert!(!example.contains("--preset cifar"), "{example}");
    // The example is a whole file.
    let toml = example.split_once("toml:\n\n").unwrap().1;
    let net = small().import_with(toml).unwrap();
    assert_eq!((net.timesteps, net.neuron.fire, net.neuron.leak_shift), (6, FireRule::Ge, 2));
    // That of a network that may have max-pools says that it has.
    let e = load(&max_resnet(), None, None).unwrap_err();
    let help = spikegate_contract::failure::Failure::help(&e).unwrap();
    let toml = help.split_once("toml:\n\n").unwrap().1;
    let e = refused(&max_resnet(), Some(toml), None, &["field `pool`", "max_resnet18"]);
    assert!(matches!(e, ImportError::Unsupported { .. }), "{e}");
}

#[test]
fn missing_tensors() {
    let optional = |key: &&String| key.ends_with("num_batches_tracked") || *key == "head.bias";
    for key in small().tensors.keys().filter(|key| !optional(key)) {
        let mut c = small();
        c.remove(key);
        let e = refused(&c, Some(TOML), None, &[FILE, &format!("`{key}` is missing"), "state_dict"]);
        assert!(matches!(e, ImportError::MissingKey { .. }), "{key}: {e}");
    }
    let mut c = small();
    c.remove("head.bias");
    let net = c.import_with(TOML).unwrap();
    assert_eq!(assumed(&net, "head.bias").unwrap().0, "zeros");
    let mut c = small();
    c.tensors.retain(|key, _| !key.starts_with("layer1.0.downsample."));
    refused(&c, Some(TOML), None, &["layer1.0.stream", "no downsample"]);
    let mut c = small();
    c.tensors.retain(|key, _| !key.starts_with("layer"));
    let e = refused(&c, Some(TOML), None, &["no network of the form", "ms_resnet18"]);
    assert!(matches!(e, ImportError::OtherNetwork { .. }), "{e}");
}

#[test]
fn wrong_shapes() {
    for (key, shape) in [
        ("stem.0.weight", &[3, 1, 7, 7][..]),
        ("stem.0.weight", &[3, 2, 5, 7]),
        ("stem.1.bias", &[4]),
        ("layer1.0.bn1.running_mean", &[3]),
        ("layer1.1.conv2.weight", &[4, 4, 1, 1]),
        ("layer2.0.downsample.0.weight", &[5, 4, 3, 3]),
        ("layer2.0.downsample.1.running_var", &[4]),
        ("head.weight", &[6, 4]),
        ("head.bias", &[7]),
    ] {
        let mut c = small();
        c.random(key, shape);
        let e = refused(&c, Some(TOML), None, &[FILE, &format!("`{key}` has shape {shape:?}"), "expected"]);
        assert!(matches!(e, ImportError::WrongShape { .. }), "{key} {shape:?}: {e}");
    }
    let mut c = small();
    c.tensors.get_mut("head.bias").unwrap().dtype = Dtype::I32;
    let e = refused(&c, Some(TOML), None, &["`head.bias`", "expected F32"]);
    assert!(matches!(e, ImportError::WrongDtype { .. }));
    let mut c = small();
    c.set("layer1.0.downsample.1.running_var", 2, -1e-3);
    refused(&c, Some(TOML), None, &["`layer1.0.downsample.1.running_var`[2]", "never negative"]);
}

/// Prefixes of wrappers and of larger modules, and what neurons keep.
#[test]
fn near_misses() {
    let expected = small().import_with(TOML).unwrap();
    for prefix in ["module.", "net.", "module.net.", "model_", "_orig_mod.", "stem.", "head.", "layer."] {
        let mut c = small();
        c.rename(|key| format!("{prefix}{key}"));
        let net = c.import_with(TOML).unwrap_or_else(|e| panic!("{prefix}: {e}"));
        assert_eq!(net.nodes, expected.nodes, "{prefix}");
        assert!(assumed(&net, "prefix").unwrap().0.contains(prefix), "{prefix}");
        // Messages name the file's own keys.
        let key = format!("{prefix}layer3.0.downsample.1.bias");
        c.remove(&key);
        refused(&c, Some(TOML), None, &[&format!("`{key}` is missing")]);
    }
    // The authors' keys in a module of such a name.
    let plain = authors(2).import_with(TOML).unwrap();
    for prefix in ["stem.", "head."] {
        let mut c = authors(2);
        c.rename(|key| format!("{prefix}{key}"));
        assert_eq!(c.import_with(TOML).unwrap().nodes, plain.nodes, "{prefix}");
    }
    // What neurons keep between timesteps.
    let mut c = small();
    for key in ["layer1.0.spike1.v", "layer4.1.spike2.v", "head_lif.v", "head_lif.v_seq"] {
        c.random(key, &[2]);
    }
    let net = c.import_with(TOML).unwrap();
    assert_eq!(net.nodes, expected.nodes);
    let (taken, _) = assumed(&net, "skipped").unwrap();
    assert_eq!(taken, "`head_lif.v`, `head_lif.v_seq`, `layer1.0.spike1.v`, `layer4.1.spike2.v`");
    // Behind a prefix too.
    c.rename(|key| format!("module.{key}"));
    assert_eq!(c.import_with(TOML).unwrap().nodes, expected.nodes);
    for key in ["head_lif.w", "layer2.0.spike1.w", "layer2.0.spike2.w"] {
        let mut c = small();
        c.random(key, &[1]);
        let e =
            refused(&c, Some(TOML), None, &[FILE, key, "ParametricLIFNode", "LIFNode, whose tau is fixed"]);
        assert!(matches!(e, ImportError::UnsupportedLayout { .. }), "{e}");
    }
    for key in ["layer1.0.spike1.threshold", "layer1.0.sn1.v", "head_lif.tau", "stem.2.weight", "aux.v"] {
        let mut c = small();
        c.random(key, &[1]);
        let e = refused(
            &c,
            Some(TOML),
            None,
            &["1 unknown key(s)", key, "SpikingJelly's (stem, layerL.B, head)"],
        );
        assert!(matches!(e, ImportError::UnknownKeys { count: 1, .. }), "{e}");
    }
    // The library's other network with these keys has attention in its blocks.
    let mut c = small();
    c.random("layer1.0.attention.ca.sharedMLP.0.weight", &[1]);
    refused(&c, Some(TOML), None, &["attention in its blocks"]);
    // Both layouts at once are neither.
    let mut c = small();
    c.random("conv1.weight", &[3, 2, 7, 7]);
    assert!(c.import_with(TOML).is_err());
    let mut gac = Checkpoint::small();
    gac.random("head.weight", &[6, 5]);
    gac.refused(&["1 unknown key(s): `head.weight`"]);
}
