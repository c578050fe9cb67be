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

use spikegate_contract::array::Moved;
use spikegate_contract::network::NodeId;

use super::ends::{Ends, Held};
use super::error::{Memory, PlanError};
use super::layer::{Kernel, Parts};
use super::live::{Life, Lives};
use super::sizes::Sizes;
use super::spill::{Maps, Part};
use super::step::{Does, Operand, Step};
use super::unit::groups;

/// A map outside, whole: segments of one channel group and time pass each, in them rows of words of all slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outside {
    pub map: Moved,
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

/// The words of the memories whose maps can be moved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Depths {
    pub code: usize,
    pub spike: usize,
    pub stream: usize,
}

impl Depths {
    fn of(&self, map: Moved) -> usize {
        match map {
            Moved::Codes => self.code,
            Moved::Spikes => self.spike,
            Moved::Streams => self.stream,
        }
    }
}

const MEMORIES: [(Moved, Memory); 3] =
    [(Moved::Codes, Memory::Code), (Moved::Spikes, Memory::Spike), (Moved::Streams, Memory::Stream)];

/// Tensors that share a place, as [`Life`] says.
#[derive(Clone, Debug)]
struct Item {
    map: Moved,
    /// Number of its life among those of its memory.
    life: usize,
    tensors: Vec<NodeId>,
    /// Steps from the first that has it on chip to the last.
    first: usize,
    last: usize,
    segments: usize,
    height: usize,
    width: usize,
    /// Every second row of what the step makes is kept.
    quarter: bool,
    outside: bool,
}

impl Item {
    fn row(&self) -> usize {
        self.segments * self.width
    }
    fn words(&self) -> usize {
        self.row() * self.height
    }
    /// Rows that it has of so many output rows.
    fn rows(&self, output: usize) -> usize {
        if self.quarter {
            output / 2
        } else {
            output
        }
    }
}

/// What a step does with maps that can be moved: numbers of items.
#[derive(Clone, Debug, Default)]
struct Use {
    /// Its operand, and the window over its rows: kernel, rows of it per output row, padding.
    reads: Option<(usize, [usize; 3])>,
    /// What it masks, makes, or writes over, each once.
    makes: Vec<usize>,
    /// It counts spikes.
    counts: Option<NodeId>,
    /// It can be cut into stripes.
    cuts: bool,
    /// The first of the steps that have the same stripes.
    with: usize,
    /// Output rows, and what a stripe has a multiple of.
    height: usize,
    multiple: usize,
}

impl Use {
    /// The fewest rows of a stripe: a lower one begins where no row of the window is beyond the map.
    fn least(&self) -> usize {
        let [_, stride, pad] = self.reads.map_or([1, 1, 0], |(_, window)| window);
        pad.div_ceil(stride).max(1).next_multiple_of(self.multiple)
    }
}

/// A memory of this array is too small.
#[derive(Clone)]
struct Lacks {
    memory: Memory,
    needed: usize,
    available: usize,
}

struct Search<'a> {
    lives: &'a Lives,
    maps: &'a Maps<'a>,
    depths: Depths,
    items: Vec<Item>,
    uses: Vec<Use>,
    /// Words of patches.
    patches: usize,
    /// Time passes.
    passes: usize,
    parts: Parts,
}

/// Places for what is outside and its stripes, with the memories as they are.
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
    let (items, uses) = used(sizes, steps, lives, maps);
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
        if !std::mem::take(&mut search.items[number].outside) {
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
            // Only the trace writes them, where there is room.
            if from + sizes.timed(neurons.node) <= residents.free(Moved::Spikes, at)[1] {
                residents.spikes.insert(neurons.node, from);
            }
        }
    }
    Ok((moves, residents))
}

/// The items, and what every step does with them.
fn used(sizes: Sizes<'_>, steps: &[Step], lives: &Lives, maps: &Maps<'_>) -> (Vec<Item>, Vec<Use>) {
    let net = sizes.net;
    let mut items: Vec<Item> = Vec::new();
    let mut item = |map: Moved, node: NodeId, at: usize, part: Part| {
        let life = match map {
            Moved::Codes => lives.codes.iter().position(|&code| code == node),
            Moved::Spikes => lives.spikes.iter().position(|life| life.tensors.contains(&node)),
            Moved::Streams => lives.streams.iter().position(|life| life.tensors.contains(&node)),
        };
        let life = life?;
        let known = items.iter().position(|item| item.map == map && item.life == life);
        let number = known.unwrap_or(items.len());
        if known.is_none() {
            let [channels, h, w] = net.node(node).out.shape;
            let passes = if map == Moved::Codes { 1 } else { sizes.passes() };
            let quarter = part == Part::Quarter;
            let [height, width] = if quarter { [h / 2, w / 2] } else { [h, w] };
            let segments = groups(channels, sizes.array.ci) * passes;
            let (first, last, tensors, outside) = (at, at, Vec::new(), true);
            items.push(Item { map, life, tensors, first, last, segments, height, width, quarter, outside });
        }
        let found = &mut items[number];
        if !found.tensors.contains(&node) {
            found.tensors.push(node);
        }
        (found.first, found.last) = (found.first.min(at), found.last.max(at));
        Some(number)
    };
    let mut uses = Vec::new();
    for (at, step) in steps.iter().enumerate() {
        let mut used = Use { multiple: 1, ..Use::default() };
        let kept = |node: NodeId| {
            let number = lives.streams.iter().position(|life| life.tensors.contains(&node))?;
            let (life, map) = (&lives.streams[number], &maps.all[number]);
            let last = life.tensors.last() == Some(&node);
            (!life.vector && map.kept() > 0 && (!map.spilled || last)).then_some(map.part)
        };
        if let Does::Pool(node) = step.does {
            if let Some(number) = kept(node).and_then(|part| item(Moved::Streams, node, at, part)) {
                used.reads = Some((number, [1, 1, 0]));
            }
        }
        if let (Does::Layer(operand), Some(layer)) = (step.does, net.layer(step.node)) {
            let Kernel { k, stride, pad, .. } = Kernel::of(net, &layer, sizes.parts);
            used.height = layer.out_hw()[0];
            used.cuts = true;
            used.counts = step.neurons.and_then(|neurons| neurons.counts);
            let window = [k, stride, pad];
            used.reads = match operand {
                Operand::Code { node, .. } => item(Moved::Codes, node, at, Part::Whole).map(|n| (n, window)),
                Operand::Spikes { node } => item(Moved::Spikes, node, at, Part::Whole).map(|n| (n, window)),
                Operand::Stream { node, .. } => kept(node).and_then(|part| {
                    let window = if part == Part::Quarter { [1, 1, 0] } else { window };
                    item(Moved::Streams, node, at, part).map(|number| (number, window))
                }),
                Operand::Image | Operand::Pooled { .. } | Operand::Counts { .. } => None,
            };
            let mut makes = Vec::new();
            makes.extend(step.gate.and_then(|gate| item(Moved::Spikes, gate.spikes, at, Part::Whole)));
            makes.extend(step.code.and_then(|node| item(Moved::Codes, node, at, Part::Whole)));
            let spikes = step.neurons.filter(|neurons| neurons.counts.is_none() || neurons.kept);
            makes.extend(spikes.and_then(|neurons| item(Moved::Spikes, neurons.node, at, Part::Whole)));
            if let Some((node, part)) = step.stream.and_then(|node| Some((node, kept(node)?))) {
                used.multiple = if part == Part::Quarter { 2 } else { 1 };
                makes.extend(item(Moved::Streams, node, at, part));
            }
            // A residual that is added on chip lies there as the whole map does.
            let resident = step.residual.and_then(|node| Some((node, kept(node)?)));
            used.cuts &= resident.is_none();
            makes.extend(resident.and_then(|(node, part)| item(Moved::Streams, node, at, part)));
            makes.sort_unstable();
            makes.dedup();
            used.makes = makes;
        }
        uses.push(used);
    }
    alike(&mut uses, steps, lives, maps);
    // What is added on chip stays there, and so does half of a map, whose rows lie two apart.
    let halves = |item: &Item| item.map == Moved::Streams && maps.all[item.life].part == Part::Half;
    let added = |item: &Item| {
        item.map == Moved::Streams && lives.streams[item.life].added && !maps.all[item.life].spilled
    };
    let fixed: Vec<bool> = items.iter().map(|item| halves(item) || added(item)).collect();
    for (item, fixed) in items.iter_mut().zip(fixed) {
        item.outside = !fixed;
    }
    (items, uses)
}

/// Finds the steps that have the same stripes: what one puts into the queue in the external memory the other takes out.
fn alike(uses: &mut [Use], steps: &[Step], lives: &Lives, maps: &Maps<'_>) {
    for (at, used) in uses.iter_mut().enumerate() {
        used.with = at;
    }
    for (life, _) in lives.streams.iter().zip(&maps.all).filter(|(_, map)| map.spilled) {
        let touches = |step: &Step| {
            step.stream.into_iter().chain(step.residual).any(|node| life.tensors.contains(&node))
        };
        let touching: Vec<usize> = (0..steps.len()).filter(|&at| touches(&steps[at])).collect();
        let Some(first) = touching.iter().map(|&at| uses[at].with).min() else { continue };
        let joined: Vec<usize> = touching.iter().map(|&at| uses[at].with).collect();
        for used in uses.iter_mut().filter(|used| joined.contains(&used.with)) {
            used.with = first;
        }
    }
}

/// What stays on chip, and the room beside it.
pub(super) struct Residents {
    /// First words of codes and spikes on chip.
    pub codes: BTreeMap<NodeId, usize>,
    pub spikes: BTreeMap<NodeId, usize>,
    pub streams: Ends,
    /// Words up to the end of the last code.
    code: usize,
    /// Of the spike and the stream memory, from where to where no resident lies in a step.
    room: Vec<[[usize; 2]; 2]>,
    depth: usize,
}

impl Residents {
    /// From where to where a memory is free in a step.
    fn free(&self, map: Moved, step: usize) -> [usize; 2] {
        match map {
            Moved::Codes => [self.code, self.depth],
            Moved::Spikes => self.room[step][0],
            Moved::Streams => self.room[step][1],
        }
    }
}

impl Search<'_> {
    /// Places of what stays.
    fn residents(&self) -> Result<Residents, Lacks> {
        let item =
            |map: Moved, life: usize| self.items.iter().find(|item| item.map == map && item.life == life);
        let mut codes = BTreeMap::new();
        let mut code = self.patches;
        for item in self.items.iter().filter(|item| item.map == Moved::Codes && !item.outside) {
            codes.extend(item.tensors.iter().map(|&node| (node, code)));
            code += item.words();
        }
        let fits = |memory: Memory, needed: usize, available: usize| match needed <= available {
            true => Ok(()),
            false => Err(Lacks { memory, needed, available }),
        };
        fits(Memory::Code, code, self.depths.code)?;
        // A map that nothing on chip reads or makes takes no room.
        let spike = |(number, life): (usize, &Life)| {
            let resident = item(Moved::Spikes, number).filter(|item| !item.outside);
            Held::whole(life, resident.map_or(0, Item::words))
        };
        let held: Vec<Held> = self.lives.spikes.iter().enumerate().map(spike).collect();
        let mut ends = Ends::of(&self.lives.spikes, &held);
        fits(Memory::Spike, ends.total, self.depths.spike)?;
        ends.hold(self.depths.spike);
        let stay = self.items.iter().filter(|item| item.map == Moved::Spikes && !item.outside);
        let base = |item: &Item| ends.base(item.life, item.words());
        let spikes = stay.flat_map(|item| item.tensors.iter().map(move |&node| (node, base(item)))).collect();
        let mut held_streams = self.maps.held();
        for (number, held) in held_streams.iter_mut().enumerate() {
            let counts = self.lives.streams[number].tensors.first().and_then(|node| self.parts.get(node));
            held.words *= counts.copied().unwrap_or(1);
            if item(Moved::Streams, number).is_some_and(|item| item.outside) {
                held.words = 0;
            }
        }
        let mut streams = Ends::of(&self.lives.streams, &held_streams);
        fits(Memory::Stream, streams.total, self.depths.stream)?;
        streams.hold(self.depths.stream);
        let room = |ends: &Ends, held: &[Held], depth: usize, step: usize| {
            let alive = || {
                held.iter()
                    .enumerate()
                    .filter(|(_, held)| held.words > 0 && held.first <= step && step <= held.last)
            };
            let reach = |end: usize| alive().map(|(number, _)| ends.reach(number)[end]).max().unwrap_or(0);
            [reach(0), depth - reach(1)]
        };
        let room = (0..self.uses.len())
            .map(|step| {
                [
                    room(&ends, &held, self.depths.spike, step),
                    room(&streams, &held_streams, self.depths.stream, step),
                ]
            })
            .collect();
        Ok(Residents { codes, code, spikes, streams, room, depth: self.depths.code })
    }

    /// Words that a step has of an item outside for stripes of so many rows.
    fn on_chip(&self, step: usize, number: usize, rows: usize) -> usize {
        let (item, used) = (&self.items[number], &self.uses[step]);
        let read = used.reads.filter(|(reads, _)| *reads == number);
        let read = read.map_or(0, |(_, [k, stride, _])| match used.height {
            // A sum over a map takes one channel group after the other.
            0 => item.words() / item.segments * self.passes,
            _ => item.row() * ((rows - 1) * stride + k).min(item.height),
        });
        let made = if used.makes.contains(&number) { item.row() * item.rows(rows) } else { 0 };
        read.max(made)
    }

    /// Output rows of every step's stripes, 0 where it has none.
    fn rows(&self) -> Result<Vec<usize>, Lacks> {
        let residents = self.residents()?;
        let most = |step: usize| self.most_rows(step, &residents);
        let most = (0..self.uses.len()).map(most).collect::<Result<Vec<_>, _>>()?;
        let balanced = |used: &Use| {
            let whole = used.height;
            let alike = || self.uses.iter().enumerate().filter(|(_, other)| other.with == used.with);
            let narrowest = alike().map(|(other, _)| &most[other]).min_by_key(|(rows, _)| *rows);
            let Some((rows, Some(lacks))) = narrowest else { return Ok(whole) };
            let multiple = alike().map(|(_, other)| other.multiple).max().unwrap_or(1);
            let least = alike().map(|(_, other)| other.least()).max().unwrap_or(1);
            if *rows < least || alike().any(|(_, other)| !other.cuts || self.keeps(other)) {
                return Err(lacks.clone());
            }
            let stripes = whole.div_ceil(rows / multiple * multiple);
            Ok(whole.div_ceil(stripes).next_multiple_of(multiple).max(least))
        };
        self.uses.iter().map(balanced).collect()
    }

    /// The parts that counts are in with stripes of so many rows.
    fn parts(&self, rows: &[usize]) -> Parts {
        let counting = self.uses.iter().zip(rows).filter(|(used, rows)| used.height > **rows);
        counting.filter_map(|(used, &rows)| Some((used.counts?, used.height.div_ceil(rows)))).collect()
    }

    /// Whether something that a step makes lies on chip whole.
    fn keeps(&self, used: &Use) -> bool {
        used.makes.iter().any(|&number| !self.items[number].outside)
    }

    /// The most rows of a stripe of a step that there is room for, and what lacks where it is not all of them.
    fn most_rows(&self, step: usize, residents: &Residents) -> Result<(usize, Option<Lacks>), Lacks> {
        let used = &self.uses[step];
        let mut numbers: Vec<usize> = used.reads.iter().map(|(number, _)| *number).collect();
        numbers.extend(&used.makes);
        numbers.retain(|&number| self.items[number].outside);
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.is_empty() {
            return Ok((used.height, None));
        }
        let lack = |rows: usize| {
            MEMORIES.iter().find_map(|&(map, memory)| {
                let of = numbers.iter().filter(|&&number| self.items[number].map == map);
                let words: usize = of.map(|&number| self.on_chip(step, number, rows)).sum();
                let [from, to] = residents.free(map, step);
                let (needed, available) = (words + self.depths.of(map) - (to - from), self.depths.of(map));
                (from + words > to).then_some(Lacks { memory, needed, available })
            })
        };
        let whole = used.height;
        let Some(lacks) = lack(whole) else { return Ok((whole, None)) };
        if !used.cuts || self.keeps(used) {
            return Err(lacks);
        }
        let least = used.least();
        let most = (least..whole).step_by(used.multiple).take_while(|&rows| lack(rows).is_none()).last();
        most.map(|most| (most, Some(lacks.clone()))).ok_or_else(|| lack(least).unwrap_or(lacks))
    }
}

/// Gives maps outside their places, the lowest that is free as long as they live.
fn place_outside(moves: &mut Moves, items: &[Item], sizes: Sizes<'_>) {
    let mut placed: Vec<(usize, usize, &Item)> = Vec::new();
    for item in items.iter().filter(|item| item.outside) {
        // Where bursts are aligned.
        let size = (item.words() * sizes.array.moved_transfers(item.map)).next_multiple_of(16);
        let meets = |other: &Item| item.first <= other.last && other.first <= item.last;
        let mut at = 0;
        for &(from, to, other) in &placed {
            if meets(other) && at < to && from < at + size {
                at = to;
            }
        }
        placed.push((at, at + size, item));
        placed.sort_by_key(|&(from, ..)| from);
        moves.transfers = moves.transfers.max(at + size);
        let Item { map, segments, height, width, .. } = *item;
        moves
            .outside
            .extend(item.tensors.iter().map(|&node| (node, Outside { map, at, segments, height, width })));
    }
}
