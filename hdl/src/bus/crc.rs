//! Running CRC32 of a stream of words.

use crate::lang::*;

/// CRC32 (IEEE 802.3, reflected) of the words taken since `restart`, least significant byte first.
///
/// The step over 32 bits is linear: every bit of state ^ word adds a constant, and a tree sums them.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, restart | in | 1 | clock; forget what was taken, stronger than `take` |
/// | take, data | in | 1, 32 | a word |
/// | value | out | 32 | CRC of the words taken before this cycle |
#[derive(LogicBlock)]
pub struct Crc {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub restart: Signal<In, Bit>,
    pub take: Signal<In, Bit>,
    pub data: Sig<In>,
    pub value: Sig<Out>,
    state: Dff,
    mixed: Sig<Local>,
    node: Vec<Sig<Local>>,
    term: Vec<Const>,
    ones: Const,
    _bits: usize,
    _sums: usize,
}

/// The reflected polynomial.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// What one bit of state ^ word becomes after 32 steps of the bit-serial division.
fn stepped(bit: u32) -> u32 {
    (0..32).fold(1u32 << bit, |s, _| s >> 1 ^ (POLYNOMIAL & (s & 1).wrapping_neg()))
}

impl Default for Crc {
    fn default() -> Self {
        Self::new()
    }
}

impl Crc {
    /// The unit; `restart` it before the first word.
    pub fn new() -> Self {
        Self {
            doc: doc!("crc.rs", Crc),
            clk: Default::default(),
            restart: Default::default(),
            take: Default::default(),
            data: Sig::new(u(32)),
            value: Sig::new(u(32)),
            state: Dff::new(u(32)),
            mixed: Sig::new(u(32)),
            node: (0..63).map(|_| Sig::new(u(32))).collect(),
            term: (0..32).map(|i| Const::new(u(32), i64::from(stepped(i)))).collect(),
            ones: Const::new(u(32), 0xffff_ffff),
            _bits: 32,
            _sums: 31,
        }
    }
}

impl Logic for Crc {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state);
        self.mixed.next = self.state.q.val() ^ self.data.val();
        for i in 0..self._bits {
            self.node[i].next = 0.into();
            if self.mixed.val().get_bit(i) {
                self.node[i].next = self.term[i].val();
            }
        }
        for i in 0..self._sums {
            self.node[i + 32].next = self.node[2 * i].val() ^ self.node[2 * i + 1].val();
        }
        if self.take.val() {
            self.state.d.next = self.node[62].val();
        }
        if self.restart.val() {
            self.state.d.next = self.ones.val();
        }
        self.value.next = self.state.q.val() ^ self.ones.val();
    }
}
