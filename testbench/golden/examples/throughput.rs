//! Images per second of processor time of the fast engine at every vector instruction set of this processor, one thread, on networks of the
//! demo's and the authors' shapes with random weights: `cargo run --release -p spikegate-golden --example throughput`, with `demo` or `gac18`
//! behind it for one of the two, and a set for that alone.

use spikegate_contract::network::{Form, Network, Op};
use spikegate_golden::fast::{Prepared, Simd};
use spikegate_golden::random::{cifar18, demo, image_of, network, ImageKind, Rng};
use spikegate_golden::GoldenError;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Processor time of this thread where the system tells (Linux), so that other processes do not count; else time.
fn clock(start: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|n| n.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

/// Where the time of the best set goes, by operation.
fn profile(net: &Network, prepared: &Prepared, images: &[Vec<u8>]) -> Result<(), GoldenError> {
    let mut times: BTreeMap<&str, Duration> = BTreeMap::new();
    for image in images {
        let mut last = Instant::now();
        prepared.run_observed(image, &mut |id, _| {
            let kind = match &net.node(id).op {
                Op::Conv(_) if net.source(id).out.form == Form::Spikes => "convolution of spikes",
                op => op.name(),
            };
            *times.entry(kind).or_default() += last.elapsed();
            last = Instant::now();
        })?;
    }
    let all: Duration = times.values().sum();
    for (kind, time) in times {
        println!("{kind:>24} {:5.1} %", 100.0 * time.as_secs_f64() / all.as_secs_f64());
    }
    Ok(())
}

fn main() -> Result<(), GoldenError> {
    let [wanted, simd] = [1, 2].map(|at| std::env::args().nth(at));
    for (name, shape, images) in [("demo", demo(), 256), ("gac18", cifar18(), 8)] {
        if wanted.as_ref().is_some_and(|wanted| wanted != name) {
            continue;
        }
        let rng = &mut Rng(1);
        let net = network(rng, &shape);
        let images: Vec<Vec<u8>> =
            (0..images).map(|_| image_of(rng, shape.input, ImageKind::Smooth)).collect();
        let populations = Prepared::new(&net)?.run(&images[0])?.spikes;
        let (spikes, of) = populations.iter().fold((0, 0), |sum, p| (sum.0 + p.spikes, sum.1 + p.of));
        println!("{name}, {:.1} % of the neurons fire", 100.0 * spikes as f64 / of as f64);
        for simd in
            Simd::available().into_iter().filter(|l| simd.as_ref().is_none_or(|w| *w == l.to_string()))
        {
            let prepared = Prepared::at(&net, simd)?;
            let mut best = f64::INFINITY;
            for _ in 0..3 {
                let zero = Instant::now();
                let start = clock(zero);
                for image in &images {
                    prepared.run(image)?;
                }
                best = best.min((clock(zero) - start).as_secs_f64());
            }
            println!("{:>12} {:9.1} images/s (best of 3)", simd.to_string(), images.len() as f64 / best);
        }
        profile(&net, &Prepared::new(&net)?, &images)?;
    }
    Ok(())
}
