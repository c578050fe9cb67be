//! Programs run on a plain model of the instruction set give what the golden model gives, tensor by tensor.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "plan_machine/assembled.rs"]
mod assembled;
#[path = "plan_machine/machine.rs"]
mod machine;

use assembled::assembled;
use machine::Machine;
use spikegate_compiler::plan::{plan, plan_batch, PlanError, Planned, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{DumpEntry, DumpForm, MemoryModel};
use spikegate_contract::failure::Failure;
use spikegate_contract::instr::{Instr, Source};
use spikegate_contract::network::{Form, Network, NodeId, Op};
use spikegate_contract::tensor::{names, Tensor};
use spikegate_golden::random::{self, Rng};

/// Assembled networks.
const COUNT: u64 = 120;
/// Arrays of all kinds: every time and plane pass count, groups that channels do not fill.
const ARRAYS: [(usize, usize, usize); 8] =
    [(1, 1, 1), (2, 4, 2), (3, 8, 8), (4, 16, 8), (5, 2, 1), (8, 4, 4), (9, 16, 4), (16, 32, 16)];

fn planned(net: &Network, (lanes, ci, co): (usize, usize, usize)) -> Planned {
    plan(net, Request::Size { lanes, pixels: 1, ci, co }).unwrap()
}

/// A dumped region as a tensor of one of the images in it, straight from the machine's memories.
fn dumped(m: &Machine, p: &Planned, i: &Instr, entry: &DumpEntry, image: usize) -> Vec<Tensor> {
    if entry.form == DumpForm::Scalars {
        let statistics =
            Tensor { name: names::STATISTICS.into(), dims: [1, 2, 1, 1], data: vec![m.sum, m.max] };
        return vec![statistics, Tensor { name: entry.tensor.clone(), dims: entry.dims, data: m.ta.clone() }];
    }
    let (a, base) = (&p.array, i.source_base as usize);
    let mut out = Tensor::zeros(entry.tensor.clone(), entry.dims);
    let [t, c, h, w] = entry.dims;
    let passes = if t == 1 { 1 } else { a.time_passes(t) };
    let image = if entry.images > 1 { image } else { 0 };
    assert_eq!(i.length as usize, c.div_ceil(a.ci) * entry.images * passes * h * w);
    for (step, channel, y, x) in
        (0..t * c * h * w).map(|n| out.coordinates(n)).map(|[t, c, y, x]| (t, c, y, x)).collect::<Vec<_>>()
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
            _ => i64::from(m.stream[slot][address][lane]),
        };
        let at = out.index(step, channel, y, x);
        out.data[at] = value;
    }
    vec![out]
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
    let p = batched(net, array, images.len()).unwrap();
    assert_eq!(p.plan.batch, images.len());
    check_planned(net, &p, images, true);
}

/// Runs images on both programs; of networks of `residual` blocks all tensors are known that must be dumped.
fn check_planned(net: &Network, p: &Planned, images: &[Vec<u8>], residual: bool) {
    let mut plain = Machine::load(&p.array, &p.packets);
    let mut tracing = Machine::load(&p.array, &p.trace_packets);
    for batch in images.chunks(p.plan.batch) {
        plain.run(batch, |_, index, _| panic!("the plain program dumps at {index}"));
        let mut tensors = vec![Vec::new(); batch.len()];
        tracing.run(batch, |m, index, i| {
            let entry = p.plan.dumps.iter().find(|d| d.instruction == index).unwrap();
            for (image, tensors) in tensors.iter_mut().enumerate() {
                if entry.image.is_none_or(|of| of == image) {
                    tensors.extend(dumped(m, p, i, entry, image));
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
            golden.retain(|t| kept(net, net.find(&t.name).unwrap()));
            let named = |tensors: &[Tensor]| tensors.iter().map(|t| t.name.clone()).collect::<Vec<_>>();
            assert_eq!(named(&tensors), named(&golden), "every tensor is dumped, in order");
        }
    }
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
