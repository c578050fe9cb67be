//! Which maps leave the chip between the steps that make and read them, and how many rows of a layer are computed at a time.
//!
//! On an array that can move maps a memory need not hold what lives at one time. A map may lie in the external memory; a step
//! that reads it then moves the rows there that it needs, in front of its instruction, and one that makes it moves its rows
//! away behind it. Where even the rows of all of a step's maps are too many, the step runs in *stripes* of output rows, one
//! instruction for each. Its weights come once for every stripe.
//!
//! A stripe's output lies by itself in the memory, so a step of several stripes keeps nothing on chip that it makes, adds or
//! masks; only what it reads may lie there whole. Steps that make or add the same queue of residuals have the same stripes.

use std::collections::BTreeMap;

use spikegate_contract::array::{Moved, MOVE_BURST};
use spikegate_contract::network::{Form, Network, NodeId};

use super::error::PlanError;
use super::layer::Parts;
use super::live::Lives;
use super::movable::{used, Item};
use super::room::{Depths, Lacks, Residents, Search, MEMORIES};
use super::sizes::Sizes;
use super::spill::Maps;
use super::step::Step;

/// A map outside, whole: segments of one channel group and time pass each, in them rows of words of all slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outside {
    pub map: Moved,
    /// Its codes are signed.
    pub signed: bool,
    /// First transfer of the external port, counted from the first of all maps outside.
    pub at: usize,
    pub segments: usize,
    pub height: usize,
    pub width: usize,
}

/// How a step runs of which a map lies outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stripes {
    /// Output rows of a stripe; the last may have fewer.
    pub rows: usize,
    /// First words of the rows on chip of what lies outside.
    pub at: BTreeMap<NodeId, usize>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    pub outside: BTreeMap<NodeId, Outside>,
    /// Of the steps that have a map outside or are cut, by their node.
    pub steps: BTreeMap<NodeId, Stripes>,
    /// Transfers of the external port that all maps outside take.
    pub transfers: usize,
    /// How many vectors the counts of a cut map are in.
    pub parts: Parts,
}

impl Moves {
    /// The patches of the image, where they lie outside.
    pub fn patches(&self, net: &Network) -> Option<Outside> {
        let (layer, _) = net.image_layer()?;
        self.outside.get(&net.node(layer.id).inputs[0]).copied()
    }
}

/// Places for what is outside and its stripes, with the memories as they are; the patches of the image have so many words on
/// chip, or none and lie outside.
///
/// # Errors
/// The memory that lacks words.
pub(super) fn stripes(
    sizes: Sizes<'_>,
    steps: &[Step],
    lives: &Lives,
    maps: &Maps<'_>,
    patches: usize,
    depths: Depths,
) -> Result<(Moves, Residents), PlanError> {
    let (items, uses) = used(sizes, steps, lives, maps, patches == 0);
    let mut search =
        Search { lives, maps, depths, items, uses, patches, passes: sizes.passes(), parts: Parts::new() };
    let lacks = |Lacks { memory, needed, available }| PlanError::TooSmall { memory, needed, available };
    // More parts of counts take more room, which may take more stripes.
    let rows = loop {
        let rows = search.rows().map_err(lacks)?;
        let parts = search.parts(&rows);
        if std::mem::replace(&mut search.parts, parts.clone()) == parts {
            break rows;
        }
    };
    // What takes no room from the stripes stays on chip: later maps, which are smaller, come first.
    for number in (0..search.items.len()).rev() {
        let item = &mut search.items[number];
        if item.image || !std::mem::take(&mut item.outside) {
            continue;
        }
        if !search.rows().is_ok_and(|now| now == rows) {
            search.items[number].outside = true;
        }
    }
    let mut residents = search.residents().map_err(lacks)?;
    let mut moves = Moves { parts: search.parts.clone(), ..Moves::default() };
    place_outside(&mut moves, &search.items, sizes);
    for (at, (step, used)) in steps.iter().zip(&search.uses).enumerate() {
        let mut stripes = Stripes { rows: rows[at], at: BTreeMap::new() };
        let mut free = MEMORIES.map(|(map, _)| residents.free(map, at)[0]);
        for number in used.reads.iter().map(|(number, _)| *number).chain(used.makes.iter().copied()) {
            let item = &search.items[number];
            if item.outside && !item.tensors.iter().any(|node| stripes.at.contains_key(node)) {
                let words = search.on_chip(at, number, rows[at]);
                let place = &mut free[item.map as usize];
                stripes.at.extend(item.tensors.iter().map(|&node| (node, *place)));
                *place += words;
            }
        }
        if !stripes.at.is_empty() || stripes.rows < used.height {
            moves.steps.insert(step.node, stripes);
        }
        if let Some(neurons) = step.neurons.filter(|neurons| neurons.counts.is_some() && !neurons.kept) {
            let from = free[Moved::Spikes as usize];
            // Only the trace writes them, a stripe at a time, where there is room.
            let words = sizes.timed(neurons.node) / used.height.max(1) * rows[at];
            if from + words <= residents.free(Moved::Spikes, at)[1] {
                residents.spikes.insert(neurons.node, from);
            }
        }
    }
    Ok((moves, residents))
}

/// Gives maps outside their places, the lowest that is free as long as they live.
fn place_outside(moves: &mut Moves, items: &[Item], sizes: Sizes<'_>) {
    let mut placed: Vec<(usize, usize, &Item)> = Vec::new();
    for item in items.iter().filter(|item| item.outside) {
        // Where bursts are aligned.
        let size = (item.words() * sizes.array.moved_transfers(item.map)).next_multiple_of(MOVE_BURST);
        let meets = |other: &Item| item.first <= other.last && other.first <= item.last;
        // An image is one packet, which counts its transfers with 20 bits.
        let base = sizes.array.moves_base();
        let crosses = item.image && base >> 20 != (base + size - 1) >> 20;
        let mut at = if crosses { base.next_multiple_of(1 << 20) - base } else { 0 };
        for &(from, to, other) in &placed {
            if meets(other) && at < to && from < at + size {
                at = to;
            }
        }
        placed.push((at, at + size, item));
        placed.sort_by_key(|&(from, ..)| from);
        moves.transfers = moves.transfers.max(at + size);
        let Item { map, segments, height, width, image, .. } = *item;
        moves.outside.extend(item.tensors.iter().map(|&node| {
            // Pixels are not, whatever the image's codes are.
            let signed = !image && matches!(sizes.net.node(node).out.form, Form::Code { signed: true, .. });
            (node, Outside { map, signed, at, segments, height, width })
        }));
    }
}
