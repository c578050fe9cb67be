//! The instructions of one image or one batch, plain or tracing.
//!
//! | step | reads | writes |
//! | --- | --- | --- |
//! | stem | patches | Xq, spikes S, statistics |
//! | temporal | statistics | TA |
//! | sca1, sca2 | Xq, Z1 | Z1; stream Y (its even columns, where no more is read), spikes of the LIF on Y (over S) |
//! | shortcut | stream (Y: its gate bits only) | stream, at the other end of the memory |
//! | conv1, conv2 | spikes | spikes; conv2 also the stream, over the residual it has added |
//! | last conv2 | spikes, residual | counts, at the other end |
//! | head, finish | counts | logits |
//!
//! Without the last LIF the last conv2 writes the stream as any other, `head.pool` sums it (at the other end), and the
//! head reads the sums.
//!
//! Of a batch, the instructions up to the first block run for one image after the other, so that patches, codes and
//! statistics are one image's; each takes up its image when it is there. The blocks compute all images in every
//! instruction. The head and its result packet again are one image's.
//!
//! Direct coding goes from the stem straight to the blocks: the stem writes X to the stream, at every timestep.
//!
//! The tracing program dumps every map (of a batch: of all images) after the instruction that wrote it. Values that the plain program never
//! writes out are made by an instruction of their own first: X, sca, the whole of Y, and the last block's stream with its spikes.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{DumpEntry, PlannedStep};
use spikegate_contract::instr::{Instr, Opcode};
use spikegate_contract::network::{Conv, Network};
use spikegate_contract::tensor::names;

use super::cycles::cycles;
use super::layer::{Frame, Operand, Placement, Weights};
use super::memory::{groups, End, Layout, Map, Part};
use super::proof::head_counts;
use super::PlanError;

/// One program before it is encoded.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    pub instructions: Vec<Instr>,
    pub steps: Vec<PlannedStep>,
    pub dumps: Vec<DumpEntry>,
    /// For every convolution among the instructions.
    pub weights: Vec<Weights>,
}

/// A map in the stream memory: its end, first word and words per slot. Of a spilled map that is the place of what a
/// convolution reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    pub end: End,
    pub base: usize,
    pub words: usize,
    /// How much of it is there.
    pub part: Part,
    pub spilled: bool,
}

pub(super) struct Builder<'a> {
    pub(super) net: &'a Network,
    pub(super) array: &'a ArrayConfig,
    pub(super) layout: &'a Layout,
    pub(super) placement: &'a Placement,
    /// Images of a batch.
    pub(super) images: usize,
    pub(super) trace: bool,
    /// The image of a batch that the next instructions compute; none: all, or the only one.
    pub(super) image: Option<usize>,
    /// Name of the spikes that the next block reads.
    pub(super) spikes: String,
    /// Which of the layout's residual streams the blocks work on.
    pub(super) map: usize,
    pub(super) out: Sequence,
}

impl<'a> Builder<'a> {
    pub fn run(
        net: &'a Network,
        array: &'a ArrayConfig,
        layout: &'a Layout,
        placement: &'a Placement,
        images: usize,
        trace: bool,
    ) -> Result<Sequence, PlanError> {
        let spikes = if net.encoder.is_some() { names::GATE_SPIKES } else { names::STEM_SPIKES }.to_owned();
        let (image, map, out) = Default::default();
        let mut builder = Self { net, array, layout, placement, images, trace, image, spikes, map, out };
        for number in 0..images {
            builder.image = (images > 1).then_some(number);
            if number > 0 {
                let take = Instr { op: Opcode::Take as u32, image: number as u32, ..Instr::default() };
                builder.plain("take", take)?;
            }
            match &net.encoder {
                Some(encoder) => builder.encoder(encoder)?,
                None => builder.direct()?,
            }
        }
        builder.image = None;
        let (mut spikes, mut stream) = builder.entering();
        for (index, block) in net.blocks.iter().enumerate() {
            (spikes, stream) = builder.block(index, block, spikes, stream)?;
        }
        for number in 0..images {
            builder.head(Stream { base: stream.base + number, ..stream })?;
            let (image, follow) = (number as u32, (images - 1 - number) as u32);
            let finish = Instr { op: Opcode::Finish as u32, images: follow, image, ..Instr::default() };
            builder.plain("finish", finish)?;
        }
        Ok(builder.out)
    }

    /// Words per slot of a map with time passes, all images.
    pub(super) fn words(&self, conv: &Conv) -> usize {
        self.images * groups(conv.out_c, self.array.ci) * conv.out_hw[0] * conv.out_hw[1] * self.passes()
    }

    pub(super) fn passes(&self) -> usize {
        self.array.time_passes(self.net.t)
    }

    /// Where the spikes and the stream that enter block 0 lie.
    pub(super) fn entering(&self) -> (usize, Stream) {
        let words = self.words(&self.net.stem.conv);
        (self.layout.spikes.base(End::Low, words), self.stream(End::Low, &self.layout.maps[0]))
    }

    pub(super) fn stream(&self, end: End, map: &Map) -> Stream {
        let words = map.kept();
        Stream { end, base: self.layout.stream.base(end, words), words, part: map.part, spilled: map.spilled }
    }

    fn head(&mut self, counts: Stream) -> Result<(), PlanError> {
        let conv = &self.net.head.conv;
        if self.net.head.pool.is_some() {
            return self.push_head(Operand::Pooled { base: counts.base });
        }
        let bits = usize::BITS - head_counts(self.net).leading_zeros();
        if bits > 16 {
            return Err(PlanError::Limit {
                layer: conv.name.clone(),
                what: "largest spike count of a channel (T * H * W)",
                got: head_counts(self.net) as i64,
                expected: "at most 65535".to_owned(),
                todo: "use fewer timesteps or a smaller last map",
            });
        }
        self.push_head(Operand::Counts { base: counts.base, bits })
    }

    fn push_head(&mut self, operand: Operand) -> Result<(), PlanError> {
        let conv = &self.net.head.conv;
        let mut i = self.conv(conv, operand);
        i.instr.narrow = 1;
        i.instr.result = 1;
        self.push(conv, &i)
    }

    pub(super) fn conv(&self, conv: &Conv, operand: Operand) -> Frame {
        Frame::new(self.net, self.array, conv, operand, self.images, self.placement.of(self.net, conv))
    }

    /// Appends a finished convolution of the encoder, at the place of its image.
    pub(super) fn push_image(&mut self, conv: &Conv, frame: &Frame) -> Result<(), PlanError> {
        let mut frame = frame.clone();
        frame.image(self.image.unwrap_or(0));
        self.push(conv, &frame)
    }

    /// Appends a finished convolution on spikes, which skips their zeros where the array can.
    pub(super) fn push_spiking(
        &mut self,
        conv: &Conv,
        mut frame: Frame,
        spikes: String,
    ) -> Result<(), PlanError> {
        let skips = (frame.instr.groups_in as usize) < self.array.skip_groups;
        frame.instr.skip = skips.into();
        self.push(conv, &frame)?;
        if let Some(step) = self.out.steps.last_mut().filter(|_| skips) {
            step.skips = Some(spikes);
        }
        Ok(())
    }

    /// Appends a finished convolution.
    pub(super) fn push(&mut self, conv: &Conv, frame: &Frame) -> Result<(), PlanError> {
        let instr = frame.finish(self.array);
        let array = self.array;
        let step = PlannedStep {
            name: conv.name.clone(),
            cycles: 0,
            issue_cycles: 0,
            dense_ops: conv.dense_ops() * frame.operand.bits_per_value(self.net.t) * frame.images(),
            inside_ops: inside_ops(conv) * frame.operand.bits_per_value(self.net.t) * frame.images(),
            spiking: matches!(frame.operand, Operand::Spikes { .. }),
            fills_array: conv.in_c.is_multiple_of(array.ci) && conv.out_c.is_multiple_of(array.co),
            skips: None,
        };
        let position = self.net.convs().into_iter().position(|c| std::ptr::eq(c, conv));
        self.out.weights.extend(position.map(Weights::Conv));
        self.append(instr, step)
    }

    pub(super) fn plain(&mut self, name: &str, instr: Instr) -> Result<(), PlanError> {
        let step = PlannedStep {
            name: name.to_owned(),
            cycles: 0,
            issue_cycles: 0,
            dense_ops: 0,
            inside_ops: 0,
            spiking: false,
            fills_array: false,
            skips: None,
        };
        self.append(instr, step)
    }

    pub(super) fn append(&mut self, instr: Instr, mut step: PlannedStep) -> Result<(), PlanError> {
        instr.encode().map_err(|source| PlanError::Field { layer: step.name.clone(), source })?;
        let cycles = cycles(&instr, self.array, self.net.t);
        (step.cycles, step.issue_cycles) = (cycles.total, cycles.issue);
        self.out.instructions.push(instr);
        self.out.steps.push(step);
        Ok(())
    }
}

/// Operations of one evaluation on taps inside the map.
fn inside_ops(conv: &Conv) -> u64 {
    let taps = |axis: usize| -> u64 {
        let inside = |at: usize, tap: usize| {
            (at * conv.stride + tap).checked_sub(conv.pad).is_some_and(|v| v < conv.in_hw[axis])
        };
        (0..conv.out_hw[axis]).map(|at| (0..conv.k).filter(|&tap| inside(at, tap)).count() as u64).sum()
    };
    taps(0) * taps(1) * (conv.in_c * conv.out_c) as u64
}
