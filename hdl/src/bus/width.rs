//! Between the core's streams of one 32-bit word and wider ones.

use crate::lang::*;

/// Takes beats of several words apart. Words without `keep` are left out; those with it are the lowest of their beat.
/// A beat of n words takes n + 1 cycles.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | wide_i | in | 32 | words of a beat, the lowest first |
/// | wide_keep | in | words | which of them there are |
/// | wide_valid, wide_last, wide_ready | in, in, out | 1 | beat on offer; it ends a packet; it is taken |
/// | word | out | 32 | word |
/// | valid, last, ready | out, out, in | 1 | word on offer; it ends a packet; it is taken |
#[derive(LogicBlock)]
pub struct StreamNarrow {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub wide: Vec<Sig<In>>,
    pub wide_keep: Sig<In>,
    pub wide_valid: Signal<In, Bit>,
    pub wide_last: Signal<In, Bit>,
    pub wide_ready: Signal<Out, Bit>,
    pub word: Sig<Out>,
    pub valid: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    pub ready: Signal<In, Bit>,
    held: Vec<Dff>,
    keep: Dff,
    ends: Dff,
    more: Sig<Local>,
    some: Signal<Local, Bit>,
    one: Const,
    zero: Const,
    _words: usize,
    _below: usize,
}

impl StreamNarrow {
    /// From beats of `words` words, 2 to 16.
    pub fn new(words: usize) -> Self {
        assert!((2..=16).contains(&words), "{words} words a beat");
        Self {
            doc: doc!("width.rs", StreamNarrow),
            clk: Default::default(),
            rst: Default::default(),
            wide: (0..words).map(|_| Sig::new(u(32))).collect(),
            wide_keep: Sig::new(u(words)),
            wide_valid: Default::default(),
            wide_last: Default::default(),
            wide_ready: Default::default(),
            word: Sig::new(u(32)),
            valid: Default::default(),
            last: Default::default(),
            ready: Default::default(),
            held: (0..words).map(|_| Dff::new(u(32))).collect(),
            keep: Dff::new(u(words)),
            ends: Dff::new(u(1)),
            more: Sig::new(u(words)),
            some: Default::default(),
            one: Const::new(u(1), 1),
            zero: Const::new(u(1), 0),
            _words: words,
            _below: words - 1,
        }
    }
}

impl Logic for StreamNarrow {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, keep, ends);
        self.some.next = self.keep.q.val() != self.zero.val();
        self.more.next = self.keep.q.val() >> self.one.val();
        self.wide_ready.next = !self.some.val();
        self.valid.next = self.some.val();
        self.last.next = self.ends.q.val().get_bit(0) & (self.more.val() == self.zero.val());
        self.word.next = 0.into();
        for i in 0..1 {
            self.word.next = self.held[i].q.val();
        }
        for i in 0..self._words {
            self.held[i].clock.next = self.clk.val();
            self.held[i].d.next = self.held[i].q.val();
            if self.wide_valid.val() & !self.some.val() {
                self.held[i].d.next = self.wide[i].val();
            }
        }
        if self.some.val() {
            if self.ready.val() {
                self.keep.d.next = self.more.val();
                for i in 0..self._below {
                    self.held[i].d.next = self.held[i + 1].q.val();
                }
            }
        } else {
            if self.wide_valid.val() {
                self.keep.d.next = self.wide_keep.val();
                self.ends.d.next = self.wide_last.val().into();
            }
        }
        if self.rst.val() {
            self.keep.d.next = 0.into();
        }
    }
}

/// Joins words to beats; a beat goes when it is full or its packet ends. A beat of n words takes n + 1 cycles.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | word | in | 32 | word |
/// | valid, last, ready | in, in, out | 1 | word on offer; it ends a packet; it is taken |
/// | wide_i | out | 32 | words of a beat, the lowest first |
/// | wide_keep | out | words | which of them there are |
/// | wide_valid, wide_last, wide_ready | out, out, in | 1 | beat on offer; it ends a packet; it is taken |
#[derive(LogicBlock)]
pub struct StreamWiden {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub word: Sig<In>,
    pub valid: Signal<In, Bit>,
    pub last: Signal<In, Bit>,
    pub ready: Signal<Out, Bit>,
    pub wide: Vec<Sig<Out>>,
    pub wide_keep: Sig<Out>,
    pub wide_valid: Signal<Out, Bit>,
    pub wide_last: Signal<Out, Bit>,
    pub wide_ready: Signal<In, Bit>,
    held: Vec<Dff>,
    keep: Dff,
    full: Dff,
    ends: Dff,
    take: Signal<Local, Bit>,
    kept: Vec<Signal<Local, Bit>>,
    here: Vec<Signal<Local, Bit>>,
    one: Const,
    _words: usize,
    _below: usize,
}

impl StreamWiden {
    /// To beats of `words` words, 2 to 16.
    pub fn new(words: usize) -> Self {
        assert!((2..=16).contains(&words), "{words} words a beat");
        Self {
            doc: doc!("width.rs", StreamWiden),
            clk: Default::default(),
            rst: Default::default(),
            word: Sig::new(u(32)),
            valid: Default::default(),
            last: Default::default(),
            ready: Default::default(),
            wide: (0..words).map(|_| Sig::new(u(32))).collect(),
            wide_keep: Sig::new(u(words)),
            wide_valid: Default::default(),
            wide_last: Default::default(),
            wide_ready: Default::default(),
            held: (0..words).map(|_| Dff::new(u(32))).collect(),
            keep: Dff::new(u(words)),
            full: Dff::new(u(1)),
            ends: Dff::new(u(1)),
            take: Default::default(),
            kept: vec![Default::default(); words],
            here: vec![Default::default(); words],
            one: Const::new(u(1), 1),
            _words: words,
            _below: words - 1,
        }
    }
}

impl Logic for StreamWiden {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, keep, full, ends);
        self.ready.next = !self.full.q.val().get_bit(0);
        self.take.next = self.valid.val() & !self.full.q.val().get_bit(0);
        self.wide_valid.next = self.full.q.val().get_bit(0);
        self.wide_last.next = self.ends.q.val().get_bit(0);
        self.wide_keep.next = self.keep.q.val();
        // The lowest place that is free.
        for i in 0..self._words {
            self.kept[i].next = self.keep.q.val().get_bit(i);
        }
        for i in 0..1 {
            self.here[i].next = !self.kept[i].val();
        }
        for i in 0..self._below {
            self.here[i + 1].next = self.kept[i].val() & !self.kept[i + 1].val();
        }
        for i in 0..self._words {
            self.held[i].clock.next = self.clk.val();
            self.held[i].d.next = self.held[i].q.val();
            if self.take.val() & self.here[i].val() {
                self.held[i].d.next = self.word.val();
            }
            self.wide[i].next = self.held[i].q.val();
        }
        if self.take.val() {
            self.keep.d.next = (self.keep.q.val() << self.one.val()) | self.one.val();
            self.ends.d.next = self.last.val().into();
            if self.last.val() {
                self.full.d.next = 1.into();
            }
            for i in self._below..self._words {
                if self.here[i].val() {
                    self.full.d.next = 1.into();
                }
            }
        }
        if self.full.q.val().get_bit(0) & self.wide_ready.val() {
            self.full.d.next = 0.into();
            self.keep.d.next = 0.into();
        }
        if self.rst.val() {
            self.full.d.next = 0.into();
            self.keep.d.next = 0.into();
        }
    }
}
