//! Keeps the logits and the class.

use crate::lang::*;
use crate::parts::guard::Guard;

/// Result memory and running argmax; ties go to the lowest index.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; start again |
/// | valid, logit, index | in | 1, 32, 12 | a logit; they come in order of index |
/// | classes | in | 12 | logits from this index on are padding and ignored |
/// | class | out | 12 | lowest index of the largest logit so far |
/// | read_address, read_data | in, out | 12, 32 | one cycle later |
/// | used | in | 1 | with parity: `read_data` counts |
/// | wrong | out | 1 | with parity: it has flipped, a cycle later |
#[derive(LogicBlock)]
pub struct Logits {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub valid: Signal<In, Bit>,
    pub logit: Sig<In>,
    pub index: Sig<In>,
    pub classes: Sig<In>,
    pub class: Sig<Out>,
    pub read_address: Sig<In>,
    pub read_data: Sig<Out>,
    pub used: Optional<Signal<In, Bit>>,
    pub wrong: Optional<Signal<Out, Bit>>,
    guard: Optional<Guard>,
    memory: Ram,
    best: Dff,
    best_index: Dff,
    any: Dff,
    take: Signal<Local, Bit>,
}

impl Logits {
    /// A result memory for `depth` classes (a power of two), with parity or without.
    pub fn new(depth: usize, parity: bool) -> Self {
        Self {
            doc: doc!("logits.rs", Logits),
            clk: Default::default(),
            clear: Default::default(),
            valid: Default::default(),
            logit: Sig::new(s(32)),
            index: Sig::new(u(12)),
            classes: Sig::new(u(12)),
            class: Sig::new(u(12)),
            read_address: Sig::new(u(12)),
            read_data: Sig::new(s(32)),
            used: Optional::new(parity, Default::default),
            wrong: Optional::new(parity, Default::default),
            guard: Optional::new(parity, || Guard::new(&[s(32)], 1)),
            memory: Ram::guarded(1, s(32), depth, parity),
            best: Dff::new(s(32)),
            best_index: Dff::new(u(12)),
            any: Dff::new(u(1)),
            take: Default::default(),
        }
    }
}

impl Logic for Logits {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, best, best_index, any);
        self.take.next = self.valid.val() & (self.index.val() < self.classes.val());
        self.memory.clock.next = self.clk.val();
        self.memory.read_address.next = self.read_address.val();
        self.memory.write.next = self.take.val();
        self.memory.write_address.next = self.index.val();
        self.memory.write_data[0].next = self.logit.val();
        self.read_data.next = self.memory.read_data[0].val();
        for p in 0..self.guard.count() {
            self.guard[p].clk.next = self.clk.val();
            self.guard[p].word[0].next = self.memory.read_data[0].val();
            self.guard[p].parity[0].next = self.memory.parity[p].val();
            self.guard[p].counts.next = self.used[p].val();
            self.wrong[p].next = self.guard[p].wrong.val();
        }
        if self.take.val() {
            self.any.d.next = 1.into();
            if !self.any.q.val().get_bit(0) | (self.logit.val() > self.best.q.val()) {
                self.best.d.next = self.logit.val();
                self.best_index.d.next = self.index.val();
            }
        }
        if self.clear.val() {
            self.any.d.next = 0.into();
        }
        self.class.next = self.best_index.q.val();
    }
}
