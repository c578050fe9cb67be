//! Residual maps that go through the external memory: the same equality as for maps on chip, and the same exact cycles
//! with the ideal memory; with a slow one the same values.

#[allow(dead_code)]
mod support;

use spikegate_compiler::plan::{plan, plan_batch, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::network::{FireRule, Network, Neuron};
use spikegate_golden::random::{image, network, shape, Rng, Shape};
use spikegate_runtime::devices::verilator::MemoryTiming;
use support::shapes::narrow;
use support::{check, grown, Hardware};

fn images(rng: &mut Rng, net: &Network) -> Vec<Vec<u8>> {
    (0..2).map(|_| image(rng, net.input_shape())).collect()
}

fn array((l, ci, co): (usize, usize, usize), bits: usize) -> ArrayConfig {
    let array = ArrayConfig::new(l, 1, ci, co).and_then(|a| a.with_memory(bits));
    array.and_then(ArrayConfig::with_spilling).expect("an array that can be built")
}

/// Layers whose stream leaves the chip.
fn spilled(hardware: &Hardware, net: &Network) -> Vec<String> {
    let request = Request::Existing(&hardware.array);
    let planned = plan_batch(net, request, &hardware.memory, hardware.batch).expect("the network fits");
    planned.plan.map_spill.map_or(Vec::new(), |spill| spill.maps)
}

#[test]
fn narrow_resnet18() {
    let mut rng = Rng(3);
    let net = network(&mut rng, &narrow());
    let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 64)));
    let maps = spilled(&hardware, &net);
    // What the third stage adds fits beside what the second one left for its shortcut.
    let layers = ["1.0.shortcut", "1.0.conv2", "1.1.conv2", "2.0.shortcut", "2.0.conv2", "2.1.conv2"];
    assert_eq!(maps, layers.map(|layer| format!("layer{layer}")));
    check(&mut hardware, &net, &images(&mut rng, &net));
}

/// The structure of the authors' ImageNet network, narrow, on maps with even and odd sides: what shortcuts of stride 2 read
/// is kept in quarters, in halves, or whole.
#[test]
fn narrow_imagenet() {
    let mut rng = Rng(6);
    for (number, input) in [[3, 48, 40], [3, 42, 44], [3, 44, 42], [3, 41, 37]].into_iter().enumerate() {
        let shape = Shape {
            input,
            stem_kernel: (7, 2),
            stages: vec![(8, 2, 2), (16, 2, 2), (24, 1, 2)],
            neuron: Neuron::new(2, FireRule::Gt),
            gate_bits: 12,
            t: [4, 6][number % 2],
            ..narrow()
        };
        let net = network(&mut rng, &shape);
        let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 64)));
        println!("{input:?}: {} words, {:?}", hardware.array.stream_depth, spilled(&hardware, &net));
        check(&mut hardware, &net, &images(&mut rng, &net));
    }
}

/// Random networks one after the other on one netlist, with gaps and a slow memory too.
fn spills(array: ArrayConfig, seed: u64) {
    let mut rng = Rng(seed);
    let mut nets: Vec<(usize, Shape, Network)> = (0..30)
        .map(|_| {
            let shape = shape(&mut rng);
            let net = network(&mut rng, &shape);
            (least(&net, &grown(&[&net], &array)), shape, net)
        })
        .collect();
    // A stream memory of which most of the networks that fit need more for all their maps.
    let depth = [16, 32, 64, 128, 256, 512].into_iter().max_by_key(|depth| {
        let fits = nets.iter().filter(|(least, ..)| least <= depth);
        fits.filter(|(_, _, net)| spills_with(net, &array, *depth)).count()
    });
    let depth = depth.expect("depths");
    nets.retain(|(least, _, net)| *least <= depth && spills_with(net, &array, depth));
    nets.truncate(5);
    assert!(nets.len() >= 3, "{} of 30 networks spill with {depth} words", nets.len());
    let networks: Vec<&Network> = nets.iter().map(|(.., net)| net).collect();
    let array = ArrayConfig { stream_depth: depth, ..grown(&networks, &array) };
    let mut hardware = Hardware::new(&array);
    for again in [false, true] {
        for (_, shape, net) in &nets {
            println!("{array:?}: {shape:?}, {:?}", spilled(&hardware, net));
            check(&mut hardware, net, &images(&mut rng, net));
        }
        if !again {
            hardware.gaps(seed);
            hardware.slow_memory(seed);
        }
    }
}

/// Whether the network spills maps when its stream memory has so many words.
fn spills_with(net: &Network, array: &ArrayConfig, depth: usize) -> bool {
    let array = ArrayConfig { stream_depth: depth, ..grown(&[net], array) };
    plan(net, Request::Existing(&array)).is_ok_and(|planned| planned.plan.map_spill.is_some())
}

/// The smallest stream memory that the network runs with.
fn least(net: &Network, array: &ArrayConfig) -> usize {
    let fits = |depth: &usize| {
        plan(net, Request::Existing(&ArrayConfig { stream_depth: *depth, ..array.clone() })).is_ok()
    };
    (1..).map(|bits| 1 << bits).find(fits).expect("some depth is enough")
}

/// A beat wider than a transfer.
#[test]
fn random_networks_on_a_narrow_port() {
    spills(array((3, 8, 8), 32), 1);
}

/// Several beats in a transfer.
#[test]
fn random_networks_on_a_wide_port() {
    spills(array((2, 8, 8), 128), 2);
}

/// A burst smaller than a transfer.
#[test]
fn random_networks_on_one_lane() {
    spills(array((1, 8, 2), 32), 3);
}

/// Time passes, a first block without a projection, direct coding, a head without the last LIF; then with gaps and a slow
/// memory.
#[test]
fn other_networks() {
    let mut rng = Rng(7);
    let shapes = [
        Shape { t: 6, stages: vec![(8, 2, 1), (24, 2, 2)], ..narrow() },
        Shape { input: [2, 11, 9], stages: vec![(8, 2, 1), (40, 1, 2)], direct: true, ..narrow() },
        Shape { t: 7, stages: vec![(16, 2, 2), (20, 2, 1)], last_lif: false, ..narrow() },
        Shape { input: [3, 13, 15], stages: vec![(8, 3, 1)], t: 9, ..narrow() },
    ];
    let nets = shapes.map(|shape| network(&mut rng, &shape));
    let mut array = grown(&nets.iter().collect::<Vec<_>>(), &array((4, 8, 4), 32));
    array.stream_depth = nets.iter().map(|net| least(net, &array)).max().expect("networks");
    let mut hardware = Hardware::new(&array);
    for net in &nets {
        println!("{:?}", spilled(&hardware, net));
        check(&mut hardware, net, &images(&mut rng, net));
    }
    hardware.gaps(7);
    hardware.slow_memory(7);
    for net in &nets {
        check(&mut hardware, net, &images(&mut rng, net));
    }
}

/// Batches: what enters the first block stays on chip.
#[test]
fn batches() {
    let mut rng = Rng(9);
    let net = network(&mut rng, &Shape { t: 5, stages: vec![(16, 2, 2), (24, 2, 2)], ..narrow() });
    let batched = array((4, 8, 4), 32).with_batch(3).expect("an array that can be built");
    let mut hardware = Hardware::new(&grown(&[&net], &batched));
    for batch in [3, 1, 2] {
        hardware.batch = batch;
        println!("batch of {batch}: {:?}", spilled(&hardware, &net));
        let pictures: Vec<_> = (0..batch + 1).map(|_| image(&mut rng, net.input_shape())).collect();
        check(&mut hardware, &net, &pictures);
    }
}

/// As for weights: a memory of a stated latency and bandwidth, which reads and writes share, is met exactly, and an
/// irregular one of the same mean within 2 %.
#[test]
fn stated_latency_and_bandwidth() {
    let mut rng = Rng(4);
    let net = network(&mut rng, &Shape { direct: true, ..narrow() });
    let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 32)));
    assert!(!spilled(&hardware, &net).is_empty());
    let pictures = images(&mut rng, &net);
    let model = |latency, bytes_per_1000_cycles| MemoryModel { latency, bytes_per_1000_cycles };
    for model in
        [model(0, 0), model(200, 0), model(32, 3_000), model(75, 1_700), model(400, 900), model(9, 4_000)]
    {
        hardware.memory(model);
        check(&mut hardware, &net, &pictures);
    }
    // Late by chance, and of 256 cycles so many are silent, on every channel by itself.
    for (latency, jitter, rate, gaps) in [(20, 40, 3_000, 0), (60, 10, 1_700, 0), (30, 20, 4_000, 16)] {
        hardware.memory(model(latency + jitter / 2 + 1, rate * (256 - u64::from(gaps)) / 256));
        let bytes_per_1000_cycles = rate;
        hardware.irregular_memory(MemoryTiming { latency, jitter, bytes_per_1000_cycles, gaps, seed: 5 });
        check(&mut hardware, &net, &pictures);
    }
}
