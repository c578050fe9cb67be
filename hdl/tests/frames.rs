//! Frames of the input and output streams against `contract::frame`, with back-pressure, gaps and every kind of damage.

mod support;

use spikegate_contract::frame::{crc, seal};
use spikegate_hdl::bus::{crc::Crc, framer::Framer, receiver::Receiver};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{set, Rng};

#[test]
fn crc_is_that_of_the_software() {
    let (mut unit, mut recorder, mut rng) = (Crc::new(), Recorder::default(), Rng(1));
    let mut taken: Vec<u32> = vec![];
    unit.restart.next = true;
    recorder.settle(&mut unit);
    sim::cycle(&mut unit, |u| &mut u.clk);
    for _ in 0..2000 {
        unit.restart.next = rng.chance(1, 12);
        unit.take.next = rng.chance(2, 3);
        let word = rng.unsigned(32) as u32;
        set(&mut unit.data, word);
        recorder.settle(&mut unit);
        assert_eq!(unit.value.val().0 as u32, crc(&taken));
        if unit.restart.next {
            taken.clear();
        } else if unit.take.next {
            taken.push(word);
        }
        sim::cycle(&mut unit, |u| &mut u.clk);
    }
    recorder.replay(&unit, "crc");
}

/// What the receiver said in one stream.
#[derive(Debug, Default, PartialEq)]
struct Said {
    packets: Vec<Vec<u32>>,
    good: usize,
    bad: usize,
    sequence: usize,
    length: usize,
    crc: usize,
}

struct Input {
    unit: Receiver,
    recorder: Recorder,
    rng: Rng,
    /// Words of the packet under way, and whether its last was marked.
    open: (Vec<u32>, bool),
    said: Said,
}

impl Input {
    fn cycle(&mut self, word: Option<(u32, bool)>) -> bool {
        let u = &mut self.unit;
        u.s_axis_tvalid.next = word.is_some();
        let (data, last) = word.unwrap_or((self.rng.next() as u32, self.rng.chance(1, 2)));
        set(&mut u.s_axis_tdata, data);
        u.s_axis_tlast.next = last;
        u.ready.next = self.rng.chance(2, 3);
        self.recorder.settle(u);
        let taken = word.is_some() && u.s_axis_tready.val();
        if u.valid.val() && u.ready.next {
            assert!(taken && !self.open.1, "a word behind the last");
            self.open.0.push(u.data.val().0 as u32);
            self.open.1 = u.last.val();
        }
        let said = &mut self.said;
        said.sequence += usize::from(u.error_sequence.val());
        said.length += usize::from(u.error_length.val());
        said.crc += usize::from(u.error_crc.val());
        said.good += usize::from(u.good.val());
        said.bad += usize::from(u.bad.val());
        assert!(!(u.good.val() && u.bad.val()));
        if u.good.val() {
            assert!(self.open.1, "a good frame without the packet's last word");
            said.packets.push(std::mem::take(&mut self.open.0));
            self.open.1 = false;
        }
        if u.bad.val() {
            assert!(!self.open.0.is_empty(), "nothing to forget");
            self.open = Default::default();
        }
        sim::cycle(u, |u| &mut u.clk);
        taken
    }

    /// Sends one frame; what was said about it.
    fn send(&mut self, frame: &[u32]) -> Said {
        for (i, &word) in frame.iter().enumerate() {
            while self.rng.chance(1, 4) {
                self.cycle(None);
            }
            while !self.cycle(Some((word, i + 1 == frame.len()))) {}
        }
        self.cycle(None);
        std::mem::take(&mut self.said)
    }

    fn clear(&mut self) {
        self.unit.clear.next = true;
        self.cycle(None);
        self.unit.clear.next = false;
    }
}

/// A good frame with this packet.
fn good(packet: &[u32]) -> Said {
    Said { packets: vec![packet.to_vec()], good: 1, ..Said::default() }
}

#[test]
fn receiver_passes_good_frames_and_names_what_is_wrong() {
    let mut input = Input {
        unit: Receiver::new(),
        recorder: Recorder::default(),
        rng: Rng(3),
        open: Default::default(),
        said: Said::default(),
    };
    let wrong_number = || Said { sequence: 1, ..Said::default() };
    let wrong_length = |bad: usize| Said { length: 1, bad, ..Said::default() };
    let wrong_crc = || Said { crc: 1, bad: 1, ..Said::default() };
    for round in 0..20 {
        input.clear();
        let packets: Vec<Vec<u32>> = (0..3)
            .map(|i| (0..1 + input.rng.below(6) * i).map(|_| input.rng.next() as u32).collect())
            .collect();
        for (number, packet) in packets.iter().enumerate() {
            assert_eq!(input.send(&seal(number as u32, packet)), good(packet));
        }
        let body: Vec<u32> = (0..2 + input.rng.below(4)).map(|_| input.rng.next() as u32).collect();
        let frame = seal(3, &body);
        // Repeated, and lost before.
        assert_eq!(input.send(&seal(2, &packets[2])), wrong_number());
        assert_eq!(input.send(&seal(4, &body)), wrong_number());
        // One bit in the packet or the CRC.
        let mut bad = frame.clone();
        let at = 2 + input.rng.below(frame.len() - 2);
        bad[at] ^= 1 << input.rng.below(32);
        assert_eq!(input.send(&bad), wrong_crc(), "round {round}, word {at}");
        // Nothing was counted, so the right frame is still taken; not so a frame behind a gap.
        assert_eq!(input.send(&seal(4, &body)), wrong_number());
        // Truncated anywhere; the frame of one word has a right or a wrong number.
        for words in 1..frame.len() {
            assert_eq!(input.send(&frame[..words]), wrong_length(usize::from(words > 2)), "{words} words");
        }
        // Announced too long, too short, or empty.
        for (change, bad) in [(1, 1), (u32::MAX, 1), ((body.len() as u32).wrapping_neg(), 0)] {
            let mut other = frame.clone();
            other[1] = other[1].wrapping_add(change);
            assert_eq!(input.send(&other), wrong_length(bad), "{change}");
        }
        assert_eq!(input.send(&[&frame[..], &[1, 2, 3]].concat()), wrong_length(1));
        assert_eq!(input.send(&[7]), Said { sequence: 1, length: 1, ..Said::default() });
        assert_eq!(input.send(&frame), good(&body));
        // Cut off by a reset: the rest is no frame, and numbers begin again.
        for &word in &frame[..3] {
            while !input.cycle(Some((word, false))) {}
        }
        input.clear();
        input.open = Default::default();
        input.said = Said::default();
        assert_eq!(input.send(&frame[3..]).good, 0);
        assert_eq!(input.send(&seal(0, &body)), good(&body));
    }
    input.recorder.replay(&input.unit, "receiver");
}

#[test]
fn framer_makes_frames_under_back_pressure() {
    let (mut unit, mut recorder, mut rng) = (Framer::new(), Recorder::default(), Rng(9));
    let mut number = 0;
    for round in 0..60 {
        if round % 15 == 0 {
            // Also in the middle of a frame.
            unit.valid.next = round > 0;
            recorder.settle(&mut unit);
            sim::cycle(&mut unit, |u| &mut u.clk);
            unit.clear.next = true;
            recorder.settle(&mut unit);
            sim::cycle(&mut unit, |u| &mut u.clk);
            (unit.clear.next, unit.valid.next) = (false, false);
            number = 0;
        }
        let packet: Vec<u32> = (0..1 + rng.below(7)).map(|_| rng.next() as u32).collect();
        let (mut at, mut out, mut offered) = (0, vec![], None);
        // The source keeps a word on offer until it is taken.
        let mut valid = false;
        for _ in 0..1000 {
            valid |= at < packet.len() && rng.chance(2, 3);
            unit.valid.next = valid;
            set(&mut unit.data, if valid { packet[at] } else { rng.next() as u32 });
            unit.last.next = if valid { at + 1 == packet.len() } else { rng.chance(1, 2) };
            let noise = rng.next() as u32;
            set(&mut unit.words, if valid && at == 0 { packet.len() as u32 } else { noise });
            unit.m_axis_tready.next = round % 2 == 0 || rng.chance(1, 3);
            recorder.settle(&mut unit);
            let now =
                unit.m_axis_tvalid.val().then(|| (unit.m_axis_tdata.val().0 as u32, unit.m_axis_tlast.val()));
            if offered.is_some() {
                assert_eq!(now, offered, "a word on offer changes");
            }
            offered = if unit.m_axis_tready.next { None } else { now };
            if unit.m_axis_tready.next {
                out.extend(now);
            }
            if valid && unit.ready.val() {
                (at, valid) = (at + 1, false);
            }
            sim::cycle(&mut unit, |u| &mut u.clk);
            if out.last().is_some_and(|w| w.1) {
                break;
            }
        }
        let words: Vec<u32> = out.iter().map(|w| w.0).collect();
        assert_eq!(words, seal(number, &packet), "round {round}");
        assert!(out.iter().rev().skip(1).all(|w| !w.1), "tlast");
        number += 1;
    }
    recorder.replay(&unit, "framer");
}
