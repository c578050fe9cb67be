//! Weights that stream from the external memory: the same equality as for weights on chip, and the same exact cycles
//! with the ideal memory; with a slow one the same values.

#[allow(dead_code)]
mod support;

use spikegate_compiler::plan::{plan, plan_batch, plan_with, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::failure::Failure;
use spikegate_contract::network::{FireRule, Layer, Network, Neuron, Op};
use spikegate_contract::packet::{header, Target, LOAD};
use spikegate_golden::random::{image, network, shape, Rng, Shape};
use spikegate_runtime::devices::verilator::MemoryTiming;
use support::shapes::narrow;
use support::{check, grown, Hardware};

fn images(rng: &mut Rng, net: &Network) -> Vec<Vec<u8>> {
    (0..2).map(|_| image(rng, net.input_shape())).collect()
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

#[test]
fn narrow_resnet18() {
    let mut rng = Rng(3);
    let net = network(&mut rng, &narrow());
    let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 64)));
    assert!(is_streamed(&hardware, &net));
    check(&mut hardware, &net, &images(&mut rng, &net));
}

/// One netlist built for three images a batch runs batches of 1, 2 and 3, the last one filled up with repeats, with
/// time passes and a shortcut of stride 2; then with gaps and a slow memory.
#[test]
fn batches_share_the_weights() {
    let mut rng = Rng(7);
    let shapes = [
        Shape { input: [3, 12, 13], stages: vec![(16, 2, 2), (24, 1, 1), (32, 2, 2)], t: 6, ..narrow() },
        Shape { input: [2, 11, 9], stages: vec![(8, 1, 1), (40, 1, 2)], direct: true, ..narrow() },
        Shape {
            input: [1, 8, 10],
            stages: vec![(8, 1, 2), (20, 1, 1)],
            t: 7,
            classes: 19,
            last_lif: false,
            ..narrow()
        },
    ];
    let nets = shapes.map(|shape| network(&mut rng, &shape));
    let batched = array((4, 8, 4), 32).with_batch(3).expect("an array that can be built");
    let mut hardware = Hardware::new(&grown(&nets.iter().collect::<Vec<_>>(), &batched));
    for batch in [2, 3, 1] {
        hardware.batch = batch;
        for net in &nets {
            let pictures: Vec<_> = (0..batch + 1).map(|_| image(&mut rng, net.input_shape())).collect();
            check(&mut hardware, net, &pictures);
        }
    }
    hardware.gaps(7);
    hardware.slow_memory(7);
    for (net, batch) in nets.iter().zip([3, 2, 3]) {
        hardware.batch = batch;
        let pictures: Vec<_> = (0..4).map(|_| image(&mut rng, net.input_shape())).collect();
        check(&mut hardware, net, &pictures);
    }
}

/// A batch moves the weights of the blocks once, and takes as many cycles less where the port is too narrow.
#[test]
fn a_batch_pays_where_the_port_is_narrow() {
    let mut rng = Rng(8);
    let net = network(&mut rng, &narrow());
    let batched = array((4, 8, 8), 64).with_batch(4).expect("an array that can be built");
    let array = grown(&[&net], &batched);
    let of = |images| {
        let planned = plan_batch(&net, Request::Existing(&array), &MemoryModel::default(), images);
        let plan = planned.expect("the network fits").plan;
        let stream = plan.weight_stream.expect("the weights stream");
        let cycles: u64 = plan.steps.iter().map(|s| s.cycles).sum();
        (cycles, stream.bytes, stream.cycles_alone)
    };
    let (cycles, bytes, alone) = of(1);
    assert_eq!(cycles, alone);
    let front =
        net.layers().filter(|layer| !layer.input.timed).map(|layer| words(&net, layer)).sum::<u64>() * 64;
    for images in 2..=4u64 {
        let (all, moved, same) = of(images as usize);
        println!(
            "{images} images: {} cycles and {} bytes each, one by one {cycles} and {bytes}",
            all / images,
            moved / images
        );
        assert_eq!(same, alone);
        assert_eq!(
            moved,
            bytes + (images - 1) * front,
            "only the encoder's and the head's weights come again"
        );
        assert!(all < images * cycles, "{all} cycles for {images} images, {cycles} for one");
    }
    let mut hardware = Hardware::new(&array);
    hardware.batch = 4;
    let pictures: Vec<_> = (0..4).map(|_| image(&mut rng, net.input_shape())).collect();
    check(&mut hardware, &net, &pictures);
}

/// Weight words of a layer on 8 slots and 8 output channels.
fn words(net: &Network, layer: Layer<'_>) -> u64 {
    let taps = layer.k * layer.k;
    let (in_c, taps) = match net.source(layer.id).op {
        Op::Input { .. } => (layer.in_c() * taps, 1),
        _ => (layer.in_c(), taps),
    };
    (layer.out_c().div_ceil(8) * in_c.div_ceil(8) * taps) as u64
}

/// The structure of the authors' ImageNet network (7x7 stem of stride 2, four stages with stride 2, leak 1/4, a gate of
/// 12 bits), narrow and on a small image.
#[test]
fn narrow_imagenet() {
    let shape = Shape {
        input: [3, 41, 37],
        stem_kernel: (7, 2),
        stages: vec![(8, 2, 2), (16, 1, 2), (24, 1, 2), (32, 1, 2)],
        neuron: Neuron::new(2, FireRule::Gt),
        gate_bits: 12,
        classes: 40,
        ..narrow()
    };
    let mut rng = Rng(6);
    let net = network(&mut rng, &shape);
    let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 64)));
    assert!(is_streamed(&hardware, &net));
    check(&mut hardware, &net, &images(&mut rng, &net));
}

/// A stated latency and bandwidth are met exactly by a memory that keeps to them, and within 2 % by one that is late
/// and silent by chance, with the same mean.
#[test]
fn stated_latency_and_bandwidth() {
    let mut rng = Rng(4);
    let direct = Shape { direct: true, ..narrow() };
    let net = network(&mut rng, &direct);
    let mut hardware = Hardware::new(&grown(&[&net], &array((4, 8, 8), 32)));
    assert!(is_streamed(&hardware, &net));
    let pictures = images(&mut rng, &net);
    let settings = [(1, 0), (200, 0), (32, 3_000), (75, 1_700), (400, 900)];
    let models =
        settings.map(|(latency, bytes_per_1000_cycles)| MemoryModel { latency, bytes_per_1000_cycles });
    let ideal = cycles_of(&hardware, &net, &MemoryModel::default());
    let slowest = models.iter().map(|m| cycles_of(&hardware, &net, m)).max();
    assert!(slowest > Some(ideal + ideal / 2), "the memory matters: {slowest:?} cycles, ideally {ideal}");
    for model in models {
        println!("{model:?}: {} cycles", cycles_of(&hardware, &net, &model));
        hardware.memory(model);
        check(&mut hardware, &net, &pictures);
    }
    // Of 256 cycles 64 are silent: a request and the first transfer wait a third of a cycle each, and a jitter of 40
    // adds 20 cycles, or up to 40 where many requests are under way.
    for (latency, jitter, gaps) in [(20, 0, 64), (60, 10, 32), (100, 0, 128)] {
        let bytes_per_1000_cycles = 4_000 * (256 - u64::from(gaps)) / 256;
        hardware.memory(MemoryModel { latency: latency + jitter / 2 + 1, bytes_per_1000_cycles });
        hardware.irregular_memory(MemoryTiming { latency, jitter, bytes_per_1000_cycles: 0, gaps, seed: 5 });
        check(&mut hardware, &net, &pictures);
    }
}

fn cycles_of(hardware: &Hardware, net: &Network, memory: &MemoryModel) -> u64 {
    let planned = plan_with(net, Request::Existing(&hardware.array), memory).expect("the network fits");
    planned.plan.steps.iter().map(|s| s.cycles).sum()
}

#[test]
fn more_bandwidth_than_the_port_carries_is_refused() {
    let net = network(&mut Rng(5), &Shape { stages: vec![(8, 1, 1)], ..narrow() });
    let model = |bytes_per_1000_cycles| MemoryModel { latency: 10, bytes_per_1000_cycles };
    let array = array((4, 8, 8), 64);
    let e = plan_with(&net, Request::New(&array), &model(8_001)).expect_err("too much").in_a_line();
    assert!(e.contains("8.001 bytes per cycle, the port carries 8"), "{e}");
    let full = plan_with(&net, Request::New(&array), &model(8_000)).expect("the network fits");
    let ideal = MemoryModel { bytes_per_1000_cycles: 0, ..model(0) };
    let same = plan_with(&net, Request::New(&array), &ideal).expect("the network fits");
    assert_eq!(full.plan.steps, same.plan.steps);
}
