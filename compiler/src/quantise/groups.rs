//! Fixed-point scales: streams that an addition or a repetition connects have one in common.

use super::scale::{bits_for, reach_with, HEADROOM};
use super::QuantiseError;
use crate::calibrate::Calibration;
use crate::graph::{Network, Neuron, Node, NodeId, Op, Reset};

/// Most fraction bits of an s16 with a sign and a threshold of at least one unit in it.
const MOST_BITS: i32 = 14;
/// Most fraction bits of the gate's factors, which may be small throughout: 15 significant ones all the same.
const MOST_GATE_BITS: i32 = 30;
/// Fewest fraction bits: beyond it numbers are none that a network has.
const FEWEST_BITS: i32 = -60;
/// Fewest fraction bits of a gate's output: the width of its narrowest table.
const FEWEST_GATE_BITS: i32 = 8;

/// Fraction bits of every node that makes a fixed-point number, as many as its group's ranges and thresholds allow; `None` of
/// the others: codes, spikes, counts, logits, and the sums in front of a ReLU, whose unit is that of its code.
///
/// # Errors
/// A tensor was not seen in calibration, or is too large.
pub(super) fn fraction_bits(net: &Network, cal: &Calibration) -> Result<Vec<Option<i32>>, QuantiseError> {
    let groups = groups(net);
    let mut bits = vec![None; net.nodes.len()];
    let fixed_point = || net.iter().filter(|(id, _)| is_fixed_point(net, *id));
    for (id, _) in fixed_point() {
        let group = || fixed_point().filter(|(other, _)| groups[other.0] == groups[id.0]);
        let mut largest: Option<(f64, &Node)> = None;
        for (_, node) in group() {
            let reach = reach_of(net, cal, node)?;
            if largest.is_none_or(|(most, _)| reach > most) {
                largest = Some((reach, node));
            }
        }
        let (mut reach, largest) = largest.unwrap_or((0.0, net.node(id)));
        let read = |op: fn(&Op) -> bool| group().any(|(id, _)| net.readers(id).any(|node| op(&node.op)));
        let most = if read(|op| matches!(op, Op::Lif)) {
            // As many as the threshold leaves.
            bits_for(net.neuron.threshold * 1.0001, MOST_BITS)
        } else if read(|op| matches!(op, Op::Gate)) {
            MOST_GATE_BITS
        } else {
            MOST_BITS
        };
        let mut fewest = FEWEST_BITS;
        if group().any(|(_, node)| node.op == Op::Gate) {
            fewest = FEWEST_GATE_BITS;
        }
        if read(|op| matches!(op, Op::Lif)) {
            // A threshold of half a unit is one when it is rounded.
            fewest = fewest.max((0.5 / net.neuron.threshold).log2().ceil() as i32);
            reach = reach.max(net.neuron.threshold);
        }
        let fits = bits_for(reach, most);
        if fits < fewest {
            let (tensor, limit) = (largest.name.clone(), reach_with(fewest));
            return Err(QuantiseError::Range { tensor, reach, limit });
        }
        bits[id.0] = Some(fits);
    }
    Ok(bits)
}

/// Whether a node makes numbers of a power-of-two unit.
fn is_fixed_point(net: &Network, id: NodeId) -> bool {
    let node = net.node(id);
    match node.op {
        Op::Conv(_) => !feeds_relu_alone(net, id),
        Op::TemporalAttention(_) | Op::Gate | Op::Repeat | Op::Add => true,
        Op::Mean => net.node(node.inputs[0]).op != Op::Lif,
        Op::Input { .. } | Op::Relu | Op::Lif | Op::Linear(_) => false,
    }
}

/// Whether nothing but a ReLU reads a node: its values then are those of the ReLU's code before clamping.
pub(super) fn feeds_relu_alone(net: &Network, id: NodeId) -> bool {
    let mut readers = net.readers(id);
    matches!((readers.next(), readers.next()), (Some(only), None) if only.op == Op::Relu)
}

/// A number for every node, equal where the scales must be.
fn groups(net: &Network) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..net.nodes.len()).collect();
    for (id, node) in net.iter().filter(|(_, node)| matches!(node.op, Op::Add | Op::Repeat)) {
        for input in &node.inputs {
            let (old, new) = (groups[input.0], groups[id.0]);
            groups.iter_mut().filter(|group| **group == old).for_each(|group| *group = new);
        }
    }
    groups
}

/// The highest membrane behind a gate, whose output is at most 1.
fn gated_membrane(net: &Network) -> f64 {
    let Neuron { threshold, reset, .. } = net.neuron;
    // One that never fires; one that fires at once leaves at most 1 if nothing or a threshold of 1 or more is taken.
    let silent = (1.0 / (1.0 - net.neuron.leak())).min(net.timesteps as f64);
    match reset {
        Reset::Subtract if threshold < 1.0 => silent,
        _ => silent.min(threshold + 1.0),
    }
}

/// Largest magnitude that a node's value, and what it leads to inside a neuron, needs room for.
fn reach_of(net: &Network, cal: &Calibration, node: &Node) -> Result<f64, QuantiseError> {
    match node.op {
        Op::Gate => Ok(gated_membrane(net)),
        Op::Repeat => Ok(0.0),
        _ => {
            let seen = cal.range(&node.name).filter(|range| range.count > 0);
            let missing = || QuantiseError::NotCalibrated { tensor: node.name.clone() };
            Ok(seen.ok_or_else(missing)?.max_abs * HEADROOM)
        }
    }
}
