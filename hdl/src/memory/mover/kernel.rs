//! What [`Mover`] does in a cycle.

use super::Mover;
use crate::lang::*;

impl Logic for Mover {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            pending,
            active,
            given_up,
            asking,
            offered,
            position,
            segment,
            left,
            segments_left
        );
        dff_setup!(
            self,
            clk,
            under_way,
            walking,
            word_address,
            part,
            words_left,
            walks_left,
            place,
            segment_place
        );
        dff_setup!(self, clk, read_before, arriving, part_before, part_arriving, last_before, last_arriving);
        dff_setup!(self, clk, addressed, filled, seen, head, owed);

        // What a word and a segment are.
        self.codes.next = self.source.val() == self.source_codes.val();
        self.spikes.next = self.source.val() == self.source_spikes.val();
        self.transfers.next = self.length.val() << self.shift_streams.val();
        self.last_part.next = self.last_of_streams.val();
        if self.codes.val() {
            self.transfers.next = self.length.val() << self.shift_codes.val();
            self.last_part.next = self.last_of_codes.val();
        }
        if self.spikes.val() {
            self.transfers.next = self.length.val() << self.shift_spikes.val();
            self.last_part.next = self.last_of_spikes.val();
        }
        if self.source.val() == self.source_program.val() {
            self.transfers.next = self.length.val();
            self.last_part.next = 0.into();
        }
        self.last_word.next = self.length.val() - self.one.val();
        self.begins.next = self.pending.q.val().get_bit(0) & self.settled.val();
        if self.begins.val() {
            self.pending.d.next = 0.into();
        }
        if self.start.val() {
            self.pending.d.next = 1.into();
        }

        // Bursts are asked for. Once offered, an address stays until it is taken.
        self.request.next = self.offered.q.val().get_bit(0)
            | (self.asking.q.val().get_bit(0) & (self.under_way.q.val() < self.most.val()));
        self.to_edge.next = self.most_of_burst.val() - self.position.q.val().get_bits::<4>(0);
        self.ends_segment.next = self.left.q.val() <= self.to_edge.val();
        self.burst.next = self.to_edge.val();
        if self.ends_segment.val() {
            self.burst.next = self.left.q.val();
        }
        self.next_segment.next = self.segment.q.val() + self.port_group.val();
        self.taken.next = self.request.val() & self.ar_ready.val();
        if self.outward.val() {
            self.taken.next = self.request.val() & self.aw_ready.val();
        }
        self.offered.d.next = (self.request.val() & !self.taken.val()).into();
        self.after_request.next = self.under_way.q.val();
        if self.taken.val() {
            self.after_request.next = self.under_way.q.val() + self.one.val();
            self.position.d.next = self.position.q.val() + self.burst.val();
            self.left.d.next = self.left.q.val() - self.burst.val();
            if self.ends_segment.val() {
                self.position.d.next = self.next_segment.val();
                self.segment.d.next = self.next_segment.val();
                self.left.d.next = self.transfers.val();
                self.segments_left.d.next = self.segments_left.q.val() - self.one.val();
                if self.segments_left.q.val() == self.zero.val() {
                    self.asking.d.next = 0.into();
                }
            }
        }
        self.request_address.next = self.position.q.val() << self.shift_bytes.val();
        self.request_length.next = self.burst.val() - self.one.val();
        self.ar_valid.next = self.request.val() & !self.outward.val();
        self.aw_valid.next = self.request.val() & self.outward.val();

        // Transfers: inward as they come, outward while the buffer has room.
        self.in_buffer.next = self.addressed.q.val() - self.head.q.val();
        self.read.next =
            self.walking.q.val().get_bit(0) & self.outward.val() & (self.in_buffer.val() < self.room.val());
        self.arrives.next = self.active.q.val().get_bit(0) & !self.outward.val() & self.r_valid.val();
        self.word_ends.next = self.part.q.val() == self.last_part.val();
        self.segment_ends.next = self.word_ends.val() & (self.words_left.q.val() == self.zero.val());
        self.burst_ends.next = self.segment_ends.val() | (self.place.q.val() == self.last_place.val());
        self.gap.next = self.source_group.val() - self.length.val();
        self.next_place.next = self.segment_place.q.val() + self.port_group.val();
        if self.read.val() | self.arrives.val() {
            self.place.d.next = self.place.q.val() + self.one.val();
            self.part.d.next = self.part.q.val() + self.one.val();
            if self.word_ends.val() {
                self.part.d.next = 0.into();
                self.word_address.d.next = self.word_address.q.val() + self.one.val();
                self.words_left.d.next = self.words_left.q.val() - self.one.val();
            }
            if self.segment_ends.val() {
                self.word_address.d.next = self.word_address.q.val() + self.gap.val() + self.one.val();
                self.words_left.d.next = self.last_word.val();
                self.place.d.next = self.next_place.val();
                self.segment_place.d.next = self.next_place.val();
                self.walks_left.d.next = self.walks_left.q.val() - self.one.val();
                if self.walks_left.q.val() == self.zero.val() {
                    self.walking.d.next = 0.into();
                }
            }
        }
        self.address.next = self.word_address.q.val();
        self.transfer.next = self.part.q.val();

        // Outward: from the slots to the buffer.
        self.read_before.d.next = self.read.val().into();
        self.part_before.d.next = self.part.q.val();
        self.last_before.d.next = self.burst_ends.val().into();
        self.arriving.d.next = self.read_before.q.val();
        self.part_arriving.d.next = self.part_before.q.val();
        self.last_arriving.d.next = self.last_before.q.val();
        self.shown.next = self.part_arriving.q.val();
        if self.read.val() {
            self.addressed.d.next = self.addressed.q.val() + self.one.val();
        }
        self.buffer.clock.next = self.clk.val();
        self.buffer.write.next = self.arriving.q.val().get_bit(0);
        self.buffer.write_address.next = self.filled.q.val();
        self.buffer_last.clock.next = self.clk.val();
        self.buffer_last.write.next = self.arriving.q.val().get_bit(0);
        self.buffer_last.write_address.next = self.filled.q.val();
        self.buffer_last.write_data[0].next = self.last_arriving.q.val();
        self.filled.d.next = self.filled.q.val() + self.arriving.q.val();
        self.seen.d.next = self.filled.q.val();

        // And out of it: no burst's data before its address is on offer.
        self.first_offer.next = self.aw_valid.val() & !self.offered.q.val().get_bit(0);
        self.owes.next = self.owed.q.val();
        if self.first_offer.val() {
            self.owes.next = self.owed.q.val() + self.one.val();
        }
        self.w_valid.next = (self.seen.q.val() != self.head.q.val()) & (self.owes.val() != self.zero.val());
        self.w_last.next = self.buffer_last.read_data[0].val().get_bit(0);
        self.leaves.next = self.w_valid.val() & self.w_ready.val();
        self.next_head.next = self.head.q.val();
        self.owed.d.next = self.owes.val();
        if self.leaves.val() {
            self.next_head.next = self.head.q.val() + self.one.val();
            if self.w_last.val() {
                self.owed.d.next = self.owes.val() - self.one.val();
            }
        }
        self.head.d.next = self.next_head.val();
        self.buffer.read_address.next = self.next_head.val();
        self.buffer_last.read_address.next = self.next_head.val();
        for k in 0..self._words {
            self.buffer.write_data[k].next = self.word[k].val();
            self.w_data[k].next = self.buffer.read_data[k].val();
        }

        // Answers.
        self.answered.next = self.arrives.val() & self.burst_ends.val();
        self.error.next = self.arrives.val()
            & (self.r_response.val() != self.zero.val())
            & !self.given_up.q.val().get_bit(0);
        if self.outward.val() {
            self.answered.next = self.b_valid.val() & self.active.q.val().get_bit(0);
            self.error.next = self.b_valid.val()
                & self.active.q.val().get_bit(0)
                & (self.b_response.val() != self.zero.val())
                & !self.given_up.q.val().get_bit(0);
        }
        self.under_way.d.next = self.after_request.val();
        if self.answered.val() {
            self.under_way.d.next = self.after_request.val() - self.one.val();
        }
        self.finished.next = self.active.q.val().get_bit(0)
            & !self.asking.q.val().get_bit(0)
            & !self.offered.q.val().get_bit(0)
            & (self.under_way.q.val() == self.zero.val());
        self.done.next = self.finished.val() & !self.given_up.q.val().get_bit(0);
        self.moving.next = self.active.q.val().get_bit(0);
        self.stale.next = self.given_up.q.val().get_bit(0);
        self.writes.next = self.active.q.val().get_bit(0) & self.outward.val();
        self.reads.next = self.writes.val() & !self.given_up.q.val().get_bit(0);
        self.fills.next =
            self.active.q.val().get_bit(0) & !self.outward.val() & !self.given_up.q.val().get_bit(0);
        self.fill.next = self.arrives.val() & !self.given_up.q.val().get_bit(0);
        for p in 0..self.words_taken.count() {
            self.words_taken[p].next = self.arriving.q.val().get_bit(0) & self.reads.val();
            self.counted[p].next = self.words_left.q.val() >= self.uncounted[p].val();
            self.counted_before[p].clock.next = self.clk.val();
            self.counted_before[p].d.next = self.counted[p].val().into();
            self.counted_arriving[p].clock.next = self.clk.val();
            self.counted_arriving[p].d.next = self.counted_before[p].q.val();
            self.write_counts[p].next =
                self.words_taken[p].val() & self.counted_arriving[p].q.val().get_bit(0);
            self.read_counts[p].next = self.fill.val() & self.counted[p].val();
        }

        // A move begins; it ends; it is given up: what is asked for comes, and what has an address goes.
        if self.begins.val() {
            self.active.d.next = 1.into();
            self.asking.d.next = 1.into();
            self.walking.d.next = 1.into();
            self.position.d.next = self.port_base.val();
            self.segment.d.next = self.port_base.val();
            self.left.d.next = self.transfers.val();
            self.segments_left.d.next = self.segments.val();
            self.word_address.d.next = self.source_base.val();
            self.part.d.next = 0.into();
            self.words_left.d.next = self.last_word.val();
            self.walks_left.d.next = self.segments.val();
            self.place.d.next = self.port_base.val();
            self.segment_place.d.next = self.port_base.val();
            self.read_before.d.next = 0.into();
            self.arriving.d.next = 0.into();
            self.addressed.d.next = 0.into();
            self.filled.d.next = 0.into();
            self.seen.d.next = 0.into();
            self.head.d.next = 0.into();
        }
        self.goes_on.next = self.active.q.val().get_bit(0) & !self.finished.val();
        if self.finished.val() {
            self.active.d.next = 0.into();
            self.given_up.d.next = 0.into();
            self.walking.d.next = 0.into();
        }
        if self.clear.val() {
            self.pending.d.next = 0.into();
            self.asking.d.next = 0.into();
            self.active.d.next = self.goes_on.val().into();
            self.given_up.d.next = self.goes_on.val().into();
        }
        if self.rst.val() {
            self.pending.d.next = 0.into();
            self.active.d.next = 0.into();
            self.given_up.d.next = 0.into();
            self.asking.d.next = 0.into();
            self.offered.d.next = 0.into();
            self.walking.d.next = 0.into();
            self.under_way.d.next = 0.into();
            self.owed.d.next = 0.into();
        }
    }
}
