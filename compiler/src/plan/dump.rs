//! Dumps of the tracing program.

use spikegate_contract::bundle::{DumpEntry, DumpForm};
use spikegate_contract::instr::{Instr, Opcode, Source, DUMP_SCALARS};
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

    /// One word per channel.
    pub(super) fn dump_counts(&mut self, counts: Stream, conv: &Conv) -> Result<(), PlanError> {
        let entry = self.entry(names::COUNTS, [1, conv.out_c, 1, 1], DumpForm::StreamLane0);
        self.dump(Source::Stream, counts.base, self.images * groups(conv.out_c, self.array.ci), entry)
    }

    fn dims(&self, conv: &Conv) -> [usize; 4] {
        [self.net.t, conv.out_c, conv.out_hw[0], conv.out_hw[1]]
    }

    fn entry(&self, tensor: &str, dims: [usize; 4], form: DumpForm) -> DumpEntry {
        let (instruction, images) = (self.out.instructions.len(), self.images);
        DumpEntry { instruction, tensor: tensor.to_owned(), dims, form, images, image: self.image }
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
