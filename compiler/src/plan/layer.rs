//! A layer as the array sees it, and where its weights and parameters lie.

use std::collections::BTreeMap;

use spikegate_contract::array::{ArrayConfig, PACKED_BITS};
use spikegate_contract::network::{weight_range, Layer, Network, NodeId, Op, ACC_BITS};

use super::pool;
use super::tile::Tile;
use super::unit::{groups, Place};

/// What the array walks: the layer's own window, but a 1x1 convolution over patches for what reads the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kernel {
    pub k: usize,
    pub stride: usize,
    pub pad: usize,
    pub in_c: usize,
    pub in_hw: [usize; 2],
    /// So many times its input channels lie there, and add up.
    pub parts: usize,
    /// Its weights can be packed.
    packs: bool,
}

/// How many vectors the counts of a node are in: one for every part of the map that they are of; one where it is not named.
pub(super) type Parts = BTreeMap<NodeId, usize>;

impl Kernel {
    pub fn of(net: &Network, layer: &Layer<'_>, parts: &Parts) -> Kernel {
        match net.source(layer.id).op {
            // Channel c * K * K + ky * K + kx of a patch, which is how the weights lie already.
            Op::Input { .. } => {
                let in_c = layer.in_c() * layer.k * layer.k;
                Kernel { k: 1, stride: 1, pad: 0, in_c, in_hw: layer.out_hw(), parts: 1, packs: packs(layer) }
            }
            _ => Kernel {
                k: layer.k,
                stride: layer.stride,
                pad: layer.pad,
                in_c: layer.in_c(),
                in_hw: layer.in_hw(),
                parts: net
                    .node(layer.id)
                    .inputs
                    .first()
                    .and_then(|counts| parts.get(counts))
                    .map_or(1, |&n| n),
                packs: packs(layer),
            },
        }
    }

    /// Channel groups of its input.
    pub fn groups_in(&self, array: &ArrayConfig) -> usize {
        groups(self.in_c, array.ci) * self.parts
    }

    /// Weights that every slot and output channel of an output group has.
    pub fn tile(&self, array: &ArrayConfig) -> Tile {
        Tile::of(self.k * self.k * self.groups_in(array), self.packs, array)
    }
}

/// Whether weights of a layer can be packed: they have at most 4 bits, and no sum of them times 16, which is what the array
/// adds, leaves 32 bits.
fn packs(layer: &Layer<'_>) -> bool {
    let (low, high) = layer.input.form.range();
    let (terms, largest) =
        (layer.weights.len() / layer.out_c().max(1), *weight_range(layer.weight_bits).end());
    let sum = i128::from(low.unsigned_abs().max(high.unsigned_abs())) * i128::from(largest) * terms as i128;
    layer.weight_bits <= PACKED_BITS && sum << PACKED_BITS < 1 << (ACC_BITS - 1)
}

/// Weights as they lie one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weights {
    /// Of a layer.
    Layer(NodeId),
    /// Of a pooling, for so many output groups.
    Pool(NodeId, usize),
}

impl Weights {
    /// Of all layers in the order of a weight memory that holds them all, behind them those of poolings.
    pub fn all(net: &Network, array: &ArrayConfig) -> Vec<Weights> {
        let poolings = poolings(net).map(|id| Weights::Pool(id, pool::output_groups(net, id, array, 0)));
        net.layers().map(|layer| Weights::Layer(layer.id)).chain(poolings).collect()
    }
}

/// The nodes that sum over a map.
pub(super) fn poolings(net: &Network) -> impl Iterator<Item = NodeId> + '_ {
    net.iter().filter(|(_, node)| matches!(node.op, Op::Pool { .. })).map(|(id, _)| id)
}

/// First weight word and first parameter of every layer and pooling.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Placement {
    pub at: BTreeMap<NodeId, Place>,
    /// Weight words per slot.
    pub weights: usize,
    /// Parameter entries per post lane.
    pub params: usize,
}

impl Placement {
    /// Everything in the order of [`Weights::all`].
    pub fn of(net: &Network, array: &ArrayConfig, parts: &Parts) -> Placement {
        let mut out = Placement::default();
        for weights in Weights::all(net, array) {
            let (id, out_c, words) = match weights {
                Weights::Pool(id, groups) => {
                    let channels = net.node(id).out.shape[0];
                    (id, channels, groups * pool::tile(net, id, array).words())
                }
                Weights::Layer(id) => {
                    let Some(layer) = net.layer(id) else { continue };
                    let words = Kernel::of(net, &layer, parts).tile(array).words();
                    (id, layer.out_c(), groups(layer.out_c(), array.co) * words)
                }
            };
            out.at.insert(id, Place { weight: out.weights, param: out.params });
            out.weights += words;
            out.params += groups(out_c, array.co) * (array.co / array.post);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spikegate_contract::network::{Form, Value};

    /// The longest sums of a stream's values with weights of 4 bits that times 16 fit 32 bits, and one weight more.
    #[test]
    fn sums_that_could_leave_the_accumulator_are_not_packed() {
        let packs = |terms: usize, weight_bits: u8| {
            let input = Value::still([terms, 1, 1], Form::Stream);
            let output = Value::still([1, 1, 1], Form::Logits);
            let weights = vec![0; terms];
            let (id, name, requant, bias) = (NodeId(1), "head", &[][..], &[][..]);
            let (input, output, weights) = (&input, &output, &weights[..]);
            super::packs(&Layer {
                id,
                name,
                input,
                output,
                k: 1,
                stride: 1,
                pad: 0,
                weight_bits,
                weights,
                requant,
                bias,
            })
        };
        assert!(packs(585, 4) && !packs(586, 4) && packs(586, 3) && packs(1000, 3));
        assert!(!packs(1, 5) && !packs(1, 8));
    }
}
