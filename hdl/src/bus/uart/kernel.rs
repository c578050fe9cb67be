//! What the bridge does in every cycle.

use super::*;

impl Logic for UartBridge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, word, index, words, word_valid, good, spoilt);
        dff_setup!(self, clk, header, first, second, overrun, sequence, answered, kind, address, value);
        dff_setup!(
            self,
            clk,
            outcome,
            reply_words,
            reply_last,
            nak,
            state,
            position,
            address_done,
            data_done
        );
        dff_setup!(self, clk, in_write, in_read, in_fetch, in_valid, in_word);
        dff_setup!(self, clk, out_write, out_base, taken, damaged, bad_seen, speed, next_speed, turn, lost);

        // Line, bytes, words.
        self.receiver.clk.next = self.clk.val();
        self.receiver.rst.next = self.rst.val();
        self.receiver.divider.next = self.speed.q.val();
        self.receiver.rxd.next = self.rxd.val();
        self.decoder.clk.next = self.clk.val();
        self.decoder.rst.next = self.rst.val();
        self.decoder.data.next = self.receiver.data.val();
        self.decoder.valid.next = self.receiver.valid.val();
        self.decoder.bad.next = self.receiver.bad.val();

        self.word.d.next = self.decoder.word.val();
        self.index.d.next = self.decoder.index.val();
        self.words.d.next = self.decoder.words.val();
        self.word_valid.d.next = self.decoder.word_valid.val().into();
        self.good.d.next = self.decoder.good.val().into();
        self.spoilt.d.next = self.decoder.damaged.val().into();

        // The words of an arriving frame.
        self.in_used.next = self.in_write.q.val() - self.in_read.q.val();
        self.room.next = self.depth.val() - self.in_used.val();
        self.waiting.next = self.out_write.q.val() - self.out_base.q.val();
        self.head_kind.next = self.header.q.val().get_bits::<8>(0);
        self.head_sequence.next = self.header.q.val().get_bits::<8>(8);
        self.head_words.next = self.header.q.val().get_bits::<9>(16);
        self.payload_index.next = self.index.q.val() - self.one.val();
        self.store.next = false;
        if self.word_valid.q.val().get_bit(0) {
            if self.index.q.val() == self.zero.val() {
                self.header.d.next = self.word.q.val();
                self.overrun.d.next = 0.into();
            }
            if self.index.q.val() == self.one.val() {
                self.first.d.next = self.word.q.val();
            }
            if self.index.q.val() == self.two.val() {
                self.second.d.next = self.word.q.val();
            }
            if (self.index.q.val() != self.zero.val())
                & (self.head_kind.val() == self.send.val())
                & (self.payload_index.val() < self.head_words.val())
            {
                self.store.next = self.payload_index.val() < self.room.val();
                if self.payload_index.val() >= self.room.val() {
                    self.overrun.d.next = 1.into();
                }
            }
        }
        self.last_bit.next = 0.into();
        if self.index.q.val() == self.head_words.val() {
            for i in 31..32 {
                self.last_bit.next = self.header.q.val().get_bit(i).into();
            }
        }
        self.inward.clock.next = self.clk.val();
        self.inward.write.next = self.store.val();
        self.inward.write_address.next = self.in_write.q.val() + self.payload_index.val();
        self.inward.write_data[0].next = self.word.q.val() | (self.last_bit.val() << self.word_bits.val());
        self.inward.read_address.next = self.in_read.q.val();

        // Words to the core, one every few cycles: the line is slower.
        self.m_axis_tdata.next = self.in_word.q.val().get_bits::<32>(0);
        for i in 32..33 {
            self.m_axis_tlast.next = self.in_word.q.val().get_bit(i);
        }
        self.m_axis_tvalid.next = self.in_valid.q.val().get_bit(0);
        if self.in_fetch.q.val().get_bit(0) {
            self.in_fetch.d.next = 0.into();
            self.in_valid.d.next = 1.into();
            self.in_word.d.next = self.inward.read_data[0].val();
        }
        if self.in_valid.q.val().get_bit(0) {
            if self.m_axis_tready.val() {
                // Room counts from when the core has the word.
                self.in_valid.d.next = 0.into();
                self.in_read.d.next = self.in_read.q.val() + self.one.val();
            }
        } else {
            if !self.in_fetch.q.val().get_bit(0) & (self.in_used.val() != self.zero.val()) {
                self.in_fetch.d.next = 1.into();
            }
        }

        // Words from the core.
        self.s_axis_tready.next = self.waiting.val() != self.depth.val();
        self.core_last.next = self.s_axis_tlast.val().into();
        self.outward.clock.next = self.clk.val();
        self.outward.write.next = self.s_axis_tvalid.val() & (self.waiting.val() != self.depth.val());
        self.outward.write_address.next = self.out_write.q.val();
        self.outward.write_data[0].next =
            self.s_axis_tdata.val() | (self.core_last.val() << self.word_bits.val());
        if self.s_axis_tvalid.val() & (self.waiting.val() != self.depth.val()) {
            self.out_write.d.next = self.out_write.q.val() + self.one.val();
        }

        // A frame has ended.
        self.idle.next = self.state.q.val() == self.wait_request.val();
        self.payload.next = self.words.q.val() - self.two.val();
        self.suits.next = self.payload.val() == self.head_words.val();
        self.accept.next = self.idle.val() & self.good.q.val().get_bit(0) & self.suits.val();
        self.refuse.next =
            self.spoilt.q.val().get_bit(0) | (self.good.q.val().get_bit(0) & !self.suits.val());
        self.flush.next = self.accept.val()
            & (self.head_kind.val() == self.flush_kind.val())
            & (self.head_words.val() == self.one.val());
        self.again.next = self.answered.q.val().get_bit(0)
            & (self.head_sequence.val() == self.sequence.q.val())
            & !self.flush.val();
        self.upper.next = self.first.q.val() >> self.eight.val();

        // The speed changes when the reply has left, and falls back when nothing can be understood.
        self.wanted.next = self.first.q.val().get_bits::<16>(0);
        self.quiet.next = self.idle.val() & self.encoder.idle.val() & self.transmitter.ready.val();
        if self.turn.q.val().get_bit(0) & self.quiet.val() & (self.outcome.q.val() == self.zero.val()) {
            self.speed.d.next = self.next_speed.q.val();
            self.turn.d.next = 0.into();
        }
        if self.receiver.valid.val() & self.receiver.bad.val() {
            self.lost.d.next = self.lost.q.val() + self.one.val();
            if self.lost.q.val() == self.most_lost.val() {
                self.speed.d.next = self.divider.val();
                self.lost.d.next = 0.into();
            }
        }
        if self.good.q.val().get_bit(0) {
            self.lost.d.next = 0.into();
        }

        if self.refuse.val() {
            self.damaged.d.next = self.damaged.q.val() + self.one.val();
            self.bad_seen.d.next = 1.into();
            if self.idle.val() {
                self.nak.d.next = 1.into();
                self.position.d.next = 0.into();
                self.state.d.next = self.prepare.val();
            }
        }
        if self.accept.val() {
            self.nak.d.next = 0.into();
            self.position.d.next = 0.into();
            self.state.d.next = self.prepare.val();
            if !self.again.val() {
                self.sequence.d.next = self.head_sequence.val();
                self.answered.d.next = 1.into();
                self.kind.d.next = self.head_kind.val();
                self.out_base.d.next = self.out_base.q.val() + self.taken.q.val();
                self.taken.d.next = 0.into();
                self.outcome.d.next = self.unknown.val();
                self.reply_words.d.next = self.one.val();
                self.reply_last.d.next = 0.into();
                self.address.d.next = self.first.q.val();
                self.value.d.next = self.first.q.val();
                self.address_done.d.next = 0.into();
                self.data_done.d.next = 0.into();
                if (self.head_kind.val() == self.read.val()) & (self.head_words.val() == self.one.val()) {
                    self.reply_words.d.next = self.two.val();
                    self.outcome.d.next = self.bus.val();
                    self.value.d.next = 0.into();
                    if self.upper.val() == self.zero.val() {
                        self.state.d.next = self.read_address.val();
                    }
                }
                if (self.head_kind.val() == self.write.val()) & (self.head_words.val() == self.two.val()) {
                    self.value.d.next = self.second.q.val();
                    self.outcome.d.next = self.bus.val();
                    if self.upper.val() == self.zero.val() {
                        self.state.d.next = self.write_both.val();
                    }
                }
                if (self.head_kind.val() == self.send.val())
                    & (self.head_words.val() != self.zero.val())
                    & (self.head_words.val() <= self.most.val())
                {
                    self.outcome.d.next = self.full.val();
                    if !self.overrun.q.val().get_bit(0) {
                        self.outcome.d.next = 0.into();
                        self.in_write.d.next = self.in_write.q.val() + self.head_words.val();
                    }
                }
                if (self.head_kind.val() == self.receive.val()) & (self.head_words.val() == self.zero.val()) {
                    self.outcome.d.next = 0.into();
                    self.state.d.next = self.scan.val();
                }
                if (self.head_kind.val() == self.poll.val()) & (self.head_words.val() == self.zero.val()) {
                    self.outcome.d.next = 0.into();
                }
                if (self.head_kind.val() == self.speed_kind.val())
                    & (self.head_words.val() == self.one.val())
                    & ((self.wanted.val() == self.zero.val())
                        | (self.wanted.val() >= self.least_divider.val()))
                {
                    self.outcome.d.next = 0.into();
                    self.reply_words.d.next = self.two.val();
                    self.value.d.next = self.speed.q.val();
                    self.next_speed.d.next = self.wanted.val();
                }
            }
            // Also when the request comes again, at the old speed: its reply was lost.
            self.turn.d.next = 0.into();
            if (self.head_kind.val() == self.speed_kind.val()) & (self.wanted.val() != self.zero.val()) {
                self.turn.d.next = 1.into();
            }
        }
        if self.flush.val() {
            self.outcome.d.next = 0.into();
            self.reply_words.d.next = self.two.val();
            self.in_write.d.next = 0.into();
            self.in_read.d.next = 0.into();
            self.in_fetch.d.next = 0.into();
            self.in_valid.d.next = 0.into();
            self.out_write.d.next = 0.into();
            self.out_base.d.next = 0.into();
        }

        // Registers.
        self.m_axil_awaddr.next = self.address.q.val();
        self.m_axil_araddr.next = self.address.q.val();
        self.m_axil_wdata.next = self.value.q.val();
        self.m_axil_wstrb.next = self.strobes.val();
        self.m_axil_awvalid.next =
            (self.state.q.val() == self.write_both.val()) & !self.address_done.q.val().get_bit(0);
        self.m_axil_wvalid.next =
            (self.state.q.val() == self.write_both.val()) & !self.data_done.q.val().get_bit(0);
        self.m_axil_bready.next = self.state.q.val() == self.write_response.val();
        self.m_axil_arvalid.next = self.state.q.val() == self.read_address.val();
        self.m_axil_rready.next = self.state.q.val() == self.read_response.val();
        self.write_done.next = (self.m_axil_awready.val() | self.address_done.q.val().get_bit(0))
            & (self.m_axil_wready.val() | self.data_done.q.val().get_bit(0));
        if self.state.q.val() == self.write_both.val() {
            if self.m_axil_awready.val() {
                self.address_done.d.next = 1.into();
            }
            if self.m_axil_wready.val() {
                self.data_done.d.next = 1.into();
            }
            if self.write_done.val() {
                self.state.d.next = self.write_response.val();
            }
        }
        if (self.state.q.val() == self.write_response.val()) & self.m_axil_bvalid.val() {
            self.state.d.next = self.prepare.val();
            if self.m_axil_bresp.val() == self.zero.val() {
                self.outcome.d.next = 0.into();
            }
        }
        if (self.state.q.val() == self.read_address.val()) & self.m_axil_arready.val() {
            self.state.d.next = self.read_response.val();
        }
        if (self.state.q.val() == self.read_response.val()) & self.m_axil_rvalid.val() {
            self.state.d.next = self.prepare.val();
            self.value.d.next = self.m_axil_rdata.val();
            if self.m_axil_rresp.val() == self.zero.val() {
                self.outcome.d.next = 0.into();
            }
        }

        // How many words a RECEIVE takes: up to the end of a packet.
        self.scan_next.next = self.taken.q.val() + self.one.val();
        self.found.next = false;
        for i in 32..33 {
            self.found.next = self.outward.read_data[0].val().get_bit(i);
        }
        if self.state.q.val() == self.scan.val() {
            self.state.d.next = self.scan_check.val();
            if (self.taken.q.val() == self.waiting.val()) | (self.taken.q.val() == self.most.val()) {
                self.reply_words.d.next = self.scan_next.val();
                self.state.d.next = self.prepare.val();
            }
        }
        if self.state.q.val() == self.scan_check.val() {
            self.taken.d.next = self.scan_next.val();
            self.state.d.next = self.scan.val();
            if self.found.val() {
                self.reply_words.d.next = self.scan_next.val() + self.one.val();
                self.reply_last.d.next = 1.into();
                self.state.d.next = self.prepare.val();
            }
        }

        // The reply: header, state word, then what the request asked for.
        self.out_address.next = self.out_base.q.val() + self.position.q.val() - self.two.val();
        if (self.state.q.val() == self.scan.val()) | (self.state.q.val() == self.scan_check.val()) {
            self.out_address.next = self.out_base.q.val() + self.taken.q.val();
        }
        self.outward.read_address.next = self.out_address.val();
        self.irq_bit.next = self.irq.val().into();
        self.state_word.next = self.room.val()
            | (self.waiting.val() << self.waiting_at.val())
            | (self.irq_bit.val() << self.irq_at.val())
            | (self.damaged.q.val() << self.damaged_at.val());
        self.reply_header.next = self.kind.q.val()
            | self.reply_bit.val()
            | (self.sequence.q.val() << self.sequence_at.val())
            | (self.reply_words.q.val() << self.words_at.val())
            | (self.outcome.q.val() << self.outcome_at.val())
            | (self.reply_last.q.val() << self.last_at.val());
        self.reply_end.next = self.reply_words.q.val();
        if self.nak.q.val().get_bit(0) {
            self.reply_header.next = self.nak_header.val();
            self.reply_end.next = self.one.val();
        }
        self.reply_word.next = self.value.q.val();
        if self.kind.q.val() == self.receive.val() {
            self.reply_word.next = self.outward.read_data[0].val().get_bits::<32>(0);
        }
        if self.position.q.val() == self.zero.val() {
            self.reply_word.next = self.reply_header.val();
        }
        if self.position.q.val() == self.one.val() {
            self.reply_word.next = self.state_word.val();
        }
        self.encoder.clk.next = self.clk.val();
        self.encoder.rst.next = self.rst.val();
        self.offered.next = self.state.q.val() == self.offer.val();
        self.encoder.word.next = self.reply_word.val();
        self.encoder.valid.next = self.offered.val();
        self.encoder.last.next = self.position.q.val() == self.reply_end.val();
        if self.state.q.val() == self.prepare.val() {
            self.state.d.next = self.offer.val();
        }
        if self.offered.val() & self.encoder.ready.val() {
            self.position.d.next = self.position.q.val() + self.one.val();
            self.state.d.next = self.prepare.val();
            if self.position.q.val() == self.reply_end.val() {
                self.state.d.next = self.wait_request.val();
            }
        }
        self.transmitter.clk.next = self.clk.val();
        self.transmitter.rst.next = self.rst.val();
        self.transmitter.divider.next = self.speed.q.val();
        self.transmitter.data.next = self.encoder.data.val();
        self.transmitter.valid.next = self.encoder.data_valid.val();
        self.encoder.data_ready.next = self.transmitter.ready.val();
        self.txd.next = self.transmitter.txd.val();
        self.bad_frame.next = self.bad_seen.q.val().get_bit(0);

        if self.rst.val() {
            self.word_valid.d.next = 0.into();
            self.good.d.next = 0.into();
            self.spoilt.d.next = 0.into();
            self.answered.d.next = 0.into();
            self.state.d.next = self.wait_request.val();
            self.in_write.d.next = 0.into();
            self.in_read.d.next = 0.into();
            self.in_fetch.d.next = 0.into();
            self.in_valid.d.next = 0.into();
            self.out_write.d.next = 0.into();
            self.out_base.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.damaged.d.next = 0.into();
            self.bad_seen.d.next = 0.into();
            self.speed.d.next = self.divider.val();
            self.turn.d.next = 0.into();
            self.lost.d.next = 0.into();
        }
    }
}
