//! What leaves: results and traces.

use super::{Accelerator, Results};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Results> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, dumping);
        // Results.
        self.logits.clk.next = self.clk.val();
        self.logits.clear.next = self.datapath.logit_clear.val();
        self.logits.valid.next = self.datapath.logit_valid.val();
        self.logits.logit.next = self.datapath.logit.val();
        self.logits.index.next = self.datapath.logit_index.val();
        self.logits.read_address.next = self.sender.logit_address.val();
        self.sender.clk.next = self.clk.val();
        self.sender.clear.next = self.clear.val();
        self.framer.clk.next = self.clk.val();
        self.framer.clear.next = self.clear.val();
        self.framer.data.next = self.sender.m_axis_tdata.val();
        self.framer.valid.next = self.sender.m_axis_tvalid.val();
        self.framer.last.next = self.sender.m_axis_tlast.val();
        self.framer.words.next = self.sender.words.val();
        self.sender.m_axis_tready.next = self.framer.ready.val();
        self.m_axis_tdata.next = self.framer.m_axis_tdata.val();
        self.m_axis_tvalid.next = self.framer.m_axis_tvalid.val();
        self.m_axis_tlast.next = self.framer.m_axis_tlast.val();
        self.framer.m_axis_tready.next = self.m_axis_tready.val();
        self.sender.start_result.next = self.sequencer.start_finish.val();
        self.sender.start_dump.next = self.sequencer.start_dump.val();
        if self.sequencer.start_finish.val() {
            self.dumping.d.next = 0.into();
        }
        if self.sequencer.start_dump.val() {
            self.dumping.d.next = 1.into();
        }
        self.sender.index.next = self.sequencer.index.val();
        self.sender.class.next = self.logits.class.val();
        self.sender.logit.next = self.logits.read_data.val();
        self.sender.cycle_write.next = self.sequencer.cycle_write.val();
        self.sender.cycle_address.next = self.sequencer.index.val();
        self.sender.cycle_data.next = self.sequencer.cycle_data.val();
        self.sender.source.next = self.decode.source.val();
        self.sender.scalars.next = self.decode.dump_scalars.val() & self.dumping.q.val().get_bit(0);
        self.sender.base.next = self.decode.source_base.val();
        self.sender.length.next = self.decode.length.val();
        self.sender.code_word.next = self.datapath.code_word.val();
        self.sender.spike_word.next = self.datapath.spike_word.val();
        for l in 0..self._lanes {
            self.sender.stream_word[l].next = self.datapath.stream_word[l].val();
        }
        self.sender.sum.next = self.datapath.sum.val();
        self.sender.max.next = self.datapath.max.val();
        self.sender.scalar.next = self.datapath.scalar.val();
        self.logits.classes.next = self.globals.classes.val();
        self.sender.timesteps.next = self.globals.timesteps.val();
        self.sender.classes.next = self.globals.classes.val();
    }
}
