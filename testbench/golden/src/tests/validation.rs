//! Bad networks are refused with the layer's name, never with a panic.

use spikegate_contract::network::{Network, Pool};

use super::small;
use crate::{run, validate, GoldenError};

fn refused(name: &str, change: impl FnOnce(&mut Network)) {
    let mut net = small();
    change(&mut net);
    match validate(&net) {
        Err(e @ GoldenError::Invalid { .. }) => assert!(e.to_string().contains(name), "`{e}` lacks `{name}`"),
        other => panic!("{name}: {other:?}"),
    }
    assert!(run(&net, &[0; 20], &mut ()).is_err());
}

#[test]
fn accepts_a_good_network() {
    assert_eq!(validate(&small()), Ok(()));
}

#[test]
fn names_ranges_that_are_left() {
    refused("T is 1, expected 2 to 16", |n| n.t = 1);
    refused("T is 17", |n| n.t = 17);
    refused("leak_shift is 16", |n| n.neuron.leak_shift = 16);
    refused("weight_bits is 5, expected 8 or 4", |n| n.weight_bits = 5);
    refused("stem: threshold is 0, expected 1 to 32766", |n| n.stem.threshold = 0);
    refused("encoder.gate: threshold is 32767", |n| n.encoder.as_mut().unwrap().gate.threshold = 32767);
    refused("layer1.0: threshold1 is -5", |n| n.blocks[0].threshold1 = -5);
    refused("layer1.1: threshold_out", |n| n.blocks[1].threshold_out = 0);
    refused("xq_shift is 16", |n| n.stem.xq_shift = 16);
    refused("mean_pos is 8388608", |n| n.encoder.as_mut().unwrap().temporal.mean_pos[1] = 1 << 23);
    refused("max_align is 25", |n| n.encoder.as_mut().unwrap().temporal.max_align = 25);
    refused("ta_shift is 64", |n| n.encoder.as_mut().unwrap().temporal.ta_shift = 64);
    refused("z_shift is 32", |n| n.encoder.as_mut().unwrap().gate.z_shift = 32);
    refused("table_bits is 13", |n| n.encoder.as_mut().unwrap().gate.table_bits = 13);
    refused("gate_bits is 9", |n| n.encoder.as_mut().unwrap().gate.gate_bits = 9);
    refused("table_bits + y_shift is 16", |n| n.encoder.as_mut().unwrap().gate.y_shift = 8);
    refused("table entry is 256", |n| n.encoder.as_mut().unwrap().gate.table[1023] = 256);
    refused("layer1.0.conv1: requantisation shift is 0", |n| n.blocks[0].conv1.requant[2].s = 0);
    refused("requantisation bias", |n| n.stem.conv.requant[0].b = 1 << 47);
    refused("layer1.0.conv2: k is 9", |n| n.blocks[0].conv2.k = 9);
    refused("stride is 3", |n| n.blocks[0].conv1.stride = 3);
    refused("pad is 3", |n| n.blocks[0].conv1.pad = 3);
    refused("encoder.sca1: pad is 2, expected 1", |n| n.encoder.as_mut().unwrap().sca1.pad = 2);
    refused("weight is -8", |n| {
        n.weight_bits = 4;
        n.convs_mut().into_iter().for_each(|c| c.weights.fill(7));
        n.head.conv.weights[1] = -8;
    });
}

#[test]
fn names_shapes_that_do_not_fit() {
    refused("number of blocks is 0", |n| n.blocks.clear());
    refused("length of table is 1023, expected 1024", |n| {
        n.encoder.as_mut().unwrap().gate.table.truncate(1023)
    });
    refused("length of max_neg is 1", |n| n.encoder.as_mut().unwrap().temporal.max_neg.truncate(1));
    refused("length of input.offset", |n| n.input.offset.clear());
    refused("length of requant is 2, expected 3", |n| n.blocks[0].conv1.requant.truncate(2));
    refused("head: length of requant is 1, expected 0", |n| n.head.conv.requant.push(n.stem.conv.requant[0]));
    refused("head: length of bias", |n| n.head.bias.push(0));
    refused("head: in_c is 4, expected 3", |n| n.head.conv.in_c = 4);
    let pool = |n: &Network| Some(Pool { requant: n.blocks[1].conv2.requant.clone(), frac_bits: 0 });
    refused("head.pool: length of requant is 2, expected 3", |n| {
        n.head.pool = pool(n).map(|p| Pool { requant: p.requant[1..].to_vec(), ..p });
    });
    refused("head.pool: requantisation shift is 32", |n| {
        n.head.pool = pool(n);
        n.head.pool.as_mut().unwrap().requant[0].s = 32;
    });
    refused("number of weights", |n| n.encoder.as_mut().unwrap().sca2.weights.truncate(3));
    refused("in_c is 7", |n| n.blocks[1].conv1.in_c = 7);
    refused("layer1.0: shortcut channels is 2, expected 3", |n| n.blocks[0].shortcut = None);
    refused("last window", |n| n.blocks[0].conv1.out_hw = [9, 9]);
    refused("output height is 0", |n| n.blocks[0].conv1.out_hw = [0, 1]);
    refused("number of values of the input map", |n| n.input.shape = [65536, 65536, 65536]);
    refused("input width", |n| n.input.shape = [1, 1, usize::MAX]);
    refused("output channels", |n| n.stem.conv.out_c = usize::MAX);
}
