//! Random networks on the Verilated accelerator equal the golden model: every tensor, class, logit and cycle count.
//!
//! Each test builds one netlist and runs several networks on it, one after the other, without a reset.
//! `SPIKEGATE_NETWORKS=N` sets the networks per netlist and `PROPTEST_RNG_SEED=S` draws others.

#[allow(dead_code)]
mod support;

use std::cell::RefCell;

use proptest::prelude::any;
use proptest::test_runner::{Config, FileFailurePersistence, RngSeed, TestRunner};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::{FireRule, Network, Neuron, ACC_BITS};
use spikegate_golden::random::{demo, image, network, Rng, Shape};
use support::shapes::{bound, pooled_bound, shapes};
use support::{array_for, check, Hardware};

fn images(rng: &mut Rng, net: &Network, n: usize) -> Vec<Vec<u8>> {
    (0..n).map(|_| image(rng, net.input_shape())).collect()
}

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|v| v.parse().unwrap_or_else(|_| panic!("{name}={v} is not a number")))
}

fn random_networks(size: (usize, usize, usize), own_neurons: bool, seed: u64) {
    let largest = [bound(), pooled_bound()].map(|shape| network(&mut Rng(1), &shape));
    // The largest shapes have the largest maps, not the largest weights.
    let array = ArrayConfig {
        sum_bits: ACC_BITS as usize,
        neurons: own_neurons,
        ..array_for(&largest.each_ref(), size)
    };
    let hardware = RefCell::new(Hardware::new(&array));
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/hardware.regressions");
    let config = Config {
        cases: variable("SPIKEGATE_NETWORKS").unwrap_or(8) as u32,
        rng_seed: RngSeed::Fixed(variable("PROPTEST_RNG_SEED").unwrap_or(0) + seed),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(kept))),
        max_shrink_iters: 200,
        ..Config::default()
    };
    let outcome = TestRunner::new(config).run(&(shapes(own_neurons), any::<u64>()), |(shape, seed)| {
        println!("array {size:?}, seed {seed}: {shape:?}");
        let mut rng = Rng(seed);
        let net = network(&mut rng, &shape);
        let pictures = images(&mut rng, &net, 2);
        let mut hardware = hardware.borrow_mut();
        hardware.gaps(seed);
        check(&mut hardware, &net, &pictures);
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("array {size:?}: {failure}");
    }
}

#[test]
fn random_networks_on_the_smallest_array() {
    random_networks((1, 1, 1), true, 100);
}

#[test]
fn random_networks_on_three_lanes() {
    random_networks((3, 4, 2), false, 200);
}

#[test]
fn random_networks_on_a_square_array() {
    random_networks((4, 8, 8), true, 300);
}

#[test]
fn random_networks_on_many_lanes() {
    random_networks((9, 4, 4), false, 400);
}

/// Direct coding (no encoder) between networks with one, with a projection that reads X at every column or at every
/// second one, an identity first block, and more timesteps than lanes.
#[test]
fn direct_coding() {
    let base = Shape { input: [3, 8, 10], stem: 6, stages: vec![(7, 1, 2), (9, 2, 1)], ..demo() };
    let direct = Shape { direct: true, ..base.clone() };
    let mut rng = Rng(11);
    let mut nets: Vec<Network> = [
        direct.clone(),
        base,
        Shape { stem_kernel: (7, 2), input: [3, 15, 17], stages: vec![(7, 2, 1)], t: 9, ..direct.clone() },
        Shape { t: 3, stages: vec![(6, 2, 1)], extreme: true, ..direct.clone() },
    ]
    .iter()
    .map(|shape| network(&mut rng, shape))
    .collect();
    // Whether the first block of equal channels and stride is an identity is drawn.
    let shape = Shape { stages: vec![(6, 2, 1)], ..direct };
    let drawn = (0..99).map(|seed| network(&mut Rng(seed), &shape));
    let shortcut = |net: &Network| net.nodes.iter().any(|node| node.name.ends_with("0.shortcut"));
    nets.extend(drawn.into_iter().find(|net| !shortcut(net)));
    assert_eq!(nets.len(), 5);
    let mut hardware = Hardware::new(&array_for(&nets.iter().collect::<Vec<_>>(), (4, 4, 4)));
    for net in &nets {
        let pictures = images(&mut rng, net, 2);
        check(&mut hardware, net, &pictures);
    }
}

/// Without the last LIF: sums over maps of all forms, with lanes that the last time pass lacks, channels that fill no
/// group, output groups narrower than channel groups, and pooled values at both ends of their range; between networks
/// with the last LIF.
#[test]
fn without_the_last_lif() {
    pooled((4, 8, 4));
}

#[test]
fn sums_of_the_last_map_on_two_lanes() {
    pooled((2, 4, 4));
}

fn pooled(size: (usize, usize, usize)) {
    let base = Shape { input: [2, 8, 6], stem: 5, stages: vec![(7, 1, 1), (13, 2, 1)], t: 6, ..demo() };
    let pooled = Shape { last_lif: false, ..base.clone() };
    let mut rng = Rng(21);
    let nets: Vec<Network> = [
        pooled.clone(),
        base,
        Shape { t: 4, extreme: true, ..pooled.clone() },
        Shape { t: 9, input: [1, 15, 16], stages: vec![(17, 1, 2)], direct: true, ..pooled.clone() },
        Shape { t: 3, input: [1, 5, 16], stages: vec![(3, 1, 1), (8, 1, 2)], extreme: true, ..pooled },
    ]
    .iter()
    .map(|shape| network(&mut rng, shape))
    .collect();
    let mut hardware = Hardware::new(&array_for(&nets.iter().collect::<Vec<_>>(), size));
    for net in &nets {
        let pictures = images(&mut rng, net, 2);
        check(&mut hardware, net, &pictures);
    }
}

/// T = 4, 6 and 2 on one netlist; A-B-A gives A's first results; a smaller network after a larger one.
#[test]
fn networks_back_to_back_without_reset() {
    let base = || Shape {
        input: [1, 8, 8],
        stem: 8,
        stem_kernel: (3, 1),
        k: 4,
        t: 4,
        stages: vec![(8, 1, 2)],
        classes: 5,
        neuron: Neuron::new(1, FireRule::Gt),
        weight_bits: vec![8],
        gate_bits: 8,
        own_neurons: false,
        direct: false,
        last_lif: true,
        extreme: false,
    };
    let mut rng = Rng(7);
    let large = network(
        &mut rng,
        &Shape { input: [3, 9, 11], stem: 9, stages: vec![(10, 2, 2), (12, 1, 1)], ..base() },
    );
    let six = network(&mut rng, &Shape { t: 6, neuron: Neuron::new(2, FireRule::Ge), ..base() });
    let two = network(&mut rng, &Shape { t: 2, input: [1, 5, 7], stem: 3, k: 8, ..base() });
    let mut hardware = Hardware::new(&array_for(&[&large, &six, &two], (4, 4, 4)));
    let images = [&large, &six, &two].map(|net| images(&mut rng, net, 2));
    for (net, pictures) in [(&large, 0), (&two, 2), (&six, 1), (&two, 2), (&large, 0)] {
        check(&mut hardware, net, &images[pictures]);
    }
}
