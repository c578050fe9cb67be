//! Sum and maximum of X, the inputs of temporal attention.

use crate::lang::*;

/// Sum (s40, exact for up to 2^24 values) and maximum over the channels that exist.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | clear | in | 1 | start again: sum 0, maximum -32768; nothing may be in flight |
/// | valid | in | 1 | the values below count, stage X |
/// | y_r | in | 16 | one value per post lane |
/// | real_r | in | 1 | the value's channel exists |
/// | sum, max | out | 40, 16 | three cycles behind |
#[derive(LogicBlock)]
pub struct Statistics {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub valid: Signal<In, Bit>,
    pub y: Vec<Sig<In>>,
    pub real: Vec<Signal<In, Bit>>,
    pub sum: Sig<Out>,
    pub max: Sig<Out>,
    y_held: Vec<Dff>,
    counts: Vec<Dff>,
    partial: Vec<Sig<Local>>,
    largest: Vec<Sig<Local>>,
    partial_held: Dff,
    largest_held: Dff,
    sum_held: Dff,
    max_held: Dff,
    min16: Const,
    _posts: usize,
    _end: usize,
}

impl Statistics {
    /// Statistics over `posts` values a cycle.
    pub fn new(posts: usize) -> Self {
        Self {
            doc: doc!("statistics.rs", Statistics),
            clk: Default::default(),
            clear: Default::default(),
            valid: Default::default(),
            y: (0..posts).map(|_| Sig::new(s(16))).collect(),
            real: vec![Default::default(); posts],
            sum: Sig::new(s(40)),
            max: Sig::new(s(16)),
            y_held: (0..posts).map(|_| Dff::new(s(16))).collect(),
            counts: (0..posts).map(|_| Dff::new(u(1))).collect(),
            partial: (0..posts + 1).map(|_| Sig::new(s(19))).collect(),
            largest: (0..posts + 1).map(|_| Sig::new(s(16))).collect(),
            partial_held: Dff::new(s(19)),
            largest_held: Dff::new(s(16)),
            sum_held: Dff::new(s(40)),
            max_held: Dff::new(s(16)),
            min16: Const::new(s(16), -32768),
            _posts: posts,
            _end: posts + 1,
        }
    }
}

impl Logic for Statistics {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, partial_held, largest_held, sum_held, max_held);
        self.partial[0].next = 0.into();
        self.largest[0].next = self.min16.val();
        for r in 0..self._posts {
            self.partial[r + 1].next = self.partial[r].val();
            self.largest[r + 1].next = self.largest[r].val();
            self.y_held[r].clock.next = self.clk.val();
            self.y_held[r].d.next = self.y[r].val();
            self.counts[r].clock.next = self.clk.val();
            self.counts[r].d.next = (self.valid.val() & self.real[r].val()).into();
            if self.counts[r].q.val().get_bit(0) {
                self.partial[r + 1].next = self.partial[r].val() + self.y_held[r].q.val();
                if self.y_held[r].q.val() > self.largest[r].val() {
                    self.largest[r + 1].next = self.y_held[r].q.val();
                }
            }
        }
        for r in self._posts..self._end {
            self.partial_held.d.next = self.partial[r].val();
            self.largest_held.d.next = self.largest[r].val();
        }
        self.sum_held.d.next = self.sum_held.q.val() + self.partial_held.q.val();
        if self.largest_held.q.val() > self.max_held.q.val() {
            self.max_held.d.next = self.largest_held.q.val();
        }
        if self.clear.val() {
            self.sum_held.d.next = 0.into();
            self.max_held.d.next = self.min16.val();
        }
        self.sum.next = self.sum_held.q.val();
        self.max.next = self.max_held.q.val();
    }
}
