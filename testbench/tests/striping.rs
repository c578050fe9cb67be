//! Maps that lie in the external memory between their layers, which run in stripes of rows: the same equality as for maps on
//! chip, and the same exact cycles.

#[allow(dead_code)]
mod support;

use spikegate_compiler::plan::{plan, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::instr::{Instr, Opcode, CONTINUES};
use spikegate_contract::network::{FireRule, Network, Neuron};
use spikegate_golden::random::{image, network, Rng, Shape};
use support::shapes::narrow;
use support::{check, grown, Hardware};

fn images(rng: &mut Rng, net: &Network) -> Vec<Vec<u8>> {
    (0..2).map(|_| image(rng, net.input_shape())).collect()
}

/// An array with the smallest memories.
fn array((l, ci, co): (usize, usize, usize), post: usize, bits: usize) -> ArrayConfig {
    let array =
        ArrayConfig::new(l, 1, ci, co).and_then(|a| a.with_post(post)).and_then(|a| a.with_memory(bits));
    array.and_then(ArrayConfig::with_moves).expect("an array that can be built")
}

/// Convolutions that go on with the rows of the one before, parts that counts are in, and pages of the program.
fn cut(hardware: &Hardware, net: &Network) -> (usize, usize, usize) {
    let planned = plan(net, Request::Existing(&hardware.array)).expect("the network fits");
    let goes_on = |i: &&Instr| i.op == Opcode::Conv as u32 && i.image & CONTINUES != 0;
    let pages = planned.plan.trace_steps.iter().filter(|step| step.name == "load program");
    let parts = planned.plan.dumps.iter().map(|dump| dump.parts).max();
    (planned.instructions.iter().filter(goes_on).count(), parts.unwrap_or(1), pages.count())
}

/// The structure of the authors' CIFAR network, with gaps and a slow memory too.
#[test]
fn narrow_resnet18() {
    let mut rng = Rng(3);
    let net = network(&mut rng, &narrow());
    let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 2, 64)));
    let (goes_on, _, pages) = cut(&hardware, &net);
    println!("{:?}: {goes_on} stripes, {pages} pages", hardware.array);
    assert!(goes_on > 20 && pages > 2);
    let pictures = images(&mut rng, &net);
    check(&mut hardware, &net, &pictures);
    hardware.gaps(3);
    hardware.slow_memory(3);
    check(&mut hardware, &net, &pictures);
}

/// The structure of the authors' ImageNet network on maps with even and odd sides: what shortcuts of stride 2 read lies outside
/// in quarters, or whole. Images come as patches, once with gaps on a slow memory, and after a soft reset.
#[test]
fn narrow_imagenet() {
    let mut rng = Rng(6);
    for (number, input) in [[3, 48, 40], [3, 41, 37]].into_iter().enumerate() {
        let shape = Shape {
            input,
            stem_kernel: (7, 2),
            stages: vec![(8, 2, 2), (16, 2, 2), (24, 1, 2)],
            neuron: Neuron::new(2, FireRule::Gt),
            gate_bits: 12,
            t: [4, 6][number],
            ..narrow()
        };
        let net = network(&mut rng, &shape);
        let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 1, 128)));
        println!("{input:?}: {:?} of {:?}", cut(&hardware, &net), hardware.array);
        let planned = plan(&net, Request::Existing(&hardware.array)).expect("the network fits");
        assert!(planned.plan.patches.is_some());
        let pictures = images(&mut rng, &net);
        check(&mut hardware, &net, &pictures);
        if number == 0 {
            hardware.start(&pictures[0]);
            hardware.soft_reset();
            hardware.gaps(5);
            hardware.slow_memory(5);
            check(&mut hardware, &net, &pictures[1..]);
        }
    }
}

/// Time passes, a first block without a projection, direct coding, a head without the last neurons, counts in parts: one after
/// the other on one netlist.
#[test]
fn one_array_for_all() {
    let mut rng = Rng(7);
    let shapes = [
        Shape { t: 6, stages: vec![(8, 2, 1), (24, 2, 2)], ..narrow() },
        Shape { input: [2, 11, 9], stages: vec![(8, 2, 1), (40, 1, 2)], direct: true, ..narrow() },
        Shape { t: 7, stages: vec![(16, 2, 2), (20, 2, 1)], last_lif: false, ..narrow() },
        Shape { input: [3, 13, 15], stages: vec![(8, 3, 1)], t: 9, ..narrow() },
    ];
    let nets = shapes.map(|shape| network(&mut rng, &shape));
    let mut hardware = Hardware::new(&grown(&nets.iter().collect::<Vec<_>>(), &array((4, 8, 4), 1, 64)));
    let parts: Vec<_> = nets.iter().map(|net| cut(&hardware, net)).collect();
    println!("{parts:?} of {:?}", hardware.array);
    assert!(parts.iter().any(|(_, parts, _)| *parts > 1), "counts in parts");
    for net in &nets {
        check(&mut hardware, net, &images(&mut rng, net));
    }
}

/// A memory of a stated latency and bandwidth is met exactly.
#[test]
fn stated_latency_and_bandwidth() {
    let mut rng = Rng(4);
    let net = network(&mut rng, &Shape { stages: vec![(16, 1, 1), (16, 1, 2)], ..narrow() });
    let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 1, 64)));
    let pictures = images(&mut rng, &net);
    for (latency, bytes_per_1000_cycles) in [(0, 0), (200, 0), (40, 5_000), (75, 1_700)] {
        hardware.memory(MemoryModel { latency, bytes_per_1000_cycles });
        check(&mut hardware, &net, &pictures[..1]);
    }
}
