//! The fast engine equals the golden model.

#[allow(dead_code)]
mod support;

use spikegate_golden::fast::Prepared;
use support::random::{image, network, shape, Rng};

#[test]
fn equals_the_golden_model_on_random_networks() {
    for seed in 0..60 {
        let mut rng = Rng(seed);
        let shape = shape(&mut rng);
        let net = network(&mut rng, &shape);
        let fast = Prepared::new(&net).expect("a valid network");
        for _ in 0..3 {
            let pixels = image(&mut rng, net.input.shape);
            let want = spikegate_golden::run(&net, &pixels, &mut ()).expect("golden runs");
            let got = fast.run(&pixels).expect("the fast engine runs");
            assert_eq!((got.class, &got.logits, &got.counts), (want.class, &want.logits, &want.counts), "seed {seed}, {shape:?}");
            assert_eq!(got.spikes, want.spikes.iter().map(|p| p.spikes).collect::<Vec<_>>(), "seed {seed}");
        }
    }
}
