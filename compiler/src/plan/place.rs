//! Pass 4: where tensors lie in the memories, and which streams leave the chip.
//!
//! Maps that replace each other lie alternately at the two ends of a memory: the map being read at one end, the map being
//! written at the other. What lives besides them lies further in. A memory holds all that lives at the same time.
//!
//! Of a batch every timed map holds all images, side by side in every channel group; patches and untimed codes are one
//! image's, since what comes before the first timed map is computed for one image after the other.
//!
//! Streams may go through the external memory instead. They are added in the order in which they were made, so that it is a
//! queue; but what a convolution, or the sum over a map, reads is read in another order, and more than once: that is kept on
//! chip.

use std::collections::BTreeMap;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::graph::{Network, NodeId, Op};

use super::ends::{Ends, Held};
use super::layer::{groups, Kernel};
use super::live::{Life, Lives};
use super::step::{Operand, Phase, Step};

/// Where everything is. Words and addresses are those of one slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// First word of every untimed code; patches lie at 0.
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

/// What is kept of a map for a 1x1 convolution of stride 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// The even columns of the even rows.
    Quarter,
    /// The even columns.
    Half,
    /// All of it.
    Whole,
}

impl Part {
    /// The least that a reader of a map needs.
    fn read_by(net: &Network, reader: NodeId, array: &ArrayConfig) -> Part {
        let Some(layer) = net.layer(reader) else { return Part::Whole };
        let even = layer.in_hw().map(|side| side.is_multiple_of(2));
        match ((layer.k, layer.stride, layer.pad), even) {
            ((1, 2, 0), [true, true]) if array.spill_depth > 0 => Part::Quarter,
            ((1, 2, 0), [_, true]) => Part::Half,
            _ => Part::Whole,
        }
    }
    /// So many words of the map make one that is kept.
    pub fn ratio(self) -> usize {
        match self {
            Part::Whole => 1,
            Part::Half => 2,
            Part::Quarter => 4,
        }
    }
}

/// Sizes of maps on an array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes<'a> {
    pub net: &'a Network,
    pub array: &'a ArrayConfig,
    /// Images of a batch.
    pub images: usize,
}

impl Sizes<'_> {
    fn map(&self, id: NodeId, slots: usize) -> usize {
        let [c, h, w] = self.net.node(id).out.shape;
        groups(c, slots) * h * w
    }
    /// Words of an untimed map of one image.
    pub fn still(&self, id: NodeId) -> usize {
        self.map(id, self.array.ci)
    }
    /// Words of a timed map of all images.
    pub fn timed(&self, id: NodeId) -> usize {
        self.images * self.still(id) * self.passes()
    }
    /// Bursts of a timed map of one image in the external memory.
    fn bursts(&self, id: NodeId) -> usize {
        self.map(id, self.array.co) * self.passes()
    }
    /// Words of the values of channels of all images.
    pub fn vector(&self, id: NodeId) -> usize {
        self.images * groups(self.net.node(id).out.shape[0], self.array.ci)
    }
    pub fn passes(&self) -> usize {
        self.array.time_passes(self.net.timesteps)
    }
}

/// Places of what lives on an array, for a batch of `images`; the tracing program is included.
///
/// Of an array that can spill, maps stay on chip as long as they fit: the stream memory that there is, or, when it may
/// `grow`, one as large as the maps need that convolutions read. Later maps, which are smaller, come first.
pub(super) fn place(sizes: Sizes<'_>, steps: &[Step], lives: &Lives, grow: bool) -> Layout {
    let mut layout = Layout::default();
    codes(&mut layout, sizes, steps, lives);
    spikes(&mut layout, sizes, lives);
    streams(&mut layout, sizes, steps, lives, grow);
    layout
}

fn codes(layout: &mut Layout, sizes: Sizes<'_>, steps: &[Step], lives: &Lives) {
    let net = sizes.net;
    let image = steps.iter().find(|step| step.operand() == Some(Operand::Image));
    if let Some(layer) = image.and_then(|step| net.layer(step.node)) {
        let kernel = Kernel::of(net, &layer);
        layout.code = groups(kernel.in_c, sizes.array.ci) * kernel.in_hw[0] * kernel.in_hw[1];
    }
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

fn streams(layout: &mut Layout, sizes: Sizes<'_>, steps: &[Step], lives: &Lives, grow: bool) {
    let array = sizes.array;
    let mut maps = Maps::new(sizes, &lives.streams);
    if array.spill_depth > 0 {
        maps.spill(array.stream_depth, grow);
    }
    let mut ends = maps.ends();
    // Values and whole maps of one image that only the trace sees leave the chip, or lie behind those of the image.
    let early = steps.iter().enumerate().filter(|(_, step)| step.phase == Phase::Image);
    let values = early.filter(|(_, step)| shows_values(sizes.net, step));
    let of_image = |number: &usize| maps.lives[*number].early;
    if array.spill_depth > 0 {
        let spilled = (0..maps.all.len()).filter(|&n| maps.all[n].spilled);
        let whole = spilled.map(|n| sizes.images * sizes.bursts(maps.lives[n].tensors[0]));
        let one = (0..maps.all.len()).filter(of_image).map(|n| sizes.bursts(maps.lives[n].tensors[0]));
        let still = values.map(|(_, step)| sizes.bursts(step.node) / sizes.passes());
        layout.spill = whole.chain(one).chain(still).max().unwrap_or(0);
    } else {
        let values: Vec<_> = values.collect();
        let before = values.iter().map(|&(at, _)| at).max().unwrap_or(0);
        let earlier = (0..maps.all.len())
            .filter(of_image)
            .filter(|&n| sizes.images > 1 || maps.lives[n].first < before);
        layout.scratch = earlier.map(|n| ends.reach(n)[0]).max().unwrap_or(0);
        let above = (0..maps.all.len()).filter(of_image).map(|n| ends.reach(n)[1]).max().unwrap_or(0);
        let parts = (0..maps.all.len()).filter(of_image).filter(|&n| maps.all[n].part != Part::Whole);
        let wholes = parts.map(|n| maps.all[n].words);
        let traced = values.iter().map(|(_, step)| sizes.still(step.node)).chain(wholes).max().unwrap_or(0);
        ends.hold(layout.scratch + traced + above);
    }
    for (number, (life, map)) in lives.streams.iter().zip(&maps.all).enumerate() {
        let base = ends.base(number, map.kept());
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

/// A stream on its way: written once, then again by every step that adds to it, until a convolution reads it.
#[derive(Clone, Copy, Debug)]
struct Map {
    /// All of it, in words per slot.
    words: usize,
    /// What its readers need.
    least: Part,
    /// A convolution reads it, at the end.
    read: bool,
    /// How much of what that convolution reads is kept.
    part: Part,
    spilled: bool,
}

impl Map {
    /// Words on chip.
    fn kept(&self) -> usize {
        match self.read || !self.spilled {
            true => self.words / self.part.ratio(),
            false => 0,
        }
    }
}

struct Maps<'a> {
    sizes: Sizes<'a>,
    lives: &'a [Life],
    all: Vec<Map>,
}

impl<'a> Maps<'a> {
    fn new(sizes: Sizes<'a>, lives: &'a [Life]) -> Self {
        let map = |life: &Life| {
            let words =
                if life.vector { sizes.vector(life.tensors[0]) } else { sizes.timed(life.tensors[0]) };
            let parts = life.readers.iter().map(|&reader| Part::read_by(sizes.net, reader, sizes.array));
            let (least, read) = (parts.max().unwrap_or(Part::Whole), !life.readers.is_empty());
            Map { words, least, read, part: Part::Whole, spilled: false }
        };
        let mut maps = Self { sizes, lives, all: lives.iter().map(map).collect() };
        for number in 0..lives.len() {
            maps.put(number, false);
        }
        maps
    }

    /// Lets a map leave the chip, or keeps it there. What is added on chip is kept whole; of a batch what is made for one
    /// image after the other is not in the order in which all images are added.
    fn put(&mut self, number: usize, spilled: bool) {
        let life = &self.lives[number];
        let map = &mut self.all[number];
        let in_turn = life.queue && (!life.early || self.sizes.images == 1);
        map.spilled = spilled && life.added && in_turn;
        map.part = if map.spilled || (!life.added && life.early) { map.least } else { Part::Whole };
    }

    fn spill(&mut self, depth: usize, grow: bool) {
        for number in 0..self.all.len() {
            self.put(number, true);
        }
        let needed = self.ends().total;
        let limit = if grow { needed.next_power_of_two().max(depth) } else { depth };
        for number in (0..self.all.len()).rev() {
            self.put(number, false);
            if self.ends().total > limit {
                self.put(number, true);
            }
        }
    }

    /// The maps at the ends of the memory. What is read of a spilled map is there from the step that makes it last.
    fn ends(&self) -> Ends {
        let held = |(life, map): (&Life, &Map)| {
            let first = if map.spilled { life.made } else { life.first };
            Held { first, last: life.last, words: map.kept().max(self.instead(life)) }
        };
        Ends::of(self.lives, &self.lives.iter().zip(&self.all).map(held).collect::<Vec<_>>())
    }

    /// Words of what the trace writes to the place of counts or sums; none where what they are made from leaves the chip.
    fn instead(&self, counts: &Life) -> usize {
        let Some((node, from)) = counts.instead else { return 0 };
        let life = self.lives.iter().position(|life| life.tensors.contains(&from));
        match life.is_some_and(|number| self.all[number].spilled) {
            true => 0,
            false => self.sizes.timed(node),
        }
    }
}
