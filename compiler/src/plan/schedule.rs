//! Pass 5: the instructions of one image or one batch, plain or tracing.
//!
//! Of a batch, the steps of the first phase run for one image after the other, so that patches, codes and statistics are one
//! image's; each takes up its image when it is there. The steps behind them compute all images in every instruction. What
//! comes out at the end and its result packet again are one image's. With gated attention coding these are:
//!
//! | steps | read | write |
//! | --- | --- | --- |
//! | `stem.x` | patches, or those outside as a code | code Xq, spikes S, statistics |
//! | `encoder.ta` | statistics | attention |
//! | `encoder.sca1`, `encoder.sca` | codes Xq, Z1 | code Z1; stream Y (of which only what is read), spikes of the LIF on Y, over S |
//! | `B.shortcut` | stream (Y: its gate bits only) | stream, at the other end of the memory |
//! | `B.conv1`, `B.conv2` | spikes | spikes; conv2 also the stream, over the residual it has added |
//! | the last `B.conv2` | spikes, residual | counts, at the other end |
//! | `head.logits`, `finish` | counts | logits |
//!
//! The tracing program dumps every map (of a batch: of all images) after the instruction that wrote it. Values that the plain
//! program never writes out are made by an instruction of their own first: untimed ones of which more is made than a code, the
//! whole of a gate's stream, and the stream beside counts. What is not shown, and why, says [`super::Hidden`].

use std::ops::Range;

use spikegate_contract::bundle::PlannedStep;
use spikegate_contract::instr::{CodeMode, Instr, Opcode};
use spikegate_contract::network::{Form, Layer, Network, NodeId, Op};

use super::counted::{count, MovedRows};
use super::error::PlanError;
use super::frame::Frame;
use super::layer::{Placement, Weights};
use super::place::{shows_values, Layout};
use super::pool;
use super::sequence::{computing, plain, Sequence};
use super::shown::{has_room, Shown};
use super::sizes::Sizes;
use super::spill::Part;
use super::step::{Does, Gated, Neurons, Operand, Phase, Step};
use super::unit::{groups, Place};

/// What a program is made from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'a> {
    pub sizes: Sizes<'a>,
    pub steps: &'a [Step],
    pub layout: &'a Layout,
    pub placement: &'a Placement,
}

pub(super) struct Builder<'a> {
    pub(super) placed: Placed<'a>,
    pub(super) trace: bool,
    /// The image of a batch that the next instructions compute; none: all, or the only one.
    pub(super) image: Option<usize>,
    pub(super) out: Sequence,
    pub(super) moved: Vec<MovedRows>,
}

/// The plain or the tracing program.
///
/// # Errors
/// A number that an instruction cannot hold.
pub(super) fn schedule(placed: Placed<'_>, trace: bool) -> Result<Sequence, PlanError> {
    let images = placed.sizes.images;
    let mut builder = Builder { placed, trace, image: None, out: Sequence::default(), moved: Vec::new() };
    let phase = |phase: Phase| placed.steps.iter().filter(move |step| step.phase == phase);
    for number in 0..images {
        builder.image = (images > 1).then_some(number);
        if number > 0 {
            builder
                .plain("take", Instr { op: Opcode::Take as u32, image: number as u32, ..Instr::default() })?;
        }
        phase(Phase::Image).try_for_each(|step| builder.step(step))?;
    }
    builder.image = None;
    phase(Phase::Batch).try_for_each(|step| builder.step(step))?;
    for number in 0..images {
        phase(Phase::Result).try_for_each(|step| builder.result(step, number))?;
        let (image, follow) = (number as u32, (images - 1 - number) as u32);
        let finish = Instr { op: Opcode::Finish as u32, images: follow, image, ..Instr::default() };
        builder.plain("finish", finish)?;
    }
    if placed.sizes.array.parity {
        count(&builder.moved, &mut builder.out.instructions)?;
    }
    Ok(builder.out)
}

impl<'a> Builder<'a> {
    fn net(&self) -> &'a Network {
        self.placed.sizes.net
    }

    pub(super) fn name(&self, id: NodeId) -> &'a str {
        &self.net().node(id).name
    }

    fn step(&mut self, step: &Step) -> Result<(), PlanError> {
        self.out.begins.push(self.out.instructions.len());
        match (step.does, self.net().layer(step.node)) {
            (Does::Layer(operand), Some(layer)) => self.layer(step, &layer, self.read(&layer, operand)),
            (Does::Pool(map), _) => self.pool(step, map),
            _ => {
                self.plain(self.name(step.node), Instr { op: Opcode::Temporal as u32, ..Instr::default() })?;
                self.dump_scalars(step.node)
            }
        }
    }

    /// What a layer reads: patches outside are a map of codes.
    fn read(&self, layer: &Layer<'_>, operand: Operand) -> Operand {
        let outside = self.placed.layout.moves.patches(self.net()).is_some();
        match operand {
            Operand::Image if outside => {
                Operand::Code { node: self.net().node(layer.id).inputs[0], signed: false }
            }
            operand => operand,
        }
    }

    /// A layer whose result leaves the chip, of one image.
    fn result(&mut self, step: &Step, number: usize) -> Result<(), PlanError> {
        self.out.begins.push(self.out.instructions.len());
        let (Does::Layer(operand), Some(layer)) = (step.does, self.net().layer(step.node)) else {
            return Ok(());
        };
        let mut frame = self.frame(&layer, operand, number);
        (frame.instr.narrow, frame.instr.result) = (1, 1);
        // The next image may come into the external memory when nothing else is on its way there.
        frame.instr.release = self.placed.layout.moves.patches(self.net()).is_some().into();
        self.push(step, &layer, operand, &frame, &[])
    }

    /// The instruction of a layer as far as it does not depend on what is made of its sums.
    fn frame(&self, layer: &Layer<'_>, operand: Operand, number: usize) -> Frame {
        let Placed { sizes, layout, placement, .. } = self.placed;
        let base = match operand {
            Operand::Image => 0,
            Operand::Code { node, .. } => layout.code_at(layer.id, node),
            Operand::Spikes { node } => layout.spikes_at(layer.id, node),
            Operand::Stream { node, .. } => layout.stream_at(layer.id, node).base,
            Operand::Pooled { node } | Operand::Counts { node, .. } => layout.streams[&node].base + number,
        };
        let mut frame = Frame::new(sizes, layer, operand, base, placement.at[&layer.id]);
        if let Operand::Stream { node, .. } = operand {
            frame.read_part(layout.streams[&node].part);
        }
        frame
    }

    fn layer(&mut self, step: &Step, layer: &Layer<'_>, operand: Operand) -> Result<(), PlanError> {
        let layout = self.placed.layout;
        let mut i = self.frame(layer, operand, 0);
        if self.trace && shows_values(self.net(), step) {
            self.values(step, layer, operand, i.clone())?;
        }
        if !layer.output.timed && (step.neurons.is_some() || step.stream.is_some() || step.gate.is_some()) {
            // The sum of the planes reaches every lane, so one value becomes all timesteps.
            i.sweep(self.placed.sizes.passes());
        }
        if let Some(gate) = step.gate {
            i.instr.narrow = 1;
            i.instr.gate = 1;
            i.instr.gate_base = layout.spikes_at(step.node, gate.spikes) as u32;
            self.whole(step, gate, layer, operand, &i)?;
        }
        if let Some(residual) = step.residual {
            i.residual(layout.streams[&residual]);
        }
        i.instr.statistics = step.statistics.into();
        i.instr.release = (operand == Operand::Image).into();
        if let Some(code) = step.code {
            let node = self.net().node(code);
            let signed = matches!(node.out.form, Form::Code { signed: true, .. });
            i.instr.code_mode = if signed { CodeMode::Xq } else { CodeMode::Z1 } as u32;
            i.instr.code_base = layout.code_at(step.node, code) as u32;
            if let Op::Code { shift, .. } = node.op {
                i.instr.xq_shift = shift.into();
            }
        }
        if let Some((neurons, counts)) = step.neurons.and_then(|neurons| Some((neurons, neurons.counts?))) {
            return self.count(step, layer, operand, i, neurons, counts);
        }
        if let Some(neurons) = step.neurons {
            i.lif(&neurons, layout.spikes_at(step.node, neurons.node));
        }
        let leaves = step.stream.is_some_and(|node| self.stream(step, &mut i, node));
        let mut shown: Vec<Shown> = step.code.map(Shown::Code).into_iter().collect();
        let shows = |node: &NodeId| step.gate.is_none() && self.net().node(*node).op != Op::Repeat;
        shown.extend(step.stream.filter(shows).map(|node| match leaves {
            true => Shown::Spilled { node, keeps: !layout.streams[&node].read },
            false => Shown::Stream { node, base: layout.stream_at(step.node, node).base },
        }));
        shown.extend(step.neurons.map(|neurons| Shown::Spikes(neurons.node)));
        self.push(step, layer, operand, &i, &shown)
    }

    /// Writes a stream where it goes, and says whether all of it goes out.
    fn stream(&self, step: &Step, i: &mut Frame, node: NodeId) -> bool {
        let stream = self.placed.layout.stream_at(step.node, node);
        if !stream.spilled || stream.read {
            i.keep(stream);
        }
        // Of what is read in part the trace wants the whole.
        let passes_by = self.trace && stream.part != Part::Whole;
        let leaves = stream.spilled && (!stream.read || passes_by);
        if leaves {
            i.spill();
        }
        leaves
    }

    /// Untimed values, which no memory keeps, by an instruction of their own: they go through a free place of the stream
    /// memory or, where the array can spill, through the external memory.
    fn values(
        &mut self,
        step: &Step,
        layer: &Layer<'_>,
        operand: Operand,
        mut i: Frame,
    ) -> Result<(), PlanError> {
        let Placed { sizes, layout, .. } = self.placed;
        let shown = if sizes.array.spill_depth > 0 {
            i.spill();
            Shown::Spilled { node: layer.id, keeps: false }
        } else {
            i.write_values(layout.scratch);
            Shown::Values(layer.id)
        };
        self.place(step, layer, operand, &i, &[shown])
    }

    /// The whole stream of a gate, by an instruction of its own.
    fn whole(
        &mut self,
        step: &Step,
        gate: Gated,
        layer: &Layer<'_>,
        operand: Operand,
        i: &Frame,
    ) -> Result<(), PlanError> {
        if !self.trace {
            return Ok(());
        }
        let (mut i, layout) = (i.clone(), self.placed.layout);
        if self.placed.sizes.array.spill_depth > 0 {
            i.spill();
            let shown = Shown::Spilled { node: gate.node, keeps: false };
            return self.push(step, layer, operand, &i, &[shown]);
        }
        let kept = step.stream.map(|node| layout.streams[&node]).filter(|stream| stream.part == Part::Whole);
        let base = kept.map_or(layout.scratch, |stream| stream.base);
        i.stream(base);
        self.push(step, layer, operand, &i, &[Shown::Stream { node: gate.node, base }])
    }

    /// A layer whose spikes are counted.
    fn count(
        &mut self,
        step: &Step,
        layer: &Layer<'_>,
        operand: Operand,
        i: Frame,
        neurons: Neurons,
        counts: NodeId,
    ) -> Result<(), PlanError> {
        if self.image.is_some() {
            return Err(PlanError::Unsupported {
                node: self.name(counts).to_owned(),
                got: "it counts spikes of what is computed for one image of a batch after the other"
                    .to_owned(),
                expected: "that without a batch",
                todo: "plan for one image at a time".to_owned(),
            });
        }
        let layout = self.placed.layout;
        let room = has_room(&neurons, layout, self.placed.sizes.array.moves);
        let mut counting = i.clone();
        counting.count(&neurons, layout.streams[&counts].base);
        if neurons.kept {
            counting.lif(&neurons, layout.spikes_at(step.node, neurons.node));
        }
        if !self.trace {
            return self.push(step, layer, operand, &counting, &[]);
        }
        let spikes = room.then_some(Shown::Spikes(neurons.node));
        let sum = step.residual.map(|residual| (step.nodes[1], layout.streams[&residual].spilled));
        if let Some((node, false)) = sum {
            // The residual is needed again for the counts: the stream goes to the other end.
            let (mut i, base) = (i, layout.traced[&node]);
            if room {
                i.lif(&neurons, layout.spikes_at(step.node, neurons.node));
            }
            i.stream(base);
            let mut shown = vec![Shown::Stream { node, base }];
            shown.extend(spikes);
            self.push(step, layer, operand, &i, &shown)?;
            return self.push(step, layer, operand, &counting, &[Shown::Channels(counts)]);
        }
        if room {
            counting.lif(&neurons, layout.spikes_at(step.node, neurons.node));
        }
        // A spilled residual comes once: spikes, stream and counts are made together.
        let mut shown = Vec::new();
        if let Some((node, _)) = sum {
            counting.spill();
            shown.push(Shown::Spilled { node, keeps: false });
        }
        shown.extend(spikes);
        shown.push(Shown::Channels(counts));
        self.push(step, layer, operand, &counting, &shown)
    }

    /// Sums a stream, channel group after channel group.
    fn pool(&mut self, step: &Step, map: NodeId) -> Result<(), PlanError> {
        let id = step.node;
        let Placed { sizes, layout, placement, .. } = self.placed;
        let Sizes { net, array, images, .. } = sizes;
        let [channels, h, w] = net.node(map).out.shape;
        let (stream, sums) = (layout.stream_at(id, map).base, layout.streams[&id].base);
        let outside = layout.moves.outside.contains_key(&map);
        let place: Place = placement.at[&id];
        for group in 0..groups(channels, array.ci) {
            self.load_channels(step, map, group)?;
            // Moved in, a channel group lies where the others have lain.
            let before = if outside { group * images * sizes.passes() * h * w } else { 0 };
            let mut instr = pool::instruction(net, id, array, images, group, (stream, sums), place);
            instr.source_base -= before as u32;
            let channels = (channels - group * array.ci).min(array.ci);
            let ops = 16 * (images * channels * h * w * net.timesteps) as u64;
            let step = PlannedStep { dense_ops: ops, inside_ops: ops, ..plain(self.name(id)) };
            self.out.weights.push(Weights::Pool(id, instr.groups_out as usize + 1));
            self.out.append(instr, step, array, net.timesteps)?;
        }
        self.show(step, Shown::Channels(id), (0..1, 1))
    }

    /// Appends a finished layer, at the place of its image, and what it shows.
    fn push(
        &mut self,
        step: &Step,
        layer: &Layer<'_>,
        operand: Operand,
        frame: &Frame,
        shown: &[Shown],
    ) -> Result<(), PlanError> {
        let mut frame = frame.clone();
        frame.image(self.image.unwrap_or(0));
        self.place(step, layer, operand, &frame, shown)
    }

    /// Appends a finished layer, in stripes where its maps come from outside, and what it shows.
    fn place(
        &mut self,
        step: &Step,
        layer: &Layer<'_>,
        operand: Operand,
        frame: &Frame,
        shown: &[Shown],
    ) -> Result<(), PlanError> {
        let Placed { sizes, layout, .. } = self.placed;
        let instr = frame.finish(sizes.array);
        if let Some(stripes) = layout.moves.steps.get(&step.node) {
            return self.striped(step, layer, operand, (&instr, stripes), shown);
        }
        let height = layer.out_hw()[0];
        self.append(layer, operand, instr, 0..height)?;
        shown.iter().try_for_each(|&shown| self.show(step, shown, (0..height, height)))
    }

    /// Appends the instruction of some output rows of a layer, which skips the zeros of spikes where the array can.
    pub(super) fn append(
        &mut self,
        layer: &Layer<'_>,
        operand: Operand,
        mut instr: Instr,
        rows: Range<usize>,
    ) -> Result<(), PlanError> {
        let Sizes { net, array, .. } = self.placed.sizes;
        let mut step = computing(net, array, layer, operand, u64::from(instr.images) + 1, rows);
        if let Operand::Spikes { node } = operand {
            let skips = (instr.groups_in as usize) < array.skip_groups;
            instr.skip = skips.into();
            step.skips = skips.then(|| self.name(node).to_owned());
        }
        self.out.weights.push(Weights::Layer(layer.id));
        self.out.append(instr, step, array, net.timesteps)
    }

    pub(super) fn plain(&mut self, name: &str, instr: Instr) -> Result<(), PlanError> {
        let Sizes { net, array, .. } = self.placed.sizes;
        self.out.append(instr, plain(name), array, net.timesteps)
    }
}
