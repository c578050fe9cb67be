//! Seeds with random damage for every target; the long form is libFuzzer's, see the README.

use spikegate_fuzz::TARGETS;
use spikegate_golden::random::Rng;
use std::time::{Duration, Instant};

/// Time of a target.
const TIME: Duration = Duration::from_secs(2);
/// Longest that one input may take.
const LONGEST: Duration = Duration::from_secs(10);

/// A seed with a few changes: bits, bytes that readers take for limits, pieces left out, doubled or of another seed.
fn damaged(rng: &mut Rng, seeds: &[Vec<u8>]) -> Vec<u8> {
    let pick = |rng: &mut Rng| &seeds[rng.size(0, seeds.len() - 1)];
    let mut bytes = pick(rng).clone();
    for _ in 0..rng.size(1, 4) {
        if bytes.is_empty() {
            return bytes;
        }
        let at = rng.size(0, bytes.len() - 1);
        // Heads say more than what they lead to.
        let at = if rng.chance(1, 2) { at % 256 } else { at };
        let end = bytes.len().min(at + rng.size(1, 40));
        match rng.range(0, 5) {
            0 => bytes[at] ^= 1 << rng.range(0, 7),
            1 => bytes[at] = rng.pick(&[0, 1, 0x7f, 0x80, 0xff, b'0', b'9', b'-', b'"', b'}']),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => bytes.truncate(at),
            _ => {
                let other = pick(rng);
                let from = rng.size(0, other.len().saturating_sub(1));
                let piece = &other[from..other.len().min(from + 40)];
                bytes.splice(at..end, piece.iter().copied());
            }
        }
    }
    bytes
}

#[test]
fn no_damage_brings_a_reader_down() {
    for target in TARGETS {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{}", target.name);
        let stuck: Vec<usize> = (0..seeds.len()).filter(|&number| !(target.run)(&seeds[number])).collect();
        assert!(stuck.is_empty(), "{}: seeds {stuck:?} do not get through", target.name);
        let (begin, mut runs) = (Instant::now(), 0);
        while begin.elapsed() < TIME {
            let bytes = damaged(&mut Rng(runs), &seeds);
            let start = Instant::now();
            let done = std::panic::catch_unwind(|| (target.run)(&bytes));
            assert!(done.is_ok(), "{}: input {runs} brings it down", target.name);
            assert!(start.elapsed() < LONGEST, "{}: input {runs} takes {:?}", target.name, start.elapsed());
            runs += 1;
        }
        println!("{}: {runs} inputs", target.name);
        assert!(runs > 5, "{}", target.name);
    }
}
