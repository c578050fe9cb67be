//! The bridge from a serial line to the core's registers and streams: requests and replies of `contract::uart`.

use spikegate_contract::uart::{
    payload_words, BUFFER_WORDS, DAMAGED, FLUSH, IRQ, KIND, LAST, LEAST_DIVIDER, LOST, MAX_WORDS, NAK,
    OUTCOME, OUTCOME_BUS, OUTCOME_FULL, OUTCOME_UNKNOWN, POLL, READ, RECEIVE, REPLY, ROOM, SEND, SEQUENCE,
    SPEED, WAITING, WORDS, WRITE,
};

use super::uart_frame::{FrameDecoder, FrameEncoder};
use super::uart_line::{UartReceiver, UartTransmitter};
use crate::lang::*;

// Kernels slice at literals: the fields' places stand here once more, and this does not compile when they move.
const _: () = {
    assert!(KIND.low == 0 && KIND.width == 8 && SEQUENCE.low == 8 && SEQUENCE.width == 8);
    assert!(WORDS.low == 16 && WORDS.width == 9 && LAST.low == 31);
    assert!(BUFFER_WORDS == 512 && ROOM.width == 10 && WAITING.width == 10 && DAMAGED.width == 8);
};

/// UART bridge. A frame's stream words are written behind those that wait as they arrive, and count once the frame
/// proves good. A reply is kept until the next request and sent again when its request comes again.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | divider | in | 16 | clock cycles of a bit on the line until a request changes them, 4 or more |
/// | rxd, txd | in, out | 1 | line from the host; line to the host |
/// | m_axil_* | | | AXI4-Lite master: registers of `contract::csr` |
/// | m_axis_* | | | AXI4-Stream master, 32 bits: to the core |
/// | s_axis_* | | | AXI4-Stream slave, 32 bits: from the core |
/// | irq | in | 1 | the core's interrupt, shown in the state word |
/// | bad_frame | out | 1 | a damaged frame has come since the reset |
#[derive(LogicBlock)]
pub struct UartBridge {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub divider: Sig<In>,
    pub rxd: Signal<In, Bit>,
    pub txd: Signal<Out, Bit>,
    pub m_axil_awaddr: Sig<Out>,
    pub m_axil_awvalid: Signal<Out, Bit>,
    pub m_axil_awready: Signal<In, Bit>,
    pub m_axil_wdata: Sig<Out>,
    pub m_axil_wstrb: Sig<Out>,
    pub m_axil_wvalid: Signal<Out, Bit>,
    pub m_axil_wready: Signal<In, Bit>,
    pub m_axil_bresp: Sig<In>,
    pub m_axil_bvalid: Signal<In, Bit>,
    pub m_axil_bready: Signal<Out, Bit>,
    pub m_axil_araddr: Sig<Out>,
    pub m_axil_arvalid: Signal<Out, Bit>,
    pub m_axil_arready: Signal<In, Bit>,
    pub m_axil_rdata: Sig<In>,
    pub m_axil_rresp: Sig<In>,
    pub m_axil_rvalid: Signal<In, Bit>,
    pub m_axil_rready: Signal<Out, Bit>,
    pub m_axis_tdata: Sig<Out>,
    pub m_axis_tvalid: Signal<Out, Bit>,
    pub m_axis_tlast: Signal<Out, Bit>,
    pub m_axis_tready: Signal<In, Bit>,
    pub s_axis_tdata: Sig<In>,
    pub s_axis_tvalid: Signal<In, Bit>,
    pub s_axis_tlast: Signal<In, Bit>,
    pub s_axis_tready: Signal<Out, Bit>,
    pub irq: Signal<In, Bit>,
    pub bad_frame: Signal<Out, Bit>,
    receiver: UartReceiver,
    transmitter: UartTransmitter,
    decoder: FrameDecoder,
    encoder: FrameEncoder,
    /// Words to the core and from it, each with the end of a packet above it.
    inward: Ram,
    outward: Ram,
    // What the decoder says, a cycle later: its CRC and what follows from a frame's end are too much for one cycle.
    word: Dff,
    index: Dff,
    words: Dff,
    word_valid: Dff,
    good: Dff,
    spoilt: Dff,
    // The frame that is arriving.
    header: Dff,
    first: Dff,
    second: Dff,
    overrun: Dff,
    // The last request and its reply.
    sequence: Dff,
    answered: Dff,
    kind: Dff,
    address: Dff,
    value: Dff,
    outcome: Dff,
    reply_words: Dff,
    reply_last: Dff,
    nak: Dff,
    state: Dff,
    position: Dff,
    address_done: Dff,
    data_done: Dff,
    // Words to the core.
    in_write: Dff,
    in_read: Dff,
    in_fetch: Dff,
    in_valid: Dff,
    in_word: Dff,
    // Words from the core; those of the last reply leave with the next request.
    out_write: Dff,
    out_base: Dff,
    taken: Dff,
    damaged: Dff,
    bad_seen: Dff,
    // Cycles of a bit now, and those that come with the end of the reply.
    speed: Dff,
    next_speed: Dff,
    turn: Dff,
    lost: Dff,
    in_used: Sig<Local>,
    room: Sig<Local>,
    waiting: Sig<Local>,
    head_kind: Sig<Local>,
    head_sequence: Sig<Local>,
    head_words: Sig<Local>,
    payload: Sig<Local>,
    payload_index: Sig<Local>,
    store: Signal<Local, Bit>,
    suits: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    refuse: Signal<Local, Bit>,
    again: Signal<Local, Bit>,
    flush: Signal<Local, Bit>,
    wanted: Sig<Local>,
    quiet: Signal<Local, Bit>,
    idle: Signal<Local, Bit>,
    offered: Signal<Local, Bit>,
    last_bit: Sig<Local>,
    core_last: Sig<Local>,
    upper: Sig<Local>,
    out_address: Sig<Local>,
    state_word: Sig<Local>,
    reply_header: Sig<Local>,
    reply_word: Sig<Local>,
    reply_end: Sig<Local>,
    irq_bit: Sig<Local>,
    write_done: Signal<Local, Bit>,
    found: Signal<Local, Bit>,
    scan_next: Sig<Local>,
    depth: Const,
    most: Const,
    full: Const,
    bus: Const,
    unknown: Const,
    read: Const,
    write: Const,
    send: Const,
    receive: Const,
    poll: Const,
    flush_kind: Const,
    speed_kind: Const,
    least_divider: Const,
    most_lost: Const,
    reply_bit: Const,
    nak_header: Const,
    sequence_at: Const,
    words_at: Const,
    outcome_at: Const,
    last_at: Const,
    waiting_at: Const,
    irq_at: Const,
    damaged_at: Const,
    word_bits: Const,
    wait_request: Const,
    write_both: Const,
    write_response: Const,
    read_address: Const,
    read_response: Const,
    scan: Const,
    scan_check: Const,
    prepare: Const,
    offer: Const,
    strobes: Const,
    zero: Const,
    one: Const,
    two: Const,
    eight: Const,
}

/// Payload words of a request; every kind here is in the table.
const fn words_of(kind: u8) -> i64 {
    match payload_words(kind) {
        Some((_, most)) => most as i64,
        None => 0,
    }
}

// What the kernel below takes a request of each kind to have.
const _: () = {
    assert!(words_of(READ) == 1 && words_of(WRITE) == 2 && words_of(FLUSH) == 1 && words_of(SPEED) == 1);
    assert!(words_of(SEND) == MAX_WORDS as i64 && words_of(RECEIVE) == 0 && words_of(POLL) == 0);
};

impl UartBridge {
    /// A bridge.
    pub fn new() -> Self {
        let bit = || Dff::new(u(1));
        let word = || Dff::new(u(32));
        let pointer = || Dff::new(u(10));
        let kind = |v: u8| Const::new(u(8), i64::from(v));
        let state = |v: i64| Const::new(u(4), v);
        let outcome = |v: u32| Const::new(u(3), i64::from(v));
        let place = |v: usize| Const::new(u(6), v as i64);
        Self {
            doc: doc!("uart.rs", UartBridge),
            clk: Default::default(),
            rst: Default::default(),
            divider: Sig::new(u(16)),
            rxd: Default::default(),
            txd: Default::default(),
            m_axil_awaddr: Sig::new(u(8)),
            m_axil_awvalid: Default::default(),
            m_axil_awready: Default::default(),
            m_axil_wdata: Sig::new(u(32)),
            m_axil_wstrb: Sig::new(u(4)),
            m_axil_wvalid: Default::default(),
            m_axil_wready: Default::default(),
            m_axil_bresp: Sig::new(u(2)),
            m_axil_bvalid: Default::default(),
            m_axil_bready: Default::default(),
            m_axil_araddr: Sig::new(u(8)),
            m_axil_arvalid: Default::default(),
            m_axil_arready: Default::default(),
            m_axil_rdata: Sig::new(u(32)),
            m_axil_rresp: Sig::new(u(2)),
            m_axil_rvalid: Default::default(),
            m_axil_rready: Default::default(),
            m_axis_tdata: Sig::new(u(32)),
            m_axis_tvalid: Default::default(),
            m_axis_tlast: Default::default(),
            m_axis_tready: Default::default(),
            s_axis_tdata: Sig::new(u(32)),
            s_axis_tvalid: Default::default(),
            s_axis_tlast: Default::default(),
            s_axis_tready: Default::default(),
            irq: Default::default(),
            bad_frame: Default::default(),
            receiver: UartReceiver::new(),
            transmitter: UartTransmitter::new(),
            decoder: FrameDecoder::new(),
            encoder: FrameEncoder::new(),
            inward: Ram::new(1, u(33), BUFFER_WORDS),
            outward: Ram::new(1, u(33), BUFFER_WORDS),
            word: word(),
            index: pointer(),
            words: pointer(),
            word_valid: bit(),
            good: bit(),
            spoilt: bit(),
            header: word(),
            first: word(),
            second: word(),
            overrun: bit(),
            sequence: Dff::new(u(8)),
            answered: bit(),
            kind: Dff::new(u(8)),
            address: Dff::new(u(8)),
            value: word(),
            outcome: Dff::new(u(3)),
            reply_words: Dff::new(u(9)),
            reply_last: bit(),
            nak: bit(),
            state: Dff::new(u(4)),
            position: Dff::new(u(9)),
            address_done: bit(),
            data_done: bit(),
            in_write: pointer(),
            in_read: pointer(),
            in_fetch: bit(),
            in_valid: bit(),
            in_word: Dff::new(u(33)),
            out_write: pointer(),
            out_base: pointer(),
            taken: Dff::new(u(9)),
            damaged: Dff::new(u(8)),
            bad_seen: bit(),
            speed: Dff::new(u(16)),
            next_speed: Dff::new(u(16)),
            turn: bit(),
            lost: Dff::new(u(4)),
            in_used: Sig::new(u(10)),
            room: Sig::new(u(10)),
            waiting: Sig::new(u(10)),
            head_kind: Sig::new(u(8)),
            head_sequence: Sig::new(u(8)),
            head_words: Sig::new(u(9)),
            payload: Sig::new(u(10)),
            payload_index: Sig::new(u(10)),
            store: Default::default(),
            suits: Default::default(),
            accept: Default::default(),
            refuse: Default::default(),
            again: Default::default(),
            flush: Default::default(),
            wanted: Sig::new(u(16)),
            quiet: Default::default(),
            idle: Default::default(),
            offered: Default::default(),
            last_bit: Sig::new(u(1)),
            core_last: Sig::new(u(1)),
            upper: Sig::new(u(24)),
            out_address: Sig::new(u(10)),
            state_word: Sig::new(u(32)),
            reply_header: Sig::new(u(32)),
            reply_word: Sig::new(u(32)),
            reply_end: Sig::new(u(9)),
            irq_bit: Sig::new(u(1)),
            write_done: Default::default(),
            found: Default::default(),
            scan_next: Sig::new(u(9)),
            depth: Const::new(u(10), BUFFER_WORDS as i64),
            most: Const::new(u(9), MAX_WORDS as i64),
            full: outcome(OUTCOME_FULL),
            bus: outcome(OUTCOME_BUS),
            unknown: outcome(OUTCOME_UNKNOWN),
            read: kind(READ),
            write: kind(WRITE),
            send: kind(SEND),
            receive: kind(RECEIVE),
            poll: kind(POLL),
            flush_kind: kind(FLUSH),
            speed_kind: kind(SPEED),
            least_divider: Const::new(u(16), i64::from(LEAST_DIVIDER)),
            most_lost: Const::new(u(4), i64::from(LOST) - 1),
            reply_bit: kind(REPLY),
            nak_header: Const::new(u(32), i64::from(KIND.put(NAK.into()) | WORDS.put(1))),
            sequence_at: place(SEQUENCE.low),
            words_at: place(WORDS.low),
            outcome_at: place(OUTCOME.low),
            last_at: place(LAST.low),
            waiting_at: place(WAITING.low),
            irq_at: place(IRQ.low),
            damaged_at: place(DAMAGED.low),
            word_bits: place(32),
            wait_request: state(0),
            write_both: state(1),
            write_response: state(2),
            read_address: state(3),
            read_response: state(4),
            scan: state(5),
            scan_check: state(6),
            prepare: state(7),
            offer: state(8),
            strobes: Const::new(u(4), 15),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            two: Const::new(u(2), 2),
            eight: Const::new(u(4), 8),
        }
    }
}

impl Default for UartBridge {
    fn default() -> Self {
        Self::new()
    }
}

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
