//! Dumps of the tracing program.

use spikegate_contract::bundle::{DumpEntry, DumpForm};
use spikegate_contract::instr::{Instr, Opcode, Source, DUMP_KEEPS, DUMP_SCALARS, DUMP_SPILLED};
use spikegate_contract::network::Conv;
use spikegate_contract::tensor::names;

use super::memory::groups;
use super::sequence::{Builder, Stream};
use super::PlanError;

impl Builder<'_> {
    /// A map without timesteps of the image that the encoder computes, as large as the stem's.
    pub(super) fn dump_single(
        &mut self,
        source: Source,
        base: usize,
        tensor: &str,
        form: DumpForm,
    ) -> Result<(), PlanError> {
        let stem = &self.net.stem.conv;
        let dims = [1, stem.out_c, stem.out_hw[0], stem.out_hw[1]];
        let entry = DumpEntry { images: 1, ..self.entry(tensor, dims, form) };
        self.dump(source, base, self.layout.code_map, entry)
    }

    pub(super) fn dump_scalars(&mut self) -> Result<(), PlanError> {
        let entry =
            DumpEntry { images: 1, ..self.entry(names::TA, [self.net.t, 1, 1, 1], DumpForm::Scalars) };
        let source = Source::Attention as u32;
        let instr = Instr { op: Opcode::Dump as u32, source, code_mode: DUMP_SCALARS, ..Instr::default() };
        self.dump_instr(instr, entry)
    }

    pub(super) fn dump_spikes(&mut self, base: usize, conv: &Conv, tensor: &str) -> Result<(), PlanError> {
        let entry = self.entry(tensor, self.dims(conv), DumpForm::Spikes);
        self.dump(Source::Spikes, base, self.words(conv), entry)
    }

    pub(super) fn dump_stream(&mut self, base: usize, conv: &Conv, tensor: &str) -> Result<(), PlanError> {
        let entry = self.entry(tensor, self.dims(conv), DumpForm::Stream);
        self.dump(Source::Stream, base, self.words(conv), entry)
    }

    /// A stream that a block adds later.
    pub(super) fn dump_added(&mut self, stream: Stream, conv: &Conv, tensor: &str) -> Result<(), PlanError> {
        match stream.spilled {
            true => self.dump_spilled(conv, tensor, DumpForm::Stream, true),
            false => self.dump_stream(stream.base, conv, tensor),
        }
    }

    /// The next map out of the external memory, which goes back there where it is added later.
    pub(super) fn dump_spilled(
        &mut self,
        conv: &Conv,
        tensor: &str,
        form: DumpForm,
        keeps: bool,
    ) -> Result<(), PlanError> {
        let (t, images) = match form {
            DumpForm::Stream => (self.net.t, if self.image.is_some() { 1 } else { self.images }),
            _ => (1, 1),
        };
        let [h, w] = conv.out_hw;
        let dims = [t, conv.out_c, h, w];
        let bursts = groups(conv.out_c, self.array.co) * images * h * w * self.array.time_passes(t);
        let entry = DumpEntry { images, spilled: true, ..self.entry(tensor, dims, form) };
        let instr = Instr {
            op: Opcode::Dump as u32,
            source: Source::Stream as u32,
            length: (bursts * self.array.beats(false)) as u32,
            images: DUMP_SPILLED | if keeps { DUMP_KEEPS } else { 0 },
            ..Instr::default()
        };
        self.dump_instr(instr, entry)
    }

    /// One word per channel.
    pub(super) fn dump_channels(
        &mut self,
        values: Stream,
        conv: &Conv,
        tensor: &str,
    ) -> Result<(), PlanError> {
        let entry = self.entry(tensor, [1, conv.out_c, 1, 1], DumpForm::StreamLane0);
        self.dump(Source::Stream, values.base, values.words, entry)
    }

    fn dims(&self, conv: &Conv) -> [usize; 4] {
        [self.net.t, conv.out_c, conv.out_hw[0], conv.out_hw[1]]
    }

    fn entry(&self, tensor: &str, dims: [usize; 4], form: DumpForm) -> DumpEntry {
        let (instruction, images) = (self.out.instructions.len(), self.images);
        let (image, spilled) = (self.image, false);
        DumpEntry { instruction, tensor: tensor.to_owned(), dims, form, images, image, spilled }
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
        let name = format!("dump {}", entry.tensor);
        let image = self.image.unwrap_or(0) as u32;
        self.out.dumps.push(entry);
        self.plain(&name, Instr { image, ..instr })
    }
}
