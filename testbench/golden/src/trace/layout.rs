//! Where the values of one dump lie.

use super::error::TraceError;
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{DumpEntry, DumpForm};
use spikegate_contract::network::{Form, Network, Node, MAX_T};
use spikegate_contract::tensor::Tensor;

/// Most values of a tensor; a larger one in a plan is an error.
const MAX_VALUES: usize = 1 << 28;

/// The node whose tensor a dump holds.
pub(super) fn node_of<'a>(entry: &DumpEntry, net: &'a Network) -> Option<&'a Node> {
    net.nodes.iter().find(|node| node.name == entry.tensor)
}

/// The node that it is computed from, whose sum and maximum stand before it in a dump of scalars.
pub(super) fn statistics_of<'a>(entry: &DumpEntry, node: &Node, net: &'a Network) -> Option<&'a Node> {
    let source = node.inputs.first().and_then(|id| net.nodes.get(id.0));
    source.filter(|x| {
        entry.form == DumpForm::Scalars && (x.out.form, x.out.shape) == (Form::Statistics, [2, 1, 1])
    })
}

/// Where the values of one dump lie.
pub(super) struct Layout<'a> {
    entry: &'a DumpEntry,
    /// Whose tensor it is.
    pub(super) node: &'a Node,
    /// Whose sum and maximum stand before it, of a dump of scalars.
    pub(super) statistics: Option<&'a Node>,
    array: &'a ArrayConfig,
    /// Place of the image among those of the region.
    image: usize,
    /// Time passes.
    passes: usize,
    /// Words per address and slot.
    per_slot: usize,
    /// Bits of a word.
    bits: usize,
}

/// What one word of a map holds.
struct Place {
    image: usize,
    channel: usize,
    pixel: usize,
    /// First timestep of the pass.
    t: usize,
    lane: usize,
}

impl<'a> Layout<'a> {
    pub(super) fn new(
        entry: &'a DumpEntry,
        net: &'a Network,
        array: &'a ArrayConfig,
        image: usize,
    ) -> Result<Self, TraceError> {
        let wrong = |what| Err(TraceError::Plan { tensor: entry.tensor.clone(), what });
        let sizes = [array.ci, array.co];
        if !(1..=16).contains(&array.lanes) || !sizes.iter().all(|n| (1..=64).contains(n)) {
            return wrong("the array configuration has impossible sizes");
        }
        let Some(node) = node_of(entry, net) else {
            return wrong("the network has no such node");
        };
        if entry.dims != net.dims(&node.out) {
            return wrong("its sizes are not those of the network's node");
        }
        if entry.parts == 0 || entry.parts > 1 && !matches!(node.out.form, Form::Counts { .. }) {
            return wrong("only counts come in parts that add up");
        }
        if entry.rows.is_some_and(|[first, rows]| {
            rows == 0 || first.checked_add(rows).is_none_or(|end| end > entry.dims[2])
        }) {
            return wrong("the map has no such rows");
        }
        let values = entry.dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        let t = entry.dims[0];
        if !values.is_some_and(|v| (1..=MAX_VALUES).contains(&v)) || t > MAX_T {
            return wrong("the planned sizes are impossible");
        }
        let statistics = statistics_of(entry, node, net);
        let timed = node.out.timed;
        let fits = match (entry.form, node.out.form) {
            (DumpForm::SignedCode, Form::Code { signed, .. }) => signed && !timed,
            (DumpForm::UnsignedCode, Form::Code { signed, .. }) => !signed && !timed,
            (DumpForm::Spikes, Form::Spikes) | (DumpForm::Stream, Form::Stream) => timed,
            (DumpForm::StreamLane0, Form::Stream | Form::Counts { .. }) => !timed,
            (DumpForm::Scalars, Form::Stream) => values == Some(t) && statistics.is_some(),
            _ => false,
        };
        if !fits {
            return wrong("its form is not that of the network's node");
        }
        if !(1..=16).contains(&entry.images) {
            return wrong("the planned number of images is impossible");
        }
        let image = if entry.images > 1 { image } else { 0 };
        if image >= entry.images {
            return wrong("it has fewer images");
        }
        let passes = if timed { array.time_passes(t) } else { 1 };
        let (per_slot, bits) = match entry.form {
            DumpForm::SignedCode | DumpForm::UnsignedCode => (1, 9),
            DumpForm::Spikes => (1, array.lanes),
            DumpForm::Stream | DumpForm::StreamLane0 => (array.lanes, 16),
            DumpForm::Scalars => (1, 16),
        };
        Ok(Self { entry, node, statistics, array, image, passes, per_slot, bits })
    }

    /// Pixels of the rows that are there.
    fn pixels(&self) -> usize {
        self.rows()[1] * self.entry.dims[3]
    }

    /// The first row, and how many there are.
    fn rows(&self) -> [usize; 2] {
        self.entry.rows.unwrap_or([0, self.entry.dims[2]])
    }

    pub(super) fn wrong(&self, what: &'static str) -> TraceError {
        TraceError::Plan { tensor: self.entry.tensor.clone(), what }
    }

    /// Words behind the four leading ones.
    pub(super) fn words(&self) -> usize {
        let [t, c, ..] = self.entry.dims;
        match self.entry.form {
            DumpForm::Scalars => 3 + t,
            _ => {
                let channels = self.channels();
                let addresses = c.div_ceil(channels) * self.entry.images * self.passes * self.pixels();
                addresses * channels * self.per_slot * self.entry.parts
            }
        }
    }

    /// Channels of a group: those of all slots, or of a burst.
    fn channels(&self) -> usize {
        if self.entry.spilled {
            self.array.co
        } else {
            self.array.ci
        }
    }

    /// The one place that takes a word's index apart.
    fn place(&self, word: usize) -> Place {
        let word = word % (self.words() / self.entry.parts);
        let (at, lane) = (word / self.per_slot, word % self.per_slot);
        let (address, slot) = (at / self.channels(), at % self.channels());
        let (map, pixel, pass) = if self.entry.spilled {
            let (row, pass) = (address / self.passes, address % self.passes);
            (row / self.pixels(), row % self.pixels(), pass)
        } else {
            let (row, pixel) = (address / self.pixels(), address % self.pixels());
            (row / self.passes, pixel, row % self.passes)
        };
        let pixel = self.rows()[0] * self.entry.dims[3] + pixel;
        let (group, image) = (map / self.entry.images, map % self.entry.images);
        Place { image, channel: group * self.channels() + slot, pixel, t: pass * self.array.lanes, lane }
    }

    pub(super) fn fill(&self, map: &mut Tensor, body: &[u32]) -> Result<(), TraceError> {
        let [t_n, c_n, _, w] = self.entry.dims;
        for (at, &word) in body.iter().enumerate() {
            self.narrow(at, word, self.bits)?;
            let Place { image, channel, pixel, t, lane } = self.place(at);
            if channel >= c_n || image != self.image {
                continue;
            }
            let mut put = |t: usize, v: i64| {
                let i = map.index(t, channel, pixel / w, pixel % w);
                map.data[i] = if self.entry.parts > 1 { map.data[i] + v } else { v };
            };
            match self.entry.form {
                DumpForm::SignedCode | DumpForm::UnsignedCode => put(0, self.value(word)),
                DumpForm::Spikes => {
                    let left = self.array.lanes.min(t_n - t);
                    if word >> left != 0 {
                        let tensor = self.entry.tensor.clone();
                        return Err(TraceError::Stray { tensor, word: at, bits: word });
                    }
                    (0..left).for_each(|l| put(t + l, i64::from(word >> l & 1)));
                }
                DumpForm::Stream if t + lane < t_n => put(t + lane, self.value(word)),
                DumpForm::StreamLane0 if lane == 0 => put(0, self.value(word)),
                _ => {}
            }
        }
        Ok(())
    }

    /// The value of a word: two's complement where the node's values may be below zero.
    fn value(&self, word: u32) -> i64 {
        let unused = 32 - self.bits;
        if self.node.out.form.range().0 < 0 {
            i64::from((word << unused) as i32 >> unused)
        } else {
            word.into()
        }
    }

    pub(super) fn scalars(&self, statistics: &Node, body: &[u32]) -> Result<[Tensor; 2], TraceError> {
        self.narrow(1, body[1], 8)?;
        for (at, &word) in body.iter().enumerate().skip(2) {
            self.narrow(at, word, self.bits)?;
        }
        let sum = i64::from(body[0]) | i64::from(body[1] as u8 as i8) << 32;
        let data = vec![sum, self.value(body[2])];
        let [c, h, w] = statistics.out.shape;
        let statistics = Tensor { name: statistics.name.clone(), dims: [1, c, h, w], data };
        let data = body[3..].iter().map(|&w| self.value(w)).collect();
        let ta = Tensor { name: self.entry.tensor.clone(), dims: self.entry.dims, data };
        Ok([statistics, ta])
    }

    /// One word of a map as the hardware sends it.
    pub(super) fn word(&self, map: &Tensor, word: usize) -> u32 {
        let [t_n, c_n, _, w] = self.entry.dims;
        // Parts add up: the first one has it all.
        if word >= self.words() / self.entry.parts {
            return 0;
        }
        let Place { channel, pixel, t, lane, .. } = self.place(word);
        let value = |t: usize| map.at(t, channel, pixel / w, pixel % w);
        if channel >= c_n {
            return 0;
        }
        match self.entry.form {
            DumpForm::SignedCode | DumpForm::UnsignedCode => value(0) as u32 & 0x1ff,
            DumpForm::Spikes => {
                let last = t_n.min(t + self.array.lanes);
                (t..last).map(|at| (value(at) as u32 & 1) << (at - t)).sum()
            }
            DumpForm::Stream if t + lane < t_n => value(t + lane) as u32 & 0xffff,
            DumpForm::StreamLane0 if lane == 0 => value(0) as u32 & 0xffff,
            _ => 0,
        }
    }

    pub(super) fn same(&self, field: &'static str, got: u64, expected: u64) -> Result<(), TraceError> {
        if got == expected {
            return Ok(());
        }
        Err(TraceError::Word { tensor: self.entry.tensor.clone(), field, got, expected })
    }

    fn narrow(&self, word: usize, value: u32, bits: usize) -> Result<(), TraceError> {
        if value >> bits == 0 {
            return Ok(());
        }
        Err(TraceError::Wide { tensor: self.entry.tensor.clone(), word, value, bits })
    }
}
