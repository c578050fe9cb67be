//! The interpreter equals PyTorch, tensor by tensor, and the comparison can fail.
#![allow(clippy::unwrap_used)]

mod float_support;
mod graph_support;

use float_support::{compare, fashion_mnist, random, reference, with_preset, Vectors};
use graph_support::{attention, bn, conv, head, input};
use ndarray::{s, Array4, Axis};
use spikegate_compiler::float::MEMBRANE;
use spikegate_compiler::graph::{Conv, FireRule, Network, Neuron, Padding, Reset};
use spikegate_compiler::import::{self, Preset};

const RANDOM: [&str; 2] = ["random_k4", "random_k8"];

#[test]
fn random_networks_equal_pytorch() {
    for (name, kernel, fire) in [("random_k4", 4, FireRule::Gt), ("random_k8", 8, FireRule::Gt)] {
        let (mut network, vectors) = random(name);
        assert_eq!((conv(&mut network, "encoder.sca1").kernel(), network.neuron.fire), (kernel, fire));
        compare(&network, &vectors.images(), &vectors).unwrap();
    }
}

/// The ImageNet form, direct coding, and a head without neurons; the `.pth` files are `torch.save`'s own.
#[test]
fn other_forms_equal_pytorch() {
    for (name, encoder, last_lif, stem) in [
        ("random_imagenet", true, true, 7),
        ("random_direct", false, true, 3),
        ("random_direct_imagenet", false, false, 7),
    ] {
        let (mut network, vectors) = random(name);
        let summary = network.summary().unwrap();
        let kernel = conv(&mut network, "stem.x").kernel();
        let form = (summary.attention_kernel.is_some(), summary.last_lif, kernel);
        assert_eq!(form, (encoder, last_lif, stem), "{name}");
        compare(&network, &vectors.images(), &vectors).unwrap();
        // The comparison can fail: at the head and in the first block of each form.
        let changed = |change: &dyn Fn(&mut Network)| {
            let mut other = network.clone();
            change(&mut other);
            compare(&other, &vectors.images(), &vectors).expect_err("the comparison must notice")
        };
        let other = changed(&|n| head(n).weight.as_slice_mut().unwrap().reverse());
        assert!(other.contains("`head.logits`"), "{name}: {other}");
        let turned = changed(&|n| turn(conv(n, "layer1.0.conv1")));
        assert!(turned.contains(&format!("`layer1.0.conv1.spikes{MEMBRANE}`")), "{name}: {turned}");
    }
}

/// SpikingJelly's own forward, in float64: `ms_resnet18`, `ms_resnet34` with nothing but the preset and the image's size, and
/// an `MSResNet` of other stem, stages and neurons.
#[test]
fn spikingjellys_networks_equal_its_forward() {
    const JELLY: Option<Preset> = Some(Preset::SpikingjellyMs);
    for (name, preset, blocks, neuron) in [
        ("random_jelly18", None, 8, (2, 0.5)),
        ("random_jelly34", JELLY, 16, (2, 0.5)),
        ("random_jelly_stages", None, 4, (1, 1.5)),
    ] {
        let (network, vectors) = with_preset(name, preset);
        let (leak_shift, threshold) = neuron;
        assert_eq!(
            network.neuron,
            Neuron { leak_shift, threshold, fire: FireRule::Ge, reset: Reset::Zero },
            "{name}"
        );
        let populations = network.populations().count();
        assert_eq!((populations, vectors.count("images")), (2 * blocks + 1, 2), "{name}");
        let names: Vec<String> = (0..populations).map(|p| format!("u.{p}")).collect();
        assert!(names.iter().all(|name| vectors.count(name) == 2), "{name}");
        compare(&network, &vectors.images(), &vectors).unwrap();
        let (values, near) = vectors.near(threshold);
        println!(
            "{name}: {near} of {values} spikes not compared, {:.3} %",
            100.0 * near as f64 / values as f64
        );
        assert!(values > 10_000 && near * 100 < values, "{name}: {near} of {values}");
        // The comparison can fail.
        let must_fail = |at: &str, change: &dyn Fn(&mut Network)| {
            let mut other = network.clone();
            change(&mut other);
            let failure =
                compare(&other, &vectors.images(), &vectors).expect_err("the comparison must notice");
            assert!(failure.contains(&format!("`{at}`")), "{name}: {failure}, expected at `{at}`");
        };
        must_fail("stem.x", &|n| turn(conv(n, "stem.x")));
        must_fail("layer1.0.conv1.spikes.membrane", &|n| turn(conv(n, "layer1.0.conv1")));
        must_fail("layer1.0.spikes.membrane", &|n| bn(n, "layer1.0.shortcut").mean[0] += 0.1);
        must_fail("stem.spikes.membrane", &|n| n.neuron.leak_shift += 1);
        must_fail("stem.spikes.membrane", &|n| n.neuron.threshold *= 1.01);
        must_fail("head.logits", &|n| head(n).weight.as_slice_mut().unwrap().reverse());
    }
}

#[test]
fn the_fashion_networks_equal_pytorch() {
    for name in ["t4", "t6"] {
        let model = reference(&format!("gac_fashion_{name}.safetensors"));
        if !model.is_file() {
            println!("SKIPPED: {} is not there", model.display());
            continue;
        }
        let vectors = Vectors::load(&reference(&format!("vectors_{name}.safetensors")));
        let network = import::load(&model).unwrap();
        let Some(path) = fashion_mnist() else { return };
        let data = spikegate_testbench::data::open(path).unwrap();
        let images: Vec<_> =
            (0..vectors.count("logits")).map(|i| data.image(i).unwrap().into_owned()).collect();
        compare(&network, &images, &vectors).unwrap();
    }
}

/// Applies `change` to both random networks; the comparison must fail on each, at a tensor named `at`.
fn must_fail(at: &str, change: impl Fn(&mut Network)) {
    RANDOM.into_iter().for_each(|name| must_fail_on(name, at, &change));
}

fn must_fail_on(name: &str, at: &str, change: impl Fn(&mut Network)) {
    let (mut network, vectors) = random(name);
    change(&mut network);
    let failure = compare(&network, &vectors.images(), &vectors).expect_err("the comparison must notice");
    assert!(failure.contains(&format!("`{at}`")), "{name}: {failure}, expected at `{at}`");
}

fn turn(conv: &mut Conv) {
    conv.weight.invert_axis(Axis(2));
    conv.weight.invert_axis(Axis(3));
}

fn transpose(conv: &mut Conv) {
    conv.weight.swap_axes(2, 3);
}

/// The even K x K kernel inside a (K + 1) x (K + 1) one, whose 'same' padding is K/2 on both sides. With
/// `offset` 1 it is the same convolution; with 0 every tap reads one row higher and one column further left, as
/// if the padding were K/2 before and K/2 - 1 after.
fn embed(conv: &Conv, offset: usize) -> Conv {
    let (side, large) = (conv.kernel(), conv.kernel() + 1);
    let mut weight = Array4::zeros((conv.out_channels(), conv.in_channels(), large, large));
    let inside = offset..offset + side;
    weight.slice_mut(s![.., .., inside.clone(), inside]).assign(&conv.weight);
    Conv { weight, stride: 1, padding: Padding::same(large), bn: None, steps: None }
}

fn embed_both(network: &mut Network, first: usize, second: usize) {
    for (name, offset) in [("encoder.sca1", first), ("encoder.sca", second)] {
        let conv = conv(network, name);
        *conv = embed(conv, offset);
    }
}

#[test]
fn an_embedded_kernel_is_the_same_convolution() {
    for name in RANDOM {
        let (mut network, vectors) = random(name);
        embed_both(&mut network, 1, 1);
        compare(&network, &vectors.images(), &vectors).unwrap();
    }
}

#[test]
fn attention_padding_shifted_by_one_pixel_is_noticed() {
    must_fail("encoder.sca", |n| embed_both(n, 0, 1));
    must_fail("encoder.sca", |n| embed_both(n, 1, 0));
    must_fail("encoder.sca", |n| embed_both(n, 0, 0));
}

#[test]
fn a_turned_or_transposed_kernel_is_noticed() {
    must_fail("stem.x", |n| turn(conv(n, "stem.x")));
    must_fail("stem.x", |n| transpose(conv(n, "stem.x")));
    must_fail("encoder.sca", |n| turn(conv(n, "encoder.sca1")));
    must_fail("encoder.sca", |n| turn(conv(n, "encoder.sca")));
    must_fail("encoder.sca", |n| transpose(conv(n, "encoder.sca")));
    must_fail("layer1.0.conv1.spikes.membrane", |n| turn(conv(n, "layer1.0.conv1")));
    for (name, last_of_stage, last) in
        [(RANDOM[0], "layer1.1", "layer2.0"), (RANDOM[1], "layer1.0", "layer3.0")]
    {
        let conv2 = |block| format!("{block}.conv2");
        let spikes = |block| format!("{block}.spikes.membrane");
        must_fail_on(name, &spikes(last_of_stage), |n| turn(conv(n, &conv2(last_of_stage))));
        must_fail_on(name, &spikes(last), |n| transpose(conv(n, &conv2(last))));
    }
}

#[test]
fn wrong_constants_are_noticed() {
    must_fail("stem.spikes.membrane", |n| n.neuron.leak_shift += 1);
    must_fail("stem.spikes.membrane", |n| n.neuron.threshold *= 1.01);
    must_fail("stem.x", |n| input(n).0.swap(0, 2));
    must_fail("stem.x", |n| input(n).1[0] = 1.0);
    must_fail("encoder.ta", |n| attention(n).w1.mapv_inplace(|w| -w));
    must_fail("encoder.ta", |n| attention(n).w2.mapv_inplace(|w| w * 1.01));
    must_fail("head.logits", |n| head(n).bias[0] += 0.01);
    must_fail("stem.x", |n| bn(n, "stem.x").weight[0] *= -1.0);
}
