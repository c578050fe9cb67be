//! Zero-skipping: the same equality as in dense mode, and the cycles that the spikes predict.

#[allow(dead_code)]
mod support;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::Network;
use spikegate_golden::random::{image, network, shape, Rng};
use support::{check, grown, Hardware};

/// Random networks, sparse and dense, on an array with lists of `groups` channel groups.
fn skips((l, ci, co): (usize, usize, usize), groups: usize, seed: u64) {
    let array = ArrayConfig::new(l, 1, ci, co).and_then(|a| a.with_skipping(groups)).expect("an array");
    let mut rng = Rng(seed);
    let nets: Vec<Network> = (0..6)
        .map(|_| {
            let shape = shape(&mut rng);
            println!("array {l},1,{ci},{co}, {groups} groups: {shape:?}");
            network(&mut rng, &shape)
        })
        .collect();
    let mut hardware = Hardware::new(&grown(&nets.iter().collect::<Vec<_>>(), &array));
    hardware.gaps(seed);
    for net in &nets {
        let images: Vec<_> = (0..2).map(|_| image(&mut rng, net.input.shape)).collect();
        check(&mut hardware, net, &images);
    }
}

#[test]
fn one_slot() {
    skips((2, 1, 1), 12, 1);
}

#[test]
fn four_slots() {
    skips((4, 4, 4), 4, 2);
}

/// Layers with more than one channel group run dense, between layers that skip.
#[test]
fn some_layers_dense() {
    skips((3, 8, 2), 1, 3);
}
