//! The units of moved maps against plain lists: what a transfer holds; every burst and transfer of a move once, with waits on
//! every channel, with the memory's errors, given up in the middle.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::VecDeque;

use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::instr::Source;
use spikegate_hdl::array::{gather::Gather, scatter::Scatter};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use spikegate_hdl::memory::mover::Mover;
use support::{low, set, wrap, Rng};

/// Lanes, input slots, output channels, post lanes, port bits: the slots of a transfer are all, one, some of a row.
const ARRAYS: [(usize, usize, usize, usize, usize); 5] =
    [(3, 8, 8, 2, 128), (4, 16, 4, 1, 64), (1, 16, 16, 4, 32), (8, 16, 16, 4, 512), (1, 2, 2, 1, 32)];
const MAPS: [(Moved, Source); 3] =
    [(Moved::Codes, Source::Attention), (Moved::Spikes, Source::Spikes), (Moved::Streams, Source::Stream)];

fn array((lanes, ci, co, post, bits): (usize, usize, usize, usize, usize)) -> ArrayConfig {
    let array = ArrayConfig::new(lanes, 1, ci, co).unwrap().with_post(post).unwrap();
    let array = array.with_memory(bits).unwrap().with_moves().unwrap();
    ArrayConfig { code_depth: 64, spike_depth: 256, stream_depth: 128, ..array }
}

/// A word of every slot.
struct Slots {
    codes: Vec<i128>,
    spikes: Vec<i128>,
    streams: Vec<Vec<i128>>,
}

/// What a map's word of all slots is in the external memory, transfer by transfer, as 32-bit words.
fn transfers(array: &ArrayConfig, map: Moved, slots: &Slots) -> Vec<Vec<i128>> {
    let value = |slot: usize| -> Vec<i128> {
        match map {
            Moved::Codes => (0..8).map(|b| slots.codes[slot] >> b & 1).collect(),
            Moved::Spikes => (0..array.lanes).map(|l| slots.spikes[slot] >> l & 1).collect(),
            Moved::Streams => {
                slots.streams[slot].iter().flat_map(|&v| (0..16).map(move |b| v >> b & 1)).collect()
            }
        }
    };
    let all: Vec<usize> = (0..array.ci).collect();
    let transfer = |slots: &[usize]| {
        let mut bits: Vec<i128> = vec![];
        for &slot in slots {
            bits.extend(value(slot));
            bits.resize(bits.len().next_multiple_of(map.bits(array)), 0);
        }
        bits.resize(array.memory_bits, 0);
        bits.chunks(32).map(|word| word.iter().rev().fold(0, |sum, bit| sum << 1 | bit)).collect()
    };
    all.chunks(array.moved_slots(map)).map(transfer).collect()
}

fn random_slots(rng: &mut Rng, array: &ArrayConfig) -> Slots {
    Slots {
        codes: (0..array.ci).map(|_| rng.signed(9)).collect(),
        spikes: (0..array.ci).map(|_| rng.unsigned(array.lanes)).collect(),
        streams: (0..array.ci).map(|_| (0..array.lanes).map(|_| rng.signed(16)).collect()).collect(),
    }
}

#[test]
fn gather_puts_slots_together() {
    for (number, sizes) in ARRAYS.into_iter().enumerate() {
        let array = array(sizes);
        let mut rng = Rng(20 + number as u64);
        let mut unit = Gather::new(&array);
        for round in 0..60 {
            let slots = random_slots(&mut rng, &array);
            let (map, source) = MAPS[round % 3];
            set(&mut unit.source, source as i128);
            unit.code.iter_mut().zip(&slots.codes).for_each(|(s, &v)| set(s, v));
            unit.spikes.iter_mut().zip(&slots.spikes).for_each(|(s, &v)| set(s, v));
            for (k, transfer) in transfers(&array, map, &slots).into_iter().enumerate() {
                set(&mut unit.transfer, k);
                // The row of slots that the transfer is of.
                let row = k * array.moved_slots(Moved::Streams) / array.post;
                let row = if map == Moved::Streams { row } else { rng.below(array.ci / array.post) };
                let streams = slots.streams[row * array.post..][..array.post].concat();
                unit.stream.iter_mut().zip(streams).for_each(|(s, v)| set(s, v));
                sim::settle(&mut unit);
                let have: Vec<i128> = unit.word.iter().map(|w| w.val().0).collect();
                assert_eq!(have, transfer, "array {number}, {map:?}, transfer {k}");
            }
        }
    }
}

#[test]
fn scatter_takes_them_apart() {
    for (number, sizes) in ARRAYS.into_iter().enumerate() {
        let array = array(sizes);
        let mut rng = Rng(30 + number as u64);
        let mut unit = Scatter::new(&array);
        for round in 0..60 {
            let slots = random_slots(&mut rng, &array);
            let (map, _) = MAPS[round % 3];
            let signed = rng.chance(1, 2);
            unit.signed.next = signed;
            let share = array.moved_slots(map);
            for (k, mut transfer) in transfers(&array, map, &slots).into_iter().enumerate() {
                // What is not of a slot counts for nothing.
                let junk: Vec<i128> = transfer.iter().map(|_| rng.unsigned(32)).collect();
                let full = Slots {
                    codes: vec![-1; array.ci],
                    spikes: vec![(1 << array.lanes) - 1; array.ci],
                    streams: vec![vec![0xffff; array.lanes]; array.ci],
                };
                let used = &transfers(&array, map, &full)[k];
                transfer.iter_mut().zip(junk).zip(used).for_each(|((t, junk), used)| *t |= junk & !used);
                unit.word.iter_mut().zip(transfer).for_each(|(w, v)| set(w, v));
                sim::settle(&mut unit);
                for (i, slot) in (k * share..(k + 1) * share).enumerate() {
                    let what = format!("array {number}, {map:?}, slot {slot}");
                    match map {
                        Moved::Codes => {
                            let code = low(slots.codes[slot], 8);
                            let code = if signed { wrap(code, 8) } else { code };
                            assert_eq!(unit.code[i].val().0, code, "{what}");
                        }
                        Moved::Spikes => assert_eq!(unit.spikes[i].val().0, slots.spikes[slot], "{what}"),
                        Moved::Streams => {
                            let have =
                                unit.stream[i * array.lanes..][..array.lanes].iter().map(|v| v.val().0);
                            assert_eq!(have.collect::<Vec<_>>(), slots.streams[slot], "{what}");
                        }
                    }
                }
            }
        }
    }
}

/// A move, as its instruction says it.
#[derive(Clone, Debug)]
struct Move {
    map: usize,
    outward: bool,
    length: usize,
    segments: usize,
    source_base: usize,
    source_group: usize,
    port_base: usize,
    port_group: usize,
}

impl Move {
    fn random(rng: &mut Rng, array: &ArrayConfig) -> Self {
        let map = rng.below(3);
        let depth = [array.code_depth, array.spike_depth, array.stream_depth][map];
        let segments = 1 + rng.below(4);
        let length = match rng.below(3) {
            0 => 1 + rng.below(3),
            1 => 1 + rng.below(20),
            _ => depth / segments,
        };
        let source_group = length + rng.below(1 + (depth - segments * length) / segments);
        let source_base = rng.below(1 + depth - (segments - 1) * source_group - length);
        let transfers = length * array.moved_transfers(MAPS[map].0);
        Self {
            map,
            outward: rng.chance(1, 2),
            length,
            segments,
            source_base,
            source_group,
            port_base: if rng.chance(1, 4) { (1 << 20) - 1 - rng.below(40) } else { rng.below(1 << 22) },
            port_group: if rng.chance(1, 4) { (1 << 20) - 1 } else { transfers + rng.below(40) },
        }
    }
    /// Address in the slots and transfer of the word, in order.
    fn parts(&self, array: &ArrayConfig) -> Vec<(usize, usize)> {
        let parts = array.moved_transfers(MAPS[self.map].0);
        let words = |g| (0..self.length).map(move |w| self.source_base + g * self.source_group + w);
        (0..self.segments).flat_map(words).flat_map(|a| (0..parts).map(move |k| (a, k))).collect()
    }
    /// Byte address and transfers of every burst.
    fn bursts(&self, array: &ArrayConfig) -> VecDeque<(usize, usize)> {
        let transfers = self.length * array.moved_transfers(MAPS[self.map].0);
        let mut out = VecDeque::new();
        for g in 0..self.segments {
            let first = self.port_base + g * self.port_group;
            let (mut at, end) = (first, first + transfers);
            while at < end {
                let next = ((at / 16 + 1) * 16).min(end);
                out.push_back((at * array.memory_bits / 8, next - at));
                at = next;
            }
        }
        out
    }
}

/// What is under way at the memory: transfers left; earliest cycle.
type Burst = (usize, usize);

/// What a slot memory's transfer is: any function of its place.
fn content(address: usize, transfer: usize, k: usize) -> i128 {
    i128::from(Rng((address << 16 | transfer << 8 | k) as u64).next() as u32)
}

#[test]
fn mover_moves_every_transfer_once() {
    let (mut full, mut given_up, mut refused) = ([false; 2], [0; 2], [0; 2]);
    for (number, sizes) in ARRAYS.into_iter().enumerate() {
        let array = array(sizes);
        let mut rng = Rng(60 + number as u64);
        let mut unit = Mover::new(&array);
        let mut recorder = Recorder::default();
        start(&mut unit, &mut recorder);
        for round in 0..30 {
            let it = Move::random(&mut rng, &array);
            let ends = if round % 3 == 2 { rng.below(90) } else { usize::MAX };
            // Waits: none; on every channel; a memory that lets the buffer or the requests run full.
            let (waits, late) = (round % 2, if round % 5 == 4 { 200 } else { 1 + rng.below(20) });
            let go = |rng: &mut Rng| waits == 0 || rng.chance(2, 3);
            set(&mut unit.source, MAPS[it.map].1 as i128);
            unit.outward.next = it.outward;
            set(&mut unit.length, it.length);
            set(&mut unit.segments, it.segments - 1);
            set(&mut unit.source_base, it.source_base);
            set(&mut unit.source_group, it.source_group);
            set(&mut unit.port_base, it.port_base);
            set(&mut unit.port_group, it.port_group);
            let (parts, mut bursts) = (it.parts(&array), it.bursts(&array));
            let unsettled = rng.below(12);
            let (mut cycle, mut moved, mut given) = (0, 0, false);
            let mut flying: VecDeque<Burst> = VecDeque::new();
            // Bursts with an address on offer, whose transfers are to come: theirs.
            let mut to_write: VecDeque<usize> = VecDeque::new();
            let mut waiting: Option<(i128, i128)> = None;
            let mut addressed: VecDeque<usize> = VecDeque::from(vec![0, 0]);
            let mut last: Option<usize> = None;
            let mut held: Option<Vec<i128>> = None;
            loop {
                let what = format!("array {number}, round {round}, cycle {cycle}, {it:?}");
                unit.start.next = cycle == 0;
                unit.settled.next = cycle > unsettled;
                unit.clear.next = cycle == ends;
                unit.ar_ready.next = go(&mut rng);
                unit.aw_ready.next = go(&mut rng);
                unit.w_ready.next = go(&mut rng) && !(late == 200 && cycle < 100);
                let complete = |b: &&Burst| b.1 <= cycle && (!it.outward || b.0 == 0);
                let answer = flying.front().filter(complete).is_some() && go(&mut rng);
                unit.r_valid.next = answer && !it.outward;
                unit.b_valid.next = answer && it.outward;
                let refuses = answer && rng.chance(1, 40);
                set(&mut unit.r_response, if refuses { 2 } else { 0 });
                set(&mut unit.b_response, if refuses { 3 } else { 0 });
                sim::settle(&mut unit);
                // Outward the slots show what was addressed two cycles ago.
                let (address, shown) = (addressed[0], unit.shown.val().0 as usize);
                for (k, word) in unit.word.iter_mut().enumerate() {
                    set(word, if it.outward { content(address, shown, k) } else { rng.unsigned(32) });
                }
                recorder.settle(&mut unit);

                // Requests.
                let asks = if it.outward { unit.aw_valid.val() } else { unit.ar_valid.val() };
                assert!(
                    !(if it.outward { unit.ar_valid.val() } else { unit.aw_valid.val() }),
                    "{what}: other way"
                );
                assert!(cycle > unsettled + 1 || !asks, "{what}: not alone");
                let request = (unit.request_address.val().0, unit.request_length.val().0);
                if let Some(before) = waiting {
                    assert!(asks && request == before, "{what}: a request changed or was taken back");
                }
                if asks && waiting.is_none() {
                    let (address, transfers) = *bursts.front().unwrap_or_else(|| panic!("{what}: too much"));
                    assert_eq!(request, (address as u32 as i128, transfers as i128 - 1), "{what}: burst");
                    assert!(!given, "{what}: asked after it was given up");
                    to_write.extend(it.outward.then_some(transfers));
                }
                full[usize::from(it.outward)] |= flying.len() == 8;
                assert!(flying.len() < 8 || !asks, "{what}: too many requests");
                let ready = if it.outward { unit.aw_ready.val() } else { unit.ar_ready.val() };
                waiting = (asks && !ready).then_some(request);

                // Transfers.
                assert_eq!(unit.error.val(), refuses && !given, "{what}: error");
                refused[usize::from(it.outward)] += usize::from(refuses && !given);
                assert_eq!(unit.stale.val(), given, "{what}: stale");
                assert_eq!(unit.fill.val(), answer && !it.outward && !given, "{what}: fill");
                let place = (unit.address.val().0 as usize, unit.transfer.val().0 as usize);
                if answer && !it.outward {
                    assert!(given || unit.fills.val(), "{what}: fills");
                    assert_eq!(place, parts[moved], "{what}: place");
                }
                if unit.w_valid.val() {
                    assert!(
                        it.outward && unit.writes.val() && !to_write.is_empty(),
                        "{what}: no address yet"
                    );
                    assert!(given || unit.reads.val(), "{what}: reads");
                    let data: Vec<i128> = unit.w_data.iter().map(|w| w.val().0).collect();
                    assert_eq!(held.as_ref().unwrap_or(&data), &data, "{what}: data changed on offer");
                    if !given {
                        let (address, k) = parts[moved];
                        let want: Vec<i128> = (0..data.len()).map(|i| content(address, k, i)).collect();
                        assert_eq!(data, want, "{what}: data");
                    }
                    assert_eq!(unit.w_last.val(), to_write[0] == 1, "{what}: last");
                    held = (!unit.w_ready.val() && !given && cycle != ends).then_some(data);
                } else {
                    assert!(held.is_none(), "{what}: data taken back");
                }
                let done = bursts.is_empty() && flying.is_empty() && last.is_some();
                assert_eq!(unit.done.val(), done && !given, "{what}: done");
                let leaves = unit.w_valid.val() && unit.w_ready.val();
                sim::cycle(&mut unit, |u| &mut u.clk);

                addressed.push_back(place.0);
                addressed.pop_front();
                if answer {
                    last = Some(cycle);
                    moved += usize::from(!it.outward);
                    let front = flying.front_mut().unwrap();
                    front.0 -= usize::from(!it.outward);
                    if front.0 == 0 {
                        flying.pop_front();
                    }
                }
                if asks && waiting.is_none() {
                    let (_, transfers) = bursts.pop_front().unwrap();
                    let due = cycle + 1 + rng.below(late);
                    // Outward it counts down as its transfers are written.
                    flying.push_back((transfers, due));
                }
                if leaves {
                    moved += 1;
                    to_write[0] -= 1;
                    let written = to_write[0] == 0;
                    if written {
                        to_write.pop_front();
                    }
                    // The oldest burst that is not complete; its address may still be on offer, and it counts then.
                    match flying.iter_mut().find(|b| b.0 > 0) {
                        Some(burst) => burst.0 -= 1,
                        None => bursts[0].1 -= 1,
                    }
                }
                cycle += 1;
                assert!(cycle < 50_000, "{what}: it never ends");
                if unit.clear.val() {
                    unit.clear.next = false;
                    sim::settle(&mut unit);
                    if !unit.moving.val() {
                        // Not begun, or just over.
                        assert!(flying.is_empty() && waiting.is_none(), "{what}: forgotten");
                        break;
                    }
                    given = true;
                    given_up[usize::from(it.outward)] += 1;
                    held = None;
                }
                if done || given && !unit.stale.val() {
                    assert!(flying.is_empty() && waiting.is_none() && to_write.is_empty(), "{what}: owed");
                    assert!(given || moved == parts.len(), "{what}: missing");
                    break;
                }
            }
            unit.r_valid.next = false;
            unit.b_valid.next = false;
            unit.clear.next = false;
            unit.settled.next = true;
            for _ in 0..rng.below(4) {
                recorder.settle(&mut unit);
                assert!(
                    !unit.moving.val() && !unit.ar_valid.val() && !unit.aw_valid.val(),
                    "round {round}: over"
                );
                sim::cycle(&mut unit, |u| &mut u.clk);
            }
        }
        recorder.replay(&unit, &format!("mover_{number}"));
    }
    assert!(given_up.iter().chain(&refused).all(|&n| n > 0), "{given_up:?}, {refused:?}");
    assert!(full[0] && full[1], "never as many requests as can be: {full:?}");
}

/// Resets it, and moves outward once so that the buffer's words are known.
fn start(unit: &mut Mover, recorder: &mut Recorder) {
    unit.rst.next = true;
    recorder.cycle(unit, |u| &mut u.clk);
    unit.rst.next = false;
    unit.outward.next = true;
    unit.settled.next = true;
    set(&mut unit.length, 16);
    unit.start.next = true;
    recorder.cycle(unit, |u| &mut u.clk);
    unit.start.next = false;
    (0..16).for_each(|_| recorder.cycle(unit, |u| &mut u.clk));
    unit.rst.next = true;
    recorder.cycle(unit, |u| &mut u.clk);
    unit.rst.next = false;
    recorder.compare_from_here();
}
