//! The parts of a compile, each alone: the demo-sized model and images of random pixels.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

use criterion::{criterion_group, criterion_main, Criterion};
use spikegate_compiler::calibrate::calibrate;
use spikegate_compiler::import;
use spikegate_compiler::plan::{plan, Request};
use spikegate_compiler::quantise::{quantise, Options};
use spikegate_golden::random::{image, Rng};
use std::hint::black_box;

const IMAGES: usize = 20;

fn parts(c: &mut Criterion) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../testbench/reference/gac_fashion_t4.safetensors");
    let network = import::load(path.as_ref()).unwrap();
    let rng = &mut Rng(1);
    let images: Vec<Vec<u8>> = (0..IMAGES).map(|_| image(rng, [1, 28, 28])).collect();
    let calibration = calibrate(&network, &images).unwrap();
    let integer = quantise(&network, &calibration, &Options::default()).unwrap();
    let size = Request::Size { lanes: 4, pixels: 1, ci: 16, co: 16 };

    let mut group = c.benchmark_group("compile");
    group.sample_size(10);
    group.bench_function("import", |b| b.iter(|| import::load(black_box(path.as_ref())).unwrap()));
    group.bench_function("calibrate on 20 images", |b| {
        b.iter(|| calibrate(black_box(&network), &images).unwrap())
    });
    group.bench_function("quantise", |b| {
        b.iter(|| quantise(black_box(&network), &calibration, &Options::default()).unwrap())
    });
    group.bench_function("plan for 4,1,16,16", |b| b.iter(|| plan(black_box(&integer), size).unwrap()));
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
