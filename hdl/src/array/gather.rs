//! What a transfer of a moved map takes from the slots.

use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::instr::Source;
use spikegate_contract::network::IMAGE_CODE_BITS;

use super::scatter::{in_words, places};
use crate::lang::*;
use crate::parts::choose::Join;

/// Puts a transfer together, as [`Moved`] says. Combinational.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | source | in | 2 | instruction field |
/// | transfer | in | 6 | which transfer of the word |
/// | code_i, spikes_i | in | 9, L | of all slots |
/// | stream_v | in | 16 | of the row of slots that the transfer is of, post lane by post lane, L each |
/// | word_k | out | 32 | the transfer |
#[derive(LogicBlock)]
pub struct Gather {
    doc: Doc,
    pub source: Sig<In>,
    pub transfer: Sig<In>,
    pub code: Vec<Sig<In>>,
    pub spikes: Vec<Sig<In>>,
    pub stream: Vec<Sig<In>>,
    pub word: Vec<Sig<Out>>,
    choose_code: Vec<Join>,
    choose_spikes: Vec<Join>,
    choose_stream: Vec<Join>,
    codes_wanted: Vec<Signal<Local, Bit>>,
    spikes_wanted: Vec<Signal<Local, Bit>>,
    streams_wanted: Vec<Signal<Local, Bit>>,
    code_part: Sig<Local>,
    spike_part: Sig<Local>,
    share: Sig<Local>,
    low: Vec<Sig<Local>>,
    codes_joined: Vec<Sig<Local>>,
    spikes_joined: Vec<Sig<Local>>,
    half: Vec<Sig<Local>>,
    codes: Vec<Sig<Local>>,
    spiking: Vec<Sig<Local>>,
    code_at: Vec<Const>,
    spikes_at: Vec<Const>,
    half_at: Const,
    source_codes: Const,
    source_spikes: Const,
    source_streams: Const,
    // The last transfer of a word; of a row of slots.
    code_parts: Const,
    spike_parts: Const,
    shares: Const,
    _words: usize,
    _lanes: usize,
    _lanes_end: usize,
    _spread: usize,
    _spread_end: usize,
    _codes: usize,
    _codes_end: usize,
    _code_words: usize,
    _code_words_end: usize,
    _code_slots: usize,
    _code_slots_end: usize,
    _code_parts: usize,
    _spikes: usize,
    _spikes_end: usize,
    _spike_words: usize,
    _spike_words_end: usize,
    _spike_slots: usize,
    _spike_slots_end: usize,
    _spike_parts: usize,
    _stream_slots: usize,
    _stream_values: usize,
    _stream_values_end: usize,
    _shares: usize,
}

impl Gather {
    /// For moved maps of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let words = array.memory_bits / 32;
        let l = array.lanes;
        let slots = |map| array.moved_slots(map);
        let parts = |map| array.moved_transfers(map);
        let (code_slots, spike_slots, stream_slots) =
            (slots(Moved::Codes), slots(Moved::Spikes), slots(Moved::Streams));
        let (codes, code_words) = in_words(code_slots, Moved::Codes.bits(array));
        let (spikes, spike_words) = in_words(spike_slots, Moved::Spikes.bits(array));
        let (spread, shares) = (array.spill_lanes(), array.post / stream_slots);
        let bits = |n: usize| vec![Signal::<Local, Bit>::default(); n];
        let many = |n: usize, ty: Ty| -> Vec<Sig<Local>> { (0..n).map(|_| Sig::new(ty)).collect() };
        let last = |n: usize| Const::new(u(6), n as i64 - 1);
        let source = |v: Source| Const::new(u(2), v as i64);
        Self {
            doc: doc!("gather.rs", Gather),
            source: Sig::new(u(2)),
            transfer: Sig::new(u(6)),
            code: (0..array.ci).map(|_| Sig::new(s(IMAGE_CODE_BITS))).collect(),
            spikes: (0..array.ci).map(|_| Sig::new(u(l))).collect(),
            stream: (0..array.post * l).map(|_| Sig::new(s(16))).collect(),
            word: (0..words).map(|_| Sig::new(u(32))).collect(),
            choose_code: (0..code_slots).map(|_| Join::new(parts(Moved::Codes), u(8))).collect(),
            choose_spikes: (0..spike_slots).map(|_| Join::new(parts(Moved::Spikes), u(l))).collect(),
            choose_stream: (0..stream_slots * l).map(|_| Join::new(shares, u(16))).collect(),
            codes_wanted: bits(parts(Moved::Codes)),
            spikes_wanted: bits(parts(Moved::Spikes)),
            streams_wanted: bits(shares),
            code_part: Sig::new(u(6)),
            spike_part: Sig::new(u(6)),
            share: Sig::new(u(6)),
            low: many(array.ci, u(8)),
            codes_joined: many(code_words * (codes + 1), u(32)),
            spikes_joined: many(spike_words * (spikes + 1), u(32)),
            half: many(2 * words, u(16)),
            codes: many(words, u(32)),
            spiking: many(words, u(32)),
            code_at: places(codes, Moved::Codes.bits(array)),
            spikes_at: places(spikes, Moved::Spikes.bits(array)),
            half_at: Const::new(u(5), 16),
            source_codes: source(Source::Attention),
            source_spikes: source(Source::Spikes),
            source_streams: source(Source::Stream),
            code_parts: last(parts(Moved::Codes)),
            spike_parts: last(parts(Moved::Spikes)),
            shares: last(shares),
            _words: words,
            _lanes: l,
            _lanes_end: l + 1,
            _spread: spread,
            _spread_end: spread + 1,
            _codes: codes,
            _codes_end: codes + 1,
            _code_words: code_words,
            _code_words_end: code_words + 1,
            _code_slots: code_slots,
            _code_slots_end: code_slots + 1,
            _code_parts: parts(Moved::Codes),
            _spikes: spikes,
            _spikes_end: spikes + 1,
            _spike_words: spike_words,
            _spike_words_end: spike_words + 1,
            _spike_slots: spike_slots,
            _spike_slots_end: spike_slots + 1,
            _spike_parts: parts(Moved::Spikes),
            _stream_slots: stream_slots,
            _stream_values: stream_slots * l,
            _stream_values_end: stream_slots * l + 1,
            _shares: shares,
        }
    }
}

impl Logic for Gather {
    #[hdl_gen]
    fn update(&mut self) {
        // Whose turn it is; no more bits of the number than there are transfers.
        self.code_part.next = self.transfer.val() & self.code_parts.val();
        for k in 0..self._code_parts {
            self.codes_wanted[k].next =
                (self.source.val() == self.source_codes.val()) & (self.code_part.val() == k.into());
        }
        self.spike_part.next = self.transfer.val() & self.spike_parts.val();
        for k in 0..self._spike_parts {
            self.spikes_wanted[k].next =
                (self.source.val() == self.source_spikes.val()) & (self.spike_part.val() == k.into());
        }
        self.share.next = self.transfer.val() & self.shares.val();
        for k in 0..self._shares {
            self.streams_wanted[k].next =
                (self.source.val() == self.source_streams.val()) & (self.share.val() == k.into());
        }

        // Slots that share a transfer.
        for n in self._code_slots..self._code_slots_end {
            for k in 0..self._code_parts {
                for i in 0..self._code_slots {
                    self.low[k * n + i].next = self.code[k * n + i].val();
                    self.choose_code[i].wanted[k].next = self.codes_wanted[k].val();
                    self.choose_code[i].x[k].next = self.low[k * n + i].val();
                }
            }
        }
        for n in self._spike_slots..self._spike_slots_end {
            for k in 0..self._spike_parts {
                for i in 0..self._spike_slots {
                    self.choose_spikes[i].wanted[k].next = self.spikes_wanted[k].val();
                    self.choose_spikes[i].x[k].next = self.spikes[k * n + i].val();
                }
            }
        }
        for n in self._stream_values..self._stream_values_end {
            for k in 0..self._shares {
                for i in 0..self._stream_values {
                    self.choose_stream[i].wanted[k].next = self.streams_wanted[k].val();
                    self.choose_stream[i].x[k].next = self.stream[k * n + i].val();
                }
            }
        }

        // Their places in it.
        for k in 0..self._words {
            self.codes[k].next = 0.into();
            self.spiking[k].next = 0.into();
            for j in 0..2 {
                self.half[k * 2 + j].next = 0.into();
            }
        }
        for n in self._codes..self._codes_end {
            for m in self._code_words..self._code_words_end {
                for k in 0..self._code_words {
                    self.codes_joined[k].next = 0.into();
                    for j in 0..self._codes {
                        self.codes_joined[j * m + m + k].next = self.codes_joined[j * m + k].val()
                            | (self.choose_code[k * n + j].y.val() << self.code_at[j].val());
                    }
                    self.codes[k].next = self.codes_joined[n * m + k].val();
                }
            }
        }
        for n in self._spikes..self._spikes_end {
            for m in self._spike_words..self._spike_words_end {
                for k in 0..self._spike_words {
                    self.spikes_joined[k].next = 0.into();
                    for j in 0..self._spikes {
                        self.spikes_joined[j * m + m + k].next = self.spikes_joined[j * m + k].val()
                            | (self.choose_spikes[k * n + j].y.val() << self.spikes_at[j].val());
                    }
                    self.spiking[k].next = self.spikes_joined[n * m + k].val();
                }
            }
        }
        for n in self._lanes..self._lanes_end {
            for m in self._spread..self._spread_end {
                for i in 0..self._stream_slots {
                    for l in 0..self._lanes {
                        self.half[i * m + l].next = self.choose_stream[i * n + l].y.val();
                    }
                }
            }
        }
        for k in 0..self._words {
            self.word[k].next = self.codes[k].val()
                | self.spiking[k].val()
                | self.half[2 * k].val()
                | (self.half[2 * k + 1].val() << self.half_at.val());
        }
    }
}
