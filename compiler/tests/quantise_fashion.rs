//! The shipped Fashion-MNIST network as an integer network: accuracy against float.
#![allow(clippy::unwrap_used, missing_docs)]

mod float_support;

use float_support::{fashion_mnist, reference};
use spikegate_compiler::calibrate::{calibrate, DEFAULT_IMAGES};
use spikegate_compiler::import;
use spikegate_compiler::quantise::{evaluate, quantise, Evaluation, Options};
use spikegate_testbench::data::{open_split, Split};

fn measure(options: Options, count: usize, spike_images: usize) -> Option<Evaluation> {
    let path = fashion_mnist()?;
    let network = import::load(&reference("gac_fashion_t4.safetensors")).unwrap();
    let train = open_split(&path, Split::Train).unwrap();
    let images: Vec<_> = (0..DEFAULT_IMAGES).map(|i| train.image(i).unwrap()).collect();
    let calibration = calibrate(&network, &images).unwrap();
    let integer = quantise(&network, &calibration, &options).unwrap();
    assert_eq!(quantise(&network, &calibration, &options).unwrap(), integer, "the same in, the same out");

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
fn four_bits_lose_at_most_two_points() {
    let Some(e) = measure(Options { weight_bits: 4, ..Options::default() }, 10_000, 50) else { return };
    assert!(e.integer_right.unwrap() + 200 >= e.float_right.unwrap());
    assert!(e.same_label >= 9400, "same label on {}", e.same_label);
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
