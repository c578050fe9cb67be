//! Memories with parity: nothing is said of words as they were written, and every bit that flips is.
#![allow(clippy::unwrap_used)]

mod support;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use spikegate_hdl::parts::guard::Guard;
use support::{set, Rng};

const WORDS: usize = 16;
const LANES: usize = 2;
const BITS: usize = 5;

/// A memory of two lanes and what guards it.
#[derive(LogicBlock)]
struct Kept {
    pub clk: Signal<In, Clock>,
    pub read_address: Sig<In>,
    pub write: Signal<In, Bit>,
    pub write_address: Sig<In>,
    pub data: Vec<Sig<In>>,
    pub used: Signal<In, Bit>,
    pub wrong: Signal<Out, Bit>,
    ram: Ram,
    guard: Guard,
    _lanes: usize,
}

impl Kept {
    fn new() -> Self {
        let ty = s(BITS);
        Self {
            clk: Default::default(),
            read_address: Sig::new(u(4)),
            write: Default::default(),
            write_address: Sig::new(u(4)),
            data: (0..LANES).map(|_| Sig::new(ty)).collect(),
            used: Default::default(),
            wrong: Default::default(),
            ram: Ram::guarded(LANES, ty, WORDS, true),
            guard: Guard::new(&[ty; LANES], 1),
            _lanes: LANES,
        }
    }
    /// Reads a word that counts; whether it is said to be wrong.
    fn says(&mut self, word: usize) -> bool {
        self.write.next = false;
        set(&mut self.read_address, word as i128);
        sim::cycle(self, |k| &mut k.clk);
        self.used.next = true;
        sim::cycle(self, |k| &mut k.clk);
        self.used.next = false;
        self.wrong.val()
    }
}

impl Logic for Kept {
    #[hdl_gen]
    fn update(&mut self) {
        self.ram.clock.next = self.clk.val();
        self.ram.read_address.next = self.read_address.val();
        self.ram.write.next = self.write.val();
        self.ram.write_address.next = self.write_address.val();
        self.guard.clk.next = self.clk.val();
        for l in 0..self._lanes {
            self.ram.write_data[l].next = self.data[l].val();
            self.guard.word[l].next = self.ram.read_data[l].val();
        }
        for p in 0..self.ram.parity.count() {
            self.guard.parity[p].next = self.ram.parity[p].val();
        }
        self.guard.counts.next = self.used.val();
        self.wrong.next = self.guard.wrong.val();
    }
}

fn filled(recorder: &mut Recorder, rng: &mut Rng) -> Kept {
    let mut unit = Kept::new();
    for cycle in 0..200 {
        let to = if cycle < WORDS { cycle } else { rng.below(WORDS) };
        let from = (to + 1 + rng.below(WORDS - 1)) % WORDS;
        unit.write.next = cycle < WORDS || rng.chance(1, 2);
        set(&mut unit.write_address, to as i128);
        set(&mut unit.read_address, from as i128);
        unit.data.iter_mut().for_each(|d| set(d, rng.signed(BITS)));
        unit.used.next = cycle > WORDS && rng.chance(3, 4);
        recorder.cycle(&mut unit, |k| &mut k.clk);
        assert!(!unit.wrong.val(), "cycle {cycle}");
    }
    unit
}

#[test]
fn words_as_written_are_right() {
    let mut recorder = Recorder::default();
    let unit = filled(&mut recorder, &mut Rng(1));
    recorder.replay(&unit, "kept");
}

#[test]
fn every_flip_of_one_bit_is_told() {
    let unit = &mut filled(&mut Recorder::default(), &mut Rng(2));
    for word in 0..WORDS {
        for (lane, bit) in (0..LANES).flat_map(|lane| (0..BITS).map(move |bit| (lane, bit))) {
            unit.ram.flip(word, lane, bit);
            assert!(unit.says(word), "word {word}, lane {lane}, bit {bit}");
            assert!(!unit.says((word + 1) % WORDS), "only that word is wrong");
            // The same bit once more: as it was.
            unit.ram.flip(word, lane, bit);
            assert!(!unit.says(word));
        }
        unit.ram.flip_parity(word);
        assert!(unit.says(word), "the parity bit of word {word}");
        unit.ram.flip_parity(word);
    }
}

#[test]
fn two_flips_in_a_word_are_not() {
    let unit = &mut filled(&mut Recorder::default(), &mut Rng(3));
    unit.ram.flip(5, 0, 1);
    unit.ram.flip(5, 1, 3);
    assert!(!unit.says(5));
}

#[test]
fn maps_have_parity_where_it_takes_no_block() {
    let array = ArrayConfig { code_depth: 2048, spike_depth: 4096, ..ArrayConfig::new(4, 1, 8, 8).unwrap() };
    assert!(!array.guards_streams());
    let array = array.with_parity();
    // 9 bits and 4 fill the widths of a block, 64 leave 8.
    assert_eq!((array.guards_codes(), array.guards_spikes(), array.guards_streams()), (false, false, true));
    let array = ArrayConfig { code_depth: 1024, spike_depth: 2048, ..array };
    assert_eq!((array.guards_codes(), array.guards_spikes(), array.guards_streams()), (true, true, true));
    let wide = ArrayConfig { spike_depth: 2048, ..ArrayConfig::new(8, 1, 8, 8).unwrap().with_parity() };
    assert!(wide.guards_spikes());
}
