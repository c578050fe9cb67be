//! Neurons of every population's own leak, firing rule and reset, beside networks whose populations agree, on one array: the
//! same equality, and the same exact cycles.

#[allow(dead_code)]
mod support;

use spikegate_compiler::plan::{plan, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::{FireRule, Network, Neuron, Op, Reset};
use spikegate_golden::random::{demo, network, Rng, Shape};
use support::{check_with_gaps_too, grown};

/// Gives the populations of a network such constants in turn; the last of the list is the network's.
fn with(mut net: Network, own: &[Neuron]) -> Network {
    net.neuron = own[own.len() - 1];
    let lifs = net.nodes.iter_mut().filter_map(|node| match &mut node.op {
        Op::Lif { neuron, .. } => Some(neuron),
        _ => None,
    });
    lifs.zip(own.iter().cycle()).for_each(|(neuron, &own)| *neuron = Some(own));
    net
}

/// All leaks, rules and resets of small membranes and of membranes that saturate; then all again with gaps.
fn runs(array: &ArrayConfig, shape: &Shape, seed: u64) {
    let mut rng = Rng(seed);
    let soft = |leak_shift, fire| Neuron { leak_shift, fire, reset: Reset::Subtract };
    let mixed = [
        soft(0, FireRule::Gt),
        Neuron::new(3, FireRule::Ge),
        soft(2, FireRule::Ge),
        Neuron::new(0, FireRule::Gt),
    ];
    let all = [soft(0, FireRule::Ge), soft(15, FireRule::Gt), soft(1, FireRule::Gt)];
    let mut nets = Vec::new();
    for extreme in [false, true] {
        let plain = network(&mut rng, &Shape { extreme, ..shape.clone() });
        nets.push(with(plain.clone(), &mixed));
        nets.push(with(plain.clone(), &all));
        nets.push(with(plain.clone(), &[soft(1, FireRule::Ge)]));
        nets.push(plain);
    }
    let array = grown(&nets.iter().collect::<Vec<_>>(), array);
    assert!(array.neurons);
    check_with_gaps_too(&array, array.batch, &nets, &mut rng, seed);
}

fn size(l: usize, ci: usize, co: usize) -> ArrayConfig {
    ArrayConfig::new(l, 1, ci, co).expect("an array")
}

#[test]
fn populations_unlike_each_other() {
    let shape = Shape { input: [2, 8, 7], stem: 6, stages: vec![(7, 1, 2), (9, 1, 1)], t: 5, ..demo() };
    runs(&size(3, 4, 4), &shape, 1);
}

/// Batches, with parity, spilled maps and packed weights.
#[test]
fn with_all_other_options() {
    let array =
        size(4, 8, 4).with_memory(32).and_then(|a| a.with_batch(2)).and_then(ArrayConfig::with_spilling);
    let base = Shape { input: [1, 9, 8], stem: 8, stages: vec![(12, 1, 1), (10, 1, 2)], ..demo() };
    let shape = Shape { weight_bits: vec![4, 8], t: 6, ..base };
    runs(&array.expect("an array").with_parity().with_packed(), &shape, 2);
}

/// A network whose populations agree has one program, whether layers can have neurons of their own or not.
#[test]
fn programs_of_networks_whose_populations_agree_stay() {
    let net = network(&mut Rng(3), &Shape { neuron: Neuron::new(2, FireRule::Ge), ..demo() });
    let plain = plan(&net, Request::New(&size(4, 8, 8))).expect("the network fits");
    assert!(!plain.array.neurons);
    let own = plan(&net, Request::New(&size(4, 8, 8).with_neurons())).expect("the network fits");
    assert!(own.array.neurons);
    assert_eq!((plain.packets, plain.trace_packets), (own.packets, own.trace_packets));
}
