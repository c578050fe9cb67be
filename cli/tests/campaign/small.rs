//! A small network and images, for campaigns of faults.

use spikegate_contract::network::Network;
use spikegate_golden::random::{self, image_of, ImageKind, Rng, Shape};

/// The network, and so many images of it.
pub fn network(images: usize) -> (Network, Vec<Vec<u8>>) {
    of(&Shape { input: [1, 8, 8], stem: 4, stages: vec![(6, 1, 2)], classes: 10, ..random::demo() }, images)
}

/// A network of this shape, and so many images of it.
pub fn of(shape: &Shape, images: usize) -> (Network, Vec<Vec<u8>>) {
    let rng = &mut Rng(7);
    let network = random::network(rng, shape);
    let images = (0..images).map(|_| image_of(rng, network.input_shape(), ImageKind::Uniform)).collect();
    (network, images)
}
