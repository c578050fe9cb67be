//! The encoder's units: statistics, temporal attention, gate.

use super::{Datapath, Encoder};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Encoder> for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, sca);
        self.statistics.clk.next = self.clk.val();
        self.statistics.clear.next = self.start_conv.val() & self.decode.statistics.val().get_bit(0);
        for p in 0..self.moves.count() {
            if self.continues[p].val() {
                self.statistics.clear.next = false;
            }
        }
        self.statistics.valid.next = self.beats.value.valid.val().get_bit(0)
            & self.decode.statistics.val().get_bit(0)
            & (self.beats.value.sweep.val() == self.zero.val());
        self.sca.d.next = 0.into();
        for r in 0..self._posts {
            self.statistics.y[r].next = self.lane[r].y[0].val();
            self.statistics.real[r].next = self.lane[r].real.val();
            if self.beats.value.lane.val() == r.into() {
                self.sca.d.next = self.lane[r].y[0].val();
            }
        }
        self.sum.next = self.statistics.sum.val();
        self.max.next = self.statistics.max.val();

        self.temporal.clk.next = self.clk.val();
        self.temporal.clear.next = self.clear.val();
        self.temporal.load.next = self.load.val() & (self.load_target.val() == self.target_attention.val());
        self.temporal.load_address.next = self.load_address.val();
        self.temporal.load_data.next = self.load_word[0].val();
        self.temporal.start.next = self.start_temporal.val();
        self.temporal.timesteps.next = self.timesteps.val();
        self.temporal.sum.next = self.statistics.sum.val();
        self.temporal.max.next = self.statistics.max.val();
        self.temporal.max_align.next = self.max_align.val();
        self.temporal.ta_shift.next = self.ta_shift.val();
        self.temporal.sweep.next = self.beats.value.sweep.val();
        self.temporal.scalar_index.next = self.scalar_index.val();
        self.scalar.next = self.temporal.scalar.val();
        self.temporal_done.next = self.temporal.done.val();

        self.gate.clk.next = self.clk.val();
        self.gate.load.next = self.load.val() & (self.load_target.val() == self.target_gate.val());
        self.gate.load_address.next = self.load_address.val();
        self.gate.load_data.next = self.load_word[0].val();
        self.gate.sca.next = self.sca.q.val();
        self.gate.z_shift.next = self.z_shift.val();
        self.gate.y_shift.next = self.y_shift.val();
        self.gate.mask.next = self.choose_spikes.y.val();
        for l in 0..self._lanes {
            self.gate.ta[l].next = self.temporal.ta[l].val();
        }
    }
}
