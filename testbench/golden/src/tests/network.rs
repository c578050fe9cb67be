//! A whole run: which tensors, in which order, and what is counted.

use spikegate_contract::network::Op;
use spikegate_contract::tensor::{names, Tensor};

use super::{small, small_direct, small_pooled};
use crate::random::{composed, image, Rng};
use crate::{run, Recorder, SaturationKind};

#[test]
fn records_the_tensor_of_every_node_in_the_order_of_the_nodes() {
    let net = small();
    let mut tensors: Vec<Tensor> = Vec::new();
    let outcome = run(&net, &[77; 20], &mut tensors).unwrap();
    let recorded: Vec<_> = tensors.iter().map(|t| (&t.name, t.dims)).collect();
    let nodes: Vec<_> = net.nodes.iter().map(|node| (&node.name, net.dims(&node.out))).collect();
    assert_eq!(recorded, nodes);
    assert!(tensors.iter().all(|t| t.data.len() == t.dims.iter().product::<usize>()));
    let find = |name: &str| tensors.iter().find(|t| t.name == name).unwrap();
    assert_eq!(find("layer1.1.stream").dims, [2, 3, 2, 3]);
    assert_eq!(find(names::COUNTS).data, outcome.counts);
    assert_eq!(find(names::LOGITS).data, outcome.logits.iter().map(|&v| v.into()).collect::<Vec<i64>>());
    for p in &outcome.spikes {
        let spikes = find(&p.name);
        assert!(spikes.data.iter().all(|s| [0, 1].contains(s)));
        assert_eq!((spikes.data.iter().sum::<i64>() as u64, spikes.data.len() as u64), (p.spikes, p.of));
    }
    let is_lif = |node: &&spikegate_contract::network::Node| matches!(node.op, Op::Lif { .. });
    assert!(net.nodes.iter().filter(is_lif).map(|n| &n.name).eq(outcome.spikes.iter().map(|p| &p.name)));
}

#[test]
fn records_only_what_is_wanted_and_gives_the_same_outcome() {
    struct Only(Vec<Tensor>);
    impl Recorder for Only {
        fn wants(&self, name: &str) -> bool {
            name == names::TA
        }
        fn record(&mut self, tensor: Tensor) {
            self.0.push(tensor);
        }
    }
    let net = small();
    let mut only = Only(Vec::new());
    let some = run(&net, &[9; 20], &mut only).unwrap();
    assert_eq!(only.0.len(), 1);
    assert_eq!(some, run(&net, &[9; 20], &mut ()).unwrap());
}

#[test]
fn keeps_no_state_between_images() {
    let net = small();
    let first = run(&net, &[200; 20], &mut ()).unwrap();
    run(&net, &[3; 20], &mut ()).unwrap();
    assert_eq!(run(&net, &[200; 20], &mut ()).unwrap(), first);
}

#[test]
fn direct_coding_shows_the_first_block_x_at_every_timestep() {
    let net = small_direct();
    let mut tensors: Vec<Tensor> = Vec::new();
    let outcome = run(&net, &(0..20).map(|i| i * 12).collect::<Vec<u8>>(), &mut tensors).unwrap();
    let find = |name: &str| tensors.iter().find(|t| t.name == name).unwrap();
    // A projection of the same map at every timestep is the same at every timestep, and by hand:
    let (x, shortcut) = (find("stem.x"), find("layer1.0.shortcut"));
    let Op::Conv(conv) = &net.node(net.find("layer1.0.shortcut").unwrap()).op else { panic!() };
    for at in 0..shortcut.data.len() {
        let [_, o, row, column] = shortcut.coordinates(at);
        let tap = |c: usize| i64::from(conv.weights[o * 2 + c]) * x.at(0, c, 2 * row, 2 * column);
        let r = &conv.requant[o];
        let y = ((tap(0) + tap(1)) * i64::from(r.m) + r.b + (1 << (r.s - 1))) >> r.s;
        assert_eq!(shortcut.data[at], y.clamp(-32768, 32767));
    }
    assert_eq!(outcome.spikes[0].name, names::STEM_SPIKES);
    assert_eq!(outcome.spikes[1].name, "layer1.0.conv1.spikes");
}

#[test]
fn a_pooled_head_has_no_counts() {
    let net = small_pooled();
    let mut tensors: Vec<Tensor> = Vec::new();
    let outcome = run(&net, &image(&mut Rng(5), [1, 4, 5]), &mut tensors).unwrap();
    let names: Vec<&str> = tensors.iter().rev().take(3).map(|t| t.name.as_str()).collect();
    assert_eq!(names, ["head.logits", "head.pooled", "layer1.1.stream"]);
    assert!(outcome.counts.is_empty());
    assert_eq!(outcome.spikes.last().unwrap().name, "layer1.1.conv1.spikes");
}

#[test]
fn every_node_that_clamps_counts_under_its_name_all_that_it_makes() {
    for seed in 0..20 {
        let net = composed(&mut Rng(seed), true);
        let pixels = image(&mut Rng(seed), net.input_shape());
        let outcome = run(&net, &pixels, &mut ()).unwrap();
        let clamps = net.nodes.iter().filter_map(|node| Some((SaturationKind::of(&node.op)?, node)));
        let expected = clamps
            .map(|(kind, node)| (kind, &node.name, net.dims(&node.out).iter().product::<usize>() as u64));
        assert!(outcome.saturations.0.iter().map(|s| (s.kind, &s.layer, s.of)).eq(expected), "seed {seed}");
    }
}
