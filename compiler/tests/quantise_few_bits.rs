//! Weights of few bits: rounded layer after layer, mixed under a budget, and judged.
#![allow(clippy::unwrap_used, missing_docs)]

mod float_support;

use float_support::{fashion_mnist, random, reference};
use spikegate_compiler::calibrate::calibrate;
use spikegate_compiler::graph;
use spikegate_compiler::import;
use spikegate_compiler::quantise::{
    evaluate, mixed, quantise, Answers, EvaluateError, Options, QuantiseError, Quantised, Scales,
};
use spikegate_contract::network::Network;
use spikegate_testbench::data::{open_split, Split};

fn compensated(float: &graph::Network, images: &[Vec<u8>], options: &Options) -> Network {
    let calibration = calibrate(float, images).unwrap();
    Quantised::new(float, &calibration, options).unwrap().compensated(images, &|_, _| ()).unwrap()
}

/// Training images of Fashion-MNIST: some to calibrate with, others to judge on, with their labels.
struct Pictures {
    calibration: Vec<Vec<u8>>,
    images: Vec<Vec<u8>>,
    labels: Vec<Option<u16>>,
}

fn pictures(calibration: usize, images: usize) -> Option<Pictures> {
    let train = open_split(&fashion_mnist()?, Split::Train).unwrap();
    let pixels = |chosen: &[usize]| train.take(chosen).unwrap().iter().map(|image| image.to_vec()).collect();
    let [given, judged] =
        [(calibration, 0), (images, 1)].map(|(count, number)| train.spread_apart(count, (number, 2)));
    assert!(given.iter().all(|image| !judged.contains(image)));
    let labels = judged.iter().map(|&image| train.label(image)).collect();
    Some(Pictures { calibration: pixels(&given), images: pixels(&judged), labels })
}

/// At 3 and 4 bits the logits are nearer to the float network's than those of a network whose layers are rounded for what
/// the float network makes them read.
#[test]
fn layer_after_layer_is_closer() {
    let Some(Pictures { calibration, images, labels }) = pictures(64, 1000) else { return };
    let float = import::load(&reference("gac_fashion_t4.safetensors")).unwrap();
    let right = Answers::float(&float, &images, &|| ()).unwrap();
    let judge = |integer: &Network| {
        Answers::integer(integer, &images).map(|answers| answers.verdict(&right, &labels))
    };
    for weight_bits in [3, 4] {
        let options = Options { weight_bits, ..Options::default() };
        let seen = calibrate(&float, &calibration).unwrap();
        let plain = judge(&quantise(&float, &seen, &options).unwrap()).unwrap();
        let own = judge(&compensated(&float, &calibration, &options)).unwrap();
        println!("{weight_bits} bits: {plain:?}\n  layer after layer: {own:?}");
        assert!(own.logit_error < 0.98 * plain.logit_error);
    }
}

/// 8 bits everywhere need none of it; one narrower layer, and those behind it are rounded anew, none before it.
#[test]
fn what_is_wide_stays() {
    let (float, vectors) = random("random_k4");
    let images = vectors.images();
    let seen = calibrate(&float, &images).unwrap();
    let wide = quantise(&float, &seen, &Options::default()).unwrap();
    assert_eq!(compensated(&float, &images, &Options::default()), wide);

    let layer_bits = [("layer1.0.conv2".to_owned(), 3)].into();
    let one = compensated(&float, &images, &Options { layer_bits, ..Options::default() });
    one.validate().unwrap();
    let at = wide.find("layer1.0.conv2").unwrap();
    for (id, node) in wide.iter() {
        let same = node == one.node(id);
        // A layer in front reads what it always did, of which these are other samples: its values are equal.
        assert!(same || id >= at || wide.layer(id).is_some(), "{}", node.name);
    }
    assert_ne!(wide.node(at), one.node(at));
}

/// Widths under a budget: never more than it, the more the wider, and nothing that is impossible.
#[test]
fn a_budget_is_kept() {
    let (float, vectors) = random("random_k8");
    let images = vectors.images();
    let seen = calibrate(&float, &images).unwrap();
    let options = Options::default();
    let mix = |budget| mixed(&float, &seen, &options, budget, &images, &|_, _| ());
    let weights: u64 =
        quantise(&float, &seen, &options).unwrap().layers().map(|l| l.weights.len() as u64).sum();
    let mut before = 0;
    for share in [50, 60, 75, 90, 100] {
        let budget = (weights * share).div_ceil(100) + 8;
        let options = mix(budget).unwrap();
        let network = quantise(&float, &seen, &options).unwrap();
        let bytes: u64 = network
            .layers()
            .map(|layer| {
                assert!([4, 8].contains(&layer.weight_bits), "{}", layer.name);
                (layer.weights.len() as u64 * u64::from(layer.weight_bits)).div_ceil(8)
            })
            .sum();
        assert!(bytes <= budget && bytes >= before, "{share} %: {bytes} of {budget}");
        before = bytes;
    }
    assert_eq!(before, weights);
    let Err(EvaluateError::Quantise(QuantiseError::Budget { budget: 10, least })) = mix(10) else { panic!() };
    assert!(least >= weights.div_ceil(2) && mix(least).is_ok() && mix(least - 1).is_err());
}

/// A unit for all weights of a layer is one unit, and rounds worse than one for every channel.
#[test]
fn units_are_shared_as_asked_for() {
    let (float, vectors) = random("random_k4");
    let seen = calibrate(&float, &vectors.images()).unwrap();
    let [channel, layer] = [Scales::Channel, Scales::Layer].map(|scales| {
        let options = Options { weight_bits: 4, scales, ..Options::default() };
        quantise(&float, &seen, &options).unwrap()
    });
    assert_ne!(channel, layer);
    // Every channel of its own unit reaches the ends of the range, or nearly; with one unit for all some do not.
    let reach = |net: &Network| -> f64 {
        let layer = net.layer(net.find("layer1.0.conv1").unwrap()).unwrap();
        let rows = layer.weights.chunks(layer.weights.len() / layer.output.shape[0]);
        rows.map(|row| f64::from(row.iter().map(|w| w.unsigned_abs()).max().unwrap())).sum()
    };
    assert!(reach(&channel) > reach(&layer), "{} {}", reach(&channel), reach(&layer));
}

/// The judge counts what an evaluation image by image counts.
#[test]
fn a_verdict_is_that_of_an_evaluation() {
    let (float, vectors) = random("random_k4");
    let images = vectors.images();
    let labels: Vec<Option<u16>> = (0..images.len()).map(|n| Some(n as u16 % 3)).collect();
    let options = Options { weight_bits: 3, ..Options::default() };
    let integer = compensated(&float, &images, &options);
    let right = Answers::float(&float, &images, &|| ()).unwrap();
    let verdict = Answers::integer(&integer, &images).unwrap().verdict(&right, &labels);
    let expected = evaluate(&float, &integer, &images, &labels, images.len(), &|_| ()).unwrap();
    assert_eq!((right.right(&labels), verdict.right), (expected.float_right, expected.integer_right));
    assert_eq!((verdict.images, verdict.same_class), (images.len(), expected.same_label));
    // A population whose spikes are all equal has no distance, and one with a distance has unequal spikes.
    let unequal: u64 = expected.spikes.iter().map(|s| s.total - s.equal).sum();
    let (_, farthest) = verdict.farthest.clone().unwrap();
    assert!(verdict.rate_distance <= farthest && (farthest == 0.0 || unequal > 0), "{verdict:?}");
    let most =
        expected.spikes.iter().map(|s| (s.total - s.equal) as f64 / s.total as f64).fold(0.0, f64::max);
    assert!(farthest <= most, "{farthest} {most}");
}
