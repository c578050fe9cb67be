//! Weights of at most 4 bits two to a byte, beside those of 8 bits on one array: the same equality, and the same exact cycles.

#[allow(dead_code)]
mod support;

use spikegate_compiler::plan::{plan, Planned, Request};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{Instr, Opcode, PACKED};
use spikegate_contract::network::Network;
use spikegate_golden::random::{demo, network, shape, Rng, Shape};
use support::shapes::narrow;
use support::{check_with_gaps_too, grown};

fn planned(net: &Network, array: &ArrayConfig) -> Planned {
    plan(net, Request::Existing(array)).expect("the network fits")
}

/// Convolutions whose weights are packed, and others.
fn packed(net: &Network, array: &ArrayConfig) -> [usize; 2] {
    let planned = planned(net, array);
    let convs = planned.instructions.iter().filter(|i| i.op == Opcode::Conv as u32);
    let (packed, others): (Vec<&Instr>, Vec<&Instr>) = convs.partition(|i| i.weight_group & PACKED != 0);
    [packed.len(), others.len()]
}

/// Runs networks on one array, then once more with gaps and a slow memory.
fn runs(array: ArrayConfig, seed: u64, shapes: &[Shape]) -> (ArrayConfig, Vec<Network>) {
    let mut rng = Rng(seed);
    let nets: Vec<Network> = shapes.iter().map(|shape| network(&mut rng, shape)).collect();
    let array = grown(&nets.iter().collect::<Vec<_>>(), &array.with_packed());
    nets.iter().for_each(|net| println!("{:?} of {array:?}", packed(net, &array)));
    check_with_gaps_too(&array, array.batch, &nets, &mut rng, seed);
    (array, nets)
}

fn size(l: usize, ci: usize, co: usize) -> ArrayConfig {
    ArrayConfig::new(l, 1, ci, co).expect("an array")
}

/// Weights wholly on chip, with lists: slots read different halves of their words in one cycle.
#[test]
fn one_netlist_runs_networks_of_all_widths() {
    let array = size(3, 4, 4).with_skipping(4).expect("lists");
    let mut rng = Rng(11);
    let widths = [vec![8, 4, 3], vec![4], vec![8], vec![2, 8]];
    let shapes = widths.map(|weight_bits| Shape { weight_bits, last_lif: true, ..shape(&mut rng) });
    let (array, nets) = runs(array, 1, &shapes);
    let [mixed, four, eight, _] = [0, 1, 2, 3].map(|at| packed(&nets[at], &array));
    assert!(mixed[0] > 0 && mixed[1] > 0 && four[1] == 0 && eight[0] == 0);
}

/// Through a ring that batches share, with parity and spilled maps.
#[test]
fn streamed_batches() {
    let array =
        size(4, 8, 4).with_memory(32).and_then(|a| a.with_batch(2)).and_then(ArrayConfig::with_spilling);
    let base = Shape { input: [2, 10, 9], stem: 8, stages: vec![(12, 2, 1), (20, 2, 2)], ..demo() };
    let mixed = Shape { weight_bits: vec![4, 8, 4], t: 6, ..base.clone() };
    let pooled = Shape { weight_bits: vec![4], last_lif: false, input: [2, 8, 8], ..base };
    let (array, nets) = runs(array.expect("an array").with_parity(), 2, &[mixed, pooled]);
    for net in &nets {
        // Half the bytes of the layers that are packed, rounded up to whole words of every output group.
        let bytes = |array: &ArrayConfig| planned(net, array).plan.weight_stream.expect("a stream").bytes;
        let plain = ArrayConfig { packed: false, weight_depth: 4 * array.weight_depth, ..array.clone() };
        let (whole, half) = (bytes(&plain), bytes(&array));
        assert!(half < whole && 2 * half >= whole, "{half} of {whole} bytes");
    }
}

/// With maps outside too, in a ring of half the words.
#[test]
fn moved_maps() {
    let array = size(4, 8, 8).with_memory(64).and_then(ArrayConfig::with_moves).expect("an array");
    let shape = Shape { weight_bits: vec![4], ..narrow() };
    let (packed, nets) = runs(array.clone(), 3, &[shape]);
    assert_eq!(grown(&[&nets[0]], &array).weight_depth, 2 * packed.weight_depth);
}
