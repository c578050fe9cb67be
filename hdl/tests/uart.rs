//! The parts of the UART bridge: line, frames. Each against plain Rust, replayed in Verilator and Icarus.
#![allow(clippy::unwrap_used)]

mod support;
mod uart_support;

use spikegate_contract::uart::{CRC_RESIDUE, END, ESC, MAX_WORDS};
use spikegate_hdl::bus::uart_frame::{FrameDecoder, FrameEncoder};
use spikegate_hdl::bus::uart_line::{UartReceiver, UartTransmitter};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{set, Rng};
use uart_support::{crc, frame, unframe};

/// Levels of a line that sends bytes with bits of `bit` clock cycles, in which clock cycles fall at `phase`.
fn levels(bytes: &[u8], bit: f64, phase: f64, stop: bool) -> Vec<bool> {
    let mut bits = vec![];
    for &byte in bytes {
        bits.push(false);
        bits.extend((0..8).map(|i| byte >> i & 1 == 1));
        bits.push(stop);
        if !stop {
            bits.extend([true; 2]);
        }
    }
    let cycles = (bits.len() as f64 * bit).ceil() as usize;
    (0..cycles).map(|c| bits.get(((c as f64 + phase) / bit) as usize).copied().unwrap_or(true)).collect()
}

#[test]
fn receiver_samples_bits_in_their_middle() {
    let mut rng = Rng(1);
    let mut unit = UartReceiver::new();
    let mut recorder = Recorder::default();
    let mut run = |divider: i128, line: &[bool]| -> Vec<(u8, bool)> {
        set(&mut unit.divider, divider);
        let mut out = vec![];
        for &level in line.iter().chain(&[true; 60]) {
            unit.rxd.next = level;
            unit.rst.next = false;
            recorder.settle(&mut unit);
            if unit.valid.val() {
                out.push((unit.data.val().0 as u8, unit.bad.val()));
            }
            sim::cycle(&mut unit, |u| &mut u.clk);
        }
        out
    };
    for (divider, off) in [(4, 0.0), (4, 0.02), (4, -0.02), (5, 0.0), (7, 0.02), (16, -0.02), (25, 0.02)] {
        for _ in 0..3 {
            let bytes: Vec<u8> = (0..12).map(|_| rng.next() as u8).chain([0, 0xff, 0x55]).collect();
            let bit = f64::from(divider) * (1.0 + off);
            let line = levels(&bytes, bit, rng.below(100) as f64 / 100.0, true);
            let want: Vec<_> = bytes.iter().map(|&b| (b, false)).collect();
            assert_eq!(run(divider.into(), &line), want, "divider {divider} off {off}");
        }
        let line = levels(&[0xa5], f64::from(divider), 0.0, false);
        assert_eq!(run(divider.into(), &line)[0], (0xa5, true), "no stop bit");
    }
    // A low level shorter than half a bit is noise.
    assert_eq!(run(16, &[false; 5]), []);
    let mut line = vec![false; 5];
    line.extend([true; 20]);
    line.extend(levels(&[0x3c], 16.0, 0.0, true));
    assert_eq!(run(16, &line), [(0x3c, false)]);
    recorder.replay(&unit, "uart_receiver");
}

#[test]
fn transmitter_sends_what_the_receiver_takes() {
    let mut rng = Rng(2);
    let mut unit = UartTransmitter::new();
    let mut recorder = Recorder::default();
    unit.rst.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    unit.rst.next = false;
    for divider in [4, 5, 10, 33] {
        set(&mut unit.divider, divider);
        let bytes: Vec<u8> = (0..10).map(|_| rng.next() as u8).collect();
        let (mut line, mut at) = (vec![], 0);
        for _ in 0..10 * 11 * divider as usize + 40 {
            let offer = at < bytes.len() && rng.chance(9, 10);
            unit.valid.next = offer;
            set(&mut unit.data, if offer { bytes[at] } else { rng.next() as u8 });
            recorder.settle(&mut unit);
            line.push(unit.txd.val());
            at += usize::from(offer && unit.ready.val());
            sim::cycle(&mut unit, |u| &mut u.clk);
        }
        assert_eq!(uart_support::bytes(&line, divider as usize), bytes, "divider {divider}");
    }
    recorder.replay(&unit, "uart_transmitter");
}

/// What a decoder says of a byte stream: words of good frames with their CRC, and damaged frames.
fn decode(
    unit: &mut FrameDecoder,
    recorder: &mut Recorder,
    rng: &mut Rng,
    bytes: &[u8],
) -> (Vec<Vec<u32>>, usize) {
    let (mut good, mut damaged, mut words) = (vec![], 0, vec![]);
    for &byte in bytes {
        while rng.chance(1, 3) {
            unit.valid.next = false;
            set(&mut unit.data, rng.next() as u8);
            unit.bad.next = rng.chance(1, 2);
            recorder.cycle(unit, |u| &mut u.clk);
        }
        unit.valid.next = true;
        unit.bad.next = false;
        set(&mut unit.data, byte);
        recorder.settle(unit);
        if unit.word_valid.val() {
            assert_eq!(unit.index.val().0 as usize, words.len());
            words.push(unit.word.val().0 as u32);
        }
        assert!(!(unit.good.val() && unit.damaged.val()));
        if unit.good.val() {
            assert_eq!(unit.words.val().0 as usize, words.len());
            good.push(words.clone());
        }
        damaged += usize::from(unit.damaged.val());
        if byte == END {
            words.clear();
        }
        sim::cycle(unit, |u| &mut u.clk);
    }
    (good, damaged)
}

#[test]
fn decoder_takes_good_frames_only() {
    let mut rng = Rng(3);
    let mut unit = FrameDecoder::new();
    let mut recorder = Recorder::default();
    unit.rst.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    unit.rst.next = false;
    let special = [END, ESC, 0xdc, 0xdd, 0, 0xff];
    for round in 0..120 {
        let count = [1, 2, 3, 8][rng.below(4)];
        let word = |rng: &mut Rng| {
            let bytes =
                [0; 4].map(|_| if rng.chance(1, 3) { special[rng.below(6)] } else { rng.next() as u8 });
            u32::from_le_bytes(bytes)
        };
        let words: Vec<u32> = (0..count).map(|_| word(&mut rng)).collect();
        let mut bytes = frame(&words);
        // A damage of every kind: flipped bits, a byte too few or too many, a cut, joined frames.
        match round % 6 {
            1 => bytes[rng.below(count)] ^= 1 << rng.below(8),
            2 => drop(bytes.remove(1 + rng.below(bytes.len() - 2))),
            3 => bytes.insert(1 + rng.below(bytes.len() - 1), rng.next() as u8),
            4 => bytes.truncate(1 + rng.below(bytes.len() - 1)),
            5 => bytes.extend(frame(&words)),
            _ => {}
        }
        bytes.push(END);
        let (want, bad) = unframe(&bytes);
        let (good, damaged) = decode(&mut unit, &mut recorder, &mut rng, &bytes);
        let with_crc: Vec<Vec<u32>> = want.iter().map(|w| [&w[..], &[crc(w)]].concat()).collect();
        assert_eq!((good, damaged), (with_crc, bad), "round {round}: {bytes:02x?}");
    }
    // The longest frame, and one word more.
    for extra in 0..2 {
        let words: Vec<u32> = (0..MAX_WORDS + 1 + 2 * extra).map(|_| rng.next() as u32).collect();
        let (good, damaged) = decode(&mut unit, &mut recorder, &mut rng, &frame(&words));
        assert_eq!((good.len(), damaged), (1 - extra, extra));
    }
    // A byte without stop bit spoils its frame and no other.
    let bytes = frame(&[1, 2]);
    for &byte in &bytes {
        unit.valid.next = true;
        unit.bad.next = byte == 2;
        set(&mut unit.data, byte);
        recorder.settle(&mut unit);
        assert!(!unit.good.val());
        sim::cycle(&mut unit, |u| &mut u.clk);
    }
    assert_eq!(decode(&mut unit, &mut recorder, &mut rng, &bytes).0.len(), 1);
    recorder.replay(&unit, "frame_decoder");
}

#[test]
fn encoder_makes_the_bytes_of_a_frame() {
    let mut rng = Rng(4);
    let mut unit = FrameEncoder::new();
    let mut recorder = Recorder::default();
    unit.rst.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    unit.rst.next = false;
    for round in 0..40 {
        let special = u32::from_le_bytes([END, ESC, 0xdc, 0xdd]);
        let words: Vec<u32> = (0..1 + rng.below(5))
            .map(|_| if rng.chance(1, 3) { special } else { rng.next() as u32 })
            .collect();
        let (mut out, mut at, mut ends) = (vec![], 0, 0);
        while ends < 2 {
            let offer = at < words.len() && rng.chance(2, 3);
            unit.valid.next = offer;
            set(&mut unit.word, if offer { words[at] } else { rng.next() as u32 });
            unit.last.next = offer && at + 1 == words.len();
            unit.data_ready.next = rng.chance(1, 2);
            recorder.settle(&mut unit);
            if unit.data_valid.val() && unit.data_ready.next {
                out.push(unit.data.val().0 as u8);
                ends += usize::from(out.last() == Some(&END));
            }
            at += usize::from(offer && unit.ready.val());
            sim::cycle(&mut unit, |u| &mut u.clk);
            assert!(out.len() < 100, "the frame does not end");
        }
        assert_eq!(out, frame(&words), "round {round}");
    }
    recorder.replay(&unit, "frame_encoder");
}

#[test]
fn the_crc_is_the_one_of_ieee_802_3() {
    // "1234" "5678" as words; the check value of the eight bytes, and the residue that the hardware compares with.
    let words = [0x3433_3231, 0x3837_3635];
    assert_eq!(crc(&words), 0x9ae0_daaf);
    assert_eq!(!crc(&[&words[..], &[crc(&words)]].concat()), CRC_RESIDUE);
}
