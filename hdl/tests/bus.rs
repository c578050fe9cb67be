//! Loader and sender against packets made in plain Rust.

mod support;

use std::collections::HashMap;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::Source;
use spikegate_contract::packet::{
    header, words_per_entry, words_per_patch_transfer, Target, DUMP, IMAGE, LOAD, RESULT,
};
use spikegate_hdl::bus::{loader::Loader, sender::Sender};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{low, set, Rng};

const TARGETS: [Target; 6] =
    [Target::Instructions, Target::Params, Target::Weights, Target::Gate, Target::Attention, Target::Globals];

/// A write of the loader: target, slot, address, words.
type Entry = (u8, u16, u32, Vec<u32>);

struct Bench {
    unit: Loader,
    recorder: Recorder,
    rng: Rng,
    array: ArrayConfig,
    writes: Vec<Entry>,
    pixels: Vec<u8>,
    starts: usize,
    drops: usize,
    /// Type or target, length, program.
    errors: [usize; 3],
    image_pixels: usize,
}

impl Bench {
    /// After a reset.
    fn new(array: ArrayConfig) -> Self {
        let mut bench = Self {
            unit: Loader::new(&array),
            recorder: Recorder::default(),
            rng: Rng(array.ci as u64),
            array,
            writes: vec![],
            pixels: vec![],
            starts: 0,
            drops: 0,
            errors: [0; 3],
            image_pixels: 0,
        };
        bench.unit.clear.next = true;
        bench.cycle(None);
        bench.unit.clear.next = false;
        bench
    }

    /// One cycle; whether the word on offer was taken.
    fn cycle(&mut self, word: Option<(u32, bool)>) -> bool {
        let u = &mut self.unit;
        u.s_axis_tvalid.next = word.is_some();
        let (data, last) = word.unwrap_or((self.rng.next() as u32, self.rng.chance(1, 2)));
        set(&mut u.s_axis_tdata, data);
        u.s_axis_tlast.next = last;
        u.image_accept.next = self.rng.chance(1, 3);
        u.pixel_ready.next = self.pixels.len() < self.image_pixels && self.rng.chance(2, 3);
        u.image_done.next = false;
        sim::settle(u);
        // The patch writer ends with the image's last pixel.
        let takes = u.pixel_ready.next && u.pixel_valid.val();
        u.image_done.next = takes && self.pixels.len() + 1 == self.image_pixels;
        self.recorder.settle(u);
        self.errors[0] += usize::from(u.error_packet.val());
        self.errors[1] += usize::from(u.error_length.val());
        self.errors[2] += usize::from(u.error_program.val());
        self.drops += usize::from(u.image_drop.val());
        self.starts += usize::from(u.image_start.val());
        if takes {
            self.pixels.push(u.pixel.val().0 as u8);
        }
        if u.write.val() {
            let target = u.target.val().0 as u8;
            let words = match TARGETS.get(target as usize) {
                Some(&target) => words_per_entry(target, &self.array),
                None => words_per_patch_transfer(&self.array),
            };
            let entry = u.word[..words].iter().map(|w| w.val().0 as u32).collect();
            self.writes.push((target, u.slot.val().0 as u16, u.address.val().0 as u32, entry));
        }
        let taken = word.is_some() && u.s_axis_tready.val();
        if u.image_start.val() {
            self.pixels.clear();
        }
        sim::cycle(u, |u| &mut u.clk);
        taken
    }

    fn send(&mut self, packet: &[u32]) {
        for (i, &word) in packet.iter().enumerate() {
            while self.rng.chance(1, 4) {
                self.cycle(None);
            }
            let mut cycles = 0;
            while !self.cycle(Some((word, i + 1 == packet.len()))) {
                cycles += 1;
                assert!(cycles < 1000, "the loader takes no words");
            }
        }
    }

    /// The end of a packet's frame, some time after its last word.
    fn end(&mut self, good: bool) {
        let cycles = self.rng.below(4);
        self.idle(cycles);
        self.unit.frame_good.next = good;
        self.unit.frame_bad.next = !good;
        self.cycle(None);
        self.unit.frame_good.next = false;
        self.unit.frame_bad.next = false;
    }

    fn idle(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.cycle(None);
        }
    }

    /// A good load packet must arrive whole.
    fn load(&mut self, target: Target, slot: u16, address: u32, entries: usize) {
        let words = words_per_entry(target, &self.array);
        let mut packet = vec![header(LOAD, target as u8, slot), address, entries as u32];
        let mut want: Vec<Entry> = vec![];
        for i in 0..entries {
            let entry: Vec<u32> = (0..words).map(|_| self.rng.next() as u32).collect();
            packet.extend(&entry);
            want.push((target as u8, slot, address + i as u32, entry));
        }
        self.writes.clear();
        let errors = self.errors;
        self.unit.program.next = false;
        self.send(&packet);
        self.end(true);
        self.idle(2);
        assert_eq!(self.writes, want);
        assert_eq!(self.errors, errors);
    }

    /// An image packet of `words` data words for an image of `pixels` pixels; good if they fit.
    fn image(&mut self, pixels: usize, words: usize) {
        self.image_pixels = pixels;
        let sequence = self.rng.next() as u32;
        let data: Vec<u32> = (0..words).map(|_| self.rng.next() as u32).collect();
        let (starts, errors) = (self.starts, self.errors);
        let drops = self.drops;
        self.unit.program.next = true;
        self.send(&[&[header(IMAGE, 0, 0), sequence][..], &data].concat());
        self.end(true);
        let mut cycles = 0;
        while self.pixels.len() < pixels && self.drops == drops {
            self.idle(1);
            cycles += 1;
            assert!(cycles < 1000, "the image does not end");
        }
        self.idle(3);
        let want: Vec<u8> = data.iter().flat_map(|w| w.to_le_bytes()).take(pixels).collect();
        assert_eq!(self.pixels, want);
        assert_eq!(self.starts, starts + 1);
        assert_eq!(self.unit.sequence.val().0 as u32, sequence);
        let good = words == pixels.div_ceil(4);
        assert_eq!(self.errors[1] - errors[1], usize::from(!good), "pixels {pixels} words {words}");
        assert_eq!((self.errors[0], self.errors[2]), (errors[0], errors[2]));
        assert_eq!(self.unit.image_whole.val(), good, "pixels {pixels} words {words}");
        assert_eq!(self.drops - drops, usize::from(!good), "pixels {pixels} words {words}");
        self.image_pixels = 0;
    }

    /// The first words of a packet whose frame ends badly: no error of the loader's, and no image is left.
    fn broken(&mut self, packet: &[u32], words: usize, pixels: usize) {
        let is_image = packet[0] >> 24 == u32::from(IMAGE);
        let (errors, drops, whole) = (self.errors, self.drops, self.unit.image_whole.val());
        self.image_pixels = pixels;
        self.unit.program.next = is_image;
        for (i, &word) in packet[..words].iter().enumerate() {
            while !self.cycle(Some((word, i + 1 == packet.len()))) {}
        }
        self.end(false);
        self.idle(3);
        let begun = is_image && words > 1;
        assert_eq!(self.errors, errors, "{words} words of {packet:x?}");
        assert_eq!(self.drops - drops, usize::from(begun), "{words} words of {packet:x?}");
        // An image that came before is untouched until another begins.
        assert_eq!(self.unit.image_whole.val(), whole && !begun, "{words} words of {packet:x?}");
        self.image_pixels = 0;
    }

    /// A packet that must be reported and otherwise do nothing beyond its good entries.
    fn bad(&mut self, packet: &[u32], kind: usize, writes: usize) {
        self.writes.clear();
        let (mut errors, starts) = (self.errors, self.starts);
        // A good packet is refused by the other setting.
        let is_image = packet[0] >> 24 == u32::from(IMAGE);
        self.unit.program.next = is_image != (kind == 2);
        self.send(packet);
        self.end(true);
        self.idle(2);
        errors[kind] += 1;
        assert_eq!(self.errors, errors, "{packet:x?}");
        assert_eq!((self.writes.len(), self.starts), (writes, starts), "{packet:x?}");
    }
}

#[test]
fn loader_takes_good_packets_and_reports_bad_ones() {
    for (ci, co) in [(8, 8), (32, 32)] {
        let array = ArrayConfig::new(2, 1, ci, co).unwrap();
        let mut bench = Bench::new(array);
        for round in 0..2 {
            for (i, target) in TARGETS.into_iter().enumerate() {
                bench.load(target, (0x100 * round + i) as u16, 7 * i as u32, 1 + i % 4);
            }
            let load = |n: u32| vec![header(LOAD, 0, 0), 5, n];
            bench.bad(&[header(0x77, 0, 0), 1, 2, 3], 0, 0);
            bench.load(Target::Weights, 3, 0, 2);
            bench.bad(&[header(LOAD, 6, 0), 1, 1, 3], 0, 0);
            bench.load(Target::Params, 1, 2, 1);
            bench.bad(&[load(3), vec![1, 2]].concat(), 1, 2);
            bench.load(Target::Gate, 0, 9, 2);
            bench.bad(&[load(2), vec![1, 2, 3, 4, 5]].concat(), 1, 2);
            bench.load(Target::Globals, 0, 1, 3);
            bench.bad(&[header(LOAD, 0, 0)], 1, 0);
            bench.bad(&load(1), 1, 0);
            bench.bad(&[header(LOAD, 1, 0), 0, 1, 1, 2], 1, 0);
            bench.load(Target::Params, 2, 2, 2);
            for (pixels, words) in [(8, 2), (7, 2), (1, 1), (8, 1), (8, 0), (5, 4), (8, 2)] {
                bench.image(pixels, words);
                bench.load(Target::Attention, 0, 1, 1);
            }
            bench.bad(&[load(2), vec![1, 2]].concat(), 2, 0);
            bench.bad(&[header(IMAGE, 0, 0), 7, 1], 2, 0);
            let image = [header(IMAGE, 0, 0), 7, 1, 2];
            for words in 1..=4 {
                bench.image(8, 2);
                bench.broken(&image, words, 8);
                bench.broken(&[load(2), vec![1, 2]].concat(), words + 1, 0);
                bench.load(Target::Gate, 0, 9, 2);
            }
        }
        if ci == 8 {
            bench.recorder.replay(&bench.unit, "loader");
        }
    }
}

/// Images for the external memory: written as load packets are, one at a time.
#[test]
fn loader_takes_images_as_patches() {
    const MEMORY: u8 = Target::Memory as u8;
    for bits in [64, 128] {
        let array = ArrayConfig::new(2, 1, 8, 8).and_then(|a| a.with_memory(bits));
        let mut bench = Bench::new(array.and_then(ArrayConfig::with_moves).unwrap());
        let (transfers, words) = (5, words_per_patch_transfer(&bench.array));
        assert_eq!(words, 2, "eight slots, whatever the port");
        bench.unit.outside[0].next = true;
        set(&mut bench.unit.transfers[0], transfers as u32);
        bench.unit.program.next = true;
        let packet = |rng: &mut Rng, transfers: usize| {
            let head = [header(IMAGE, MEMORY, 0x123), rng.next() as u32, 0xf_0000, 77];
            let data = (0..transfers * words).map(|_| rng.next() as u32);
            head.into_iter().chain(data).collect::<Vec<_>>()
        };
        let stored = |bench: &Bench| (bench.unit.stored[0].val(), bench.unit.image_whole.val());
        for round in 0..3 {
            // Too few, too many, the other form, an end anywhere: nothing is there.
            for wrong in [transfers - 1, transfers + 1] {
                let wrong = packet(&mut bench.rng, wrong);
                bench.bad(&wrong, 1, transfers.min((wrong.len() - 4) / words));
                assert!(!bench.unit.stored[0].val(), "{wrong:x?}");
            }
            bench.bad(&[header(IMAGE, 0, 0), 7, 1, 2], 0, 0);
            bench.bad(&[header(IMAGE, MEMORY, 0), 7], 1, 0);
            bench.bad(&[header(IMAGE, MEMORY, 0), 7, 1], 1, 0);
            let good = packet(&mut bench.rng, transfers);
            for end in 2..=good.len() {
                bench.broken(&good, end, 0);
                assert!(!bench.unit.stored[0].val(), "{end} words");
            }
            // A good one.
            bench.writes.clear();
            let (starts, errors) = (bench.starts, bench.errors);
            bench.unit.program.next = true;
            bench.send(&good);
            bench.end(true);
            bench.idle(2);
            assert_eq!(stored(&bench), (true, true));
            assert_eq!((bench.starts, bench.errors), (starts, errors), "no pixels follow");
            let entries = good[4..].chunks(words).zip(0xf_0000..);
            let want: Vec<Entry> = entries.map(|(w, at)| (MEMORY, 0x123, at, w.to_vec())).collect();
            assert_eq!(bench.writes, want);
            assert_eq!(bench.unit.sequence.val().0 as u32, good[1]);
            // The next waits until it is released, and a bad frame before that leaves it there.
            bench.broken(&good, 1, 0);
            assert_eq!(stored(&bench), (true, true));
            assert!(bench.cycle(Some((good[0], false))));
            assert!((0..40).all(|_| !bench.cycle(Some((good[1], false)))), "round {round}");
            bench.unit.release[0].next = true;
            bench.cycle(None);
            bench.unit.release[0].next = false;
            bench.idle(1);
            assert!(!bench.unit.stored[0].val());
            bench.send(&good[1..]);
            bench.end(true);
            bench.idle(2);
            assert_eq!(stored(&bench), (true, true));
            bench.unit.clear.next = true;
            bench.cycle(None);
            bench.unit.clear.next = false;
            assert_eq!(stored(&bench), (false, false));
        }
        // A program whose image comes as pixels.
        bench.unit.outside[0].next = false;
        let patches = packet(&mut bench.rng, transfers);
        bench.bad(&patches, 0, 0);
        bench.image(8, 2);
        if bits == 128 {
            bench.recorder.replay(&bench.unit, "loader_patches");
        }
    }
}

/// What the memories around the sender hold.
fn word(kind: &str, address: usize, slot: usize, lane: usize) -> i128 {
    let mut rng = Rng((address * 64 + slot * 8 + lane + kind.len() * 1000) as u64);
    rng.next();
    rng.unsigned(match kind {
        "code" => 9,
        "spikes" => 2,
        "stream" | "scalar" => 16,
        _ => 32,
    })
}

struct Output {
    unit: Sender,
    recorder: Recorder,
    rng: Rng,
    /// Words of the packet, as the sender says.
    words: usize,
    /// Address of a logit a cycle before; addresses of a word one and two cycles before.
    before: [usize; 3],
}

impl Output {
    fn cycle(&mut self, ready: bool, offered: &mut Option<(u32, bool)>, out: &mut Vec<(u32, bool)>) -> bool {
        let u = &mut self.unit;
        let [logit, late, read] = self.before;
        let slot = u.read_slot.val().0 as usize;
        set(&mut u.logit, word("logits", logit, 0, 0));
        set(&mut u.code_word, word("code", read, slot, 0));
        set(&mut u.spike_word, word("spikes", read, slot, 0));
        for l in 0..2 {
            set(&mut u.stream_word[l], word("stream", read, slot, l));
        }
        let scalar = u.scalar_index.val().0 as usize;
        set(&mut u.scalar, word("scalar", scalar, 0, 0));
        u.m_axis_tready.next = ready;
        self.recorder.settle(u);
        let now = u.m_axis_tvalid.val().then(|| (u.m_axis_tdata.val().0 as u32, u.m_axis_tlast.val()));
        if offered.is_some() {
            assert_eq!(now, *offered, "a word on offer changes");
        }
        *offered = if ready { None } else { now };
        if let (true, Some(word)) = (ready, now) {
            out.push(word);
        }
        let done = u.done.val();
        if u.m_axis_tvalid.val() {
            self.words = u.words.val().0 as usize;
        }
        self.before = [u.logit_address.val().0 as usize, u.read_address.val().0 as usize, late];
        sim::cycle(u, |u| &mut u.clk);
        u.start_result.next = false;
        u.start_dump.next = false;
        sim::settle(u);
        done
    }

    /// Runs until the packet's last word is taken.
    fn packet(&mut self, slow: bool) -> Vec<u32> {
        let (mut offered, mut out, mut dones) = (None, vec![], 0);
        for _ in 0..5000 {
            let ready = if slow { self.rng.chance(1, 3) } else { true };
            dones += usize::from(self.cycle(ready, &mut offered, &mut out));
            if out.last().is_some_and(|w| w.1) {
                break;
            }
        }
        assert_eq!(dones, 1);
        assert!(out.iter().rev().skip(1).all(|w| !w.1) && out.last().is_some_and(|w| w.1), "tlast");
        assert_eq!(out.len(), self.words, "words announced");
        for _ in 0..4 {
            let mut more = vec![];
            self.cycle(true, &mut None, &mut more);
            assert!(more.is_empty(), "words behind the packet");
        }
        out.into_iter().map(|w| w.0).collect()
    }
}

#[test]
fn sender_makes_packets_under_back_pressure() {
    let array = ArrayConfig::new(2, 1, 4, 2).unwrap();
    let mut output = Output {
        unit: Sender::new(&array),
        recorder: Recorder::default(),
        rng: Rng(5),
        words: 0,
        before: [0; 3],
    };
    output.unit.clear.next = true;
    output.cycle(true, &mut None, &mut vec![]);
    output.unit.clear.next = false;
    let mut cycles = HashMap::new();
    for i in 0..6u32 {
        output.unit.cycle_write.next = true;
        set(&mut output.unit.cycle_address, i);
        let value = output.rng.next() as u32;
        set(&mut output.unit.cycle_data, value);
        cycles.insert(i, value);
        output.cycle(true, &mut None, &mut vec![]);
    }
    output.unit.cycle_write.next = false;
    for round in 0..10usize {
        let slow = round % 2 == 1;
        let (classes, instructions) = (1 + round as u32 % 4, 1 + round as u32 % 6);
        let sequence = output.rng.next() as u32;
        let u = &mut output.unit;
        set(&mut u.sequence, sequence);
        set(&mut u.index, instructions);
        set(&mut u.class, 2);
        set(&mut u.classes, classes);
        u.start_result.next = true;
        let mut want = vec![header(RESULT, 0, (classes + instructions + 4) as u16), sequence, 2, classes];
        want.extend((0..classes).map(|i| word("logits", i as usize, 0, 0) as u32));
        want.push(instructions);
        want.extend((0..instructions).map(|i| cycles[&i]));
        assert_eq!(output.packet(slow), want, "result {round}");

        let (base, length, timesteps) = (100 * round, 1 + round % 3, 1 + round % 5);
        let source = [Source::Image, Source::Spikes, Source::Stream, Source::Attention][round % 4];
        let scalars = round % 4 == 3;
        let (sum, max) = (output.rng.signed(40), output.rng.signed(16));
        let u = &mut output.unit;
        set(&mut u.source, source as i128);
        u.scalars.next = scalars;
        set(&mut u.base, base as i128);
        set(&mut u.length, length as i128);
        set(&mut u.timesteps, timesteps as i128);
        set(&mut u.sum, sum);
        set(&mut u.max, max);
        u.start_dump.next = true;
        let mut data = vec![];
        for address in base..base + length {
            for slot in 0..4 {
                match source {
                    Source::Spikes => data.push(word("spikes", address, slot, 0)),
                    Source::Stream => data.extend((0..2).map(|l| word("stream", address, slot, l))),
                    _ => data.push(word("code", address, slot, 0)),
                }
            }
        }
        if scalars {
            data = vec![low(sum, 32), low(sum >> 32, 8), low(max, 16)];
            data.extend((0..timesteps).map(|t| word("scalar", t, 0, 0)));
        }
        let mut want = vec![header(DUMP, source as u8, 0), sequence, instructions, data.len() as u32];
        want.extend(data.iter().map(|&v| v as u32));
        assert_eq!(output.packet(slow), want, "dump {round}");
    }
    output.recorder.replay(&output.unit, "sender");
}
