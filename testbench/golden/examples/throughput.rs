//! Images per second of processor time of the golden model and of the fast engine, one thread, demo shape:
//! `cargo run --release -p spikegate-golden --example throughput`.

use spikegate_golden::fast::Prepared;
use spikegate_golden::random::{demo, image_of, network, ImageKind, Rng};
use std::time::{Duration, Instant};

/// Processor time of this thread where the system tells (Linux), so that other processes do not count; else time.
fn clock(start: Instant) -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split(' ').next().and_then(|n| n.parse().ok());
    nanos.map_or_else(|| start.elapsed(), Duration::from_nanos)
}

fn main() -> Result<(), spikegate_golden::GoldenError> {
    let mut rng = Rng(1);
    let shape = demo();
    let net = network(&mut rng, &shape);
    let images: Vec<Vec<u8>> = (0..256).map(|_| image_of(&mut rng, shape.input, ImageKind::Smooth)).collect();
    let prepared = Prepared::new(&net)?;

    for p in &prepared.run(&images[0])?.spikes {
        println!("{:24} {:5.1} % spikes", p.name, 100.0 * p.spikes as f64 / p.of as f64);
    }
    let zero = Instant::now();
    let start = clock(zero);
    for image in images.iter().take(16) {
        spikegate_golden::run(&net, image, &mut ())?;
    }
    println!("golden {:8.1} images/s", 16.0 / (clock(zero) - start).as_secs_f64());
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = clock(zero);
        for image in &images {
            prepared.run(image)?;
        }
        best = best.min((clock(zero) - start).as_secs_f64());
    }
    println!("fast   {:8.1} images/s (best of 5)", images.len() as f64 / best);
    Ok(())
}
