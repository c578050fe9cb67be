//! Dumps of the tracing program; the plain program has none.

use std::ops::Range;

use spikegate_contract::bundle::{DumpEntry, DumpForm};
use spikegate_contract::instr::{Instr, Opcode, Source, DUMP_KEEPS, DUMP_SCALARS, DUMP_SPILLED};
use spikegate_contract::network::{Form, NodeId};

use super::error::PlanError;
use super::schedule::{Builder, Placed};
use super::shown::Shown;
use super::step::Step;
use super::unit::groups;

impl Builder<'_> {
    /// Shows some rows of so many that a step has made: those that lie there by themselves.
    pub(super) fn show(
        &mut self,
        step: &Step,
        shown: Shown,
        (rows, height): (Range<usize>, usize),
    ) -> Result<(), PlanError> {
        let Placed { sizes, layout, .. } = self.placed;
        let part = |words: usize| words / height * rows.len();
        let whole = rows.len() == height;
        let entry =
            |entry: DumpEntry| DumpEntry { rows: (!whole).then_some([rows.start, rows.len()]), ..entry };
        match shown {
            Shown::Code(id) => {
                let signed = matches!(sizes.net.node(id).out.form, Form::Code { signed: true, .. });
                let form = if signed { DumpForm::SignedCode } else { DumpForm::UnsignedCode };
                let entry = entry(DumpEntry { images: 1, ..self.entry(id, form) });
                self.dump(Source::Attention, layout.code_at(step.node, id), part(sizes.still(id)), entry)
            }
            Shown::Values(id) => {
                let entry = DumpEntry { images: 1, ..self.entry(id, DumpForm::StreamLane0) };
                self.dump(Source::Stream, layout.scratch, sizes.still(id), entry)
            }
            Shown::Spikes(id) => {
                let entry = entry(self.entry(id, DumpForm::Spikes));
                self.dump(Source::Spikes, layout.spikes_at(step.node, id), part(sizes.timed(id)), entry)
            }
            Shown::Stream { node, base } => {
                let entry = entry(self.entry(node, DumpForm::Stream));
                self.dump(Source::Stream, base, part(sizes.timed(node)), entry)
            }
            Shown::Spilled { node, keeps } => {
                let (form, images) = match sizes.net.node(node).out.timed {
                    true => (DumpForm::Stream, if self.image.is_some() { 1 } else { sizes.images }),
                    false => (DumpForm::StreamLane0, 1),
                };
                let entry = entry(DumpEntry { images, spilled: true, ..self.entry(node, form) });
                let [t, c, h, w] = entry.dims;
                let bursts = groups(c, sizes.array.co) * images * h * w * sizes.array.time_passes(t);
                let instr = Instr {
                    op: Opcode::Dump as u32,
                    source: Source::Stream as u32,
                    length: (part(bursts) * sizes.array.beats(false)) as u32,
                    images: DUMP_SPILLED | if keeps { DUMP_KEEPS } else { 0 },
                    ..Instr::default()
                };
                self.dump_instr(instr, entry)
            }
            Shown::Channels(id) => {
                let parts = layout.moves.parts.get(&id).copied().unwrap_or(1);
                let entry = DumpEntry { parts, ..self.entry(id, DumpForm::StreamLane0) };
                self.dump(Source::Stream, layout.streams[&id].base, parts * sizes.vector(id), entry)
            }
        }
    }

    /// Attention, with the statistics that it is made from.
    pub(super) fn dump_scalars(&mut self, id: NodeId) -> Result<(), PlanError> {
        let entry = DumpEntry { images: 1, ..self.entry(id, DumpForm::Scalars) };
        let source = Source::Attention as u32;
        let instr = Instr { op: Opcode::Dump as u32, source, code_mode: DUMP_SCALARS, ..Instr::default() };
        self.dump_instr(instr, entry)
    }

    fn entry(&self, id: NodeId, form: DumpForm) -> DumpEntry {
        let net = self.placed.sizes.net;
        let [c, h, w] = net.node(id).out.shape;
        DumpEntry {
            instruction: self.out.instructions.len(),
            tensor: self.name(id).to_owned(),
            dims: [net.steps(&net.node(id).out), c, h, w],
            form,
            images: self.placed.sizes.images,
            image: self.image,
            spilled: false,
            rows: None,
            parts: 1,
        }
    }

    fn dump(&mut self, source: Source, base: usize, words: usize, entry: DumpEntry) -> Result<(), PlanError> {
        let instr = Instr {
            op: Opcode::Dump as u32,
            source: source as u32,
            source_base: base as u32,
            length: words as u32,
            ..Instr::default()
        };
        self.dump_instr(instr, entry)
    }

    fn dump_instr(&mut self, instr: Instr, entry: DumpEntry) -> Result<(), PlanError> {
        if !self.trace {
            return Ok(());
        }
        let name = format!("dump {}", entry.tensor);
        let image = self.image.unwrap_or(0) as u32;
        self.out.dumps.push(entry);
        self.plain(&name, Instr { image, ..instr })
    }
}
