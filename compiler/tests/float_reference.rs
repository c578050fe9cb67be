//! The interpreter equals PyTorch, tensor by tensor, and the comparison can fail.
#![allow(clippy::unwrap_used)]

mod float_support;

use float_support::{compare, fashion_mnist, random, reference, Vectors};
use spikegate_compiler::graph::{Conv, FireRule, Network, Padding, Tensor};
use spikegate_compiler::import;

const RANDOM: [&str; 2] = ["random_k4", "random_k8"];

#[test]
fn random_networks_equal_pytorch() {
    for (name, kernel, fire) in [("random_k4", 4, FireRule::Gt), ("random_k8", 8, FireRule::Gt)] {
        let (network, vectors) = random(name);
        assert_eq!((network.encoder.as_ref().unwrap().sca_v1.kernel(), network.neuron.fire), (kernel, fire));
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
        let (network, vectors) = random(name);
        let form = (network.encoder.is_some(), network.head.last_lif, network.stem.conv.kernel());
        assert_eq!(form, (encoder, last_lif, stem), "{name}");
        compare(&network, &vectors.images(), &vectors).unwrap();
        // The comparison can fail: at the head and in the first block of each form.
        let changed = |change: &dyn Fn(&mut Network)| {
            let mut other = network.clone();
            change(&mut other);
            compare(&other, &vectors.images(), &vectors).expect_err("the comparison must notice")
        };
        let head = changed(&|n| n.head.weight.data_mut().reverse());
        assert!(head.contains("`logits`"), "{name}: {head}");
        let turned = changed(&|n| turn(&mut n.stages[0][0].conv1.conv));
        assert!(turned.contains("`layer1.0.lif2.u`"), "{name}: {turned}");
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
    for name in RANDOM {
        let (mut network, vectors) = random(name);
        change(&mut network);
        let failure = compare(&network, &vectors.images(), &vectors).expect_err("the comparison must notice");
        assert!(failure.contains(&format!("`{at}`")), "{name}: {failure}, expected at `{at}`");
    }
}

fn turn(conv: &mut Conv) {
    let taps = conv.kernel() * conv.kernel();
    conv.weight.data_mut().chunks_exact_mut(taps).for_each(<[f32]>::reverse);
}

fn transpose(conv: &mut Conv) {
    let side = conv.kernel();
    let old = conv.weight.clone();
    for (index, w) in conv.weight.data_mut().iter_mut().enumerate() {
        let (filter, y, x) = (index / (side * side), index / side % side, index % side);
        *w = old.data()[(filter * side + x) * side + y];
    }
}

/// The even K x K kernel inside a (K + 1) x (K + 1) one, whose 'same' padding is K/2 on both sides. With
/// `offset` 1 it is the same convolution; with 0 every tap reads one row higher and one column further left, as
/// if the padding were K/2 before and K/2 - 1 after.
fn embed(conv: &Conv, offset: usize) -> Conv {
    let (side, large) = (conv.kernel(), conv.kernel() + 1);
    let shape = [conv.out_channels(), conv.in_channels(), large, large];
    let mut data = vec![0.0; shape.iter().product()];
    for (index, &w) in conv.weight.data().iter().enumerate() {
        let (filter, y, x) = (index / (side * side), index / side % side, index % side);
        data[(filter * large + y + offset) * large + x + offset] = w;
    }
    Conv { weight: Tensor::new(&shape, data).unwrap(), stride: 1, padding: Padding::same(large) }
}

fn embed_both(network: &mut Network, first: usize, second: usize) {
    let encoder = network.encoder.as_mut().unwrap();
    encoder.sca_v1 = embed(&encoder.sca_v1, first);
    encoder.sca_v2 = embed(&encoder.sca_v2, second);
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
    must_fail("sca", |n| embed_both(n, 0, 1));
    must_fail("sca", |n| embed_both(n, 1, 0));
    must_fail("sca", |n| embed_both(n, 0, 0));
}

#[test]
fn a_turned_or_transposed_kernel_is_noticed() {
    must_fail("stem.x", |n| turn(&mut n.stem.conv));
    must_fail("stem.x", |n| transpose(&mut n.stem.conv));
    must_fail("sca", |n| turn(&mut n.encoder.as_mut().unwrap().sca_v1));
    must_fail("sca", |n| turn(&mut n.encoder.as_mut().unwrap().sca_v2));
    must_fail("sca", |n| transpose(&mut n.encoder.as_mut().unwrap().sca_v2));
    must_fail("layer1.0.lif2.u", |n| turn(&mut n.stages[0][0].conv1.conv));
    must_fail("layer2.0.lif1.u", |n| turn(&mut n.stages[0].last_mut().unwrap().conv2.conv));
    must_fail("head.u", |n| transpose(&mut n.stages.last_mut().unwrap()[0].conv2.conv));
}

#[test]
fn wrong_constants_are_noticed() {
    must_fail("stem.u", |n| n.neuron.leak_shift += 1);
    must_fail("stem.u", |n| n.neuron.threshold *= 1.01);
    must_fail("stem.x", |n| n.mean.swap(0, 2));
    must_fail("stem.x", |n| n.std[0] = 1.0);
    must_fail("ta", |n| n.encoder.as_mut().unwrap().ta_w1.data_mut().iter_mut().for_each(|w| *w = -*w));
    must_fail("ta", |n| n.encoder.as_mut().unwrap().ta_w2.data_mut().iter_mut().for_each(|w| *w *= 1.01));
    must_fail("logits", |n| n.head.bias[0] += 0.01);
    must_fail("stem.x", |n| n.stem.bn.weight[0] *= -1.0);
}
