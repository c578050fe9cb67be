//! Accuracy of the shipped Fashion-MNIST network in floating point, and the time it takes.
#![allow(clippy::unwrap_used)]

mod float_support;

use float_support::{fashion_mnist, reference};
use spikegate_compiler::{float::Interpreter, import};

/// All 10,000 test images: the accuracy is the one the trainer measured in PyTorch (f32), but for images
/// whose membranes touch the threshold. Run with `--release -- --ignored`; under a minute for each network on two cores.
#[test]
#[ignore = "all 10,000 images: run in release"]
fn top1_on_the_whole_test_set_is_the_trainers() {
    ["t4", "t6"].into_iter().for_each(|name| top1(name, 10_000, 0.0005));
}

/// The first 300, for every run of the tests.
#[test]
fn top1_on_the_first_images_is_plausible() {
    top1("t4", 300, 0.05);
}

fn top1(name: &str, count: usize, tolerance: f64) {
    let Some(path) = fashion_mnist() else { return };
    let model = reference(&format!("gac_fashion_{name}.safetensors"));
    if !model.is_file() {
        println!("SKIPPED: {} is not there", model.display());
        return;
    }
    let network = import::load(&model).unwrap();
    let interpreter = Interpreter::new(&network).unwrap();
    let data = spikegate_testbench::data::open(&path).unwrap();
    data.require_shape([network.input.c, network.input.h, network.input.w]).unwrap();
    let images: Vec<_> = (0..count).map(|i| data.image(i).unwrap()).collect();
    let start = std::time::Instant::now();
    let results = interpreter.run_all(&images).unwrap();
    let seconds = start.elapsed().as_secs_f64();
    let right = (0..count).filter(|&i| data.label(i) == Some(results[i].class as u16)).count();
    let top1 = right as f64 / count as f64;
    let expected = network.origin.float_top1.unwrap();
    println!("{name}: top-1 {top1} on {count} images (trainer: {expected} on 10,000), {seconds:.1} s");
    assert!((top1 - expected).abs() <= tolerance, "top-1 {top1}, expected {expected} +- {tolerance}");
}
