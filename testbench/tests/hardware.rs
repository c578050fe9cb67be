//! Random networks on the Verilated accelerator equal the golden model in every value and every cycle count.

#[allow(dead_code)]
mod support;

use spikegate_contract::network::{FireRule, Neuron};
use support::random::{image, network, Rng, Shape};
use support::{array_for, check, Hardware};

fn small() -> Shape {
    Shape {
        input: [1, 8, 8],
        stem: 8,
        stem_kernel: (3, 1),
        k: 4,
        t: 4,
        stages: vec![(8, 1, 2)],
        classes: 5,
        neuron: Neuron { leak_shift: 1, fire: FireRule::Gt },
        weight_bits: 8,
        gate_bits: 8,
        extreme: false,
    }
}

#[test]
fn a_small_network_on_a_small_array() {
    let mut rng = Rng(1);
    let net = network(&mut rng, &small());
    let images: Vec<_> = (0..3).map(|_| image(&mut rng, net.input.shape)).collect();
    let mut hardware = Hardware::new(&array_for(&[&net], (4, 4, 4)));
    check(&mut hardware, &net, &images);
}
