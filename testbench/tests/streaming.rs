//! Weights that stream from the external memory: the same equality as for weights on chip, and the same exact cycles
//! with the ideal memory; with a slow one the same values.

#[allow(dead_code)]
mod support;

use spikegate_compiler::plan::{plan, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::{FireRule, Network, Neuron};
use spikegate_contract::packet::{header, Target, LOAD};
use spikegate_golden::random::{image, network, shape, Rng, Shape};
use support::{check, grown, Hardware};

fn images(rng: &mut Rng, net: &Network) -> Vec<Vec<u8>> {
    (0..2).map(|_| image(rng, net.input.shape)).collect()
}

fn array((l, ci, co): (usize, usize, usize), bits: usize) -> ArrayConfig {
    ArrayConfig::new(l, 1, ci, co).and_then(|a| a.with_memory(bits)).expect("an array that can be built")
}

/// Whether the network's weights do not fit the array and stream.
fn is_streamed(hardware: &Hardware, net: &Network) -> bool {
    let planned = plan(net, Request::Existing(&hardware.array)).expect("the network fits");
    planned.packets.iter().any(|p| p[0] >> 16 == header(LOAD, Target::Memory as u8, 0) >> 16)
}

fn streams(size: (usize, usize, usize), bits: usize, seed: u64) {
    let mut rng = Rng(seed);
    let nets: Vec<Network> = (0..4)
        .map(|_| {
            let shape = shape(&mut rng);
            println!("array {size:?}, {bits} bits: {shape:?}");
            network(&mut rng, &shape)
        })
        .collect();
    let mut hardware = Hardware::new(&grown(&nets.iter().collect::<Vec<_>>(), &array(size, bits)));
    let streamed = nets.iter().filter(|net| is_streamed(&hardware, net)).count();
    assert!(streamed >= 2, "{streamed} of {} networks stream", nets.len());
    for net in &nets {
        check(&mut hardware, net, &images(&mut rng, net));
    }
    hardware.gaps(seed);
    hardware.slow_memory(seed);
    for net in &nets {
        check(&mut hardware, net, &images(&mut rng, net));
    }
}

#[test]
fn narrow_port() {
    streams((2, 4, 4), 32, 1);
}

#[test]
fn port_as_wide_as_a_weight_word() {
    streams((4, 8, 4), 256, 2);
}

/// The structure of the authors' CIFAR network (stem, three stages of blocks, the later two with stride 2), narrow.
#[test]
fn narrow_resnet18() {
    let shape = Shape {
        input: [3, 16, 16],
        stem: 8,
        stem_kernel: (3, 1),
        k: 4,
        t: 4,
        stages: vec![(16, 3, 1), (32, 3, 2), (64, 2, 2)],
        classes: 10,
        neuron: Neuron { leak_shift: 1, fire: FireRule::Gt },
        weight_bits: 8,
        gate_bits: 8,
        direct: false,
        extreme: false,
    };
    let mut rng = Rng(3);
    let net = network(&mut rng, &shape);
    let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 64)));
    assert!(is_streamed(&hardware, &net));
    check(&mut hardware, &net, &images(&mut rng, &net));
}
