//! Tells when a memory gives another word than was written to it.

use crate::lang::*;

/// Checks the words of one address against the parity bits that came with them. One bit that has flipped in all of them is
/// found, and so is every odd number; an even number is not.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | word_i, parity_i | in | | words that a memory gives; the bits stored with them |
/// | counts | in | 1 | they are in use; otherwise nothing is said of them |
/// | wrong | out | 1 | one cycle later: a bit of them has flipped |
#[derive(LogicBlock)]
pub struct Guard {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub word: Vec<Sig<In>>,
    pub parity: Vec<Sig<In>>,
    pub counts: Signal<In, Bit>,
    pub wrong: Signal<Out, Bit>,
    odd: Odd,
    held: Dff,
    _words: usize,
    _words_end: usize,
    _parities: usize,
}

impl Guard {
    /// A guard of words of these types, which come with so many parity bits.
    pub fn new(words: &[Ty], parities: usize) -> Self {
        let all: Vec<Ty> = words.iter().copied().chain((0..parities).map(|_| u(1))).collect();
        Self {
            doc: doc!("guard.rs", Guard),
            clk: Default::default(),
            word: words.iter().map(|&ty| Sig::new(ty)).collect(),
            parity: (0..parities).map(|_| Sig::new(u(1))).collect(),
            counts: Default::default(),
            wrong: Default::default(),
            odd: Odd::new(&all),
            held: Dff::new(u(1)),
            _words: words.len(),
            _words_end: words.len() + 1,
            _parities: parities,
        }
    }
}

impl Logic for Guard {
    #[hdl_gen]
    fn update(&mut self) {
        self.held.clock.next = self.clk.val();
        for n in self._words..self._words_end {
            for i in 0..self._words {
                self.odd.x[i].next = self.word[i].val();
            }
            for i in 0..self._parities {
                self.odd.x[i + n].next = self.parity[i].val();
            }
        }
        self.held.d.next = 0.into();
        if self.counts.val() {
            self.held.d.next = self.odd.y.val();
        }
        self.wrong.next = self.held.q.val().get_bit(0);
    }
}
