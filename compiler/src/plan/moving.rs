//! A step whose maps lie in the external memory: its rows are moved in, computed and moved out, stripe after stripe.

use std::ops::Range;

use spikegate_contract::array::Moved;
use spikegate_contract::instr::{Instr, Opcode, Source, CONTINUES, MOVE_OUT, STREAM_QUARTER};
use spikegate_contract::network::{Layer, NodeId};

use super::counted::MovedRows;
use super::error::PlanError;
use super::schedule::Builder;
use super::shown::Shown;
use super::step::{Operand, Step};
use super::stripes::{Outside, Stripes};

/// Where a move goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

impl Builder<'_> {
    /// Appends the instruction of a layer, for every stripe with what is moved and shown. What goes through the queue in the
    /// external memory is shown when all stripes have been computed.
    pub(super) fn striped(
        &mut self,
        step: &Step,
        layer: &Layer<'_>,
        operand: Operand,
        (whole, stripes): (&Instr, &Stripes),
        shown: &[Shown],
    ) -> Result<(), PlanError> {
        let height = whole.out_h as usize + 1;
        let bounds: Vec<Range<usize>> =
            (0..height).step_by(stripes.rows).map(|row| row..(row + stripes.rows).min(height)).collect();
        let (late, early): (Vec<Shown>, Vec<Shown>) = shown.iter().partition(|shown| shown.is_late());
        for (part, rows) in bounds.iter().enumerate() {
            let (mut instr, read) =
                stripe(whole, rows.clone(), height, self.outside(operand.node()).is_some());
            if let Some(counts) = step.neurons.and_then(|neurons| neurons.counts) {
                // Each part of the map has counts of its own.
                instr.stream_base += (part * self.placed.sizes.vector(counts)) as u32;
            }
            if let Some(node) = operand.node() {
                self.moved(step, node, Way::In, read)?;
            }
            if let Some(gate) = step.gate {
                self.moved(step, gate.spikes, Way::In, rows.clone())?;
            }
            self.append(layer, operand, instr, rows.clone())?;
            for shown in &early {
                self.show(step, *shown, (rows.clone(), height))?;
            }
            if instr.code_mode != 0 {
                step.code.map_or(Ok(()), |node| self.moved(step, node, Way::Out, rows.clone()))?;
            }
            if instr.spike_on == 1 {
                let neurons = step.neurons.map(|neurons| neurons.node);
                neurons.map_or(Ok(()), |node| self.moved(step, node, Way::Out, rows.clone()))?;
            }
            if instr.stream_on == 1 {
                let kept = if instr.image & STREAM_QUARTER == 0 {
                    rows.clone()
                } else {
                    rows.start / 2..rows.end / 2
                };
                step.stream.map_or(Ok(()), |node| self.moved(step, node, Way::Out, kept))?;
            }
        }
        for shown in &late {
            if shown.is_whole() {
                self.show(step, *shown, (0..height, height))?;
                continue;
            }
            bounds.iter().try_for_each(|rows| self.show(step, *shown, (rows.clone(), height)))?;
        }
        Ok(())
    }

    /// Moves rows of a map between its place outside and its place on chip in a step, if it lies outside.
    fn moved(&mut self, step: &Step, node: NodeId, way: Way, rows: Range<usize>) -> Result<(), PlanError> {
        let Some(outside) = self.outside(Some(node)) else { return Ok(()) };
        let segments = 0..outside.segments;
        self.segments(step, node, way, segments, rows)
    }

    /// Moves one channel group of a map in, if it lies outside.
    pub(super) fn load_channels(&mut self, step: &Step, node: NodeId, group: usize) -> Result<(), PlanError> {
        let Some(outside) = self.outside(Some(node)) else { return Ok(()) };
        let passes = self.placed.sizes.passes();
        self.segments(step, node, Way::In, group * passes..(group + 1) * passes, 0..outside.height)
    }

    fn segments(
        &mut self,
        step: &Step,
        node: NodeId,
        way: Way,
        segments: Range<usize>,
        rows: Range<usize>,
    ) -> Result<(), PlanError> {
        let layout = self.placed.layout;
        let array = self.placed.sizes.array;
        let (Some(outside), Some(stripes)) = (self.outside(Some(node)), layout.moves.steps.get(&step.node))
        else {
            return Ok(());
        };
        let (transfers, words) = (array.moved_transfers(outside.map), rows.len() * outside.width);
        let each = outside.height * outside.width * transfers;
        let first = array.moves_base() + outside.at + segments.start * each;
        let source = match outside.map {
            Moved::Codes => Source::Attention,
            Moved::Spikes => Source::Spikes,
            Moved::Streams => Source::Stream,
        };
        let instr = Instr {
            op: Opcode::Move as u32,
            source: source as u32,
            signed: outside.signed.into(),
            source_base: stripes.at[&node] as u32,
            source_group: words as u32,
            groups_in: segments.len() as u32 - 1,
            weight_group: each as u32,
            length: words as u32,
            image: if way == Way::Out { MOVE_OUT } else { 0 },
            ..Instr::default()
        };
        let instr = instr.at_transfer(first + rows.start * outside.width * transfers);
        self.moved.push(MovedRows {
            instr: self.out.instructions.len(),
            at: outside.at,
            outward: way == Way::Out,
            segments,
            rows,
            width: outside.width,
        });
        let name = format!("{} {}", if way == Way::Out { "store" } else { "load" }, self.name(node));
        self.plain(&name, instr)
    }

    fn outside(&self, node: Option<NodeId>) -> Option<Outside> {
        self.placed.layout.moves.outside.get(&node?).copied()
    }
}

/// The instruction for some of the output rows of a map, and the rows of the operand that it reads, which lie by themselves
/// where the operand lies `outside`.
fn stripe(whole: &Instr, rows: Range<usize>, height: usize, outside: bool) -> (Instr, Range<usize>) {
    let mut i = *whole;
    if i.op != Opcode::Conv as u32 || i.in_w == 0 {
        return (i, 0..0);
    }
    let (k, pad, in_h) = (i.kernel as usize + 1, i.pad as usize, i.in_h as usize);
    // Rows of the operand from one output row to the next; where they lie two apart, `in_h` counts every second one.
    let apart = (i.row_step / i.in_w) as usize;
    let there = if apart > i.stride as usize { apart * in_h } else { in_h };
    let first = (rows.start * apart).saturating_sub(pad);
    let last = ((rows.end - 1) * apart + k - pad).min(there);
    let read = first..last;
    if rows.start > 0 {
        i.image |= CONTINUES;
        i.row_origin = 0;
    }
    i.in_h = read.len() as u32;
    i.out_h = rows.len() as u32 - 1;
    i.release &= u32::from(rows.end == height);
    let share = |words: u32, part: usize, of: usize| (words as usize / of * part) as u32;
    i.out_time = share(i.out_time, rows.len(), height);
    i.out_group = share(i.out_group, rows.len(), height);
    if outside {
        i.source_time = share(i.source_time, read.len(), there);
        i.source_group = share(i.source_group, read.len(), there);
    } else {
        i.source_base += first as u32 * i.in_w;
    }
    (i, read)
}
