//! Constants of neurons.

use spikegate_contract::network::{FireRule, Network, Neuron, Op, Reset};

use super::Rng;

/// Constants as they come; every third subtracts.
pub(super) fn neuron(rng: &mut Rng) -> Neuron {
    Neuron {
        leak_shift: rng.size(0, 3) as u8,
        fire: rng.pick(&[FireRule::Gt, FireRule::Ge]),
        reset: rng.pick(&[Reset::Zero, Reset::Zero, Reset::Subtract]),
    }
}

/// Gives two of three populations constants of their own, which may be those of the network.
pub(super) fn own(net: &mut Network, rng: &mut Rng) {
    for node in &mut net.nodes {
        if let Op::Lif { neuron: own, .. } = &mut node.op {
            *own = rng.chance(2, 3).then(|| neuron(rng));
        }
    }
}
