//! What a transfer of a moved map brings to the slots.

use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::network::IMAGE_CODE_BITS;

use crate::lang::*;

/// Takes a transfer apart, as [`Moved`] says. Combinational: wires, and the ninth bit of a code.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | word_k | in | 32 | the transfer |
/// | signed | in | 1 | codes are signed |
/// | code_i, spikes_i | out | 9, L | of the slots that share a transfer of such a map |
/// | stream_v | out | 16 | of these slots, slot by slot, L each |
#[derive(LogicBlock)]
pub struct Scatter {
    doc: Doc,
    pub word: Vec<Sig<In>>,
    pub signed: Signal<In, Bit>,
    pub code: Vec<Sig<Out>>,
    pub spikes: Vec<Sig<Out>>,
    pub stream: Vec<Sig<Out>>,
    low: Vec<Sig<Local>>,
    half: Vec<Sig<Local>>,
    code_at: Vec<Const>,
    spikes_at: Vec<Const>,
    half_at: Vec<Const>,
    ninth: Const,
    _words: usize,
    _lanes: usize,
    _lanes_end: usize,
    _codes: usize,
    _codes_end: usize,
    _code_words: usize,
    _spikes: usize,
    _spikes_end: usize,
    _spike_words: usize,
    _stream_slots: usize,
    _spread: usize,
    _spread_end: usize,
}

/// Of values of `bits` bits, `slots` in a transfer: how many lie in a 32-bit word, and how many words they take.
pub(super) fn in_words(slots: usize, bits: usize) -> (usize, usize) {
    let per_word = (32 / bits).min(slots);
    (per_word, slots / per_word)
}

/// Where each of `n` values of `bits` bits begins in a 32-bit word.
pub(super) fn places(n: usize, bits: usize) -> Vec<Const> {
    (0..n).map(|i| Const::new(u(5), (i * bits) as i64)).collect()
}

impl Scatter {
    /// For moved maps of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let words = array.memory_bits / 32;
        let l = array.lanes;
        let slots = |map| array.moved_slots(map);
        let (codes, code_words) = in_words(slots(Moved::Codes), Moved::Codes.bits(array));
        let (spikes, spike_words) = in_words(slots(Moved::Spikes), Moved::Spikes.bits(array));
        let spread = array.spill_lanes();
        Self {
            doc: doc!("scatter.rs", Scatter),
            word: (0..words).map(|_| Sig::new(u(32))).collect(),
            signed: Default::default(),
            code: (0..slots(Moved::Codes)).map(|_| Sig::new(s(IMAGE_CODE_BITS))).collect(),
            spikes: (0..slots(Moved::Spikes)).map(|_| Sig::new(u(l))).collect(),
            stream: (0..slots(Moved::Streams) * l).map(|_| Sig::new(s(16))).collect(),
            low: (0..slots(Moved::Codes)).map(|_| Sig::new(u(8))).collect(),
            half: (0..2 * words).map(|_| Sig::new(u(16))).collect(),
            code_at: places(codes, Moved::Codes.bits(array)),
            spikes_at: places(spikes, Moved::Spikes.bits(array)),
            half_at: places(2, 16),
            ninth: Const::new(u(9), 0x100),
            _words: words,
            _lanes: l,
            _lanes_end: l + 1,
            _codes: codes,
            _codes_end: codes + 1,
            _code_words: code_words,
            _spikes: spikes,
            _spikes_end: spikes + 1,
            _spike_words: spike_words,
            _stream_slots: slots(Moved::Streams),
            _spread: spread,
            _spread_end: spread + 1,
        }
    }
}

impl Logic for Scatter {
    #[hdl_gen]
    fn update(&mut self) {
        for n in self._codes..self._codes_end {
            for k in 0..self._code_words {
                for j in 0..self._codes {
                    self.low[k * n + j].next = self.word[k].val() >> self.code_at[j].val();
                    self.code[k * n + j].next = self.low[k * n + j].val();
                    if self.signed.val() & self.low[k * n + j].val().get_bit(7) {
                        self.code[k * n + j].next = self.low[k * n + j].val() | self.ninth.val();
                    }
                }
            }
        }
        for n in self._spikes..self._spikes_end {
            for k in 0..self._spike_words {
                for j in 0..self._spikes {
                    self.spikes[k * n + j].next = self.word[k].val() >> self.spikes_at[j].val();
                }
            }
        }
        for k in 0..self._words {
            for j in 0..2 {
                self.half[k * 2 + j].next = self.word[k].val() >> self.half_at[j].val();
            }
        }
        for n in self._lanes..self._lanes_end {
            for m in self._spread..self._spread_end {
                for i in 0..self._stream_slots {
                    for l in 0..self._lanes {
                        self.stream[i * n + l].next = self.half[i * m + l].val();
                    }
                }
            }
        }
    }
}
