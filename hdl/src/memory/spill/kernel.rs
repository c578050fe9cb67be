//! What [`Spill`] does in a cycle.

use super::Spill;
use crate::lang::*;

impl Logic for Spill {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, row, column, full, tail, words_in_burst, claimed, filled, begun, drained);
        dff_setup!(
            self,
            clk,
            acknowledged,
            head,
            address,
            sent_address,
            address_waits,
            sends,
            slice,
            word,
            unacknowledged,
            active,
            stale
        );

        // Room is given away pixel by pixel, before the pixel's first sum is begun.
        self.wanted.next = self.claimed.q.val() + self.bursts.val() - self.drained.q.val();
        // None while a burst that was given up may still be on offer: its words stay where they are.
        self.room.next = (self.wanted.val() <= self.capacity.val()) & !self.stale.q.val().get_bit(0);
        if self.claim.val() {
            self.claimed.d.next = self.claimed.q.val() + self.bursts.val();
        }

        // Beats gather to a buffer word, channel by channel.
        self.last_row.next = self.row.q.val() == self.rows.val();
        self.row_ends.next = !self.narrow.val() | (self.column.q.val() == self.columns.val());
        self.last_word.next = self.words_in_burst.q.val() == self.words.val();
        for m in self._lanes..self._lanes_end {
            for o in self._posts..self._posts_end {
                for n in self._spread..self._spread_end {
                    for q in self._row..self._row_end {
                        for k in 0..self._rows {
                            self.row_hit[k].next = self.push.val() & (self.row.q.val() == k.into());
                            for r in 0..self._posts {
                                self.channel_hit[k * o + r].next = self.row_hit[k].val()
                                    & (!self.narrow.val() | (self.column.q.val() == r.into()));
                                for l in 0..self._lanes {
                                    self.gathered[k * q + r * n + l].clock.next = self.clk.val();
                                    self.gathered[k * q + r * n + l].d.next =
                                        self.gathered[k * q + r * n + l].q.val();
                                    if self.channel_hit[k * o + r].val() {
                                        self.gathered[k * q + r * n + l].d.next =
                                            self.stream[r * m + l].val();
                                    }
                                }
                                for l in self._lanes..self._spread {
                                    self.gathered[k * q + r * n + l].clock.next = self.clk.val();
                                    self.gathered[k * q + r * n + l].d.next = 0.into();
                                }
                            }
                        }
                    }
                }
            }
        }
        self.full.d.next = 0.into();
        if self.push.val() {
            self.column.d.next = self.column.q.val() + self.one.val();
            if self.row_ends.val() {
                self.column.d.next = 0.into();
                self.row.d.next = self.row.q.val() + self.one.val();
                if self.last_row.val() {
                    self.row.d.next = 0.into();
                    self.full.d.next = 1.into();
                }
            }
        }
        self.buffer.clock.next = self.clk.val();
        self.buffer.write.next = self.full.q.val().get_bit(0);
        self.buffer.write_address.next = self.tail.q.val();
        for i in 0..self._used {
            self.buffer.write_data[i].next = self.gathered[i].q.val();
        }
        for i in self._used..self._values {
            self.buffer.write_data[i].next = 0.into();
        }
        if self.full.q.val().get_bit(0) {
            self.tail.d.next = self.tail.q.val() + self.one.val();
            self.words_in_burst.d.next = self.words_in_burst.q.val() + self.one.val();
            if self.last_word.val() {
                self.words_in_burst.d.next = 0.into();
                self.filled.d.next = self.filled.q.val() + self.one.val();
            }
        }

        // A complete burst leaves, one transfer after the other.
        self.last_slice.next = self.slice.q.val() == self.slices.val();
        self.moves.next = self.sends.q.val().get_bit(0) & self.w_ready.val();
        self.word_leaves.next = self.moves.val() & self.last_slice.val();
        self.burst_leaves.next = self.word_leaves.val() & (self.word.q.val() == self.words.val());
        self.free.next = (!self.sends.q.val().get_bit(0) | self.burst_leaves.val())
            & (!self.address_waits.q.val().get_bit(0) | self.aw_ready.val());
        self.complete.next = self.filled.q.val() != self.begun.q.val();
        self.start.next = self.free.val()
            & self.complete.val()
            & self.active.q.val().get_bit(0)
            & !self.stale.q.val().get_bit(0)
            & !self.hold.val();
        self.next_head.next = self.head.q.val();
        if self.word_leaves.val() {
            self.next_head.next = self.head.q.val() + self.one.val();
        }
        self.head.d.next = self.next_head.val();
        self.buffer.read_address.next = self.next_head.val();
        if self.moves.val() {
            self.slice.d.next = self.slice.q.val() + self.one.val();
            if self.last_slice.val() {
                self.slice.d.next = 0.into();
                self.word.d.next = self.word.q.val() + self.one.val();
            }
            if self.burst_leaves.val() {
                self.word.d.next = 0.into();
                self.sends.d.next = 0.into();
                self.drained.d.next = self.drained.q.val() + self.one.val();
            }
        }
        if self.aw_ready.val() {
            self.address_waits.d.next = 0.into();
        }
        self.acknowledgements.next = self.unacknowledged.q.val();
        if self.start.val() {
            self.sends.d.next = 1.into();
            self.address_waits.d.next = 1.into();
            self.sent_address.d.next = self.address.q.val();
            self.address.d.next = self.address.q.val() + self.burst_bytes.val();
            self.begun.d.next = self.begun.q.val() + self.one.val();
            self.acknowledgements.next = self.unacknowledged.q.val() + self.one.val();
        }
        self.unacknowledged.d.next = self.acknowledgements.val();
        if self.b_valid.val() {
            self.unacknowledged.d.next = self.acknowledgements.val() - self.one.val();
            self.acknowledged.d.next = self.acknowledged.q.val() + self.one.val();
        }
        for p in 0..self.guard.count() {
            self.guard[p].clk.next = self.clk.val();
            for i in 0..self._values {
                self.guard[p].word[i].next = self.buffer.read_data[i].val();
            }
            self.guard[p].parity[0].next = self.buffer.parity[p].val();
            self.guard[p].counts.next = self.moves.val();
            self.wrong[p].next = self.guard[p].wrong.val();
            self.counts[p].next = self.moves.val() & !self.stale.q.val().get_bit(0);
        }
        for i in 0..self._pairs {
            self.pair[i].next = self.buffer.read_data[2 * i].val()
                | (self.buffer.read_data[2 * i + 1].val() << self.half.val());
        }
        for k in 0..self._port {
            self.w_data[k].next = 0.into();
        }
        for n in self._port..self._port_end {
            for j in 0..self._slices {
                if self.slice.q.val() == j.into() {
                    for k in 0..self._port {
                        self.w_data[k].next = self.pair[j * n + k].val();
                    }
                }
            }
        }
        self.aw_address.next = self.sent_address.q.val();
        self.aw_valid.next = self.address_waits.q.val().get_bit(0);
        self.w_valid.next = self.sends.q.val().get_bit(0);
        self.w_last.next = self.last_slice.val() & (self.word.q.val() == self.words.val());
        self.busy.next = self.sends.q.val().get_bit(0) | self.address_waits.q.val().get_bit(0);
        self.committed.next = self.acknowledged.q.val();
        self.settled.next = !self.full.q.val().get_bit(0)
            & !self.complete.val()
            & (self.unacknowledged.q.val() == self.zero.val());
        self.error.next =
            self.b_valid.val() & (self.b_response.val() != self.zero.val()) & !self.stale.q.val().get_bit(0);

        // A new image, or one given up: what has begun must end, and counts for nothing.
        if self.clear.val() {
            self.active.d.next = 0.into();
            self.stale.d.next = 1.into();
        }
        if self.begin.val() {
            self.active.d.next = 1.into();
            self.claimed.d.next = 0.into();
            self.filled.d.next = 0.into();
            self.begun.d.next = 0.into();
            self.drained.d.next = 0.into();
            self.acknowledged.d.next = 0.into();
            self.row.d.next = 0.into();
            self.column.d.next = 0.into();
            self.full.d.next = 0.into();
            self.tail.d.next = 0.into();
            self.words_in_burst.d.next = 0.into();
            self.address.d.next = 0.into();
            if self.acknowledgements.val() != self.zero.val() {
                self.stale.d.next = 1.into();
            }
        }
        if self.stale.q.val().get_bit(0) {
            self.drained.d.next = 0.into();
            self.acknowledged.d.next = 0.into();
            if (self.unacknowledged.q.val() == self.zero.val()) & !self.clear.val() {
                self.stale.d.next = 0.into();
            }
        }
        // Not under a burst: what the port has on offer stays until it is taken.
        if (self.begin.val() | self.stale.q.val().get_bit(0))
            & !self.sends.q.val().get_bit(0)
            & !self.start.val()
        {
            self.head.d.next = 0.into();
        }
        if self.rst.val() {
            self.sends.d.next = 0.into();
            self.address_waits.d.next = 0.into();
            self.slice.d.next = 0.into();
            self.word.d.next = 0.into();
            self.unacknowledged.d.next = 0.into();
            self.active.d.next = 0.into();
            self.stale.d.next = 0.into();
        }
    }
}
