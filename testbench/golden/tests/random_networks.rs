//! Random networks are valid, repeatable, and spread their activations.

use spikegate_golden::random::{composed, image_of, network, shape, ImageKind, Rng, Shape};
use spikegate_golden::run;

#[test]
fn are_valid_and_repeatable() {
    for seed in 0..60 {
        let make = || {
            let mut rng = Rng(seed);
            let shape = Shape { direct: seed % 5 == 0, ..shape(&mut rng) };
            network(&mut rng, &shape)
        };
        let net = make();
        assert_eq!(net.validate(), Ok(()), "seed {seed}");
        assert!(net == make(), "seed {seed}");
    }
    for seed in 0..400 {
        let make = || composed(&mut Rng(seed), seed % 2 == 0);
        assert_eq!(make().validate(), Ok(()), "seed {seed}");
        assert!(make() == make(), "seed {seed}");
    }
}

#[test]
fn fire_at_moderate_rates() {
    let (mut moderate, mut all) = (0, 0);
    for seed in 0..40 {
        let mut rng = Rng(seed);
        let shape = Shape { extreme: false, ..shape(&mut rng) };
        let net = network(&mut rng, &shape);
        let pixels = image_of(&mut rng, shape.input, ImageKind::Uniform);
        for p in run(&net, &pixels, &mut ()).expect("runs").spikes {
            all += 1;
            moderate += u32::from((5..=60).contains(&(100 * p.spikes / p.of)));
        }
    }
    assert!(moderate * 10 >= all * 8, "{moderate} of {all} populations fire in 5 to 60 % of the timesteps");
}

#[test]
fn saturate_everywhere_when_extreme() {
    let mut seen = std::collections::BTreeMap::new();
    for seed in 0..40 {
        let mut rng = Rng(seed);
        let shape = Shape { extreme: true, ..shape(&mut rng) };
        let net = network(&mut rng, &shape);
        let pixels = image_of(&mut rng, shape.input, ImageKind::Uniform);
        for s in run(&net, &pixels, &mut ()).expect("runs").saturations.0 {
            *seen.entry(s.kind).or_insert(0) += s.saturated;
        }
    }
    assert_eq!(seen.len(), 6);
    assert!(seen.values().all(|&n| n > 0), "{seen:?}");
}
