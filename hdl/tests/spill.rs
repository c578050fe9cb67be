//! The units of spilled maps against plain queues: every ratio of beat, burst and transfer, a slow memory, full buffers,
//! images given up in the middle.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::VecDeque;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::control::quarter::Quarter;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use spikegate_hdl::memory::{arbiter::Arbiter, reload::Reload, spill::Spill};
use support::{low, set, Rng};

/// Lanes, input slots, output channels, port bits, bursts of the ring: beats wider than a transfer; several beats in a
/// transfer; a burst smaller than a transfer; all of one size.
const ARRAYS: [(usize, usize, usize, usize, usize); 4] =
    [(3, 8, 8, 32, 8), (2, 8, 8, 128, 4), (1, 8, 2, 128, 16), (4, 4, 4, 64, 2)];

fn array((lanes, ci, co, bits, ring): (usize, usize, usize, usize, usize)) -> ArrayConfig {
    let array = ArrayConfig::new(lanes, 1, ci, co).unwrap().with_memory(bits).unwrap();
    ArrayConfig { spill_depth: ring, ..array.with_spilling().unwrap() }
}

fn capacity(array: &ArrayConfig) -> usize {
    array.spill_buffer() / array.spill_words()
}

/// The transfers of a burst: `values[channel][lane]`, the lanes padded to a power of two, the burst to whole transfers.
fn transfers(array: &ArrayConfig, values: &[Vec<i128>]) -> Vec<Vec<i128>> {
    let mut flat: Vec<i128> = Vec::new();
    for channel in values {
        flat.extend(channel.iter().map(|&v| low(v, 16)));
        flat.resize(flat.len().next_multiple_of(array.lanes.next_power_of_two()), 0);
    }
    flat.resize(array.spill_bytes() / 2, 0);
    let words: Vec<i128> = flat.chunks(2).map(|pair| pair[0] | pair[1] << 16).collect();
    words.chunks(array.memory_bits / 32).map(<[i128]>::to_vec).collect()
}

/// A burst's values.
fn burst(rng: &mut Rng, array: &ArrayConfig) -> Vec<Vec<i128>> {
    (0..array.co).map(|_| (0..array.lanes).map(|_| rng.signed(16)).collect()).collect()
}

/// Bursts that the memory takes: what is expected, whether the image still wants it, what has come of it.
#[derive(Default)]
struct Taken {
    expected: VecDeque<Vec<Vec<i128>>>,
    addresses: usize,
    transfers: usize,
    bursts: usize,
}

#[test]
fn spill_writes_every_burst_once() {
    for (number, sizes) in ARRAYS.into_iter().enumerate() {
        let array = array(sizes);
        let mut rng = Rng(50 + number as u64);
        let mut unit = Spill::new(&array);
        let mut recorder = Recorder::default();
        unit.rst.next = true;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        unit.rst.next = false;
        unit.begin.next = true;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        unit.begin.next = false;
        // Words are unknown until they are written.
        unit.push.next = true;
        for _ in 0..array.spill_buffer() * array.co / array.post / array.spill_words() {
            recorder.cycle(&mut unit, |u| &mut u.clk);
        }
        unit.push.next = false;
        unit.rst.next = true;
        unit.clear.next = true;
        (0..2).for_each(|_| recorder.cycle(&mut unit, |u| &mut u.clk));
        unit.rst.next = false;
        unit.clear.next = false;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        recorder.compare_from_here();
        let per_burst = array.spill_transfers();
        let mut was_full = false;
        // Transfers and acknowledgements that images given up still owe.
        let (mut owed_addresses, mut owed_transfers, mut owed_acknowledgements) = (0, 0, 0);
        for image in 0..8 {
            let (narrow, gives_up, blocked) = (image % 3 == 1, image % 4 == 2, image == 4);
            let ends = if gives_up { 20 + rng.below(120) } else { usize::MAX };
            let bursts = 3 + rng.below(20) + if blocked { capacity(&array) } else { 0 };
            unit.narrow.next = narrow;
            unit.begin.next = true;
            let mut taken = Taken::default();
            let (mut claimed, mut to_push, mut drained, mut committed) =
                (0usize, VecDeque::new(), 0usize, 0usize);
            let (mut begun, mut place) = (0, 0);
            let mut acknowledgements: VecDeque<(usize, bool)> =
                (0..owed_acknowledgements).map(|_| (0, false)).collect();
            let mut waits: Option<i128> = None;
            let mut cycle = 0;
            loop {
                let what = format!("array {number}, image {image}, cycle {cycle}");
                // Claims, then beats of what is claimed.
                let wanted = 1 + rng.below(3);
                set(&mut unit.bursts, wanted);
                let open = claimed + wanted <= bursts && cycle > 0 && rng.chance(1, 2);
                let push = to_push.front().filter(|_| cycle > 0 && (blocked || rng.chance(2, 3)));
                unit.push.next = push.is_some();
                let channels = if narrow { 1 } else { array.post };
                if let Some(values) = push {
                    let values: &Vec<Vec<i128>> = values;
                    for lane in 0..array.post {
                        // In a narrow beat only the channel's own lane counts.
                        let own = !narrow || place % array.post == lane;
                        let channel = if narrow { place } else { place + lane };
                        for (l, &value) in values[channel].iter().enumerate() {
                            let v = if own { value } else { rng.signed(16) };
                            set(&mut unit.stream[lane * array.lanes + l], v);
                        }
                    }
                }
                let late = blocked && drained == 0 && claimed + 3 < bursts && cycle < 6000;
                unit.aw_ready.next = rng.chance(2, 3);
                unit.w_ready.next = !late && rng.chance(2, 3);
                unit.hold.next = rng.chance(1, 6);
                let acknowledge =
                    acknowledgements.front().filter(|a| a.0 <= cycle && rng.chance(2, 3)).copied();
                unit.b_valid.next = acknowledge.is_some();
                let refused = acknowledge.is_some() && rng.chance(1, 5);
                set(&mut unit.b_response, if refused { 2 } else { 0 });
                unit.claim.next = false;
                sim::settle(&mut unit);
                let room = claimed + wanted <= drained + capacity(&array);
                if cycle > 0 {
                    assert_eq!(unit.room.val(), room, "{what}: room");
                    assert_eq!(unit.committed.val().0, committed as i128, "{what}: committed");
                }
                let counts = acknowledge.is_some_and(|(_, wanted)| wanted);
                assert_eq!(unit.error.val(), refused && counts, "{what}: error");
                was_full |= !room;
                let claim = open && room;
                unit.claim.next = claim;
                recorder.settle(&mut unit);

                if let Some(address) = waits {
                    assert!(unit.aw_valid.val(), "{what}: an address was taken back");
                    assert_eq!(unit.aw_address.val().0, address, "{what}: an address changed");
                }
                let address = unit.aw_address.val().0;
                waits = (unit.aw_valid.val() && !unit.aw_ready.val()).then_some(address);
                if unit.aw_valid.val() && unit.aw_ready.val() {
                    if owed_addresses > 0 {
                        owed_addresses -= 1;
                    } else {
                        let expected = taken.addresses % array.spill_depth * array.spill_bytes();
                        assert_eq!(address, expected as i128, "{what}: address");
                        taken.addresses += 1;
                    }
                }
                if unit.w_valid.val() && unit.w_ready.val() {
                    if owed_transfers > 0 {
                        owed_transfers -= 1;
                        assert_eq!(unit.w_last.val(), owed_transfers % per_burst == 0, "{what}: owed last");
                        if owed_transfers % per_burst == 0 {
                            acknowledgements.push_back((cycle + 1 + rng.below(9), false));
                        }
                    } else {
                        let data: Vec<i128> = unit.w_data.iter().map(|w| w.val().0).collect();
                        let front = taken.expected.front().unwrap_or_else(|| panic!("{what}: too much"));
                        assert_eq!(data, front[taken.transfers], "{what}: data");
                        taken.transfers += 1;
                        let last = taken.transfers == per_burst;
                        assert_eq!(unit.w_last.val(), last, "{what}: last");
                        if last {
                            taken.expected.pop_front();
                            (taken.transfers, taken.bursts) = (0, taken.bursts + 1);
                            acknowledgements.push_back((cycle + 1 + rng.below(9), true));
                        }
                    }
                }
                let settled = unit.settled.val();
                let busy = unit.busy.val();
                sim::cycle(&mut unit, |u| &mut u.clk);
                unit.begin.next = false;
                drained = taken.bursts;
                if let Some((_, wanted)) = acknowledge {
                    acknowledgements.pop_front();
                    committed += usize::from(wanted);
                    begun += 1;
                }
                if unit.push.val() {
                    place += channels;
                    if place == array.co {
                        place = 0;
                        taken.expected.push_back(transfers(&array, &to_push.pop_front().unwrap()));
                    }
                }
                if claim {
                    claimed += wanted;
                    (0..wanted).for_each(|_| to_push.push_back(burst(&mut rng, &array)));
                }
                cycle += 1;
                assert!(cycle < 100_000, "{what}: it never ends");
                if cycle >= ends {
                    break;
                }
                let all = claimed + 3 > bursts && to_push.is_empty() && committed == claimed;
                if all && settled {
                    assert!(!busy, "{what}: settled and busy");
                    break;
                }
            }
            assert!(begun > 0 || gives_up, "image {image}: nothing was written");
            unit.push.next = false;
            unit.claim.next = false;
            unit.b_valid.next = false;
            unit.aw_ready.next = false;
            unit.w_ready.next = false;
            if gives_up {
                unit.clear.next = true;
                recorder.settle(&mut unit);
                // A burst that begins in this very cycle is owed too.
                sim::cycle(&mut unit, |u| &mut u.clk);
                unit.clear.next = false;
                sim::settle(&mut unit);
                owed_addresses = usize::from(unit.aw_valid.val());
                owed_transfers = if unit.w_valid.val() { per_burst - taken.transfers } else { 0 };
                owed_acknowledgements = acknowledgements.len();
                if owed_addresses > 0 && owed_transfers == 0 {
                    // All data are there, the address is not: acknowledged as one.
                    assert_eq!(taken.transfers, 0);
                }
            } else {
                (owed_addresses, owed_transfers, owed_acknowledgements) = (0, 0, 0);
            }
        }
        assert!(was_full, "array {number}: the buffer was never full");
        recorder.replay(&unit, &format!("spill_{number}"));
    }
}

/// What the ring holds in burst `n` of an image.
fn held(array: &ArrayConfig, image: usize, n: usize) -> Vec<Vec<i128>> {
    burst(&mut Rng((image * 100_003 + n) as u64), array)
}

/// A burst under way: transfers left, its data if the image wants it, the earliest cycle.
type Read = (usize, Option<Vec<Vec<i128>>>, usize);

#[test]
fn reload_gives_every_beat_in_order() {
    for (number, sizes) in ARRAYS.into_iter().enumerate() {
        let array = array(sizes);
        let mut rng = Rng(70 + number as u64);
        let mut unit = Reload::new(&array);
        let mut recorder = Recorder::default();
        unit.rst.next = true;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        unit.rst.next = false;
        unit.begin.next = true;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        recorder.compare_from_here();
        let (per_burst, beats) = (array.spill_transfers(), array.co / array.post);
        let mut was_full = false;
        let mut reads: VecDeque<Read> = VecDeque::new();
        let mut waits: Option<i128> = None;
        for image in 0..8 {
            let (gives_up, lazy) = (image % 4 == 2, image == 4);
            let ends = if gives_up { 20 + rng.below(120) } else { usize::MAX };
            let bursts = 3 + rng.below(20) + if lazy { capacity(&array) } else { 0 };
            reads.iter_mut().for_each(|read| (read.1, read.2) = (None, 0));
            unit.begin.next = true;
            let (mut committed, mut requested, mut arrived, mut claimed) = (0, 0, 0, 0);
            let (mut popped, mut beat, mut cycle) = (0, 0, 0);
            let mut stale = 0;
            // Beats popped in the cycle before.
            let mut pipeline: VecDeque<Option<Vec<i128>>> = VecDeque::from(vec![None]);
            let mut shown: Option<Vec<i128>> = None;
            while popped < bursts && cycle < ends {
                let what = format!("array {number}, image {image}, cycle {cycle}");
                committed +=
                    usize::from(committed < bursts && (lazy || rng.chance(1, 2 * beats)) && cycle > 0);
                set(&mut unit.committed, committed);
                let wanted = (1 + rng.below(3)).min(bursts - claimed).max(1);
                set(&mut unit.bursts, wanted);
                let pop = popped < claimed && rng.chance(2, 3);
                unit.pop.next = pop;
                unit.ar_ready.next = rng.chance(2, 3);
                let now = reads.front().filter(|read| read.2 <= cycle && rng.chance(3, 4));
                unit.r_valid.next = now.is_some();
                let (left, data) = now.map_or((0, None), |read| (read.0, read.1.as_ref()));
                for (k, word) in unit.r_data.iter_mut().enumerate() {
                    set(word, data.map_or_else(|| rng.unsigned(32), |data| data[per_burst - left][k]));
                }
                let wants = data.is_some();
                let refused = now.is_some() && rng.chance(1, 5);
                set(&mut unit.r_response, if refused { 2 } else { 0 });
                unit.claim.next = false;
                sim::settle(&mut unit);
                assert_eq!(unit.error.val(), refused && wants, "{what}: error");
                let ready = arrived >= claimed + wanted;
                if cycle > 0 {
                    assert_eq!(unit.ready.val(), ready, "{what}: ready");
                }
                // The lazy image claims nothing until the buffer is full.
                let full = requested == capacity(&array);
                let claim = cycle > 0
                    && ready
                    && claimed + wanted <= bursts
                    && rng.chance(1, 2)
                    && (!lazy || was_full);
                was_full |= lazy && full && arrived == requested;
                unit.claim.next = claim;
                recorder.settle(&mut unit);
                if let Some(values) = &shown {
                    let have: Vec<i128> = unit.residual.iter().map(|v| v.val().0).collect();
                    assert_eq!(&have, values, "{what}: residual");
                }
                if let Some(address) = waits {
                    assert!(unit.ar_valid.val(), "{what}: a request was taken back");
                    assert_eq!(unit.ar_address.val().0, address, "{what}: a request changed");
                }
                let address = unit.ar_address.val().0;
                let asks = unit.ar_valid.val();
                let own = cycle > 0 && stale == 0;
                if asks && own {
                    let expected = requested % array.spill_depth * array.spill_bytes();
                    assert_eq!(address, expected as i128, "{what}: address");
                    assert!(requested < committed, "{what}: not written yet");
                    assert!(requested < popped + capacity(&array), "{what}: no room");
                }
                if cycle == 0 && asks && !unit.ar_ready.val() {
                    stale = 1;
                }
                waits = (asks && !unit.ar_ready.val()).then_some(address);
                if asks && unit.ar_ready.val() {
                    let data = own.then(|| transfers(&array, &held(&array, image, requested)));
                    requested += usize::from(own);
                    stale = 0;
                    reads.push_back((per_burst, data, cycle + 1 + rng.below(20)));
                }
                sim::cycle(&mut unit, |u| &mut u.clk);
                unit.begin.next = false;
                if unit.r_valid.val() {
                    let read = reads.front_mut().unwrap();
                    read.0 -= 1;
                    if read.0 == 0 {
                        arrived += usize::from(wants);
                        reads.pop_front();
                    }
                }
                claimed += if claim { wanted } else { 0 };
                let values =
                    pop.then(|| held(&array, image, popped)[beat * array.post..][..array.post].concat());
                if pop {
                    beat = (beat + 1) % beats;
                    popped += usize::from(beat == 0);
                }
                pipeline.push_back(values);
                if let Some(values) = pipeline.pop_front().unwrap() {
                    shown = Some(values);
                }
                cycle += 1;
                assert!(cycle < 100_000, "{what}: it never ends");
            }
            unit.pop.next = false;
            unit.claim.next = false;
            unit.r_valid.next = false;
            unit.ar_ready.next = false;
            if gives_up {
                unit.clear.next = true;
                recorder.settle(&mut unit);
                waits = unit.ar_valid.val().then_some(unit.ar_address.val().0);
                sim::cycle(&mut unit, |u| &mut u.clk);
                unit.clear.next = false;
            } else {
                assert_eq!(requested, bursts, "image {image}");
            }
        }
        assert!(was_full, "array {number}: the buffer was never full");
        recorder.replay(&unit, &format!("reload_{number}"));
    }
}

#[test]
fn arbiter_takes_turns_and_keeps_its_word() {
    let mut rng = Rng(90);
    let mut unit = Arbiter::new();
    let mut recorder = Recorder::default();
    unit.rst.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    unit.rst.next = false;
    recorder.compare_from_here();
    let mut wants: [Option<i128>; 2] = [None; 2];
    let mut waits: Option<(i128, i128)> = None;
    let (mut last, mut counts, mut both) = (0, [0; 2], 0);
    for cycle in 0..4000 {
        for (u, want) in wants.iter_mut().enumerate() {
            *want = want.or_else(|| rng.chance(1, 2).then(|| rng.unsigned(32)));
            unit.valid[u].next = want.is_some();
            let address = want.unwrap_or_else(|| rng.unsigned(32));
            set(&mut unit.address[u], address);
        }
        unit.ar_ready.next = rng.chance(1, 2);
        recorder.settle(&mut unit);
        assert_eq!(unit.ar_valid.val(), wants.iter().any(Option::is_some), "cycle {cycle}");
        let (id, address) = (unit.ar_id.val().0, unit.ar_address.val().0);
        for (u, want) in wants.iter().enumerate() {
            let chosen = unit.ar_valid.val() && id == u as i128;
            let taken = unit.ready[u].val() && want.is_some();
            assert_eq!(taken, chosen && unit.ar_ready.val(), "cycle {cycle}");
        }
        if unit.ar_valid.val() {
            assert_eq!(wants[id as usize], Some(address), "cycle {cycle}");
            if let Some(before) = waits {
                assert_eq!(before, (id, address), "cycle {cycle}: the request changed");
            } else if wants.iter().all(Option::is_some) {
                both += 1;
                assert_eq!(id, 1 - last, "cycle {cycle}: not the other's turn");
            }
            last = id;
            waits = (!unit.ar_ready.val()).then_some((id, address));
            if unit.ar_ready.val() {
                counts[id as usize] += 1;
                wants[id as usize] = None;
            }
        }
        sim::cycle(&mut unit, |u| &mut u.clk);
    }
    assert!(both > 300 && counts.iter().all(|&n| n > 500), "{counts:?}, {both} times both");
    recorder.replay(&unit, "arbiter");
}

/// Maps side by side, every pixel for a random while, several words of it.
#[test]
fn quarter_keeps_even_columns_of_even_rows() {
    let mut rng = Rng(91);
    let mut unit = Quarter::new();
    let mut recorder = Recorder::default();
    unit.start.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    recorder.compare_from_here();
    for [w, h, maps] in [[2, 2, 3], [8, 4, 2], [112, 6, 2], [1024, 2, 2], [6, 10, 5]] {
        set(&mut unit.out_w, w - 1);
        unit.pixel.next = false;
        unit.start.next = true;
        recorder.cycle(&mut unit, |u| &mut u.clk);
        unit.start.next = false;
        for (map, y, x) in (0..maps).flat_map(|m| (0..h).flat_map(move |y| (0..w).map(move |x| (m, y, x)))) {
            unit.pixel.next = true;
            set(&mut unit.offset, rng.unsigned(20));
            recorder.cycle(&mut unit, |u| &mut u.clk);
            unit.pixel.next = false;
            for pass in 0..1 + rng.below(2) {
                // A time pass is one more map in the offset.
                let whole = map + pass as i128;
                set(&mut unit.offset, (whole * h + y) * w + x);
                recorder.settle(&mut unit);
                let keep = x % 2 == 0 && y % 2 == 0;
                assert_eq!(unit.keep.val(), keep, "{w}x{h}, map {map}, {y}, {x}");
                if keep {
                    let kept = whole * h * w / 4 + y / 2 * (w / 2) + x / 2;
                    assert_eq!(unit.kept.val().0, kept, "{w}x{h}, map {map}, {y}, {x}");
                }
                sim::cycle(&mut unit, |u| &mut u.clk);
            }
        }
    }
    recorder.replay(&unit, "quarter");
}
