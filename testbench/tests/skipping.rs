//! Zero-skipping: the same equality as in dense mode, and the cycles that the spikes predict.

#[allow(dead_code)]
mod support;

use spikegate_compiler::plan::{plan, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::network::Network;
use spikegate_golden::random::{demo, image, network, shape, Rng, Shape};
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
        let images: Vec<_> = (0..2).map(|_| image(&mut rng, net.input_shape())).collect();
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

/// Lists and weights from the external memory together: the cycles follow from the spikes and the memory's timing.
#[test]
fn with_streamed_weights() {
    let array = ArrayConfig::new(4, 1, 4, 4).and_then(|a| a.with_skipping(8)).and_then(|a| a.with_memory(32));
    let mut rng = Rng(7);
    let base = Shape { input: [2, 10, 9], stem: 8, stages: vec![(12, 2, 1), (20, 2, 2)], ..demo() };
    let nets = [base.clone(), Shape { direct: true, t: 6, ..base }].map(|shape| network(&mut rng, &shape));
    let mut hardware = Hardware::new(&grown(&[&nets[0], &nets[1]], &array.expect("an array")));
    for net in &nets {
        let planned = plan(net, Request::Existing(&hardware.array)).expect("the network fits");
        assert!(planned.plan.weight_stream.is_some() && planned.plan.steps.iter().any(|s| s.skips.is_some()));
        let images: Vec<_> = (0..2).map(|_| image(&mut rng, net.input_shape())).collect();
        for (latency, bytes_per_1000_cycles) in [(32, 0), (150, 0), (40, 1_300)] {
            hardware.memory(MemoryModel { latency, bytes_per_1000_cycles });
            check(&mut hardware, net, &images);
        }
    }
}

/// Lists, and residual maps that leave the chip: a pixel waits for its residuals before its taps are listed.
#[test]
fn with_spilled_maps() {
    let array = ArrayConfig::new(4, 1, 8, 4).and_then(|a| a.with_skipping(4)).and_then(|a| a.with_memory(32));
    let array = array.and_then(ArrayConfig::with_spilling).expect("an array");
    let mut rng = Rng(8);
    let base = Shape { input: [2, 12, 9], stem: 8, stages: vec![(16, 3, 1), (24, 2, 2)], ..demo() };
    let nets = [base.clone(), Shape { direct: true, t: 6, ..base }].map(|shape| network(&mut rng, &shape));
    for net in &nets {
        let mut hardware = Hardware::new(&grown(&[net], &array));
        let planned = plan(net, Request::Existing(&hardware.array)).expect("the network fits");
        let spilled = planned.plan.map_spill.expect("maps leave the chip").maps;
        let skips = |name| planned.plan.steps.iter().any(|s| s.skips.is_some() && &s.name == name);
        assert!(spilled.iter().any(skips), "{spilled:?}");
        let images: Vec<_> = (0..2).map(|_| image(&mut rng, net.input_shape())).collect();
        for (latency, bytes_per_1000_cycles) in [(32, 0), (150, 0), (40, 1_300)] {
            hardware.memory(MemoryModel { latency, bytes_per_1000_cycles });
            check(&mut hardware, net, &images);
        }
        hardware.gaps(8);
        hardware.slow_memory(8);
        check(&mut hardware, net, &images);
    }
}
