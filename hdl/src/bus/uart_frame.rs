//! Frames on a byte stream, both ways: delimiters, escapes, words and CRC of `contract::uart`.

use spikegate_contract::uart::{
    CRC_POLYNOMIAL, CRC_RESIDUE, CRC_START, END, ESC, ESC_END, ESC_ESC, MAX_WORDS,
};

use crate::lang::*;

/// Takes frames apart. Words come out as they arrive, the CRC as the last of them; whether they count is known at the
/// end of the frame.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | data | in | 8 | byte |
/// | valid | in | 1 | a byte has come |
/// | bad | in | 1 | with `valid`: it is damaged |
/// | word | out | 32 | word |
/// | index | out | 10 | its number in the frame, 0 is the header |
/// | word_valid | out | 1 | one cycle: a word is complete |
/// | words | out | 10 | words of the frame, with header and CRC |
/// | good | out | 1 | one cycle: the frame has ended and its CRC is right |
/// | damaged | out | 1 | one cycle: a frame has ended and is none |
#[derive(LogicBlock)]
pub struct FrameDecoder {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub data: Sig<In>,
    pub valid: Signal<In, Bit>,
    pub bad: Signal<In, Bit>,
    pub word: Sig<Out>,
    pub index: Sig<Out>,
    pub word_valid: Signal<Out, Bit>,
    pub words: Sig<Out>,
    pub good: Signal<Out, Bit>,
    pub damaged: Signal<Out, Bit>,
    escaped: Dff,
    spoilt: Dff,
    byte: Dff,
    count: Dff,
    held: Dff,
    crc: Dff,
    step: Vec<Sig<Local>>,
    is_end: Signal<Local, Bit>,
    is_escape: Signal<Local, Bit>,
    plain: Sig<Local>,
    known: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    assembled: Sig<Local>,
    started: Signal<Local, Bit>,
    whole: Signal<Local, Bit>,
    end: Const,
    escape: Const,
    escaped_end: Const,
    escaped_escape: Const,
    start: Const,
    polynomial: Const,
    residue: Const,
    most: Const,
    zero: Const,
    one: Const,
    two: Const,
    three: Const,
    eight: Const,
    high: Const,
}

impl FrameDecoder {
    /// A decoder.
    pub fn new() -> Self {
        let byte = |v: u8| Const::new(u(8), i64::from(v));
        let word = |v: u32| Const::new(u(32), i64::from(v));
        Self {
            doc: doc!("uart_frame.rs", FrameDecoder),
            clk: Default::default(),
            rst: Default::default(),
            data: Sig::new(u(8)),
            valid: Default::default(),
            bad: Default::default(),
            word: Sig::new(u(32)),
            index: Sig::new(u(10)),
            word_valid: Default::default(),
            words: Sig::new(u(10)),
            good: Default::default(),
            damaged: Default::default(),
            escaped: Dff::new(u(1)),
            spoilt: Dff::new(u(1)),
            byte: Dff::new(u(2)),
            count: Dff::new(u(10)),
            held: Dff::new(u(32)),
            crc: Dff::new(u(32)),
            step: (0..9).map(|_| Sig::new(u(32))).collect(),
            is_end: Default::default(),
            is_escape: Default::default(),
            plain: Sig::new(u(8)),
            known: Default::default(),
            take: Default::default(),
            assembled: Sig::new(u(32)),
            started: Default::default(),
            whole: Default::default(),
            end: byte(END),
            escape: byte(ESC),
            escaped_end: byte(ESC_END),
            escaped_escape: byte(ESC_ESC),
            start: word(CRC_START),
            polynomial: word(CRC_POLYNOMIAL),
            residue: word(CRC_RESIDUE),
            // Header and CRC, and the payload of a full frame.
            most: Const::new(u(10), MAX_WORDS as i64 + 2),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            two: Const::new(u(2), 2),
            three: Const::new(u(2), 3),
            eight: Const::new(u(4), 8),
            high: Const::new(u(5), 24),
        }
    }
}

impl Default for FrameDecoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for FrameDecoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, escaped, spoilt, byte, count, held, crc);
        self.is_end.next = self.valid.val() & (self.data.val() == self.end.val());
        self.is_escape.next = self.valid.val() & (self.data.val() == self.escape.val());
        self.plain.next = self.data.val();
        self.known.next = true;
        if self.escaped.q.val().get_bit(0) {
            self.known.next =
                (self.data.val() == self.escaped_end.val()) | (self.data.val() == self.escaped_escape.val());
            self.plain.next = self.escape.val();
            if self.data.val() == self.escaped_end.val() {
                self.plain.next = self.end.val();
            }
        }
        self.take.next = self.valid.val() & !self.is_end.val() & !self.is_escape.val();

        // CRC over the byte, bit by bit.
        self.step[0].next = self.crc.q.val() ^ self.plain.val();
        for i in 0..8 {
            self.step[i + 1].next = self.step[i].val() >> self.one.val();
            if self.step[i].val().get_bit(0) {
                self.step[i + 1].next = (self.step[i].val() >> self.one.val()) ^ self.polynomial.val();
            }
        }

        // Bytes come in from above, so the first is lowest in the end.
        self.assembled.next = (self.held.q.val() >> self.eight.val()) | (self.plain.val() << self.high.val());
        self.word.next = self.assembled.val();
        self.index.next = self.count.q.val();
        self.words.next = self.count.q.val();
        self.word_valid.next = false;
        if self.take.val() {
            self.held.d.next = self.assembled.val();
            self.byte.d.next = self.byte.q.val() + self.one.val();
            for i in 8..9 {
                self.crc.d.next = self.step[i].val();
            }
            if self.byte.q.val() == self.three.val() {
                self.word_valid.next = true;
                self.count.d.next = self.count.q.val() + self.one.val();
                if self.count.q.val() == self.most.val() {
                    self.word_valid.next = false;
                    self.count.d.next = self.count.q.val();
                    self.spoilt.d.next = 1.into();
                }
            }
            if !self.known.val() {
                self.spoilt.d.next = 1.into();
            }
        }
        if self.valid.val() {
            self.escaped.d.next = 0.into();
            if self.bad.val() {
                self.spoilt.d.next = 1.into();
            }
        }
        if self.is_escape.val() {
            self.escaped.d.next = 1.into();
            if self.escaped.q.val().get_bit(0) {
                self.spoilt.d.next = 1.into();
            }
        }

        // Delimiters with nothing between them are no frame.
        self.started.next = (self.count.q.val() != self.zero.val())
            | (self.byte.q.val() != self.zero.val())
            | self.escaped.q.val().get_bit(0)
            | self.spoilt.q.val().get_bit(0);
        self.whole.next = (self.count.q.val() >= self.two.val())
            & (self.byte.q.val() == self.zero.val())
            & !self.escaped.q.val().get_bit(0)
            & !self.spoilt.q.val().get_bit(0)
            & !self.bad.val()
            & (self.crc.q.val() == self.residue.val());
        self.good.next = self.is_end.val() & self.whole.val();
        self.damaged.next = self.is_end.val() & self.started.val() & !self.whole.val();
        if self.is_end.val() {
            self.spoilt.d.next = 0.into();
            self.byte.d.next = 0.into();
            self.count.d.next = 0.into();
            self.crc.d.next = self.start.val();
        }
        if self.rst.val() {
            self.escaped.d.next = 0.into();
            self.spoilt.d.next = 0.into();
            self.byte.d.next = 0.into();
            self.count.d.next = 0.into();
            self.crc.d.next = self.start.val();
        }
    }
}

/// Makes frames of words.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | word | in | 32 | header or payload |
/// | last | in | 1 | it is the frame's last before the CRC |
/// | valid | in | 1 | a word is on offer |
/// | ready | out | 1 | it is taken in this cycle |
/// | data | out | 8 | byte |
/// | data_valid | out | 1 | a byte is on offer |
/// | data_ready | in | 1 | it is taken in this cycle |
/// | idle | out | 1 | no frame is under way |
#[derive(LogicBlock)]
pub struct FrameEncoder {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub word: Sig<In>,
    pub last: Signal<In, Bit>,
    pub valid: Signal<In, Bit>,
    pub ready: Signal<Out, Bit>,
    pub data: Sig<Out>,
    pub data_valid: Signal<Out, Bit>,
    pub data_ready: Signal<In, Bit>,
    pub idle: Signal<Out, Bit>,
    state: Dff,
    held: Dff,
    byte: Dff,
    escaped: Dff,
    is_last: Dff,
    is_crc: Dff,
    crc: Dff,
    step: Vec<Sig<Local>>,
    plain: Sig<Local>,
    special: Signal<Local, Bit>,
    sending: Signal<Local, Bit>,
    sent: Signal<Local, Bit>,
    head: Const,
    load: Const,
    bytes: Const,
    tail: Const,
    end: Const,
    escape: Const,
    escaped_end: Const,
    escaped_escape: Const,
    start: Const,
    polynomial: Const,
    one: Const,
    three: Const,
    eight: Const,
}

impl FrameEncoder {
    /// An encoder.
    pub fn new() -> Self {
        let byte = |v: u8| Const::new(u(8), i64::from(v));
        let word = |v: u32| Const::new(u(32), i64::from(v));
        let state = |v: i64| Const::new(u(2), v);
        Self {
            doc: doc!("uart_frame.rs", FrameEncoder),
            clk: Default::default(),
            rst: Default::default(),
            word: Sig::new(u(32)),
            last: Default::default(),
            valid: Default::default(),
            ready: Default::default(),
            data: Sig::new(u(8)),
            data_valid: Default::default(),
            data_ready: Default::default(),
            idle: Default::default(),
            state: Dff::new(u(2)),
            held: Dff::new(u(32)),
            byte: Dff::new(u(2)),
            escaped: Dff::new(u(1)),
            is_last: Dff::new(u(1)),
            is_crc: Dff::new(u(1)),
            crc: Dff::new(u(32)),
            step: (0..9).map(|_| Sig::new(u(32))).collect(),
            plain: Sig::new(u(8)),
            special: Default::default(),
            sending: Default::default(),
            sent: Default::default(),
            head: state(0),
            load: state(1),
            bytes: state(2),
            tail: state(3),
            end: byte(END),
            escape: byte(ESC),
            escaped_end: byte(ESC_END),
            escaped_escape: byte(ESC_ESC),
            start: word(CRC_START),
            polynomial: word(CRC_POLYNOMIAL),
            one: Const::new(u(1), 1),
            three: Const::new(u(2), 3),
            eight: Const::new(u(4), 8),
        }
    }
}

impl Default for FrameEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for FrameEncoder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state, held, byte, escaped, is_last, is_crc, crc);
        self.plain.next = self.held.q.val().get_bits::<8>(0);
        self.step[0].next = self.crc.q.val() ^ self.plain.val();
        for i in 0..8 {
            self.step[i + 1].next = self.step[i].val() >> self.one.val();
            if self.step[i].val().get_bit(0) {
                self.step[i + 1].next = (self.step[i].val() >> self.one.val()) ^ self.polynomial.val();
            }
        }
        self.special.next = (self.plain.val() == self.end.val()) | (self.plain.val() == self.escape.val());
        self.sending.next = self.state.q.val() == self.bytes.val();
        // The byte itself, whole or as the second half of an escape.
        self.sent.next = self.sending.val()
            & self.data_ready.val()
            & (!self.special.val() | self.escaped.q.val().get_bit(0));

        self.data.next = self.end.val();
        if self.sending.val() {
            self.data.next = self.plain.val();
            if self.special.val() {
                self.data.next = self.escape.val();
                if self.escaped.q.val().get_bit(0) {
                    self.data.next = self.escaped_escape.val();
                    if self.plain.val() == self.end.val() {
                        self.data.next = self.escaped_end.val();
                    }
                }
            }
        }
        self.data_valid.next = self.sending.val()
            | (self.state.q.val() == self.tail.val())
            | ((self.state.q.val() == self.head.val()) & self.valid.val());
        self.idle.next = self.state.q.val() == self.head.val();
        self.ready.next = self.state.q.val() == self.load.val();

        if self.state.q.val() == self.head.val() {
            self.crc.d.next = self.start.val();
            self.is_crc.d.next = 0.into();
            self.escaped.d.next = 0.into();
            if self.valid.val() & self.data_ready.val() {
                self.state.d.next = self.load.val();
            }
        }
        if (self.state.q.val() == self.load.val()) & self.valid.val() {
            self.held.d.next = self.word.val();
            self.is_last.d.next = self.last.val().into();
            self.byte.d.next = 0.into();
            self.state.d.next = self.bytes.val();
        }
        if self.sending.val() & self.data_ready.val() & self.special.val() {
            self.escaped.d.next = !self.escaped.q.val();
        }
        if self.sent.val() {
            self.held.d.next = self.held.q.val() >> self.eight.val();
            self.byte.d.next = self.byte.q.val() + self.one.val();
            for i in 8..9 {
                self.crc.d.next = self.step[i].val();
            }
            if self.byte.q.val() == self.three.val() {
                self.state.d.next = self.load.val();
                if self.is_last.q.val().get_bit(0) {
                    for i in 8..9 {
                        self.held.d.next = !self.step[i].val();
                    }
                    self.is_crc.d.next = 1.into();
                    self.state.d.next = self.bytes.val();
                }
                if self.is_crc.q.val().get_bit(0) {
                    self.state.d.next = self.tail.val();
                }
            }
        }
        if (self.state.q.val() == self.tail.val()) & self.data_ready.val() {
            self.state.d.next = self.head.val();
        }
        if self.rst.val() {
            self.state.d.next = self.head.val();
        }
    }
}
