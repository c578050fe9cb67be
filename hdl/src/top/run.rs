//! Instructions and what runs them.

use super::{Accelerator, Run};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Run> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        // Instructions.
        self.sequencer.clk.next = self.clk.val();
        self.sequencer.clear.next = self.clear.val();
        self.sequencer.load.next =
            self.loader.write.val() & (self.loader.target.val() == self.target_instructions.val());
        self.sequencer.load_address.next = self.loader.address.val();
        self.sequencer.load_data.next = self.loader.word[0].val();
        self.sequencer.image.next = self.image.val();
        self.sequencer.conv_finished.next = self.datapath.conv_finished.val();
        self.sequencer.temporal_done.next = self.datapath.temporal_done.val();
        self.sequencer.dump_done.next = self.sender.done.val();
        self.sequencer.finish_done.next = self.sender.done.val();
        self.sender.sequence.next = 0.into();
        for i in 0..self._batch {
            self.sequence[i].clock.next = self.clk.val();
            self.sequence[i].d.next = self.sequence[i].q.val();
            if self.sequencer.begin.val() & (self.sequencer.image_number.val() == i.into()) {
                self.sequence[i].d.next = self.loader.sequence.val();
            }
            if self.sequencer.image_number.val() == i.into() {
                self.sender.sequence.next = self.sequence[i].q.val();
            }
        }

        // Datapath.
        self.datapath.clk.next = self.clk.val();
        self.datapath.clear.next = self.clear.val();
        for i in 0..self._plain_fields {
            self.decode.field[i].next = self.sequencer.field[i].val();
        }
        for i in 0..self._fields {
            self.datapath.field[i].next = self.sequencer.field[i].val();
        }
        self.datapath.start_conv.next = self.sequencer.start_conv.val();
        self.datapath.start_temporal.next = self.sequencer.start_temporal.val();
        self.datapath.load.next = self.loader.write.val();
        self.datapath.load_target.next = self.loader.target.val();
        self.datapath.load_slot.next = self.loader.slot.val();
        self.datapath.load_address.next = self.loader.address.val();
        for k in 0..self._words {
            self.datapath.load_word[k].next = self.loader.word[k].val();
        }
        self.datapath.patch_write.next = self.patches.write.val();
        self.datapath.patch_slot.next = self.patches.slot.val();
        self.datapath.patch_address.next = self.patches.address.val();
        self.datapath.patch_data.next = self.patches.data.val();
        self.datapath.dump.next = self.sender.reading.val();
        self.datapath.dump_address.next = self.sender.read_address.val();
        self.datapath.dump_slot.next = self.sender.read_slot.val();
        self.datapath.scalar_index.next = self.sender.scalar_index.val();
        self.datapath.leak_shift.next = self.globals.leak_shift.val();
        self.datapath.fire_ge.next = self.globals.fire_ge.val();
        self.datapath.timesteps.next = self.globals.timesteps.val();
        self.datapath.max_align.next = self.globals.max_align.val();
        self.datapath.ta_shift.next = self.globals.ta_shift.val();
        self.datapath.z_shift.next = self.globals.z_shift.val();
        self.datapath.y_shift.next = self.globals.y_shift.val();
    }
}
