//! The fast engine gives every value that the golden model gives: class, logits, counts, spikes per population
//! and saturations per place.

use spikegate_golden::fast::Prepared;
use spikegate_golden::random::{demo, image_of, large, network, shape, tiny, ImageKind, Rng, Shape};

fn equal(rng: &mut Rng, shape: &Shape) {
    let seed = rng.0;
    let net = network(rng, shape);
    let prepared = Prepared::new(&net).expect("fits 32 bits");
    for kind in ImageKind::ALL {
        let pixels = image_of(rng, shape.input, kind);
        let golden = spikegate_golden::run(&net, &pixels, &mut ()).expect("runs");
        let fast = prepared.run(&pixels).expect("runs");
        assert_eq!(golden, fast, "state {seed:#x} {kind:?} {shape:?}");
    }
}

#[test]
fn on_typical_networks() {
    for seed in 0..40 {
        let mut rng = Rng(seed);
        let shape = Shape { extreme: false, ..shape(&mut rng) };
        equal(&mut rng, &shape);
    }
}

#[test]
fn on_extreme_networks() {
    for seed in 0..80 {
        let mut rng = Rng(seed);
        let shape = Shape { extreme: true, ..tiny(&mut rng) };
        equal(&mut rng, &shape);
    }
}

#[test]
fn on_direct_coding() {
    for seed in 0..20 {
        let mut rng = Rng(seed);
        let shape = Shape { direct: true, extreme: seed % 4 == 0, ..shape(&mut rng) };
        equal(&mut rng, &shape);
    }
}

#[test]
fn on_more_channels_than_one_group() {
    for seed in 0..3 {
        let mut rng = Rng(seed);
        let shape = large(&mut rng);
        equal(&mut rng, &shape);
    }
}

#[test]
fn on_the_demo_shape() {
    equal(&mut Rng(7), &demo());
    equal(&mut Rng(8), &Shape { extreme: true, ..demo() });
}
