//! What the memories say of their words: which of them are in use, and whether one has flipped.

use super::{Datapath, Guards};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Guards> for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        for p in 0..self.wrong.count() {
            self.params_used[p].clock.next = self.clk.val();
            self.params_used[p].d.next = self.drain.beat.valid.val();
            self.gate_used[p].next = self.beats.masked.valid.val().get_bit(0) & self.use_gate.val();
            self.gate.used[p].next = self.gate_used[p].val();

            // Residuals come a cycle behind the beat that is a logit.
            self.residual_used[p].clock.next = self.clk.val();
            self.residual_used[p].d.next = 0.into();
            if self.decode.residual_on.val().get_bit(0) {
                self.residual_used[p].d.next = self.beats.biased.valid.val();
            }
            for q in 0..self.maps.count() {
                if self.decode.residual_spilled.val() {
                    self.residual_used[p].d.next = 0.into();
                }
            }
            self.serves_spikes[p].next = self.decode.source.val() == self.source_spike[p].val();
            self.serves_codes[p].next = !self.serves_spikes[p].val() & !self.is_stream.val();
            self.slot_wrong[0].next = self.gate.wrong[p].val() | self.temporal.wrong[p].val();
            for i in 0..self._slots {
                self.word_used[i].next = self.slot[i].used[p].val() | self.words_read[p].val();
                for q in 0..self._code_guards {
                    self.slot[i].code_used[q].next = self.word_used[i].val() & self.serves_codes[p].val();
                }
                for q in 0..self._spike_guards {
                    self.slot[i].spike_used[q].next =
                        (self.word_used[i].val() & self.serves_spikes[p].val()) | self.gate_used[p].val();
                }
                for q in 0..self._stream_guards {
                    self.slot[i].stream_used[q].next = (self.word_used[i].val() & self.is_stream.val())
                        | self.residual_used[p].q.val().get_bit(0);
                }
                self.slot_wrong[i + 1].next = self.slot_wrong[i].val() | self.slot[i].wrong[p].val();
            }
            for i in self._slots..self._slots_end {
                self.lane_wrong[0].next = self.slot_wrong[i].val();
            }
            for r in 0..self._posts {
                for i in 0..self._slots {
                    self.lane[r].weight_used[i].next = self.slot[i].used[p].val();
                }
                self.lane[r].param_used[p].next = self.params_used[p].q.val().get_bit(0);
                self.lane_wrong[r + 1].next = self.lane_wrong[r].val() | self.lane[r].wrong[p].val();
            }
            self.wrong_held[p].clock.next = self.clk.val();
            for r in self._posts..self._posts_end {
                self.wrong_held[p].d.next = self.lane_wrong[r].val().into();
            }
            self.wrong[p].next = self.wrong_held[p].q.val().get_bit(0);
        }
    }
}
