//! Instructions of the residual blocks, and of what comes out of the last one: all images of a batch.

use spikegate_contract::bundle::{DumpForm, PlannedStep};
use spikegate_contract::network::{Block, Conv};
use spikegate_contract::tensor::names;

use super::layer::{Frame, Operand, Weights};
use super::memory::{groups, End, Part};
use super::sequence::{Builder, Stream};
use super::{pool, PlanError};

impl Builder<'_> {
    pub(super) fn block(
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
                Some(gate) => {
                    let shift = gate.y_shift + gate.table_bits - gate.gate_bits;
                    Operand::Gated { base: stream.base, bits: gate.gate_bits, shift }
                }
                None => Operand::Stream { base: stream.base },
            };
            let mut i = self.conv(conv, operand);
            i.read_part(stream.part);
            i.write(residual);
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
            i.keep(stream);
        }
        // Of what is read in part the trace wants the whole.
        let passes_by = self.trace && stream.part != Part::Whole;
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
            part: Part::Whole,
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
        let pooled = Stream { end, base, words, part: Part::Whole, spilled: false };
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
}
