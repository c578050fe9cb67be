//! Images per second of the golden model and of the fast engine, one thread, on the demo shape:
//! `cargo run --release -p spikegate-golden --example throughput`.

use spikegate_golden::fast::Prepared;
use spikegate_golden::random::{demo, image_of, network, ImageKind, Rng};
use std::time::Instant;

fn main() -> Result<(), spikegate_golden::GoldenError> {
    let mut rng = Rng(1);
    let shape = demo();
    let net = network(&mut rng, &shape);
    let images: Vec<Vec<u8>> = (0..256).map(|_| image_of(&mut rng, shape.input, ImageKind::Smooth)).collect();
    let prepared = Prepared::new(&net)?;

    for p in &prepared.run(&images[0])?.spikes {
        println!("{:24} {:5.1} % spikes", p.name, 100.0 * p.spikes as f64 / p.of as f64);
    }
    let start = Instant::now();
    for image in images.iter().take(16) {
        spikegate_golden::run(&net, image, &mut ())?;
    }
    println!("golden {:8.1} images/s", 16.0 / start.elapsed().as_secs_f64());
    let mut best = f64::INFINITY;
    for _ in 0..5 {
        let start = Instant::now();
        for image in &images {
            prepared.run(image)?;
        }
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("fast   {:8.1} images/s (best of 5)", images.len() as f64 / best);
    Ok(())
}
