//! What the steps before a cut leave in the memories for those behind it: maps, where they lie, and their bytes as they pass the
//! port of the external memory.

use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::instr::{Instr, Opcode, Source, MOVE_OUT};
use spikegate_contract::network::{Form, Network, NodeId};
use spikegate_contract::tensor::Tensor;

use super::place::Layout;
use super::spill::Part;
use super::step::{Does, Operand, Step};
use super::unit::groups;

/// A map that passes a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handed {
    pub node: NodeId,
    map: Moved,
    signed: bool,
    part: Part,
    /// Where it lies.
    pub at: Place,
}

/// Where a map lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// From a transfer of the external port on, counted from the first of all maps outside.
    Outside(usize),
    /// From a word of its memory on.
    OnChip(usize),
}

/// The maps that pass from the steps before number `cut` to the others; none where something passes that is no map with a place:
/// the queue of a residual, statistics and attention, counts or sums of channels.
pub(super) fn handed(net: &Network, steps: &[Step], layout: &Layout, cut: usize) -> Option<Vec<Handed>> {
    let (before, behind) = steps.split_at(cut);
    let attends = |step: &Step| step.does == Does::Temporal || step.gate.is_some();
    if before.iter().any(|step| step.statistics) && behind.iter().any(attends) {
        return None;
    }
    let makes = |step: &Step, node: NodeId| {
        let neurons =
            step.neurons.is_some_and(|neurons| neurons.node == node || neurons.counts == Some(node));
        neurons || step.code == Some(node) || step.stream == Some(node) || step.nodes.contains(&node)
    };
    let mut all: Vec<Handed> = Vec::new();
    for step in behind {
        let reads = match step.does {
            Does::Layer(Operand::Image) => return None,
            Does::Layer(Operand::Code { node, .. }) => Some((Moved::Codes, node)),
            Does::Layer(Operand::Spikes { node }) => Some((Moved::Spikes, node)),
            Does::Layer(Operand::Stream { node, .. }) | Does::Pool(node) => Some((Moved::Streams, node)),
            Does::Layer(Operand::Pooled { node } | Operand::Counts { node, .. }) => {
                if before.iter().any(|step| makes(step, node)) {
                    return None;
                }
                None
            }
            Does::Temporal => None,
        };
        let gated = step.gate.map(|gate| (Moved::Spikes, gate.spikes));
        let added = step.residual.map(|node| (Moved::Streams, node));
        for (map, node) in reads.into_iter().chain(gated).chain(added) {
            if !before.iter().any(|step| makes(step, node)) || all.iter().any(|known| known.node == node) {
                continue;
            }
            if added.is_some_and(|(_, added)| added == node) && layout.streams[&node].spilled {
                return None;
            }
            let chip = match map {
                Moved::Codes => layout.codes.get(&node).copied(),
                Moved::Spikes => layout.spikes.get(&node).copied(),
                Moved::Streams => layout.streams.get(&node).map(|stream| stream.base),
            };
            let outside = layout.moves.outside.get(&node).map(|outside| Place::Outside(outside.at));
            let part = layout.streams.get(&node).map_or(Part::Whole, |stream| stream.part);
            let signed = matches!(net.node(node).out.form, Form::Code { signed: true, .. });
            all.push(Handed { node, map, signed, part, at: outside.or(chip.map(Place::OnChip))? });
        }
    }
    Some(all)
}

impl Handed {
    /// Channel groups, time passes, rows and columns of what is kept of it.
    fn sizes(&self, net: &Network, array: &ArrayConfig) -> [usize; 4] {
        let [c, h, w] = net.node(self.node).out.shape;
        let passes = if self.map == Moved::Codes { 1 } else { array.time_passes(net.timesteps) };
        let [rows, columns] = self.apart();
        [groups(c, array.ci), passes, h / rows, w / columns]
    }

    /// Rows and columns of the map from one that is kept to the next.
    fn apart(&self) -> [usize; 2] {
        match self.part {
            Part::Whole => [1, 1],
            Part::Half => [1, 2],
            Part::Quarter => [2, 2],
        }
    }

    /// Words of a slot.
    fn words(&self, net: &Network, array: &ArrayConfig) -> usize {
        self.sizes(net, array).iter().product()
    }

    /// Transfers of the external port.
    pub fn transfers(&self, net: &Network, array: &ArrayConfig) -> usize {
        self.words(net, array) * array.moved_transfers(self.map)
    }

    /// The instruction that moves it between its words on chip and the external memory from a transfer on.
    pub fn moves(&self, net: &Network, array: &ArrayConfig, word: usize, first: usize, out: bool) -> Instr {
        let source = match self.map {
            Moved::Codes => Source::Attention,
            Moved::Spikes => Source::Spikes,
            Moved::Streams => Source::Stream,
        };
        let instr = Instr {
            op: Opcode::Move as u32,
            source: source as u32,
            signed: self.signed.into(),
            source_base: word as u32,
            length: self.words(net, array) as u32,
            image: if out { MOVE_OUT } else { 0 },
            ..Instr::default()
        };
        instr.at_transfer(first)
    }

    /// The map of a tensor in the external memory, and which of its bits hold a value.
    pub fn bytes(&self, net: &Network, array: &ArrayConfig, tensor: &Tensor) -> [Vec<u8>; 2] {
        let ([groups, passes, h, w], [rows, columns]) = (self.sizes(net, array), self.apart());
        let (share, bits, beat) = (array.moved_slots(self.map), self.map.bits(array), array.memory_bits / 8);
        let [timesteps, channels, ..] = tensor.dims;
        let size = self.transfers(net, array) * beat;
        let (mut bytes, mut holds) = (vec![0; size], vec![0; size]);
        // Bits of a value, and the values of a slot's word.
        let (width, lanes) = match self.map {
            Moved::Codes => (8, 1),
            Moved::Spikes => (1, array.lanes),
            Moved::Streams => (16, array.lanes),
        };
        let mut transfer = 0;
        for (group, pass) in (0..groups).flat_map(|group| (0..passes).map(move |pass| (group, pass))) {
            for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y * rows, x * columns))) {
                for slot in 0..array.ci {
                    let channel = group * array.ci + slot;
                    let lane = |lane: usize| pass * lanes + lane;
                    let there = (0..lanes).filter(|&l| channel < channels && lane(l) < timesteps);
                    for l in there {
                        let value = tensor.at(lane(l), channel, y, x);
                        let first = (transfer + slot / share) * beat * 8 + slot % share * bits + l * width;
                        for bit in 0..width {
                            let (byte, place) = ((first + bit) / 8, (first + bit) % 8);
                            bytes[byte] |= ((value >> bit & 1) as u8) << place;
                            holds[byte] |= 1 << place;
                        }
                    }
                }
                transfer += array.ci / share;
            }
        }
        [bytes, holds]
    }
}
