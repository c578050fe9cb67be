//! Instructions of the stem and the encoder, or of direct coding: of one image, at its place in a batch.

use spikegate_contract::bundle::DumpForm;
use spikegate_contract::instr::{CodeMode, Instr, Opcode, Source};
use spikegate_contract::network::{Conv, Encoder};
use spikegate_contract::tensor::names;

use super::layer::{Frame, Operand};
use super::memory::Part;
use super::sequence::Builder;
use super::PlanError;

impl Builder<'_> {
    /// The stem of direct coding. The sum of the planes reaches every lane, so one value becomes a whole stream word.
    pub(super) fn direct(&mut self) -> Result<(), PlanError> {
        let stem = &self.net.stem;
        let (spikes, stream) = self.entering();
        if self.trace {
            self.dump_x()?;
        }
        let mut i = self.conv(&stem.conv, Operand::Image { base: 0 });
        i.sweep(self.passes());
        i.lif(stem.threshold, spikes);
        i.write(stream);
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

    pub(super) fn encoder(&mut self, encoder: &Encoder) -> Result<(), PlanError> {
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
            let whole = if stream.part == Part::Whole { stream.base } else { layout.scratch };
            let mut i = i.clone();
            i.stream(whole);
            self.push_image(&encoder.sca2, &i)?;
            self.dump_stream(whole, &encoder.sca2, names::GATE_Y)?;
        }
        i.write(stream);
        i.lif(encoder.gate.threshold, spikes);
        self.push_image(&encoder.sca2, &i)?;
        if self.trace {
            self.dump_spikes(spikes, &encoder.sca2, names::GATE_SPIKES)?;
        }
        Ok(())
    }
}
