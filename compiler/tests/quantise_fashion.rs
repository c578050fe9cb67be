//! The shipped Fashion-MNIST network as an integer network: accuracy against float.
#![allow(clippy::unwrap_used, missing_docs)]

mod float_support;

use float_support::{fashion_mnist, reference};
use spikegate_compiler::calibrate::{calibrate, DEFAULT_IMAGES};
use spikegate_compiler::import;
use spikegate_compiler::quantise::{evaluate, quantise, Evaluation, Options, Quantised};
use spikegate_golden::fast::Prepared;
use spikegate_testbench::data::{open_split, Split};

fn measure(options: Options, count: usize, spike_images: usize) -> Option<Evaluation> {
    let path = fashion_mnist()?;
    let network = import::load(&reference("gac_fashion_t4.safetensors")).unwrap();
    let train = open_split(&path, Split::Train).unwrap();
    let images = train.take(&train.spread(DEFAULT_IMAGES)).unwrap();
    let calibration = calibrate(&network, &images).unwrap();
    let quantised = || {
        let quantised = Quantised::new(&network, &calibration, &options).unwrap();
        quantised.compensated(&images, &|_, _| ()).unwrap()
    };
    let integer = quantised();
    assert_eq!(quantised(), integer, "the same in, the same out");

    let test = open_split(&path, Split::Test).unwrap();
    let images: Vec<_> = (0..count).map(|i| test.image(i).unwrap()).collect();
    let labels: Vec<_> = (0..count).map(|i| test.label(i)).collect();
    let result = evaluate(&network, &integer, &images, &labels, spike_images, &|_| ()).unwrap();
    let share = |n: usize| 100.0 * n as f64 / count as f64;
    println!(
        "{} bit weights, {count} images: float {:.2} %, integer {:.2} %, same label {:.2} %",
        options.weight_bits,
        share(result.float_right.unwrap()),
        share(result.integer_right.unwrap()),
        share(result.same_label)
    );
    for s in &result.spikes {
        println!(
            "  {:<16} {:.3} % of {} spikes equal",
            s.name,
            100.0 * s.equal as f64 / s.total as f64,
            s.total
        );
    }
    for s in result.saturations.0.iter().filter(|s| s.saturated > 0) {
        println!("  {:<16} {:<10} {} of {} clamped", s.layer, s.kind.to_string(), s.saturated, s.of);
    }
    Some(result)
}

#[test]
fn calibration_has_enough_images_of_every_class() {
    const { assert!(DEFAULT_IMAGES >= 32) };
    let Some(path) = fashion_mnist() else { return };
    let train = open_split(&path, Split::Train).unwrap();
    let chosen = train.spread(DEFAULT_IMAGES);
    assert_eq!(chosen.len(), DEFAULT_IMAGES);
    let of_class = |class| chosen.iter().filter(|&&i| train.label(i) == Some(class)).count();
    assert!((0..10).all(|class| of_class(class) >= DEFAULT_IMAGES / 10), "{chosen:?}");
}

/// As many right answers on all 10,000 test images as with scales from 1,000 images, to 0.1 points. Run as those below.
#[test]
#[ignore = "all 10,000 images: run in release"]
fn calibration_on_more_images_gains_nothing() {
    let Some(path) = fashion_mnist() else { return };
    let network = import::load(&reference("gac_fashion_t4.safetensors")).unwrap();
    let [train, test] = [Split::Train, Split::Test].map(|split| open_split(&path, split).unwrap());
    let right = |count: usize| {
        let calibration = calibrate(&network, &train.take(&train.spread(count)).unwrap()).unwrap();
        let integer = quantise(&network, &calibration, &Options::default()).unwrap();
        let engine = Prepared::new(&integer).unwrap();
        let class = |i: usize| engine.run(&test.image(i).unwrap()).unwrap().class;
        let right = (0..test.len()).filter(|&i| test.label(i) == Some(class(i) as u16)).count();
        println!("{count} calibration images: {right} of {} right", test.len());
        right
    };
    let [default, _, _, _, many] = [DEFAULT_IMAGES, 64, 128, 200, 1000].map(right);
    assert!(default + 10 >= many, "{default}, {many}");
}

/// All 10,000 test images. Run with `--release -- --ignored --nocapture`; about half a minute.
#[test]
#[ignore = "all 10,000 images: run in release"]
fn eight_bits_lose_at_most_half_a_point() {
    let Some(e) = measure(Options::default(), 10_000, 200) else { return };
    assert!(e.integer_right.unwrap() + 50 >= e.float_right.unwrap());
    assert!(e.same_label >= 9750, "same label on {}", e.same_label);
}

/// All 10,000 test images with 4-bit weights, stem, attention and head included.
#[test]
#[ignore = "all 10,000 images: run in release"]
fn four_bits_lose_at_most_half_a_point() {
    let Some(e) = measure(Options { weight_bits: 4, ..Options::default() }, 10_000, 50) else { return };
    assert!(e.integer_right.unwrap() + 50 >= e.float_right.unwrap());
    assert!(e.same_label >= 9600, "same label on {}", e.same_label);
}

/// The first images, for every run of the tests.
#[test]
fn first_images_agree() {
    let Some(e) = measure(Options::default(), 200, 20) else { return };
    assert!(e.same_label >= 190, "same label on {} of 200", e.same_label);
    let stem = &e.spikes[0];
    assert!(stem.equal as f64 >= 0.998 * stem.total as f64, "{stem:?}");
    assert_eq!(e.spikes.len(), 6);
}
