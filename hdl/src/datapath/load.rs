//! Weights and parameters on their way to the post lanes, by load packets or out of the external memory.

use super::{Datapath, Load};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Load> for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        self.load_lane.next = self.load_slot.val() >> self.slot_shift.val();
        for r in 0..self._posts {
            self.lane[r].load_weight.next = self.load.val()
                & (self.load_target.val() == self.target_weights.val())
                & (self.load_lane.val() == r.into());
            self.lane[r].load_param.next = self.load.val()
                & (self.load_target.val() == self.target_params.val())
                & (self.load_slot.val() == r.into());
            self.lane[r].load_slot.next = self.load_slot.val();
            self.lane[r].load_address.next = self.load_address.val();
            for k in 0..self._words {
                self.lane[r].load_word[k].next = self.load_word[k].val();
            }
        }
        for p in 0..self.fill.count() {
            self.beat_in_lane[p].next = self.fill[p].beat.val() & self.lane_beat_mask.val();
            self.lane_of_beat[p].next = self.fill[p].beat.val() >> self.lane_beat_bits.val();
            for r in 0..self._posts {
                self.lane[r].fill[p].write.next =
                    self.fill[p].write.val() & (self.lane_of_beat[p].val() == r.into());
                self.lane[r].fill[p].beat.next = self.beat_in_lane[p].val();
                self.lane[r].fill[p].address.next = self.fill[p].address.val();
                for k in 0..self._fill_words {
                    self.lane[r].fill[p].word[k].next = self.fill[p].word[k].val();
                }
            }
        }
    }
}
