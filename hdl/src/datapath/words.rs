//! Words of one slot: the residuals that a beat adds and the stem's spikes that the gate masks, or, when nothing runs,
//! what the trace reads.

use super::{Datapath, Words};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Words> for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        self.dump_row.next = self.dump_slot.val() >> self.lanes_of_slot.val();
        self.dump_lane.next = self.dump_slot.val() & self.last_post.val();
        self.word_slot.next =
            (self.beats.masked.row.val() << self.lanes_of_slot.val()) | self.beats.masked.lane.val();
        if self.dump.val() {
            self.word_slot.next = self.dump_slot.val();
        }
        self.choose_code.index.next = self.dump_slot.val();
        self.choose_spikes.index.next = self.word_slot.val();
        for i in 0..self._slots {
            self.choose_code.x[i].next = self.slot[i].code_word.val();
            self.choose_spikes.x[i].next = self.slot[i].spike_word.val();
        }

        // The row's decoder lies before a register, so that the many choices of it take one term each.
        for k in 0..self._rows {
            self.row_held[k].clock.next = self.clk.val();
            self.row_held[k].d.next = 0.into();
            if self.beats.biased.row.val() == k.into() {
                self.row_held[k].d.next = 1.into();
            }
            self.row_wanted[k].next = self.row_held[k].q.val().get_bit(0);
            if self.dump.val() {
                self.row_wanted[k].next = self.dump_row.val() == k.into();
            }
        }

        // A spilled map comes in the place of one on chip.
        for p in 0..self.maps.count() {
            self.popping[p].clk.next = self.clk.val();
            self.popping[p].x.next =
                (self.beats.residual.valid.val().get_bit(0) & self.decode.residual_spilled.val()).into();
            self.maps[p].pop.next = self.popping[p].y.val().get_bit(0);
            self.from_memory[p].next = self.decode.residual_spilled.val();
            if self.dump.val() {
                self.from_memory[p].next = self.decode.dump_spilled.val();
            }
        }
        // Loops over one number each: an index may hold loop variables only.
        for m in self._posts..self._posts_end {
            for n in self._lanes..self._lanes_end {
                for r in 0..self._posts {
                    for l in 0..self._lanes {
                        for k in 0..self._rows {
                            self.choose_stream[r * n + l].wanted[k].next = self.row_wanted[k].val();
                            self.choose_stream[r * n + l].x[k].next =
                                self.slot[k * m + r].stream_word[l].val();
                        }
                        self.lane[r].residual[l].next = self.choose_stream[r * n + l].y.val();
                        self.choose_dump[l].index.next = self.dump_lane.val();
                        self.choose_dump[l].x[r].next = self.choose_stream[r * n + l].y.val();
                        for p in 0..self.maps.count() {
                            if self.from_memory[p].val() {
                                self.lane[r].residual[l].next = self.maps[p].residual[r * n + l].val();
                                self.choose_dump[l].x[r].next = self.maps[p].residual[r * n + l].val();
                            }
                        }
                    }
                }
            }
        }
        self.code_word.next = self.choose_code.y.val();
        self.spike_word.next = self.choose_spikes.y.val();
        for l in 0..self._lanes {
            self.stream_word[l].next = self.choose_dump[l].y.val();
        }
    }
}
