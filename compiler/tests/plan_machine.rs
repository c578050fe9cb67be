//! Programs run on a plain model of the instruction set give what the golden model gives, tensor by tensor.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "plan_machine/assembled.rs"]
mod assembled;
#[path = "plan_machine/machine.rs"]
mod machine;

use assembled::assembled;
use machine::Machine;
use spikegate_compiler::plan::{plan, plan_batch, Hidden, PlanError, Planned, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{DumpEntry, DumpForm, MemoryModel};
use spikegate_contract::failure::Failure;
use spikegate_contract::image::ImageForm;
use spikegate_contract::instr::{Instr, Opcode, Source, PACKED};
use spikegate_contract::network::{FireRule, Form, Network, Neuron, NodeId, Op, Reset};
use spikegate_contract::tensor::Tensor;
use spikegate_golden::random::{self, Rng};

/// Assembled networks.
const COUNT: u64 = 120;
/// Arrays of all kinds: every time and plane pass count, groups that channels do not fill.
const ARRAYS: [(usize, usize, usize); 8] =
    [(1, 1, 1), (2, 4, 2), (3, 8, 8), (4, 16, 8), (5, 2, 1), (8, 4, 4), (9, 16, 4), (16, 32, 16)];

fn planned(net: &Network, (lanes, ci, co): (usize, usize, usize)) -> Planned {
    plan(net, Request::Size { lanes, pixels: 1, ci, co }).unwrap()
}

/// The same array with packed weights.
fn packed(net: &Network, (lanes, ci, co): (usize, usize, usize)) -> Planned {
    let array = ArrayConfig::new(lanes, 1, ci, co).unwrap().with_packed();
    plan(net, Request::New(&array)).unwrap()
}

/// A dumped region as a tensor of one of the images in it, straight from the machine's memories.
fn dumped(
    net: &Network,
    m: &Machine,
    p: &Planned,
    i: &Instr,
    entry: &DumpEntry,
    image: usize,
) -> Vec<Tensor> {
    if entry.form == DumpForm::Scalars {
        // What the attention reads.
        let attention = net.find(&entry.tensor).unwrap();
        let name = net.source(attention).name.clone();
        let statistics = Tensor { name, dims: [1, 2, 1, 1], data: vec![m.sum, m.max] };
        return vec![statistics, Tensor { name: entry.tensor.clone(), dims: entry.dims, data: m.ta.clone() }];
    }
    let (a, base) = (&p.array, i.source_base as usize);
    let mut out = Tensor::zeros(entry.tensor.clone(), entry.dims);
    let [t, c, h, w] = entry.dims;
    let [first, h] = entry.rows.unwrap_or([0, h]);
    let passes = if t == 1 { 1 } else { a.time_passes(t) };
    let image = if entry.images > 1 { image } else { 0 };
    if entry.spilled {
        let bursts = c.div_ceil(a.co) * entry.images * passes * h * w;
        assert_eq!(i.length as usize, bursts * a.beats(false));
        for (n, burst) in m.queue.iter().take(bursts).enumerate() {
            let (pass, pixel, map) = (n % passes, n / passes % (h * w), n / passes / (h * w));
            for (q, values) in burst.iter().enumerate().filter(|_| map % entry.images == image) {
                let channel = map / entry.images * a.co + q;
                for (lane, &value) in values.iter().enumerate().filter(|(lane, _)| pass * a.lanes + lane < t)
                {
                    if channel < c {
                        let at = out.index(pass * a.lanes + lane, channel, first + pixel / w, pixel % w);
                        out.data[at] = value.into();
                    }
                }
            }
        }
        return vec![out];
    }
    let words = c.div_ceil(a.ci) * entry.images * passes * h * w;
    assert_eq!(i.length as usize, words * entry.parts);
    let rows = first..first + h;
    for (step, channel, y, x) in (0..out.data.len())
        .map(|n| out.coordinates(n))
        .filter(|[_, _, y, _]| rows.contains(y))
        .map(|[t, c, y, x]| (t, c, y - first, x))
        .collect::<Vec<_>>()
    {
        let map = channel / a.ci * entry.images + image;
        let address = base + (map * passes + step / a.lanes) * h * w + y * w + x;
        let (slot, lane) = (channel % a.ci, step % a.lanes);
        let value = match entry.form {
            DumpForm::SignedCode | DumpForm::UnsignedCode => {
                assert_eq!(i.source, Source::Attention as u32);
                i64::from(m.code[slot][address])
            }
            DumpForm::Spikes => {
                assert_eq!(i.source, Source::Spikes as u32);
                i64::from(m.spike[slot][address] >> lane & 1)
            }
            _ => (0..entry.parts).map(|part| i64::from(m.stream[slot][address + part * words][lane])).sum(),
        };
        let at = out.index(step, channel, first + y, x);
        out.data[at] = value;
    }
    vec![out]
}

/// Adds dumped tensors to those that are there; of one that comes in parts, its rows.
fn gather(tensors: &mut Vec<Tensor>, dumped: Vec<Tensor>, rows: Option<[usize; 2]>) {
    for part in dumped {
        let known = tensors.iter_mut().find(|known| known.name == part.name);
        match (known, rows) {
            (Some(known), Some([first, rows])) => {
                for n in 0..part.data.len() {
                    if (first..first + rows).contains(&part.coordinates(n)[2]) {
                        known.data[n] = part.data[n];
                    }
                }
            }
            (known, _) => {
                assert!(known.is_none(), "{} is dumped twice", part.name);
                tensors.push(part);
            }
        }
    }
}

/// A plan for `images` images at a time whose weights stay on chip: what the machine can run.
fn batched(
    net: &Network,
    (lanes, ci, co): (usize, usize, usize),
    images: usize,
) -> Result<Planned, PlanError> {
    let mut array = ArrayConfig::new(lanes, 1, ci, co).unwrap();
    array.batch = images;
    plan_batch(net, Request::New(&array), &MemoryModel::default(), images)
}

fn check(net: &Network, array: (usize, usize, usize), images: &[Vec<u8>]) {
    check_planned(net, &planned(net, array), images, true);
    check_planned(net, &packed(net, array), images, true);
    let p = batched(net, array, images.len()).unwrap();
    assert_eq!(p.plan.batch, images.len());
    check_planned(net, &p, images, true);
}

/// Runs images on both programs; of networks of `residual` blocks all tensors are known that must be dumped.
fn check_planned(net: &Network, p: &Planned, images: &[Vec<u8>], residual: bool) {
    let mut plain = Machine::load(&p.array, &p.packets);
    let mut tracing = Machine::load(&p.array, &p.trace_packets);
    for machine in [&mut plain, &mut tracing] {
        machine.patches = Some(ImageForm::new(net, &p.array, p.plan.patches));
    }
    for batch in images.chunks(p.plan.batch) {
        plain.run(batch, |_, index, _| panic!("the plain program dumps at {index}"));
        let mut tensors = vec![Vec::new(); batch.len()];
        tracing.run(batch, |m, index, i| {
            let entry = p.plan.dumps.iter().find(|d| d.instruction == index).unwrap();
            for (image, tensors) in tensors.iter_mut().enumerate() {
                if entry.image.is_none_or(|of| of == image) {
                    gather(tensors, dumped(net, m, p, i, entry, image), entry.rows);
                }
            }
        });
        for (place, (image, tensors)) in batch.iter().zip(tensors).enumerate() {
            let mut golden: Vec<Tensor> = Vec::new();
            let outcome = spikegate_golden::run(net, image, &mut golden).unwrap();
            let expected: Vec<i64> = outcome.logits.iter().map(|&l| i64::from(l)).collect();
            let what = format!("image {place} of {}, array {:?}", batch.len(), p.array);
            for got in &tensors {
                let want = golden.iter().find(|t| t.name == got.name).unwrap();
                assert!(got == want, "{} differs, {what}", want.name);
            }
            assert_eq!(plain.results[place], expected, "logits, {what}");
            assert_eq!(tracing.results[place], expected, "logits of the tracing program, {what}");
            if !residual {
                continue;
            }
            golden.retain(|t| !hides(net, p, net.find(&t.name).unwrap()));
            let named = |tensors: &[Tensor]| tensors.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
            let (mut got, mut expected) = (named(&tensors), named(&golden));
            if p.array.moves {
                // Maps in parts come behind others.
                [&mut got, &mut expected].into_iter().for_each(|names| names.sort());
            }
            assert_eq!(got, expected, "every tensor is dumped, in order");
        }
    }
}

/// Whether the plan hides a node; it may do so only for a reason that the network alone shows, or where there is no room.
fn hides(net: &Network, p: &Planned, id: NodeId) -> bool {
    let why = p.hidden.iter().find(|(hidden, _)| *hidden == id).map(|(_, why)| *why);
    if why == Some(Hidden::NoRoom) {
        let counted = net.readers(id).all(|(_, reader)| matches!(reader.op, Op::Count));
        assert!(p.array.moves && counted, "{} is read", net.node(id).name);
    } else {
        assert_eq!(why.is_none(), kept(net, id), "{}: {why:?}", net.node(id).name);
    }
    why.is_some()
}

/// Whether the core keeps what a node makes: all but what goes straight into neurons, a sum or a code.
fn kept(net: &Network, id: NodeId) -> bool {
    match &net.node(id).op {
        Op::Input { .. } | Op::Repeat | Op::Linear(_) => false,
        Op::Code { .. } => !matches!(net.source(id).op, Op::Gate(_)),
        Op::Conv(_) => {
            let coded = |op: &Op| matches!(op, Op::Code { .. });
            net.source(id).out.form != Form::Spikes && net.readers(id).any(|(_, reader)| !coded(&reader.op))
        }
        _ => true,
    }
}

/// An array that exists must have the neurons; a new one gets them.
#[test]
fn arrays_without_neurons_of_their_own_are_refused() {
    let mut net = random::network(&mut Rng(6), &random::demo());
    let plain = planned(&net, (4, 8, 8));
    assert!(!plain.array.neurons);
    let soft = Neuron { reset: Reset::Subtract, ..net.neuron };
    let slow = Neuron { leak_shift: net.neuron.leak_shift + 1, ..net.neuron };
    let other = Neuron { fire: FireRule::Ge, ..net.neuron };
    assert_ne!(net.neuron, other);
    let lif = net.find("layer1.0.conv1.spikes").unwrap();
    for own in [soft, slow, other] {
        let Op::Lif { neuron, .. } = &mut net.nodes[lif.0].op else { panic!("neurons") };
        *neuron = Some(own);
        let error = plan(&net, Request::Existing(&plain.array)).unwrap_err();
        assert_eq!(error, PlanError::Neurons { node: "layer1.0.conv1.spikes".into() });
        let with = planned(&net, (4, 8, 8)).array;
        assert_eq!(with, ArrayConfig { neurons: true, ..plain.array.clone() });
        plan(&net, Request::Existing(&with)).unwrap();
    }
    // Its own, but the network's.
    let (all, Op::Lif { neuron, .. }) = (net.neuron, &mut net.nodes[lif.0].op) else { panic!("neurons") };
    *neuron = Some(all);
    plan(&net, Request::Existing(&plain.array)).unwrap();
    net.neuron.reset = Reset::Subtract;
    let error = plan(&net, Request::Existing(&plain.array)).unwrap_err();
    assert_eq!(error, PlanError::Neurons { node: "stem.spikes".into() });
}

/// Of a network with 8 and 4 bits on one array, the layers with 4 take half the words, and those with 3 too.
#[test]
fn layers_of_four_bits_are_packed() {
    let shape = random::Shape { weight_bits: vec![8, 4, 3], ..random::demo() };
    let net = random::network(&mut Rng(5), &shape);
    let (plain, half) = (planned(&net, (4, 8, 8)), packed(&net, (4, 8, 8)));
    assert_eq!(plain.array.weight_depth, 2 * half.array.weight_depth);
    let convs = |p: &Planned| -> Vec<(String, Instr)> {
        let steps = p.plan.steps.iter().map(|step| step.name.clone());
        let all = steps.zip(p.instructions.clone());
        all.filter(|(_, i)| i.op == Opcode::Conv as u32).collect()
    };
    let mut counts = [0; 2];
    for ((name, a), (_, b)) in convs(&plain).into_iter().zip(convs(&half)) {
        let bits = net.layer(net.find(&name).unwrap()).unwrap().weight_bits;
        let is_packed = b.weight_group & PACKED != 0;
        assert_eq!((a.weight_group & PACKED, is_packed), (0, bits <= 4), "{name}");
        assert_eq!(b.weight_group & !PACKED, a.weight_group.next_multiple_of(1 + u32::from(is_packed)));
        counts[usize::from(is_packed)] += 1;
    }
    assert!(counts[0] > 1 && counts[1] > 3, "{counts:?}");
    // Cycles are the same: the array takes a word a cycle, packed or not.
    let cycles = |p: &Planned| p.plan.steps.iter().map(|step| step.cycles).sum::<u64>();
    assert_eq!(cycles(&plain), cycles(&half));
}

#[test]
fn random_programs_equal_the_golden_model() {
    let mut refused = 0;
    for seed in 0..48 {
        let mut rng = Rng(seed);
        let shape = random::shape(&mut rng);
        let net = random::network(&mut rng, &shape);
        let images: Vec<_> = (0..2).map(|_| random::image(&mut rng, net.input_shape())).collect();
        if spikegate_golden::run(&net, &images[0], &mut ()).is_err() {
            refused += 1;
            continue;
        }
        check(&net, ARRAYS[seed as usize % ARRAYS.len()], &images);
    }
    assert!(refused < 10, "{refused} of 48 networks were refused");
}

/// Runs a network with the smallest memories that an array has that moves its maps, with larger ones and with smaller code
/// memories. Returns the parts that its counts are in, and the programs whose images lie outside.
fn moving(
    net: &Network,
    (lanes, ci, co): (usize, usize, usize),
    images: &[Vec<u8>],
) -> Option<(usize, usize)> {
    let array = ArrayConfig::new(lanes, 1, ci, co).unwrap();
    let least = (8 * co / array.post).max(16 * array.spill_lanes()).max(32);
    let array = array.with_memory(least).and_then(ArrayConfig::with_moves).ok()?;
    let packed = plan(net, Request::New(&array.clone().with_packed())).unwrap();
    check_planned(net, &packed, &images[..1], true);
    let p = plan(net, Request::New(&array)).unwrap();
    check_planned(net, &p, &images[..1], true);
    let parts = p.plan.dumps.iter().map(|dump| dump.parts).max();
    let count = |p: &Planned| p.instructions.iter().filter(|i| i.op == Opcode::Move as u32).count();
    let mut moves = count(&p);
    // With more memory there is less to move, and the same result.
    for times in [2, 4, 32] {
        let mut larger = p.array.clone();
        larger.code_depth *= times;
        larger.spike_depth *= times;
        larger.stream_depth *= times;
        let p = plan(net, Request::New(&larger)).unwrap();
        check_planned(net, &p, &images[..1], true);
        assert!(count(&p) <= moves, "{} moves after {moves}", count(&p));
        moves = count(&p);
    }
    // With less the patches of the image come from outside.
    let mut outside = 0;
    let mut less = p.array.clone();
    while less.code_depth > 16 {
        less.code_depth /= 2;
        let Ok(p) = plan(net, Request::Existing(&less)) else { break };
        check_planned(net, &p, &images[..1], true);
        outside += usize::from(p.plan.patches.is_some());
    }
    Some((parts?, outside))
}

#[test]
fn moved_maps_equal_the_golden_model() {
    let (mut ran, mut counted, mut outside) = (0, 0, 0);
    for seed in 0..48 {
        let mut rng = Rng(seed);
        let shape = random::Shape { direct: seed % 3 == 0, ..random::shape(&mut rng) };
        let net = random::network(&mut rng, &shape);
        let images = [random::image(&mut rng, net.input_shape())];
        if spikegate_golden::run(&net, &images[0], &mut ()).is_err() {
            continue;
        }
        let Some((parts, images)) = moving(&net, ARRAYS[seed as usize % ARRAYS.len()], &images) else {
            continue;
        };
        ran += 1;
        counted += usize::from(parts > 1);
        outside += images;
    }
    assert!(ran > 24 && counted > 4 && outside > 24, "{ran} networks, {counted} {outside}");
}

#[test]
fn direct_coding_equals_the_golden_model() {
    for seed in 0..24 {
        let mut rng = Rng(seed);
        let shape = random::Shape { direct: true, extreme: seed % 4 == 0, ..random::shape(&mut rng) };
        let net = random::network(&mut rng, &shape);
        let images: Vec<_> = (0..2).map(|_| random::image(&mut rng, net.input_shape())).collect();
        check(&net, ARRAYS[seed as usize % ARRAYS.len()], &images);
    }
}

/// Networks of another form give what the golden model gives too, or are refused.
#[test]
fn assembled_networks_equal_the_golden_model() {
    let mut refused = Vec::new();
    for seed in 0..COUNT {
        let mut rng = Rng(seed);
        let net = assembled(&mut rng);
        net.validate().unwrap();
        let images: Vec<_> = (0..2).map(|_| random::image(&mut rng, net.input_shape())).collect();
        let (lanes, ci, co) = ARRAYS[seed as usize % ARRAYS.len()];
        let alone = plan(&net, Request::Size { lanes, pixels: 1, ci, co });
        for planned in [alone, batched(&net, (lanes, ci, co), 2)] {
            match planned {
                Ok(planned) => check_planned(&net, &planned, &images, false),
                Err(error) => {
                    assert!(matches!(error, PlanError::Unsupported { .. }), "seed {seed}: {error}");
                    refused.push(error.to_string());
                }
            }
        }
    }
    println!("{refused:#?}");
    assert!(
        refused.len() < COUNT as usize / 3,
        "{} of {COUNT} networks are refused: {refused:#?}",
        refused.len()
    );
}

#[test]
fn a_program_is_deterministic_and_fits_the_array_it_was_planned_for() {
    let mut rng = Rng(7);
    let shape = random::shape(&mut rng);
    let net = random::network(&mut rng, &shape);
    let p = planned(&net, (4, 8, 4));
    assert_eq!(p, planned(&net, (4, 8, 4)));
    let again = plan(&net, Request::Existing(&p.array)).unwrap();
    assert_eq!(again, p);
    let mut small = p.array.clone();
    small.weight_depth = p.plan.words_used[3] - 1;
    let error = plan(&net, Request::Existing(&small)).unwrap_err().in_a_line();
    assert!(error.contains("weight memory") && error.contains(&p.plan.words_used[3].to_string()), "{error}");
}

#[test]
fn a_batch_that_does_not_fit_says_how_many_images_do() {
    let mut rng = Rng(7);
    let shape = random::shape(&mut rng);
    let net = random::network(&mut rng, &shape);
    let two = batched(&net, (4, 8, 4), 2).unwrap();
    let array = ArrayConfig { batch: 8, ..two.array };
    let ask = |images| plan_batch(&net, Request::Existing(&array), &MemoryModel::default(), images);
    assert_eq!(ask(2).unwrap().plan, two.plan);
    let error = ask(8).unwrap_err();
    assert!(matches!(error, PlanError::Batch { images: 8, fits: 2.., .. }), "{error}");
    let text = error.in_a_line();
    assert!(text.contains("a batch of 8 images: the ") && text.contains(" memory has "), "{text}");
    assert!(matches!(ask(9), Err(PlanError::BatchSize { images: 9, most: 8 })));
}
