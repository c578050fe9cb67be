//! Dump packets of the tracing program as tensors, and the inverse.
//!
//! A dump sends, for each word address of a region and for each slot, one word (codes, spikes) or `lanes` words
//! (stream). The address is `((group * images + image) * passes + pass) * pixels + pixel`, the channel `group * ci + slot`, lane l is
//! timestep `pass * lanes + l`. What a tensor's values are, and how many, its node says. Slots without a channel hold whatever is left there and are dropped, and so are
//! stream lanes beyond T; a spike beyond T is an error, and so is any bit outside a word's width.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{DumpEntry, DumpForm, Plan};
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::network::{Form, Network, Node, MAX_T};
use spikegate_contract::packet::{header, DUMP};
use spikegate_contract::tensor::Tensor;
use std::borrow::Cow;
use std::collections::BTreeMap;
use thiserror::Error;

/// Words of a dump before its data: header, sequence number, instruction, words that follow.
const LEADING: usize = 4;
/// Most values of a tensor; a larger one in a plan is an error.
const MAX_VALUES: usize = 1 << 28;

/// A dump that does not have the form that the plan promises.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceError {
    /// Another number of packets.
    #[error("the trace has {got} dumps, the plan promises {expected}")]
    Count {
        /// Packets received.
        got: usize,
        /// Dumps planned.
        expected: usize,
    },
    /// A wrong word in a packet.
    #[error("dump of {tensor}: {field} is {got:#x}, expected {expected:#x}")]
    Word {
        /// Tensor.
        tensor: String,
        /// Which word.
        field: &'static str,
        /// Found.
        got: u64,
        /// Expected.
        expected: u64,
    },
    /// A spike where no timestep is.
    #[error("dump of {tensor}: word {word} has spikes {bits:#x} beyond the last timestep")]
    Stray {
        /// Tensor.
        tensor: String,
        /// Word.
        word: usize,
        /// Bits.
        bits: u32,
    },
    /// A value wider than the memory that it comes from.
    #[error("dump of {tensor}: word {word} is {value:#x}, more than {bits} bits")]
    Wide {
        /// Tensor.
        tensor: String,
        /// Word.
        word: usize,
        /// The word.
        value: u32,
        /// Bits of a word of this form.
        bits: usize,
    },
    /// A plan or array configuration that nothing can be decoded with.
    #[error("dump of {tensor}: {what}")]
    Plan {
        /// Tensor.
        tensor: String,
        /// What is wrong.
        what: &'static str,
    },
    /// [`encode`] lacks a tensor of the plan, or it has another shape.
    #[error("no tensor {tensor} of the planned shape")]
    Missing {
        /// Tensor.
        tensor: String,
    },
}

/// Names of the tensors that the dumps of an image of a batch hold, in their order: what [`decode_image`] gives.
pub fn dumped<'a>(plan: &'a Plan, net: &'a Network, image: usize) -> Vec<&'a str> {
    let mut names = Vec::new();
    for entry in plan.dumps.iter().filter(|entry| is_of(entry, image)) {
        let statistics = node_of(entry, net).and_then(|node| statistics_of(entry, node, net));
        names.extend(statistics.map(|node| node.name.as_str()));
        // Of a map that comes in parts the first one names it.
        if entry.rows.is_none_or(|[first, _]| first == 0) {
            names.push(entry.tensor.as_str());
        }
    }
    names
}

/// The node whose tensor a dump holds.
fn node_of<'a>(entry: &DumpEntry, net: &'a Network) -> Option<&'a Node> {
    net.nodes.iter().find(|node| node.name == entry.tensor)
}

/// The node that it is computed from, whose sum and maximum stand before it in a dump of scalars.
fn statistics_of<'a>(entry: &DumpEntry, node: &Node, net: &'a Network) -> Option<&'a Node> {
    let source = node.inputs.first().and_then(|id| net.nodes.get(id.0));
    source.filter(|x| {
        entry.form == DumpForm::Scalars && (x.out.form, x.out.shape) == (Form::Statistics, [2, 1, 1])
    })
}

/// Whether a dump is of an image of a batch.
fn is_of(entry: &DumpEntry, image: usize) -> bool {
    entry.image.is_none_or(|of| of == image)
}

/// Decodes the dumps of one image, in the order of the plan.
///
/// # Errors
/// A packet whose type, instruction, length or sequence number is not the planned one, or a word with bits that
/// its form does not have.
pub fn decode(
    plan: &Plan,
    net: &Network,
    array: &ArrayConfig,
    packets: &[Vec<u32>],
) -> Result<Vec<Tensor>, TraceError> {
    decode_image(plan, net, array, packets, 0)
}

/// As [`decode`], for one image of a batch: of all images' dumps only its own are among the packets.
///
/// # Errors
/// As [`decode`].
pub fn decode_image(
    plan: &Plan,
    net: &Network,
    array: &ArrayConfig,
    packets: &[Vec<u32>],
    image: usize,
) -> Result<Vec<Tensor>, TraceError> {
    let mine = || plan.dumps.iter().filter(|entry| is_of(entry, image));
    let expected = mine().count();
    if packets.len() != expected {
        return Err(TraceError::Count { got: packets.len(), expected });
    }
    let mut out: Vec<Tensor> = Vec::new();
    let mut parts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut sequence = None;
    for (entry, packet) in mine().zip(packets) {
        let layout = Layout::new(entry, net, array, image)?;
        let words = layout.words() as u64;
        layout.same("length", packet.len() as u64, LEADING as u64 + words)?;
        layout.same("type", u64::from(packet[0] >> 24), u64::from(DUMP))?;
        let first = *sequence.get_or_insert(packet[1]);
        layout.same("sequence number", u64::from(packet[1]), u64::from(first))?;
        layout.same("instruction", u64::from(packet[2]), entry.instruction as u64)?;
        layout.same("words that follow", u64::from(packet[3]), words)?;
        let body = &packet[LEADING..];
        let Some([first, rows]) = entry.rows else {
            match layout.statistics {
                Some(statistics) => out.extend(layout.scalars(statistics, body)?),
                None => {
                    let mut map = Tensor::zeros(entry.tensor.clone(), entry.dims);
                    layout.fill(&mut map, body)?;
                    out.push(map);
                }
            }
            continue;
        };
        let there = parts.entry(&entry.tensor).or_default();
        if first != *there {
            return Err(layout.wrong("its rows do not follow each other"));
        }
        *there += rows;
        if first == 0 {
            out.push(Tensor::zeros(entry.tensor.clone(), entry.dims));
        }
        let map = out.iter_mut().find(|map| map.name == entry.tensor);
        layout.fill(map.ok_or_else(|| layout.wrong("it comes whole and in parts"))?, body)?;
    }
    let missing = mine().find(|entry| parts.get(&*entry.tensor).is_some_and(|&rows| rows != entry.dims[2]));
    match missing {
        None => Ok(out),
        Some(entry) => Err(TraceError::Plan { tensor: entry.tensor.clone(), what: "rows of it are missing" }),
    }
}

/// The packets that the hardware sends for an image with these tensors: the inverse of [`decode`], for a program of one
/// image. Channels beyond C and lanes beyond T are sent as 0.
///
/// # Errors
/// [`TraceError::Missing`], [`TraceError::Plan`].
pub fn encode(
    plan: &Plan,
    net: &Network,
    array: &ArrayConfig,
    tensors: &[Tensor],
    sequence: u32,
) -> Result<Vec<Vec<u32>>, TraceError> {
    let find = |node: &Node| {
        let dims = net.dims(&node.out);
        let whole = |t: &&Tensor| {
            t.name == node.name && t.dims == dims && t.data.len() == dims.iter().product::<usize>()
        };
        tensors.iter().find(whole).ok_or_else(|| TraceError::Missing { tensor: node.name.clone() })
    };
    let mut packets = Vec::new();
    for entry in &plan.dumps {
        let layout = Layout::new(entry, net, array, 0)?;
        let words = layout.words();
        let mut packet = vec![header(DUMP, 0, 0), sequence, entry.instruction as u32, words as u32];
        let values = find(layout.node)?;
        if let Some(statistics) = layout.statistics {
            let statistics = find(statistics)?;
            let (sum, max) = (statistics.data[0], statistics.data[1]);
            packet.extend([sum as u32, (sum >> 32) as u32 & 0xff, max as u32 & 0xffff]);
            packet.extend(values.data.iter().map(|&v| v as u32 & 0xffff));
        } else {
            packet.extend((0..words).map(|word| layout.word(values, word)));
        }
        packets.push(packet);
    }
    Ok(packets)
}

/// Where the values of one dump lie.
struct Layout<'a> {
    entry: &'a DumpEntry,
    /// Whose tensor it is.
    node: &'a Node,
    /// Whose sum and maximum stand before it, of a dump of scalars.
    statistics: Option<&'a Node>,
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
    fn new(
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

    fn wrong(&self, what: &'static str) -> TraceError {
        TraceError::Plan { tensor: self.entry.tensor.clone(), what }
    }

    /// Words behind the four leading ones.
    fn words(&self) -> usize {
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

    fn fill(&self, map: &mut Tensor, body: &[u32]) -> Result<(), TraceError> {
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

    fn scalars(&self, statistics: &Node, body: &[u32]) -> Result<[Tensor; 2], TraceError> {
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
    fn word(&self, map: &Tensor, word: usize) -> u32 {
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

    fn same(&self, field: &'static str, got: u64, expected: u64) -> Result<(), TraceError> {
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

impl Failure for TraceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Plan { .. } => Kind::Input,
            Self::Missing { .. } => Kind::Bug,
            _ => Kind::Check,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Count { .. } | Self::Plan { .. } => Some("compile the model again".into()),
            Self::Word { .. } | Self::Stray { .. } | Self::Wide { .. } | Self::Missing { .. } => None,
        }
    }
}
