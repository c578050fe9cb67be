//! Predicted cycles against a walk over every capture, and the limits of the planner.
#![allow(clippy::unwrap_used, missing_docs)]

use spikegate_compiler::plan::cycles::{cycles, Overheads};
use spikegate_compiler::plan::{plan, PlanError, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::failure::Failure;
use spikegate_contract::instr::{Instr, Opcode};
use spikegate_contract::network::{Conv, FireRule, Linear, Network, Neuron, Op};
use spikegate_golden::random::{self, Rng};

/// Issue cycles and cycles to the last issue, one capture at a time.
fn walk(i: &Instr) -> (u64, u64) {
    let (mut issue, mut now, mut last) = (0u64, 0u64, None);
    for _group in 0..=i.groups_out {
        for y in 0..=i.out_h {
            for x in 0..=i.out_w {
                for _pass in 0..=i.time_passes {
                    let inside = |at: u32, tap: u32, size: u32| {
                        let v = i64::from(at * i.stride + tap) - i64::from(i.pad);
                        (0..i64::from(size)).contains(&v)
                    };
                    let taps = (0..=i.kernel).flat_map(|ky| (0..=i.kernel).map(move |kx| (ky, kx)));
                    let taps =
                        taps.filter(|&(ky, kx)| inside(y, ky, i.in_h) && inside(x, kx, i.in_w)).count();
                    let n = taps as u64 * u64::from(i.groups_in + 1) * u64::from(i.planes + 1);
                    issue += n;
                    now += n;
                    // The last issue waits for the post lanes.
                    now = now.max(last.map_or(0, |l| l + u64::from(i.drain_period)));
                    last = Some(now);
                }
            }
        }
    }
    (issue, now)
}

fn random_net(seed: u64) -> Network {
    let mut rng = Rng(seed);
    let shape = random::shape(&mut rng);
    random::network(&mut rng, &shape)
}

#[test]
fn predicted_cycles_are_those_of_a_walk_over_all_captures() {
    for seed in 0..20 {
        let net = random_net(seed);
        let (lanes, ci, co) = [(1, 2, 1), (4, 8, 8), (2, 4, 4), (3, 16, 2)][seed as usize % 4];
        let Ok(p) = plan(&net, Request::Size { lanes, pixels: 1, ci, co }) else { continue };
        let over = Overheads::of(&p.array);
        for i in p.instructions.iter().filter(|i| i.op == Opcode::Conv as u32) {
            let (issue, waited) = walk(i);
            let flush = p.array.flush_cycles(i.drain_period as usize) as u64;
            let got = cycles(i, &p.array, net.timesteps);
            assert_eq!((got.issue, got.total), (issue, over.fetch + over.start + waited + flush));
        }
    }
}

/// The authors' CIFAR network: T = 6, 100 classes.
fn cifar() -> random::Shape {
    random::Shape {
        input: [3, 32, 32],
        stem: 64,
        stem_kernel: (3, 1),
        k: 4,
        t: 6,
        stages: vec![(128, 3, 1), (256, 3, 2), (512, 2, 2)],
        classes: 100,
        neuron: Neuron::new(1, FireRule::Gt),
        weight_bits: vec![8],
        gate_bits: 8,
        own_neurons: false,
        direct: false,
        last_lif: true,
        extreme: false,
    }
}

/// A batch of images of the authors' network takes fewer cycles each, the more the narrower the port; and less room is
/// no reason to fail, but to say how many images fit.
#[test]
fn batches_of_a_large_network() {
    let net = random::network(&mut Rng(1), &random::Shape { t: 4, classes: 10, ..cifar() });
    for bits in [64, 128, 256] {
        let mut before = u64::MAX;
        for images in [1, 2, 4] {
            let array = ArrayConfig::new(4, 1, 32, 32).unwrap();
            let array = array.with_memory(bits).and_then(|a| a.with_batch(images)).unwrap();
            let p = plan(&net, Request::New(&array)).unwrap();
            let stream = p.plan.weight_stream.unwrap();
            let (images, a) = (images as u64, &p.array);
            let cycles = p.plan.steps.iter().map(|s| s.cycles).sum::<u64>().div_ceil(images);
            let maps = a.ci * (9 * a.code_depth + a.lanes * a.spike_depth + 16 * a.lanes * a.stream_depth);
            println!(
                "{bits} bits, {images} images: {cycles} cycles ({} alone), {} bytes each, maps {:.1} Mbit ({:?})",
                stream.cycles_alone,
                stream.bytes.div_ceil(images),
                maps as f64 / 1e6,
                p.plan.words_used
            );
            assert!(cycles < before && cycles <= stream.cycles_alone);
            before = cycles;
        }
    }
}

/// A network of the authors' CIFAR size is planned in a moment.
#[test]
fn plans_a_large_network() {
    let net = random::network(&mut Rng(1), &cifar());
    let p = plan(&net, Request::Size { lanes: 6, pixels: 1, ci: 64, co: 16 }).unwrap();
    let total: u64 = p.plan.steps.iter().map(|s| s.cycles).sum();
    println!("{total} cycles, words {:?}", p.plan.words_used);
    let spiking: Vec<_> = p.plan.steps.iter().filter(|s| s.spiking && s.fills_array).collect();
    let (ops, cycles) = spiking.iter().fold((0, 0), |(o, c), s| (o + s.dense_ops, c + s.cycles));
    let utilisation = ops as f64 / (cycles as f64 * p.array.lane_ops() as f64);
    assert!(utilisation > 0.9, "{utilisation}");
}

#[test]
fn what_does_not_fit_is_refused_with_its_numbers() {
    let size = |ci, co| Request::Size { lanes: 2, pixels: 1, ci, co };
    let refuse = |edit: &dyn Fn(&mut Network), expected: &str| {
        let mut net = random_net(3);
        edit(&mut net);
        let error = plan(&net, size(4, 4)).unwrap_err().in_a_line();
        assert!(error.contains(expected), "{error}");
    };
    let op = |name: &'static str, edit: &dyn Fn(&mut Op), expected: &str| {
        refuse(&|net| edit(&mut net.nodes.iter_mut().find(|node| node.name == name).unwrap().op), expected);
    };
    let conv = |edit: &dyn Fn(&mut Conv), expected: &str| {
        op(
            "stem.x",
            &|op| {
                if let Op::Conv(conv) = op {
                    edit(conv)
                }
            },
            expected,
        );
    };
    let linear = |edit: &dyn Fn(&mut Linear), expected: &str| {
        op(
            "head.logits",
            &|op| {
                if let Op::Linear(linear) = op {
                    edit(linear)
                }
            },
            expected,
        );
    };
    refuse(&|net| net.timesteps = 17, "T is 17");
    op("stem.spikes", &|op| *op = Op::Lif { threshold: 0, neuron: None }, "threshold is 0");
    conv(&|conv| conv.k = 9, "k is 9");
    conv(&|conv| conv.weights.truncate(1), "number of weights is 1");
    linear(&|linear| linear.bias.clear(), "length of bias is 0");
    linear(&|linear| linear.bias[0] = i32::MAX, "more than 32 bits hold");
    let table = |op: &mut Op| {
        if let Op::Gate(gate) = op {
            gate.table.truncate(5)
        }
    };
    op("gate.y", &table, "length of table is 5, expected 1024");
    let mean = |op: &mut Op| {
        if let Op::TemporalAttention(k) = op {
            k.mean_pos[0] = 1 << 23
        }
    };
    op("encoder.ta", &mean, "mean_pos is 8388608");
    let net = random_net(3);
    assert!(matches!(plan(&net, size(3, 1)), Err(PlanError::Array(_))));
    // Maps of 224x224 images on one slot: more words than addresses reach.
    let imagenet = random::Shape { input: [3, 224, 224], stem: 64, stem_kernel: (7, 2), ..random::demo() };
    let large = random::network(&mut Rng(1), &imagenet);
    let error = plan(&large, Request::Size { lanes: 4, pixels: 1, ci: 1, co: 1 }).unwrap_err();
    assert!(matches!(error, PlanError::TooLarge { .. }), "{error}");
    assert!(
        error.in_a_line().contains("words of code memory") && error.in_a_line().contains("raise CI and CO")
    );
    let tiny = ArrayConfig::new(2, 1, 4, 4).unwrap().with_neurons();
    assert!(matches!(plan(&net, Request::Existing(&tiny)), Err(PlanError::TooSmall { .. })));
}
