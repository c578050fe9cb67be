//! Arrays whose memories have parity: every value and every cycle is that of the array without it, and nothing is said of
//! memories that are as they were written. What is said of others: `cli/tests/flips.rs`.

#[allow(dead_code)]
mod support;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::Network;
use spikegate_golden::random::{demo, image, network, shape, Rng, Shape};
use support::shapes::narrow;
use support::{check, grown, Hardware};

fn runs(array: ArrayConfig, seed: u64, shapes: &[Shape]) {
    let mut rng = Rng(seed);
    let nets: Vec<Network> = shapes.iter().map(|shape| network(&mut rng, shape)).collect();
    let array = grown(&nets.iter().collect::<Vec<_>>(), &array.with_parity());
    println!("{array:?}");
    let mut hardware = Hardware::new(&array);
    for gaps in [false, true] {
        if gaps {
            hardware.gaps(seed);
            hardware.slow_memory(seed);
        }
        for net in &nets {
            let images: Vec<_> = (0..2).map(|_| image(&mut rng, net.input_shape())).collect();
            check(&mut hardware, net, &images);
        }
    }
}

fn array((l, ci, co): (usize, usize, usize), bits: usize) -> ArrayConfig {
    let array = ArrayConfig::new(l, 1, ci, co).expect("an array");
    if bits == 0 {
        array
    } else {
        array.with_memory(bits).expect("a port")
    }
}

#[test]
fn everything_on_chip() {
    let mut rng = Rng(5);
    let shapes: Vec<Shape> = (0..4).map(|_| shape(&mut rng)).collect();
    runs(array((3, 4, 4), 0), 1, &shapes);
}

#[test]
fn batches_of_streamed_weights() {
    let base = Shape { input: [2, 10, 9], stem: 8, stages: vec![(12, 2, 1), (20, 2, 2)], ..demo() };
    runs(array((4, 4, 4), 32).with_batch(2).expect("a batch"), 2, &[base.clone(), Shape { t: 6, ..base }]);
}

#[test]
fn lists_and_spilled_maps() {
    let array = array((4, 8, 4), 32).with_skipping(4).and_then(ArrayConfig::with_spilling).expect("an array");
    runs(array, 3, &[Shape { input: [2, 10, 9], stem: 8, stages: vec![(12, 2, 1), (20, 2, 2)], ..demo() }]);
}

#[test]
fn moved_maps_and_pages() {
    // Of the second the images come as patches.
    let patches =
        Shape { input: [3, 41, 37], stem_kernel: (7, 2), stages: vec![(8, 1, 2), (16, 1, 2)], ..narrow() };
    runs(array((4, 8, 8), 64).with_moves().expect("an array"), 4, &[narrow(), patches]);
}
