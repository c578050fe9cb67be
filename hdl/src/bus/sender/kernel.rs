//! What [`Sender`] does in a cycle.

use super::Sender;
use crate::lang::*;

impl Logic for Sender {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state, is_result, word, slot, lane, reads, address, valid, data, last);
        dff_setup!(
            self,
            clk,
            next_valid,
            next_is_dump,
            next_last,
            next_value,
            next_code,
            next_spikes,
            next_stream
        );
        self.cycles.clock.next = self.clk.val();
        self.cycles.write.next = self.cycle_write.val();
        self.cycles.write_address.next = self.cycle_address.val();
        self.cycles.write_data[0].next = self.cycle_data.val();
        self.cycles.read_address.next = self.word.q.val();
        self.logit_address.next = self.word.q.val();
        self.address.d.next = self.base.val() + self.word.q.val();
        self.read_address.next = self.address.q.val();
        self.read_slot.next = self.slot.q.val();
        self.scalar_index.next = self.word.q.val() - self.three.val();
        self.reads.d.next =
            ((self.state.q.val() != self.idle.val()) & !self.is_result.q.val().get_bit(0)).into();
        self.reading.next = self.reads.q.val().get_bit(0);

        // How many words follow.
        self.is_stream.next = self.source.val() == self.source_stream.val();
        self.scalar_count.next = self.timesteps.val() + self.three.val();
        self.dump_words.next = self.length.val() << self.slot_bits.val();
        for p in 0..self._spills {
            if self.spilled[p].val() {
                self.dump_words.next = self.length.val() << self.post_bits[p].val();
            }
        }
        self.following.next = self.dump_words.val();
        if self.is_stream.val() {
            self.following.next = self.dump_words.val() * self.lanes.val();
        }
        if self.scalars.val() {
            self.following.next = self.scalar_count.val();
        }

        self.words.next = self.following.val() + self.four.val();
        if self.is_result.q.val().get_bit(0) {
            self.words.next = self.classes.val() + self.index.val() + self.five.val();
        }

        // Position in the body: word address, slot, lane; or just a word number.
        self.next_word.next = self.word.q.val() + self.one.val();
        self.next_slot.next = self.slot.q.val() + self.one.val();
        self.next_lane.next = self.lane.q.val() + self.one.val();
        self.lane_ends.next = !self.is_stream.val() | (self.next_lane.val() == self.lanes.val());
        self.slot_ends.next = self.lane_ends.val() & (self.next_slot.val() == self.slots.val());
        for p in 0..self._spills {
            if self.spilled[p].val() {
                self.slot_ends.next = self.lane_ends.val() & (self.next_slot.val() == self.posts[p].val());
            }
        }
        self.region_ends.next = self.next_word.val() == self.length.val();
        if self.scalars.val() {
            self.region_ends.next = self.next_word.val() == self.scalar_count.val();
        }
        if self.is_result.q.val().get_bit(0) {
            self.region_ends.next = self.next_word.val() == self.classes.val();
        }

        // The body's word.
        self.lane_word.next = 0.into();
        for l in 0..self._lanes {
            if self.lane.q.val() == l.into() {
                self.lane_word.next = self.stream_word[l].val();
            }
        }
        self.scalar_word.next = self.scalar.val().get_bits::<16>(0);
        if self.word.q.val() == self.zero.val() {
            self.scalar_word.next = self.sum.val().get_bits::<32>(0);
        }
        if self.word.q.val() == self.one.val() {
            self.scalar_word.next = self.sum.val().get_bits::<8>(32);
        }
        if self.word.q.val() == self.two.val() {
            self.scalar_word.next = self.max.val().get_bits::<16>(0);
        }
        self.is_dump.next = !self.scalars.val() & !self.is_result.q.val().get_bit(0);
        for p in 0..self.guard.count() {
            self.logit_used[p].next =
                (self.state.q.val() == self.body_words.val()) & self.is_result.q.val().get_bit(0);
            self.word_used[p].next = (self.state.q.val() == self.body_words.val()) & self.is_dump.val();
            for q in 0..self._spills {
                if self.spilled[q].val() {
                    self.word_used[p].next = false;
                }
            }
            self.guard[p].clk.next = self.clk.val();
            self.guard[p].word[0].next = self.cycles.read_data[0].val();
            self.guard[p].parity[0].next = self.cycles.parity[p].val();
            self.guard[p].counts.next = self.state.q.val() == self.cycle_words.val();
            self.wrong[p].next = self.guard[p].wrong.val();
        }

        // One word a cycle through both registers, when the second is free.
        self.free.next = !self.valid.q.val().get_bit(0) | self.m_axis_tready.val();
        self.offer.next = false;
        self.is_last.next = false;
        self.value.next = 0.into();
        if self.state.q.val() == self.head.val() {
            self.offer.next = true;
            self.value.next = self.dump_header.val() + (self.source.val() << self.source_shift.val());
            if self.is_result.q.val().get_bit(0) {
                self.value.next =
                    self.result_header.val() + self.classes.val() + self.index.val() + self.four.val();
            }
        }
        if self.state.q.val() == self.first.val() {
            self.offer.next = true;
            self.value.next = self.sequence.val();
        }
        if self.state.q.val() == self.second.val() {
            self.offer.next = true;
            self.value.next = self.index.val();
            if self.is_result.q.val().get_bit(0) {
                self.value.next = self.class.val();
            }
        }
        if self.state.q.val() == self.third.val() {
            self.offer.next = true;
            self.value.next = self.following.val();
            if self.is_result.q.val().get_bit(0) {
                self.value.next = self.classes.val();
            }
        }
        if self.state.q.val() == self.body_words.val() {
            self.offer.next = true;
            self.value.next = self.logit.val();
            if self.scalars.val() & !self.is_result.q.val().get_bit(0) {
                self.value.next = self.scalar_word.val();
            }
            self.is_last.next = !self.is_result.q.val().get_bit(0)
                & self.region_ends.val()
                & (self.slot_ends.val() | self.scalars.val());
        }
        if self.state.q.val() == self.count.val() {
            self.offer.next = true;
            self.value.next = self.index.val();
        }
        if self.state.q.val() == self.cycle_words.val() {
            self.offer.next = true;
            self.value.next = self.cycles.read_data[0].val();
            self.is_last.next = self.next_word.val() == self.index.val();
        }

        self.done.next =
            self.free.val() & self.next_valid.q.val().get_bit(0) & self.next_last.q.val().get_bit(0);
        if self.free.val() {
            self.valid.d.next = self.next_valid.q.val();
            self.last.d.next = self.next_last.q.val();
            self.data.d.next = self.next_value.q.val();
            if self.next_is_dump.q.val().get_bit(0) {
                self.data.d.next = self.next_code.q.val();
                if self.source.val() == self.source_spikes.val() {
                    self.data.d.next = self.next_spikes.q.val();
                }
                if self.is_stream.val() {
                    self.data.d.next = self.next_stream.q.val();
                }
            }
            self.next_valid.d.next = self.offer.val().into();
            self.next_last.d.next = self.is_last.val().into();
            self.next_value.d.next = self.value.val();
            self.next_is_dump.d.next =
                ((self.state.q.val() == self.body_words.val()) & self.is_dump.val()).into();
            self.next_code.d.next = self.code_word.val();
            self.next_spikes.d.next = self.spike_word.val();
            self.next_stream.d.next = self.lane_word.val();
            if self.offer.val() {
                if self.state.q.val() == self.head.val() {
                    self.state.d.next = self.first.val();
                }
                if self.state.q.val() == self.first.val() {
                    self.state.d.next = self.second.val();
                }
                if self.state.q.val() == self.second.val() {
                    self.state.d.next = self.third.val();
                }
                if self.state.q.val() == self.third.val() {
                    self.state.d.next = self.fetch.val();
                }
                if self.state.q.val() == self.count.val() {
                    self.word.d.next = 0.into();
                    self.state.d.next = self.fetch_cycles.val();
                }
                if self.state.q.val() == self.cycle_words.val() {
                    self.word.d.next = self.next_word.val();
                    self.state.d.next = self.fetch_cycles.val();
                }
                if self.state.q.val() == self.body_words.val() {
                    self.lane.d.next = self.next_lane.val();
                    if self.lane_ends.val() {
                        self.lane.d.next = 0.into();
                        self.slot.d.next = self.next_slot.val();
                    }
                    if self.slot_ends.val() | self.scalars.val() | self.is_result.q.val().get_bit(0) {
                        self.lane.d.next = 0.into();
                        self.slot.d.next = 0.into();
                        self.word.d.next = self.next_word.val();
                        self.state.d.next = self.fetch.val();
                        if self.region_ends.val() {
                            self.state.d.next = self.count.val();
                        }
                    }
                }
            }
        }
        if self.state.q.val() == self.fetch.val() {
            self.state.d.next = self.body_words.val();
            if self.is_dump.val() {
                self.state.d.next = self.settle.val();
            }
        }
        // A burst of a spilled map is taken when it is there, then beat by beat.
        for p in 0..self._spills {
            self.spilled_dump[p].next = self.spilled[p].val() & self.is_dump.val();
            self.place[p].next = self.word.q.val() & self.beat_mask[p].val();
            self.opens[p].next = (self.state.q.val() == self.fetch.val())
                & self.spilled_dump[p].val()
                & (self.place[p].val() == self.zero.val());
            self.waits[p].next = self.opens[p].val() & !self.maps_ready[p].val();
            self.maps_claim[p].next = self.opens[p].val() & self.maps_ready[p].val();
            self.pop[p].next =
                (self.state.q.val() == self.fetch.val()) & self.spilled_dump[p].val() & !self.waits[p].val();
            if self.waits[p].val() {
                self.state.d.next = self.fetch.val();
            }
            self.put_back[p].next = (self.state.q.val() == self.body_words.val())
                & self.free.val()
                & self.slot_ends.val()
                & self.spilled_dump[p].val()
                & self.keeps[p].val();
        }
        if self.state.q.val() == self.settle.val() {
            self.state.d.next = self.ready.val();
        }
        if self.state.q.val() == self.ready.val() {
            self.state.d.next = self.body_words.val();
        }
        if self.state.q.val() == self.fetch_cycles.val() {
            self.state.d.next = self.cycle_words.val();
        }
        if self.free.val() & self.is_last.val() {
            self.state.d.next = self.idle.val();
        }
        if self.start_result.val() | self.start_dump.val() {
            self.state.d.next = self.head.val();
            self.is_result.d.next = self.start_result.val().into();
            self.word.d.next = 0.into();
            self.slot.d.next = 0.into();
            self.lane.d.next = 0.into();
        }
        if self.clear.val() {
            self.state.d.next = self.idle.val();
            self.next_valid.d.next = 0.into();
            self.valid.d.next = 0.into();
        }
        self.m_axis_tdata.next = self.data.q.val();
        self.m_axis_tvalid.next = self.valid.q.val().get_bit(0);
        self.m_axis_tlast.next = self.last.q.val().get_bit(0);
    }
}
