//! Dumps of the tracing program; the plain program has none.

use spikegate_contract::bundle::{DumpEntry, DumpForm};
use spikegate_contract::instr::{Instr, Opcode, Source, DUMP_KEEPS, DUMP_SCALARS, DUMP_SPILLED};
use spikegate_contract::network::{Form, NodeId};

use super::error::PlanError;
use super::schedule::Builder;
use super::unit::groups;

impl Builder<'_> {
    /// An untimed code of one image.
    pub(super) fn dump_code(&mut self, id: NodeId) -> Result<(), PlanError> {
        let signed = matches!(self.placed.sizes.net.node(id).out.form, Form::Code { signed: true, .. });
        let form = if signed { DumpForm::SignedCode } else { DumpForm::UnsignedCode };
        let entry = DumpEntry { images: 1, ..self.entry(id, form) };
        self.dump(Source::Attention, self.placed.layout.codes[&id], self.placed.sizes.still(id), entry)
    }

    /// Untimed values of one image.
    pub(super) fn dump_values(&mut self, id: NodeId, base: usize) -> Result<(), PlanError> {
        let entry = DumpEntry { images: 1, ..self.entry(id, DumpForm::StreamLane0) };
        self.dump(Source::Stream, base, self.placed.sizes.still(id), entry)
    }

    /// Attention, with the statistics that it is made from.
    pub(super) fn dump_scalars(&mut self, id: NodeId) -> Result<(), PlanError> {
        let entry = DumpEntry { images: 1, ..self.entry(id, DumpForm::Scalars) };
        let source = Source::Attention as u32;
        let instr = Instr { op: Opcode::Dump as u32, source, code_mode: DUMP_SCALARS, ..Instr::default() };
        self.dump_instr(instr, entry)
    }

    pub(super) fn dump_spikes(&mut self, id: NodeId) -> Result<(), PlanError> {
        let entry = self.entry(id, DumpForm::Spikes);
        self.dump(Source::Spikes, self.placed.layout.spikes[&id], self.placed.sizes.timed(id), entry)
    }

    pub(super) fn dump_stream(&mut self, id: NodeId, base: usize) -> Result<(), PlanError> {
        let entry = self.entry(id, DumpForm::Stream);
        self.dump(Source::Stream, base, self.placed.sizes.timed(id), entry)
    }

    /// The next map out of the external memory, which goes back there where it is added later.
    pub(super) fn dump_spilled(&mut self, id: NodeId, keeps: bool) -> Result<(), PlanError> {
        let array = self.placed.sizes.array;
        let (form, images) = match self.placed.sizes.net.node(id).out.timed {
            true => (DumpForm::Stream, if self.image.is_some() { 1 } else { self.placed.sizes.images }),
            false => (DumpForm::StreamLane0, 1),
        };
        let entry = DumpEntry { images, spilled: true, ..self.entry(id, form) };
        let [t, c, h, w] = entry.dims;
        let bursts = groups(c, array.co) * images * h * w * array.time_passes(t);
        let instr = Instr {
            op: Opcode::Dump as u32,
            source: Source::Stream as u32,
            length: (bursts * array.beats(false)) as u32,
            images: DUMP_SPILLED | if keeps { DUMP_KEEPS } else { 0 },
            ..Instr::default()
        };
        self.dump_instr(instr, entry)
    }

    /// One word per channel.
    pub(super) fn dump_channels(&mut self, id: NodeId) -> Result<(), PlanError> {
        let entry = self.entry(id, DumpForm::StreamLane0);
        let base = self.placed.layout.streams[&id].base;
        self.dump(Source::Stream, base, self.placed.sizes.vector(id), entry)
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
