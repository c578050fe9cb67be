//! Which streams leave the chip, and how much of the others is kept.
//!
//! Streams may go through the external memory. They are added in the order in which they were made, so that it is a queue; but
//! what a convolution, or the sum over a map, reads is read in another order, and more than once: that is kept on chip.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::{Network, NodeId};

use super::ends::{Ends, Held};
use super::live::Life;
use super::sizes::Sizes;

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

/// A stream on its way: written once, then again by every step that adds to it, until a convolution reads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Map {
    /// All of it, in words per slot.
    pub words: usize,
    /// What its readers need.
    least: Part,
    /// A convolution reads it, at the end.
    read: bool,
    /// How much of what that convolution reads is kept.
    pub part: Part,
    pub spilled: bool,
}

impl Map {
    /// Words on chip.
    pub fn kept(&self) -> usize {
        match self.read || !self.spilled {
            true => self.words / self.part.ratio(),
            false => 0,
        }
    }
}

/// All of them.
pub(super) struct Maps<'a> {
    sizes: Sizes<'a>,
    lives: &'a [Life],
    pub all: Vec<Map>,
}

impl<'a> Maps<'a> {
    /// All on chip.
    pub fn new(sizes: Sizes<'a>, lives: &'a [Life]) -> Self {
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

    /// Lets maps leave the chip, as few as the memory of this depth asks for; one that may `grow` becomes as large as the maps
    /// need that convolutions read.
    pub fn spill(&mut self, depth: usize, grow: bool) {
        self.spill_all();
        let needed = self.ends().total;
        let limit = if grow { needed.next_power_of_two().max(depth) } else { depth };
        for number in (0..self.all.len()).rev() {
            self.put(number, false);
            if self.ends().total > limit {
                self.put(number, true);
            }
        }
    }

    /// Lets all maps leave the chip that can.
    pub fn spill_all(&mut self) {
        for number in 0..self.all.len() {
            self.put(number, true);
        }
    }

    /// What is held of the maps. What is read of a spilled map is there from the step that makes it last.
    pub fn held(&self) -> Vec<Held> {
        let held = |(life, map): (&Life, &Map)| {
            let first = if map.spilled { life.made } else { life.first };
            Held { first, last: life.last, words: map.kept().max(self.instead(life)) }
        };
        self.lives.iter().zip(&self.all).map(held).collect()
    }

    /// The maps at the ends of the memory.
    pub fn ends(&self) -> Ends {
        Ends::of(self.lives, &self.held())
    }

    /// Words of what the trace writes to the place of counts or sums; none where what they are made from leaves the chip.
    pub fn instead(&self, counts: &Life) -> usize {
        let Some((node, from)) = counts.instead else { return 0 };
        let life = self.lives.iter().position(|life| life.tensors.contains(&from));
        match life.is_some_and(|number| self.all[number].spilled) {
            true => 0,
            false => self.sizes.timed(node),
        }
    }
}
