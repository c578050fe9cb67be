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
use spikegate_contract::bundle::{DumpEntry, DumpForm, PlannedStep};
use spikegate_contract::instr::{CodeMode, Instr, Opcode, Source};
use spikegate_contract::network::{Block, Conv, Encoder, Network};
use spikegate_contract::tensor::names;

use super::cycles::cycles;
use super::layer::{Frame, Operand, Placement, Weights};
use super::memory::{groups, End, Layout, Map};
use super::proof::head_counts;
use super::{pool, PlanError};

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
    /// Only the even columns are there, for a convolution of stride 2.
    half: bool,
    pub spilled: bool,
}

pub(super) struct Builder<'a> {
    pub(super) net: &'a Network,
    pub(super) array: &'a ArrayConfig,
    pub(super) layout: &'a Layout,
    placement: &'a Placement,
    /// Images of a batch.
    pub(super) images: usize,
    trace: bool,
    /// The image of a batch that the next instructions compute; none: all, or the only one.
    pub(super) image: Option<usize>,
    /// Name of the spikes that the next block reads.
    spikes: String,
    /// Which of the layout's residual streams the blocks work on.
    map: usize,
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

    fn passes(&self) -> usize {
        self.array.time_passes(self.net.t)
    }

    /// Where the spikes and the stream that enter block 0 lie.
    fn entering(&self) -> (usize, Stream) {
        let words = self.words(&self.net.stem.conv);
        (self.layout.spikes.base(End::Low, words), self.stream(End::Low, &self.layout.maps[0]))
    }

    fn stream(&self, end: End, map: &Map) -> Stream {
        let words = map.kept();
        Stream { end, base: self.layout.stream.base(end, words), words, half: map.half, spilled: map.spilled }
    }

    /// Writes the stream that enters block 0.
    fn enter(&self, i: &mut Frame, stream: Stream) {
        if stream.spilled {
            i.spill();
        } else {
            i.stream(stream.base);
            i.instr.stream_half = stream.half.into();
        }
    }

    /// The stem of direct coding. The sum of the planes reaches every lane, so one value becomes a whole stream word.
    fn direct(&mut self) -> Result<(), PlanError> {
        let stem = &self.net.stem;
        let (spikes, stream) = self.entering();
        if self.trace {
            self.dump_x()?;
        }
        let mut i = self.conv(&stem.conv, Operand::Image { base: 0 });
        i.sweep(self.passes());
        i.lif(stem.threshold, spikes);
        self.enter(&mut i, stream);
        i.instr.release = 1;
        self.push_image(&stem.conv, &i)?;
        if self.trace {
            self.dump_spikes(spikes, &stem.conv, names::STEM_SPIKES)?;
        }
        Ok(())
    }

    /// X, which no memory keeps, by an instruction of its own; the patches are not free afterwards.
    fn dump_x(&mut self) -> Result<(), PlanError> {
        let stem = &self.net.stem.conv;
        let i = self.conv(stem, Operand::Image { base: 0 });
        self.dump_values(stem, i, names::STEM_X)
    }

    /// Values without timesteps, which no memory keeps: they go through a free place of the stream memory or, where the
    /// array can spill, through the external memory.
    fn dump_values(&mut self, conv: &Conv, mut i: Frame, tensor: &str) -> Result<(), PlanError> {
        let spills = self.array.spill_depth > 0;
        if spills {
            i.spill();
        } else {
            i.write_values(self.layout.scratch);
        }
        self.push(conv, &i)?;
        if spills {
            return self.dump_spilled(conv, tensor, DumpForm::StreamLane0, false);
        }
        self.dump_single(Source::Stream, self.layout.scratch, tensor, DumpForm::StreamLane0)
    }

    fn encoder(&mut self, encoder: &Encoder) -> Result<(), PlanError> {
        let (net, layout) = (self.net, self.layout);
        let stem = &net.stem;
        let (xq, z1) = (layout.patches, layout.patches + layout.code_map);
        let (spikes, stream) = self.entering();

        let mut i = self.conv(&stem.conv, Operand::Image { base: 0 });
        i.sweep(self.passes());
        i.lif(stem.threshold, spikes);
        i.instr.code_mode = CodeMode::Xq as u32;
        i.instr.code_base = xq as u32;
        i.instr.xq_shift = stem.xq_shift.into();
        i.instr.statistics = 1;
        i.instr.release = 1;
        if self.trace {
            self.dump_x()?;
        }
        self.push_image(&stem.conv, &i)?;
        if self.trace {
            self.dump_single(Source::Attention, xq, names::STEM_XQ, DumpForm::SignedCode)?;
            self.dump_spikes(spikes, &stem.conv, names::STEM_SPIKES)?;
        }

        self.plain("temporal", Instr { op: Opcode::Temporal as u32, ..Instr::default() })?;
        if self.trace {
            self.dump_scalars()?;
        }

        let mut i = self.conv(&encoder.sca1, Operand::Attention { base: xq, signed: true });
        i.instr.code_mode = CodeMode::Z1 as u32;
        i.instr.code_base = z1 as u32;
        self.push(&encoder.sca1, &i)?;
        let operand = Operand::Attention { base: z1, signed: false };
        if self.trace {
            self.dump_single(Source::Attention, z1, names::Z1, DumpForm::UnsignedCode)?;
            let i = self.conv(&encoder.sca2, operand);
            self.dump_values(&encoder.sca2, i, names::SCA)?;
        }
        let mut i = self.conv(&encoder.sca2, operand);
        i.instr.narrow = 1;
        i.sweep(self.passes());
        i.instr.gate = 1;
        i.instr.gate_base = spikes as u32;
        if self.trace && self.array.spill_depth > 0 {
            let mut i = i.clone();
            i.spill();
            self.push_image(&encoder.sca2, &i)?;
            self.dump_spilled(&encoder.sca2, names::GATE_Y, DumpForm::Stream, false)?;
        } else if self.trace {
            let whole = if stream.half { layout.scratch } else { stream.base };
            let mut i = i.clone();
            i.stream(whole);
            self.push_image(&encoder.sca2, &i)?;
            self.dump_stream(whole, &encoder.sca2, names::GATE_Y)?;
        }
        self.enter(&mut i, stream);
        i.lif(encoder.gate.threshold, spikes);
        self.push_image(&encoder.sca2, &i)?;
        if self.trace {
            self.dump_spikes(spikes, &encoder.sca2, names::GATE_SPIKES)?;
        }
        Ok(())
    }

    fn block(
        &mut self,
        index: usize,
        block: &Block,
        spikes: usize,
        stream: Stream,
    ) -> Result<(usize, Stream), PlanError> {
        let layout = self.layout;
        let name = |suffix: &str| format!("{}.{suffix}", block.name);
        let mut residual = stream;
        if let Some(conv) = &block.shortcut {
            self.map += 1;
            residual = self.stream(stream.end.other(), &layout.maps[self.map]);
            let gate = self.net.encoder.as_ref().map(|e| &e.gate).filter(|_| index == 0);
            let operand = match gate {
                Some(gate) => Operand::Gated { base: stream.base, bits: gate.gate_bits, shift: gate.y_shift },
                None => Operand::Stream { base: stream.base },
            };
            let mut i = self.conv(conv, operand);
            if stream.half {
                i.read_half();
            }
            if residual.spilled {
                i.spill();
            } else {
                i.stream(residual.base);
            }
            self.push(conv, &i)?;
            if self.trace {
                self.dump_added(residual, conv, &name(names::SHORTCUT))?;
            }
        }

        let between = layout.spikes.base(End::High, self.words(&block.conv1));
        let mut i = self.conv(&block.conv1, Operand::Spikes { base: spikes });
        i.lif(block.threshold1, between);
        let from = self.spikes.clone();
        self.push_spiking(&block.conv1, i, from)?;
        if self.trace {
            self.dump_spikes(between, &block.conv1, &name(names::SPIKES1))?;
        }

        let mut i = self.conv(&block.conv2, Operand::Spikes { base: between });
        i.residual(residual);
        let after = layout.spikes.base(End::Low, self.words(&block.conv2));
        let from = name(names::SPIKES1);
        let written = match self.net.blocks.get(index + 1) {
            Some(next) => {
                i.lif(block.threshold_out, after);
                self.go_on(block, i, from, residual, next.shortcut.is_some())?;
                residual
            }
            None if self.net.head.pool.is_some() => {
                i.stream(residual.base);
                self.push_spiking(&block.conv2, i, from)?;
                if self.trace {
                    self.dump_stream(residual.base, &block.conv2, &name(names::STREAM))?;
                }
                return Ok((after, self.pool(&block.conv2, residual)?));
            }
            None => self.count(block, i, from, residual, after)?,
        };
        if self.trace && index + 1 < self.net.blocks.len() {
            self.dump_spikes(after, &block.conv2, &name(names::SPIKES))?;
        }
        self.spikes = name(names::SPIKES);
        Ok((after, written))
    }

    /// The second convolution of a block, whose stream the next block adds or, by a shortcut convolution, reads.
    fn go_on(
        &mut self,
        block: &Block,
        mut i: Frame,
        from: String,
        stream: Stream,
        read: bool,
    ) -> Result<(), PlanError> {
        let (conv, tensor) = (&block.conv2, format!("{}.{}", block.name, names::STREAM));
        if !stream.spilled || read {
            i.stream(stream.base);
            i.instr.stream_half = (stream.spilled && stream.half).into();
        }
        // Of what is read in halves the trace wants the whole.
        let passes_by = self.trace && stream.half;
        if stream.spilled && (!read || passes_by) {
            i.spill();
        }
        self.push_spiking(conv, i, from)?;
        match stream.spilled && (!read || passes_by) {
            _ if !self.trace => Ok(()),
            true => self.dump_spilled(conv, &tensor, DumpForm::Stream, !read),
            false => self.dump_stream(stream.base, conv, &tensor),
        }
    }

    /// The second convolution of the last block, whose spikes are counted.
    fn count(
        &mut self,
        block: &Block,
        i: Frame,
        from: String,
        residual: Stream,
        after: usize,
    ) -> Result<Stream, PlanError> {
        let conv = &block.conv2;
        let end = residual.end.other();
        let place = |words: usize| Stream {
            end,
            base: self.layout.stream.base(end, words),
            words,
            half: false,
            spilled: false,
        };
        let counts = place(self.images * groups(conv.out_c, self.array.ci));
        let mut counting = i.clone();
        counting.count(block.threshold_out, counts.base);
        let name = |suffix: &str| format!("{}.{suffix}", block.name);
        if self.trace && residual.spilled {
            // A spilled residual comes once: spikes, stream and counts are made together.
            counting.lif(block.threshold_out, after);
            counting.spill();
            self.push_spiking(conv, counting, from)?;
            self.dump_spilled(conv, &name(names::STREAM), DumpForm::Stream, false)?;
            self.dump_spikes(after, conv, &name(names::SPIKES))?;
            self.dump_channels(counts, conv, names::COUNTS)?;
            return Ok(counts);
        }
        if self.trace {
            // The residual is needed again for the counts: the stream goes to the other end.
            let stream = place(self.words(conv));
            let mut i = i;
            i.lif(block.threshold_out, after);
            i.stream(stream.base);
            self.push_spiking(conv, i, from.clone())?;
            self.dump_stream(stream.base, conv, &name(names::STREAM))?;
            self.dump_spikes(after, conv, &name(names::SPIKES))?;
        }
        self.push_spiking(conv, counting, from)?;
        if self.trace {
            self.dump_channels(counts, conv, names::COUNTS)?;
        }
        Ok(counts)
    }

    /// Sums the stream of the last block, to the other end of the memory.
    fn pool(&mut self, conv: &Conv, stream: Stream) -> Result<Stream, PlanError> {
        let (net, array, images) = (self.net, self.array, self.images);
        let (words, end) = (images * groups(conv.out_c, array.ci), stream.end.other());
        let base = self.layout.stream.base(end, words);
        let pooled = Stream { end, base, words, half: false, spilled: false };
        for group in 0..groups(conv.out_c, array.ci) {
            let bases = (stream.base, pooled.base);
            let instr = pool::instruction(net, conv, array, images, group, bases, self.placement.pool);
            let channels = (conv.out_c - group * array.ci).min(array.ci);
            let values = (images * channels * conv.out_hw[0] * conv.out_hw[1] * net.t) as u64;
            let step = PlannedStep {
                name: "head.pool".to_owned(),
                cycles: 0,
                issue_cycles: 0,
                dense_ops: 16 * values,
                inside_ops: 16 * values,
                spiking: false,
                fills_array: false,
                skips: None,
            };
            self.out.weights.push(Weights::Pool(instr.groups_out as usize + 1));
            self.append(instr, step)?;
        }
        if self.trace {
            self.dump_channels(pooled, conv, names::POOLED)?;
        }
        Ok(pooled)
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

    fn conv(&self, conv: &Conv, operand: Operand) -> Frame {
        Frame::new(self.net, self.array, conv, operand, self.images, self.placement.of(self.net, conv))
    }

    /// Appends a finished convolution of the encoder, at the place of its image.
    fn push_image(&mut self, conv: &Conv, frame: &Frame) -> Result<(), PlanError> {
        let mut frame = frame.clone();
        frame.image(self.image.unwrap_or(0));
        self.push(conv, &frame)
    }

    /// Appends a finished convolution on spikes, which skips their zeros where the array can.
    fn push_spiking(&mut self, conv: &Conv, mut frame: Frame, spikes: String) -> Result<(), PlanError> {
        let skips = (frame.instr.groups_in as usize) < self.array.skip_groups;
        frame.instr.skip = skips.into();
        self.push(conv, &frame)?;
        if let Some(step) = self.out.steps.last_mut().filter(|_| skips) {
            step.skips = Some(spikes);
        }
        Ok(())
    }

    /// Appends a finished convolution.
    fn push(&mut self, conv: &Conv, frame: &Frame) -> Result<(), PlanError> {
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

    fn append(&mut self, instr: Instr, mut step: PlannedStep) -> Result<(), PlanError> {
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
