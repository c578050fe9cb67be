//! Pass 4: where tensors lie in the memories, and which streams leave the chip.
//!
//! Maps that replace each other lie alternately at the two ends of a memory: the map being read at one end, the map being
//! written at the other. What lives besides them lies further in. A memory holds all that lives at the same time.
//!
//! Of a batch every timed map holds all images, side by side in every channel group; patches and untimed codes are one
//! image's, since what comes before the first timed map is computed for one image after the other.
//!
//! On an array that can move maps, [`super::stripes`] says which of them lie outside between their steps.

use std::collections::BTreeMap;

use spikegate_contract::network::{Network, NodeId, Op};

use super::ends::{Ends, Held};
use super::error::PlanError;
use super::live::{Life, Lives};
use super::movable::patch_shape;
use super::room::{Depths, Residents};
use super::sizes::Sizes;
use super::spill::{Maps, Part};
use super::step::{Phase, Step};
use super::stripes::{stripes, Moves};
use super::unit::groups;

/// Where everything is. Words and addresses are those of one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// First word of every untimed code; patches lie at 0, or outside.
    pub codes: BTreeMap<NodeId, usize>,
    /// Words of the code memory.
    pub code: usize,
    /// First word of every spike map.
    pub spikes: BTreeMap<NodeId, usize>,
    /// Words of the spike memory.
    pub spike: usize,
    /// Presence memory: two halves, each for the pixels and time passes of the largest spike map.
    pub presence: usize,
    /// Every stream, and counts or sums of channels.
    pub streams: BTreeMap<NodeId, Stream>,
    /// First word of the streams that only the trace writes.
    pub traced: BTreeMap<NodeId, usize>,
    /// Words of the stream memory.
    pub stream: usize,
    /// First word of the stream memory that is free while one image after the other is computed: for values that only the
    /// trace keeps.
    pub scratch: usize,
    /// Bursts that the ring in the external memory must hold.
    pub spill: usize,
    /// What lies in the external memory between the steps that make and read it.
    pub moves: Moves,
}

impl Layout {
    /// First word of a code in a step.
    pub fn code_at(&self, step: NodeId, node: NodeId) -> usize {
        self.moved(step, node).unwrap_or_else(|| self.codes[&node])
    }

    /// First word of spikes in a step.
    pub fn spikes_at(&self, step: NodeId, node: NodeId) -> usize {
        self.moved(step, node).unwrap_or_else(|| self.spikes[&node])
    }

    /// A stream in a step.
    pub fn stream_at(&self, step: NodeId, node: NodeId) -> Stream {
        let stream = self.streams[&node];
        Stream { base: self.moved(step, node).unwrap_or(stream.base), ..stream }
    }

    fn moved(&self, step: NodeId, node: NodeId) -> Option<usize> {
        self.moves.steps.get(&step)?.at.get(&node).copied()
    }
}

/// A map in the stream memory, or on its way through the external one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stream {
    /// First word of what is on chip.
    pub base: usize,
    /// How much of it is there.
    pub part: Part,
    /// It goes through the external memory wherever it is added; only what a convolution reads is kept on chip.
    pub spilled: bool,
    /// A convolution, or the sum over a map, reads it.
    pub read: bool,
}

/// Places of what lives on an array, for a batch of `images`; the tracing program is included.
///
/// Of an array that can spill, maps stay on chip as long as they fit: the stream memory that there is, or, when it may
/// `grow`, one as large as the maps need that convolutions read. Later maps, which are smaller, come first.
///
/// # Errors
/// Of an array that moves maps: the memory that lacks words even so.
pub(super) fn place(
    sizes: Sizes<'_>,
    steps: &[Step],
    lives: &Lives,
    grow: bool,
) -> Result<Layout, PlanError> {
    let array = sizes.array;
    let [channels, rows, columns] = patch_shape(sizes);
    let patches = groups(channels, array.ci) * rows * columns;
    let mut layout = Layout { code: patches, ..Layout::default() };
    let mut maps = Maps::new(sizes, &lives.streams);
    if array.moves {
        maps.spill_all();
        let (code, spike, stream) = (array.code_depth, array.spike_depth, array.stream_depth);
        let depths = Depths { code, spike, stream };
        let around = |patches: usize| stripes(sizes, steps, lives, &maps, patches, depths);
        let (moves, residents) = match if grow { code.max(LARGE_PATCHES) } else { code } {
            most if patches > most => around(0)?,
            _ if grow => around(patches)?,
            _ => around(patches).or_else(|_| around(0))?,
        };
        let Residents { codes, spikes, streams: ends, .. } = residents;
        for (node, parts) in &moves.parts {
            let life = lives.streams.iter().position(|life| life.tensors.contains(node));
            life.into_iter().for_each(|life| maps.all[life].words *= parts);
        }
        (layout.codes, layout.spikes, layout.moves) = (codes, spikes, moves);
        streams(&mut layout, sizes, steps, lives, (&maps, ends));
        (layout.code, layout.spike) = (array.code_depth, array.spike_depth);
        return Ok(layout);
    }
    if array.spill_depth > 0 {
        maps.spill(array.stream_depth, grow);
    }
    codes(&mut layout, sizes, lives);
    spikes(&mut layout, sizes, lives);
    let ends = maps.ends();
    streams(&mut layout, sizes, steps, lives, (&maps, ends));
    Ok(layout)
}

/// Words of patches for which a code memory grows, a block memory's: an image of more comes as patches for the external memory.
const LARGE_PATCHES: usize = 2048;

/// Codes behind the patches.
fn codes(layout: &mut Layout, sizes: Sizes<'_>, lives: &Lives) {
    for &node in &lives.codes {
        layout.codes.insert(node, layout.code);
        layout.code += sizes.still(node);
    }
}

fn spikes(layout: &mut Layout, sizes: Sizes<'_>, lives: &Lives) {
    let held = |life: &Life| Held::whole(life, sizes.timed(life.tensors[0]));
    let ends = Ends::of(&lives.spikes, &lives.spikes.iter().map(held).collect::<Vec<_>>());
    for (number, life) in lives.spikes.iter().enumerate() {
        for &node in &life.tensors {
            layout.spikes.insert(node, ends.base(number, sizes.timed(node)));
            let [_, h, w] = sizes.net.node(node).out.shape;
            layout.presence = layout.presence.max(2 * h * w * sizes.passes());
        }
    }
    layout.spike = ends.total;
}

fn streams(
    layout: &mut Layout,
    sizes: Sizes<'_>,
    steps: &[Step],
    lives: &Lives,
    (maps, mut ends): (&Maps<'_>, Ends),
) {
    let array = sizes.array;
    let streams = || lives.streams.iter().zip(&maps.all).enumerate();
    // Of one image the trace also sees values, a gate's stream and maps that are kept in part: they leave the chip, or lie
    // behind the maps of the image.
    let early = || steps.iter().enumerate().filter(|(_, step)| step.phase == Phase::Image);
    let values = || early().filter(|(_, step)| shows_values(sizes.net, step));
    let gates = || early().filter_map(|(_, step)| step.gate.map(|gate| gate.node));
    if array.spill_depth > 0 {
        let spilled = streams().filter(|(_, (_, map))| map.spilled);
        let spilled = spilled.map(|(_, (life, _))| sizes.images * sizes.bursts(life.tensors[0]));
        let one =
            streams().filter(|(_, (life, _))| life.early).map(|(_, (life, _))| sizes.bursts(life.tensors[0]));
        let still = values().map(|(_, step)| sizes.bursts(step.node) / sizes.passes());
        layout.spill =
            spilled.chain(one).chain(still).chain(gates().map(|id| sizes.bursts(id))).max().unwrap_or(0);
    } else {
        let last = values().map(|(at, _)| at).max().unwrap_or(0);
        let early = || streams().filter(|(_, (life, _))| life.early);
        let before = early().filter(|(_, (life, _))| sizes.images > 1 || life.first < last);
        layout.scratch = before.map(|(number, _)| ends.reach(number)[0]).max().unwrap_or(0);
        let above = early().map(|(number, _)| ends.reach(number)[1]).max().unwrap_or(0);
        let parts = early().filter(|(_, (_, map))| map.part != Part::Whole).map(|(_, (_, map))| map.words);
        let unkept = gates().filter(|&id| !streams().any(|(_, (life, _))| life.tensors.contains(&id)));
        let traced = values().map(|(_, step)| sizes.still(step.node));
        let traced = traced.chain(parts).chain(unkept.map(|id| sizes.timed(id))).max().unwrap_or(0);
        ends.hold(layout.scratch + traced + above);
    }
    for (number, (life, map)) in streams() {
        let outside = life.tensors.iter().any(|node| layout.moves.outside.contains_key(node));
        let base = if outside { 0 } else { ends.base(number, map.kept()) };
        for &node in &life.tensors {
            let read = life.vector || (!life.readers.is_empty() && life.tensors.last() == Some(&node));
            layout.streams.insert(node, Stream { base, part: map.part, spilled: map.spilled, read });
        }
        if let Some((node, _)) = life.instead.filter(|_| maps.instead(life) > 0) {
            layout.traced.insert(node, ends.base(number, sizes.timed(node)));
        }
    }
    layout.stream = ends.total;
}

/// Whether the trace shows the untimed value of a step's convolution, which no memory keeps: where more is made of it than a
/// code.
pub(super) fn shows_values(net: &Network, step: &Step) -> bool {
    let value = &net.node(step.node);
    let more = step.gate.is_some() || step.neurons.is_some() || step.stream.is_some() || step.statistics;
    matches!(value.op, Op::Conv(_)) && !value.out.timed && more
}
