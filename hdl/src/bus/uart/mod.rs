//! The bridge from a serial line to the core's registers and streams: requests and replies of `contract::uart`.

mod kernel;

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
            doc: doc!("mod.rs", UartBridge),
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
