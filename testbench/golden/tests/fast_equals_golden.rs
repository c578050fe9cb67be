//! The fast engine gives every value that the golden model gives: class, logits, counts, spikes per population
//! and saturations per place.

use spikegate_contract::network::{Form, Network, NodeId, Op};
use spikegate_golden::fast::{Prepared, Simd};
use spikegate_golden::random::{
    composed, demo, image_of, large, network, shape, tiny, ImageKind, Rng, Shape,
};
use std::collections::HashSet;

fn equal(rng: &mut Rng, shape: &Shape) {
    let seed = rng.0;
    let net = network(rng, shape);
    equal_on(rng, &net, &format!("state {seed:#x} {shape:?}"));
}

fn equal_on(rng: &mut Rng, net: &Network, case: &str) {
    let sets = Simd::available();
    let prepared: Vec<_> = sets.iter().map(|&l| Prepared::at(net, l).expect("fits 32 bits")).collect();
    for kind in ImageKind::ALL {
        let pixels = image_of(rng, net.input_shape(), kind);
        let golden = spikegate_golden::run(net, &pixels, &mut ()).expect("runs");
        for (simd, prepared) in sets.iter().zip(&prepared) {
            let fast = prepared.run(&pixels).expect("runs");
            assert_eq!(golden, fast, "{simd} {case} {kind:?}");
        }
    }
}

/// What this machine cannot check is said.
#[test]
fn instruction_sets_of_this_machine() {
    let names: Vec<String> = Simd::available().iter().map(Simd::to_string).collect();
    for set in ["AVX2", "AVX-512", "AMX"].iter().filter(|set| !names.iter().any(|name| name == *set)) {
        eprintln!("SKIPPED: the fast engine with {set}, which this machine has not");
    }
    assert_eq!(names[0], "portable");
    assert_eq!(Some(&Simd::best().to_string()), names.last());
}

#[test]
fn on_typical_networks() {
    for seed in 0..40 {
        let mut rng = Rng(seed);
        let shape = Shape { extreme: false, ..shape(&mut rng) };
        equal(&mut rng, &shape);
    }
}

#[test]
fn on_extreme_networks() {
    for seed in 0..80 {
        let mut rng = Rng(seed);
        let shape = Shape { extreme: true, ..tiny(&mut rng) };
        equal(&mut rng, &shape);
    }
}

#[test]
fn on_direct_coding() {
    for seed in 0..20 {
        let mut rng = Rng(seed);
        let shape = Shape { direct: true, extreme: seed % 4 == 0, ..shape(&mut rng) };
        equal(&mut rng, &shape);
    }
}

#[test]
fn on_more_channels_than_one_group() {
    for seed in 0..3 {
        let mut rng = Rng(seed);
        let shape = large(&mut rng);
        equal(&mut rng, &shape);
    }
}

#[test]
fn on_the_demo_shape() {
    equal(&mut Rng(7), &demo());
    equal(&mut Rng(8), &Shape { extreme: true, ..demo() });
}

#[test]
fn on_whatever_the_operations_can_be_composed_to() {
    let mut seen = HashSet::new();
    for seed in 0..400 {
        let mut rng = Rng(seed);
        let net = composed(&mut rng, seed % 3 == 0);
        seen.extend(forms(&net));
        equal_on(&mut rng, &net, &format!("seed {seed}"));
    }
    assert_eq!(seen.len(), 8, "not every form was drawn: {seen:?}");
}

/// What no chain of residual blocks has.
fn forms(net: &Network) -> Vec<&'static str> {
    let readers = |id: NodeId| net.readers(id).map(|(_, node)| &node.op);
    let lifs = |id| readers(id).filter(|op| matches!(op, Op::Lif { .. })).count();
    let adds = |id| readers(id).filter(|op| matches!(op, Op::Add)).count();
    let source = |id: NodeId| net.node(id).inputs.first().map(|&id| net.node(id).out.form);
    let is_add = |id: &NodeId| matches!(net.node(*id).op, Op::Add);
    let mut out = Vec::new();
    for (id, node) in net.iter() {
        let conv = matches!(node.op, Op::Conv(_));
        let mut see = |form, is: bool| is.then(|| out.push(form));
        see("two LIFs on one stream", lifs(id) > 1);
        see("a convolution of spikes to neurons and a sum", {
            conv && source(id) == Some(Form::Spikes) && lifs(id) > 0 && adds(id) > 0
        });
        see("a convolution of a timed stream", conv && node.out.timed && source(id) == Some(Form::Stream));
        see("a code of spikes' currents", matches!(node.op, Op::Code { .. }) && node.out.timed);
        see("a node that nothing reads", readers(id).next().is_none() && id.0 + 1 < net.nodes.len());
        if let (Op::Add, &[a, b]) = (&node.op, &node.inputs[..]) {
            see("a sum of a node and itself", a == b);
            let over = |x: NodeId, y: NodeId| {
                above(net, y).iter().filter(|id| is_add(id)).any(|&z| above(net, z).contains(&x))
            };
            see("a shortcut over another sum", over(a, b) || over(b, a));
        }
        see(
            "logits of a vector",
            matches!(node.op, Op::Linear(_)) && matches!(net.source(id).op, Op::Conv(_)),
        );
    }
    out
}

/// The nodes that a node is computed from, itself not included.
fn above(net: &Network, id: NodeId) -> HashSet<NodeId> {
    let mut all: HashSet<NodeId> = net.node(id).inputs.iter().copied().collect();
    for at in (0..id.0).rev() {
        if all.contains(&NodeId(at)) {
            all.extend(&net.nodes[at].inputs);
        }
    }
    all
}
