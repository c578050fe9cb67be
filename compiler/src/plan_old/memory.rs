//! Where maps lie in the accelerator's memories, and how long they live.
//!
//! Maps that replace each other lie alternately at the two ends of a memory: the map being read at one end, the
//! map being written at the other. The memory must hold the largest pair that lives at the same time.
//!
//! Of a batch every map of the blocks holds all images, side by side in every channel group; patches, Xq and Z1 are
//! one image's, since the encoder computes one image after the other.
//!
//! Residual streams may go through the external memory instead. They are added in the order in which they were made, so
//! that it is a queue; but what a shortcut convolution, or the sum over the last map, reads is read in another order, and
//! more than once: that is kept on chip.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::{Conv, Network};

/// Channel groups of `c` channels.
pub(super) fn groups(c: usize, slots: usize) -> usize {
    c.div_ceil(slots)
}

/// Words per slot of all maps of a network, in the order they are written, and the words that hold them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Code memory: patches.
    pub patches: usize,
    /// Words of a map without timesteps as large as the stem's: X, Xq, Z1.
    pub code_map: usize,
    /// Code memory: maps behind the patches, Xq and Z1; none in direct coding.
    code_maps: usize,
    /// Spike memory.
    pub spikes: Ends,
    /// Presence memory: two halves, each for the pixels and time passes of the largest spike map.
    pub presence: usize,
    /// Stream memory.
    pub stream: Ends,
    /// The stream that enters the first block, then those that a shortcut convolution begins.
    pub maps: Vec<Map>,
    /// First word of the stream memory that is free while the encoder runs: for values that only the trace keeps.
    pub scratch: usize,
    /// Bursts that the ring in the external memory must hold.
    pub spill: usize,
}

/// What is kept of a map for a 1x1 convolution of stride 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// The even columns.
    Half,
    /// The even columns of the even rows.
    Quarter,
}

impl Part {
    /// The least that a convolution with this input needs.
    fn read_by(conv: &Conv, array: &ArrayConfig) -> Part {
        let even = conv.in_hw.map(|side| side.is_multiple_of(2));
        match ((conv.k, conv.stride, conv.pad), even) {
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

/// A residual stream: written once, then again by every block that adds to it, until a convolution reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Map {
    /// All of it, in words per slot.
    pub words: usize,
    /// All of it, in bursts of the external memory.
    pub bursts: usize,
    /// A convolution reads it, at the end.
    read: bool,
    /// A block adds it.
    added: bool,
    /// How much of what that convolution reads is kept.
    pub part: Part,
    /// It goes through the external memory wherever it is added; only what the convolution reads is kept on chip.
    pub spilled: bool,
}

impl Map {
    /// Words of what a convolution reads.
    pub fn kept(&self) -> usize {
        match self.read || !self.spilled {
            true => self.words / self.part.ratio(),
            false => 0,
        }
    }
    /// Puts it where it goes. What a block adds on chip is kept whole.
    fn place(&mut self, spilled: bool, least: Part) {
        self.spilled = spilled;
        self.part = if spilled || !self.added { least } else { Part::Whole };
    }
}

/// One memory with two ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// Words per slot.
    pub total: usize,
}

/// One end of a memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Low,
    High,
}

impl End {
    pub fn other(self) -> End {
        match self {
            End::Low => End::High,
            End::High => End::Low,
        }
    }
}

impl Ends {
    fn holding(maps: &[usize]) -> Ends {
        let single = maps.iter().copied().max().unwrap_or(0);
        Ends { total: maps.windows(2).map(|pair| pair[0] + pair[1]).max().unwrap_or(0).max(single) }
    }
    /// First word of a map of `words` at an end.
    pub fn base(&self, end: End, words: usize) -> usize {
        match end {
            End::Low => 0,
            End::High => self.total - words,
        }
    }
}

impl Layout {
    /// Words for a batch of `images` of a network on an array. The tracing program is included: it keeps the last block's
    /// stream and spikes beside the maps that the block reads.
    ///
    /// Of an array that can spill, maps stay on chip as long as they fit: the stream memory that there is, or, when it
    /// may `grow`, one as large as the maps need that convolutions read. Later maps, which are smaller, come first.
    pub fn of(net: &Network, array: &ArrayConfig, images: usize, grow: bool) -> Layout {
        let passes = array.time_passes(net.t);
        let pixels = |hw: [usize; 2]| hw[0] * hw[1];
        let stem = &net.stem.conv;
        let encoded = groups(stem.out_c, array.ci) * pixels(stem.out_hw);
        let mut largest = pixels(stem.out_hw);
        let mut spikes = vec![images * encoded * passes];
        for block in &net.blocks {
            let words = |conv: &Conv| images * groups(conv.out_c, array.ci) * pixels(conv.out_hw) * passes;
            spikes.extend([words(&block.conv1), words(&block.conv2)]);
            largest = largest.max(pixels(block.conv1.out_hw));
        }
        let mut maps = Maps::new(net, array, images);
        if array.spill_depth > 0 {
            maps.spill(array.stream_depth, grow);
        }
        // X, sca and Y of one image leave the chip for the trace, or lie behind what enters the first block.
        let mut stream = maps.total();
        let (mut scratch, mut spill) = (0, 0);
        if array.spill_depth > 0 {
            let spilled = maps.all.iter().filter(|map| map.spilled).map(|map| map.bursts);
            spill = spilled.chain([maps.all[0].bursts / images]).max().unwrap_or(0);
        } else {
            let first = maps.all[0];
            scratch = if images > 1 { first.kept() } else { 0 };
            let traced = if first.part == Part::Whole { encoded } else { first.words };
            stream = stream.max(scratch + traced);
        }
        Layout {
            patches: groups(virtual_channels(net), array.ci) * pixels(stem.out_hw),
            code_map: encoded,
            code_maps: if net.encoder.is_some() { 2 } else { 0 },
            spikes: Ends::holding(&spikes),
            presence: 2 * largest * passes,
            stream: Ends { total: stream },
            maps: maps.all,
            scratch,
            spill,
        }
    }
    /// Words per slot of the code memory.
    pub fn code(&self) -> usize {
        self.patches + self.code_maps * self.code_map
    }
}

/// The residual streams of a network, and what comes after them.
struct Maps {
    all: Vec<Map>,
    /// For each, what the convolution that reads it needs.
    least: Vec<Part>,
    /// One image at a time: what enters the first block is made in the order in which the block adds it.
    single: bool,
    /// Words that the tracing program's last stream, the counts or sums, take beside the last one.
    last: usize,
    counts: usize,
}

impl Maps {
    fn new(net: &Network, array: &ArrayConfig, images: usize) -> Maps {
        let map = |conv: &Conv| {
            let each = images * conv.out_hw[0] * conv.out_hw[1] * array.time_passes(net.t);
            let (words, bursts) = (groups(conv.out_c, array.ci) * each, groups(conv.out_c, array.co) * each);
            Map { words, bursts, read: false, added: false, part: Part::Whole, spilled: false }
        };
        let (mut all, mut least) = (Vec::<Map>::new(), Vec::new());
        all.push(map(&net.stem.conv));
        least.push(Part::Whole);
        for block in &net.blocks {
            if let (Some(conv), Some(before), Some(part)) =
                (&block.shortcut, all.last_mut(), least.last_mut())
            {
                before.read = true;
                *part = Part::read_by(conv, array);
                all.push(map(conv));
                least.push(Part::Whole);
            }
            if let Some(own) = all.last_mut() {
                own.added = true;
            }
        }
        if let Some(own) = all.last_mut() {
            own.read = net.head.pool.is_some();
        }
        let counts = images * groups(net.head.conv.in_c, array.ci);
        let last = all.last().map_or(0, |map| map.words);
        let mut maps = Maps { all, least, single: images == 1, last, counts };
        for number in 0..maps.all.len() {
            maps.place(number, false);
        }
        maps
    }

    fn place(&mut self, number: usize, spilled: bool) {
        let spilled = spilled && self.all[number].added && (number > 0 || self.single);
        self.all[number].place(spilled, self.least[number]);
    }

    fn spill(&mut self, depth: usize, grow: bool) {
        for number in 0..self.all.len() {
            self.place(number, true);
        }
        let needed = self.total();
        let limit = if grow { needed.next_power_of_two().max(depth) } else { depth };
        for number in (0..self.all.len()).rev() {
            self.place(number, false);
            if self.total() > limit {
                self.place(number, true);
            }
        }
    }

    /// Words that hold all pairs that live at the same time. What is read of a spilled map is written when the map before
    /// has long been read.
    fn total(&self) -> usize {
        let spilled = self.all.last().is_some_and(|map| map.spilled);
        let last = if spilled { self.counts } else { self.last.max(self.counts) };
        let after = self.all.iter().skip(1).map(|map| (map.spilled, map.kept())).chain([(false, last)]);
        let pairs = self.all.iter().zip(after).map(|(map, (alone, next))| match alone {
            true => map.kept().max(next),
            false => map.kept() + next,
        });
        pairs.max().unwrap_or(0)
    }
}

/// Channels of the im2col patches, `C * K * K`.
pub(super) fn virtual_channels(net: &Network) -> usize {
    net.stem.conv.in_c * net.stem.conv.k * net.stem.conv.k
}
