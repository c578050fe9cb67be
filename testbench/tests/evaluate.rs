//! What an evaluation says, counted again from the tensors of the golden model.

use spikegate_contract::network::{Form, Network, Op};
use spikegate_contract::tensor::Tensor;
use spikegate_golden::random::{composed, image, network, tiny, Rng, Shape};
use spikegate_testbench::data::DataError;
use spikegate_testbench::evaluate::{evaluate, EvaluateError, Evaluation, Images};
use std::collections::BTreeMap;

/// More than one share of a thread.
const IMAGES: usize = 150;

fn labels(rng: &mut Rng, net: &Network) -> Vec<Option<u16>> {
    (0..IMAGES).map(|_| Some(rng.size(0, net.classes() - 1) as u16)).collect()
}

fn found(net: &Network, pixels: &[Vec<u8>], labels: &[Option<u16>]) -> Evaluation {
    let images = Images { count: pixels.len(), read: &|at| Ok(pixels[at][..].into()), labels };
    let (found, each) = evaluate(net, &images, false, &|_| ()).expect("evaluates");
    assert!(each.iter().enumerate().all(|(at, one)| one.image == at && one.label == labels[at]));
    found
}

/// Spikes of every neuron, and additions of spikes' weights by layer, over all images.
fn counted(net: &Network, traces: &[Vec<Tensor>]) -> (BTreeMap<String, Vec<u64>>, BTreeMap<String, u64>) {
    let (mut spikes, mut additions) = (BTreeMap::<String, Vec<u64>>::new(), BTreeMap::new());
    for trace in traces {
        let tensor = |name: &str| trace.iter().find(|t| t.name == name).expect("recorded");
        for (_, node) in net.iter().filter(|(_, node)| matches!(node.op, Op::Lif { .. })) {
            let tensor = tensor(&node.name);
            let neurons = spikes.entry(node.name.clone()).or_insert_with(|| vec![0; node.out.len()]);
            for (at, &spike) in tensor.data.iter().enumerate() {
                neurons[at % node.out.len()] += spike as u64;
            }
        }
        for layer in net.layers().filter(|layer| layer.input.form == Form::Spikes) {
            let input = tensor(&net.source(layer.id).name);
            let ([h, w], [out_h, out_w]) = (layer.in_hw(), layer.out_hw());
            let all = additions.entry(layer.name.to_owned()).or_insert(0);
            for t in 0..input.dims[0] {
                for (y, x) in (0..out_h).flat_map(|y| (0..out_w).map(move |x| (y, x))) {
                    for (ky, kx) in (0..layer.k).flat_map(|ky| (0..layer.k).map(move |kx| (ky, kx))) {
                        let (py, px) = (y * layer.stride + ky, x * layer.stride + kx);
                        let inside =
                            py >= layer.pad && py < layer.pad + h && px >= layer.pad && px < layer.pad + w;
                        if inside {
                            let at = |i| input.at(t, i, py - layer.pad, px - layer.pad) as u64;
                            *all += (0..layer.in_c()).map(at).sum::<u64>() * layer.out_c() as u64;
                        }
                    }
                }
            }
        }
    }
    (spikes, additions)
}

fn agree(rng: &mut Rng, net: &Network) {
    let pixels: Vec<Vec<u8>> = (0..IMAGES).map(|_| image(rng, net.input_shape())).collect();
    let labels = labels(rng, net);
    let found = found(net, &pixels, &labels);

    let mut traces: Vec<Vec<Tensor>> = vec![Vec::new(); IMAGES];
    let (mut right, mut saturated) = (0, 0);
    for ((trace, pixels), label) in traces.iter_mut().zip(&pixels).zip(&labels) {
        let outcome = spikegate_golden::run(net, pixels, trace).expect("runs");
        right += u64::from(label.map(usize::from) == Some(outcome.class));
        saturated += outcome.saturations.total();
    }
    let top1 = found.top1.expect("labelled");
    assert_eq!((top1.n, top1.of), (right, IMAGES as u64));
    let classes = found.classes.expect("labelled");
    assert_eq!(classes.confusion.iter().flatten().sum::<u64>(), IMAGES as u64);
    assert_eq!((0..net.classes()).map(|c| classes.confusion[c][c]).sum::<u64>(), right);
    assert_eq!(found.clamped.iter().map(|c| c.saturated.n).sum::<u64>(), saturated);

    let (spikes, additions) = counted(net, &traces);
    let most = (IMAGES * net.timesteps) as u64;
    assert_eq!(found.populations.len(), spikes.len());
    for population in &found.populations {
        let neurons = &spikes[&population.name];
        let count = |wanted: u64| neurons.iter().filter(|&&n| n == wanted).count();
        assert_eq!(population.spikes.n, neurons.iter().sum::<u64>(), "{}", population.name);
        assert_eq!(population.spikes.of, most * neurons.len() as u64, "{}", population.name);
        assert_eq!((population.dead, population.always), (count(0), count(most)), "{}", population.name);
    }
    for layer in found.layers.iter().filter(|layer| layer.spiking) {
        assert_eq!(layer.executed, additions[&layer.name] as f64 / IMAGES as f64, "{}", layer.name);
        assert!(layer.executed <= layer.dense as f64, "{}", layer.name);
    }
}

#[test]
fn figures_are_those_of_the_golden_tensors() {
    for seed in 0..6 {
        let rng = &mut Rng(seed);
        let shape = Shape { extreme: seed % 3 == 0, ..tiny(rng) };
        let net = network(rng, &shape);
        agree(rng, &net);
        let net = composed(rng, false);
        agree(rng, &net);
    }
}

#[test]
fn five_of_many_classes() {
    let rng = &mut Rng(3);
    let shape = Shape { classes: 13, ..tiny(rng) };
    let net = network(rng, &shape);
    let pixels: Vec<Vec<u8>> = (0..IMAGES).map(|_| image(rng, net.input_shape())).collect();
    let labels = labels(rng, &net);
    let within = pixels.iter().zip(&labels).filter(|(pixels, label)| {
        let logits = spikegate_golden::run(&net, pixels, &mut ()).expect("runs").logits;
        let mut order: Vec<usize> = (0..logits.len()).collect();
        order.sort_by_key(|&class| std::cmp::Reverse(logits[class]));
        order[..5].contains(&usize::from(label.expect("labelled")))
    });
    let top5 = found(&net, &pixels, &labels).top5.expect("more than five classes");
    assert_eq!(top5.n, within.count() as u64);
    assert_eq!(found(&net, &pixels, &[None; IMAGES]).top1, None);
}

#[test]
fn bad_images_are_named_and_counted() {
    let rng = &mut Rng(4);
    let shape = tiny(rng);
    let net = network(rng, &shape);
    let pixels = image(rng, net.input_shape());
    let read = |at: usize| {
        if at % 10 == 3 {
            return Err(DataError::NoSuchImage { path: "here".into(), index: at, len: 0 });
        }
        Ok(pixels[..].into())
    };
    let images = Images { count: IMAGES, read: &read, labels: &[None; IMAGES] };
    assert!(matches!(evaluate(&net, &images, false, &|_| ()), Err(EvaluateError::Data(_))));
    let (found, each) = evaluate(&net, &images, true, &|_| ()).expect("evaluates");
    assert_eq!((found.images, found.skipped, each.len()), (135, 15, 135));
    assert!(found.skipped_named[0].contains("3"), "{:?}", found.skipped_named);
    assert!(each.iter().all(|one| one.image % 10 != 3));

    let none = Images { count: 4, read: &|_| read(3), labels: &[None; 4] };
    assert!(matches!(evaluate(&net, &none, true, &|_| ()), Err(EvaluateError::Nothing { .. })));
}
