//! One image through the golden model as it is specified, and through its fast engine: the demo-sized network with random
//! weights.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used)]

use criterion::{criterion_group, criterion_main, Criterion, Throughput};
use spikegate_golden::fast::{Prepared, Simd};
use spikegate_golden::random::{demo, image, network, Rng};
use spikegate_golden::run;
use std::hint::black_box;

fn engines(c: &mut Criterion) {
    let rng = &mut Rng(1);
    let network = network(rng, &demo());
    let pixels = image(rng, network.input_shape());
    let prepared = Prepared::new(&network).unwrap();
    assert_eq!(prepared.run(&pixels).unwrap(), run(&network, &pixels, &mut ()).unwrap());

    let mut group = c.benchmark_group("golden");
    group.sample_size(10).throughput(Throughput::Elements(1));
    group.bench_function("specified", |b| b.iter(|| run(&network, black_box(&pixels), &mut ()).unwrap()));
    for simd in Simd::available() {
        let prepared = Prepared::at(&network, simd).unwrap();
        group.bench_function(format!("fast, {simd}"), |b| {
            b.iter(|| prepared.run(black_box(&pixels)).unwrap())
        });
    }
    group.finish();
}

criterion_group!(benches, engines);
criterion_main!(benches);
