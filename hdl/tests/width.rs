//! Wide and narrow streams: packets arrive as they were sent, whatever waits.
#![allow(clippy::unwrap_used)]

mod support;

use spikegate_hdl::bus::width::{StreamNarrow, StreamWiden};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{set, Rng};

/// Words of packets, with the end of each.
fn packets(rng: &mut Rng, words: usize) -> Vec<(u32, bool)> {
    let lengths = (0..30).map(|i| if i < 2 * words { 1 + i } else { 1 + rng.below(40) }).collect::<Vec<_>>();
    lengths.iter().flat_map(|&n| (1..=n).map(|i| (rng.next() as u32, i == n)).collect::<Vec<_>>()).collect()
}

/// The beats of these words: words and end.
fn beats(sent: &[(u32, bool)], words: usize) -> Vec<(Vec<u32>, bool)> {
    let mut out = vec![(vec![], false)];
    for &(word, last) in sent {
        let full = |beat: &(Vec<u32>, bool)| beat.0.len() == words || beat.1;
        if full(out.last().unwrap()) {
            out.push((vec![], false));
        }
        let beat = out.last_mut().unwrap();
        beat.0.push(word);
        beat.1 = last;
    }
    out
}

#[test]
fn narrow_takes_beats_apart() {
    for words in [2, 4, 8] {
        let mut rng = Rng(words as u64);
        let sent = packets(&mut rng, words);
        let beats = beats(&sent, words);
        let mut unit = StreamNarrow::new(words);
        let mut recorder = Recorder::default();
        unit.rst.next = true;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        unit.rst.next = false;
        recorder.compare_from_here();
        let (mut at, mut got, mut cycles) = (0, vec![], 0);
        let mut offered = None;
        while got.len() < sent.len() {
            let (beat, last) = beats.get(at).cloned().unwrap_or_default();
            unit.wide_valid.next = at < beats.len() && rng.chance(3, 4);
            unit.wide_last.next = last;
            for i in 0..words {
                set(&mut unit.wide[i], beat.get(i).copied().unwrap_or(rng.next() as u32));
            }
            set(&mut unit.wide_keep, (1i128 << beat.len()) - 1);
            unit.ready.next = rng.chance(1, 2);
            recorder.settle(&mut unit);
            let now = unit.valid.val().then(|| (unit.word.val().0 as u32, unit.last.val()));
            assert!(offered.is_none() || offered == now, "a word on offer changes");
            offered = now.filter(|_| !unit.ready.next);
            got.extend(now.filter(|_| unit.ready.next));
            at += usize::from(unit.wide_valid.next && unit.wide_ready.val());
            sim::cycle(&mut unit, |u| &mut u.clk);
            cycles += 1;
            assert!(cycles < 100_000, "words are missing");
        }
        assert_eq!(got, sent, "{words} words");
        if words == 4 {
            recorder.replay(&unit, "stream_narrow");
        }
    }
}

#[test]
fn widen_joins_words() {
    for words in [2, 4, 8] {
        let mut rng = Rng(10 + words as u64);
        let sent = packets(&mut rng, words);
        let want = beats(&sent, words);
        let mut unit = StreamWiden::new(words);
        let mut recorder = Recorder::default();
        unit.rst.next = true;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        unit.rst.next = false;
        let (mut at, mut got, mut cycles) = (0, vec![], 0);
        while got.len() < want.len() {
            let (word, last) = sent.get(at).copied().unwrap_or_default();
            unit.valid.next = at < sent.len() && rng.chance(3, 4);
            set(&mut unit.word, word);
            unit.last.next = last;
            unit.wide_ready.next = rng.chance(1, 2);
            sim::settle(&mut unit);
            if got.is_empty() && unit.wide_valid.val() {
                // Every place has been written.
                recorder.compare_from_here();
            }
            recorder.settle(&mut unit);
            if unit.wide_valid.val() && unit.wide_ready.next {
                let keep = unit.wide_keep.val().0 as u32;
                assert!((keep + 1).is_power_of_two(), "the lowest words: {keep:b}");
                let beat = (0..keep.count_ones() as usize).map(|i| unit.wide[i].val().0 as u32).collect();
                got.push((beat, unit.wide_last.val()));
            }
            at += usize::from(unit.valid.next && unit.ready.val());
            sim::cycle(&mut unit, |u| &mut u.clk);
            cycles += 1;
            assert!(cycles < 100_000, "beats are missing");
        }
        assert_eq!(got, want, "{words} words");
        if words == 4 {
            recorder.replay(&unit, "stream_widen");
        }
    }
}
