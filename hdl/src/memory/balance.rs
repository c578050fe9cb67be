//! Tells when the external memory gives other words than were written to it.

use spikegate_contract::array::ArrayConfig;

use crate::lang::*;

/// Adds up, bit by bit and without carry, the 32-bit words of everything that is written to the external memory once and read
/// once in every image: the program's load packets on one side, the weights and pages of an image on the other, and maps
/// on both. When an image is complete both sides are equal, in whatever order the words came. One bit that has flipped is
/// found, and so is an odd number of flips in the same of the 32 bits; an even number there is not.
///
/// Words of a map that are read more than once count the last time: whatever has flipped in the memory before has flipped then.
/// An image that lies outside is the map that the host writes, before it begins.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | clear, program | in | 1 | soft reset; a program is declared: what is stored behind either is a new program |
/// | stores, stored_k | in | 1, 32 | a transfer of a load packet comes; its words |
/// | image, image_stores | in | 1 | where maps can be moved: an image comes; a transfer of it comes, with `stored_k` |
/// | begin | in | 1 | an image begins |
/// | reads, read_k | in | 1, 32 | a transfer of weights, pages or maps has come; its words |
/// | writes, written_k | in | 1, 32 | a transfer of maps goes; its words |
/// | complete | in | 1 | the image has read and written everything |
/// | wrong | out | 1 | one cycle later: it has not read what was written |
#[derive(LogicBlock)]
pub struct Balance {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub program: Signal<In, Bit>,
    pub stores: Signal<In, Bit>,
    pub stored: Vec<Sig<In>>,
    pub image: Optional<Signal<In, Bit>>,
    pub image_stores: Optional<Signal<In, Bit>>,
    pub begin: Signal<In, Bit>,
    pub reads: Signal<In, Bit>,
    pub read: Vec<Sig<In>>,
    pub writes: Signal<In, Bit>,
    pub written: Vec<Sig<In>>,
    pub complete: Signal<In, Bit>,
    pub wrong: Signal<Out, Bit>,
    of_program: Dff,
    ended: Dff,
    of_image: Dff,
    of_next: Optional<Dff>,
    differs: Dff,
    stored_up_to: Vec<Sig<Local>>,
    read_up_to: Vec<Sig<Local>>,
    written_up_to: Vec<Sig<Local>>,
    _words: usize,
    _words_end: usize,
}

impl Balance {
    /// Of the array's memory port.
    pub fn new(array: &ArrayConfig) -> Self {
        let words = array.memory_bits / 32;
        let ports = || (0..words).map(|_| Sig::new(u(32))).collect();
        let sums = || (0..words + 1).map(|_| Sig::new(u(32))).collect();
        Self {
            doc: doc!("balance.rs", Balance),
            clk: Default::default(),
            clear: Default::default(),
            program: Default::default(),
            stores: Default::default(),
            stored: ports(),
            image: Optional::new(array.moves, Default::default),
            image_stores: Optional::new(array.moves, Default::default),
            begin: Default::default(),
            reads: Default::default(),
            read: ports(),
            writes: Default::default(),
            written: ports(),
            complete: Default::default(),
            wrong: Default::default(),
            of_program: Dff::new(u(32)),
            ended: Dff::new(u(1)),
            of_image: Dff::new(u(32)),
            of_next: Optional::new(array.moves, || Dff::new(u(32))),
            differs: Dff::new(u(1)),
            stored_up_to: sums(),
            read_up_to: sums(),
            written_up_to: sums(),
            _words: words,
            _words_end: words + 1,
        }
    }
}

impl Logic for Balance {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, of_program, ended, of_image);

        // The program's side: from its first transfer on.
        self.stored_up_to[0].next = self.of_program.q.val();
        if self.ended.q.val().get_bit(0) {
            self.stored_up_to[0].next = 0.into();
        }
        for p in 0..self.of_next.count() {
            if self.image_stores[p].val() {
                self.stored_up_to[0].next = self.of_next[p].q.val();
            }
        }
        self.read_up_to[0].next = 0.into();
        self.written_up_to[0].next = self.of_image.q.val();
        for k in 0..self._words {
            self.stored_up_to[k + 1].next = self.stored_up_to[k].val() ^ self.stored[k].val();
            self.read_up_to[k + 1].next = self.read_up_to[k].val();
            if self.reads.val() {
                self.read_up_to[k + 1].next = self.read_up_to[k].val() ^ self.read[k].val();
            }
            self.written_up_to[k + 1].next = self.written_up_to[k].val();
            if self.writes.val() {
                self.written_up_to[k + 1].next = self.written_up_to[k].val() ^ self.written[k].val();
            }
        }
        for k in self._words..self._words_end {
            if self.stores.val() {
                self.of_program.d.next = self.stored_up_to[k].val();
                self.ended.d.next = 0.into();
            }
            self.of_image.d.next = self.written_up_to[k].val() ^ self.read_up_to[k].val();
        }
        if self.clear.val() | self.program.val() {
            self.ended.d.next = 1.into();
        }
        if self.begin.val() {
            self.of_image.d.next = 0.into();
        }
        // The next image's, until it begins.
        for p in 0..self.of_next.count() {
            self.of_next[p].clock.next = self.clk.val();
            self.of_next[p].d.next = self.of_next[p].q.val();
            for k in self._words..self._words_end {
                if self.image_stores[p].val() {
                    self.of_next[p].d.next = self.stored_up_to[k].val();
                }
            }
            if self.begin.val() {
                self.of_image.d.next = self.of_next[p].q.val();
            }
            if self.begin.val() | self.image[p].val() | self.clear.val() {
                self.of_next[p].d.next = 0.into();
            }
        }

        self.differs.clock.next = self.clk.val();
        self.differs.d.next = 0.into();
        if self.complete.val() & (self.of_image.q.val() != self.of_program.q.val()) {
            self.differs.d.next = 1.into();
        }
        self.wrong.next = self.differs.q.val().get_bit(0);
    }
}
