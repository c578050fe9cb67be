//! Right shifts into fewer bits.

use crate::lang::*;

/// `x >> shift` (floor), of which the lowest `n` bits are `low` and `beyond` says that they are not all of it: the
/// value then saturates to the side of `negative`. Combinational.
///
/// A shift stage drops the bits that no later stage can bring into the result, after a look whether they repeat the
/// sign. That is a fraction of a full shifter with comparisons behind it.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | x | in | w | value |
/// | shift | in | k | 0 to 2^k - 1 |
/// | low | out | n | lowest bits of the shifted value |
/// | beyond, negative | out | 1 | the shifted value needs more than n bits; it is negative |
#[derive(LogicBlock)]
pub struct Narrow {
    doc: Doc,
    pub x: Sig<In>,
    pub shift: Sig<In>,
    pub low: Sig<Out>,
    pub beyond: Signal<Out, Bit>,
    pub negative: Signal<Out, Bit>,
    value: Vec<Sig<Local>>,
    moved: Vec<Sig<Local>>,
    dropped: Vec<Sig<Local>>,
    lost: Vec<Signal<Local, Bit>>,
    distance: Vec<Const>,
    kept: Vec<Const>,
    bit: Vec<Const>,
    zero: Const,
    ones: Const,
    _stages: usize,
    _end: usize,
    _sign: usize,
    _sign_end: usize,
}

impl Narrow {
    /// From `width` bits, shifted by up to `2^shift_bits - 1`, to `out` bits.
    pub fn new(width: usize, shift_bits: usize, out: usize) -> Self {
        // Stage i shifts by 2^(k-1-i); behind it, the result and as many bits as can still be shifted in remain.
        let distance = |i: usize| 1usize << (shift_bits - 1 - i);
        let mut widths = vec![width];
        for i in 0..shift_bits {
            widths.push(widths[i].min(out + distance(i) - 1));
        }
        Self {
            doc: doc!("narrow.rs", Narrow),
            x: Sig::new(s(width)),
            shift: Sig::new(u(shift_bits)),
            low: Sig::new(s(out)),
            beyond: Default::default(),
            negative: Default::default(),
            value: widths.iter().map(|&w| Sig::new(s(w))).collect(),
            moved: (0..shift_bits).map(|i| Sig::new(s(widths[i]))).collect(),
            dropped: (0..shift_bits).map(|i| Sig::new(s(widths[i] + 1 - widths[i + 1]))).collect(),
            lost: vec![Default::default(); shift_bits + 1],
            distance: (0..shift_bits).map(|i| Const::new(u(7), distance(i) as i64)).collect(),
            kept: (0..shift_bits).map(|i| Const::new(u(7), widths[i + 1] as i64 - 1)).collect(),
            bit: (0..shift_bits).map(|i| Const::new(u(3), (shift_bits - 1 - i) as i64)).collect(),
            zero: Const::new(u(1), 0),
            ones: Const::new(s(1), -1),
            _stages: shift_bits,
            _end: shift_bits + 1,
            _sign: width - 1,
            _sign_end: width,
        }
    }
}

impl Logic for Narrow {
    #[hdl_gen]
    fn update(&mut self) {
        self.value[0].next = self.x.val();
        self.lost[0].next = false;
        for i in 0..self._stages {
            self.moved[i].next = self.value[i].val();
            if self.shift.val().get_bit(self.bit[i].val().index()) {
                self.moved[i].next = self.value[i].val() >> self.distance[i].val();
            }
            // The sign bit that is kept is among them.
            self.dropped[i].next = self.moved[i].val() >> self.kept[i].val();
            self.lost[i + 1].next = self.lost[i].val()
                | ((self.dropped[i].val() != self.zero.val()) & (self.dropped[i].val() != self.ones.val()));
            self.value[i + 1].next = self.moved[i].val();
        }
        for i in self._stages..self._end {
            self.low.next = self.value[i].val();
            self.beyond.next = self.lost[i].val();
        }
        for i in self._sign..self._sign_end {
            self.negative.next = self.x.val().get_bit(i);
        }
    }
}
