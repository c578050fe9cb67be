//! The memory port's two units against plain queues: a slow memory, aborted images, soft resets in the middle.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::VecDeque;

use spikegate_contract::array::{ArrayConfig, MEMORY_REQUESTS};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use spikegate_hdl::memory::{fetch::Fetch, store::Store};
use support::{set, Rng};

fn array() -> ArrayConfig {
    let mut array = ArrayConfig::new(2, 1, 4, 4).unwrap().with_memory(32).unwrap();
    array.weight_depth = 16;
    array
}

/// What the memory holds at a byte address.
fn content(address: u32) -> i128 {
    i128::from(address.wrapping_mul(0x9e37_79b9) >> 3)
}

/// A burst under way: address of its next transfer, transfers left, earliest cycle, and whether the image wants it.
struct Burst {
    address: u32,
    left: usize,
    due: usize,
    wanted: bool,
}

#[test]
fn fetch_fills_the_ring_in_order() {
    let array = array();
    let (beats, bytes) = (array.weight_beats(), array.weight_bytes() as u32);
    let mut rng = Rng(21);
    let mut unit = Fetch::new(&array);
    let mut recorder = Recorder::default();
    unit.rst.next = true;
    unit.clear.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    unit.rst.next = false;
    unit.clear.next = false;
    // The ring positions are unknown until an image begins.
    unit.begin.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    recorder.compare_from_here();

    let mut bursts: VecDeque<Burst> = VecDeque::new();
    let mut waits_for_ready: Option<u32> = None;
    for image in 0..14 {
        let tiles: Vec<usize> = (0..1 + rng.below(12)).map(|_| 1 + rng.below(16)).collect();
        let words: usize = if image == 5 { 0 } else { tiles.iter().sum() };
        let base = 0x1000 * rng.below(50) as u32;
        // Some images are given up, some by a soft reset.
        let (gives_up, resets) = (image % 4 == 1, image % 4 == 3);
        let ends = if gives_up || resets { 1 + rng.below(60) } else { usize::MAX };
        let lazy = [1, 4, 20][image % 3];
        bursts.iter_mut().for_each(|b| b.wanted = false);
        set(&mut unit.stream_words, words as i128);
        set(&mut unit.stream_base, i128::from(base));
        unit.begin.next = true;
        let (mut requested, mut written, mut beat, mut tile, mut claimed, mut retired) = (0, 0, 0, 0, 0, 0);
        // Words are given back between their claim and the next, or with it.
        let (mut cycle, mut in_use) = (0, false);
        let (mut from_before, mut before_waits) = (true, false);
        while tile < tiles.len() && cycle < ends {
            let what = format!("image {image}, cycle {cycle}");
            let ready = words == 0 || written - claimed >= tiles[tile];
            let claim = cycle > 0 && ready && rng.chance(1, lazy);
            set(&mut unit.tile, tiles[tile] as i128);
            unit.claim.next = claim;
            let frees = in_use && (claim || rng.chance(1, lazy));
            unit.frees.next = frees;
            unit.hold.next = rng.chance(1, 8);
            unit.ar_ready.next = rng.chance(3, 4);
            let now = bursts.front().filter(|b| b.due <= cycle && rng.chance(3, 4));
            unit.r_valid.next = now.is_some();
            let data = now.map_or(rng.unsigned(32), |b| content(b.address));
            set(&mut unit.r_data[0], data);
            recorder.settle(&mut unit);

            if cycle > 0 {
                assert_eq!(unit.ready.val(), ready, "{what}: ready");
            }
            let wanted = now.is_some_and(|b| b.wanted);
            // What comes while an image begins is the one's before: it may be written, into a ring that is empty.
            if cycle > 0 {
                assert_eq!(unit.write.val(), wanted, "{what}: write");
            }
            if wanted {
                let have = [unit.address.val().0 % 16, unit.beat.val().0, unit.data[0].val().0];
                assert_eq!(have, [(written % 16) as i128, beat as i128, data], "{what}: data");
            }
            if let Some(address) = waits_for_ready {
                assert!(unit.ar_valid.val(), "{what}: a request was taken back");
                assert_eq!(unit.ar_address.val().0, i128::from(address), "{what}: a request changed");
            }
            let (asks, takes) = (unit.ar_valid.val(), unit.ar_ready.val());
            let address = unit.ar_address.val().0 as u32;
            waits_for_ready = (asks && !takes).then_some(address);
            // An address that the image before has on offer stays until it is taken.
            from_before = cycle == 0 || from_before && before_waits;
            before_waits = from_before && asks && !takes;
            if asks && takes {
                if !from_before {
                    assert_eq!(address, base + requested as u32 * bytes, "{what}: address");
                    assert!(requested < words, "{what}: more than the image has");
                    assert!(requested - retired < 16, "{what}: no room in the ring");
                    requested += 1;
                }
                bursts.push_back(Burst {
                    address,
                    left: beats,
                    due: cycle + 1 + rng.below(20),
                    wanted: !from_before,
                });
                assert!(bursts.len() <= MEMORY_REQUESTS, "{what}: too many requests");
            }
            if now_taken(&mut bursts, unit.r_valid.val()) {
                if wanted {
                    written += 1;
                }
                beat = 0;
            } else if wanted {
                beat += 1;
            }
            if frees {
                (retired, in_use) = (claimed, false);
            }
            if claim {
                claimed += if words == 0 { 0 } else { tiles[tile] };
                (tile, in_use) = (tile + 1, true);
            }
            sim::cycle(&mut unit, |u| &mut u.clk);
            unit.begin.next = false;
            cycle += 1;
            assert!(cycle < 100_000, "{what}: it never ends");
        }
        unit.claim.next = false;
        unit.frees.next = false;
        unit.r_valid.next = false;
        unit.ar_ready.next = false;
        bursts.iter_mut().for_each(|b| b.due = 0);
        if resets {
            unit.clear.next = true;
            recorder.settle(&mut unit);
            waits_for_ready = unit.ar_valid.val().then_some(unit.ar_address.val().0 as u32);
            sim::cycle(&mut unit, |u| &mut u.clk);
            unit.clear.next = false;
        }
    }
    recorder.replay(&unit, "fetch");
}

/// Takes a transfer off the first burst; whether that was its last.
fn now_taken(bursts: &mut VecDeque<Burst>, valid: bool) -> bool {
    let Some(burst) = bursts.front_mut().filter(|_| valid) else { return false };
    burst.address += 4;
    burst.left -= 1;
    if burst.left == 0 {
        bursts.pop_front();
        return true;
    }
    false
}

#[test]
fn store_writes_every_entry_once() {
    let array = ArrayConfig::new(2, 1, 4, 4).unwrap().with_memory(64).unwrap();
    let mut rng = Rng(4);
    let mut unit = Store::new(&array);
    let mut recorder = Recorder::default();
    unit.rst.next = true;
    recorder.cycle(&mut unit, |u| &mut u.clk);
    unit.rst.next = false;
    let mut expected: VecDeque<(i128, [i128; 2])> = VecDeque::new();
    let (mut addresses, mut data) = (VecDeque::new(), VecDeque::new());
    let (mut unacknowledged, mut busy, mut written) = (0, false, 0);
    for cycle in 0..2000 {
        let write = !busy && rng.chance(1, 3) && cycle < 1900;
        let (high, low) = (rng.unsigned(6), rng.unsigned(20));
        let words = [rng.unsigned(32), rng.unsigned(32)];
        unit.write.next = write;
        set(&mut unit.high, high);
        set(&mut unit.low, low);
        unit.word.iter_mut().zip(words).for_each(|(w, v)| set(w, v));
        unit.aw_ready.next = rng.chance(1, 2);
        unit.w_ready.next = rng.chance(1, 2);
        let acknowledge = addresses.len().min(data.len()) > written && rng.chance(1, 2);
        unit.b_valid.next = acknowledge;
        let refused = acknowledge && rng.chance(1, 5);
        set(&mut unit.b_response, if refused { 2 } else { 0 });
        if cycle == 1 {
            recorder.compare_from_here();
        }
        recorder.settle(&mut unit);
        assert_eq!(unit.error.val(), refused, "cycle {cycle}");
        assert_eq!(unit.idle.val(), unacknowledged == 0 && !write, "cycle {cycle}");
        if write {
            expected.push_back((((high << 20) + low) * 8, words));
            unacknowledged += 1;
        }
        if unit.aw_valid.val() && unit.aw_ready.val() {
            addresses.push_back(unit.aw_address.val().0);
        }
        if unit.w_valid.val() && unit.w_ready.val() {
            data.push_back([unit.w_data[0].val().0, unit.w_data[1].val().0]);
        }
        if acknowledge {
            unacknowledged -= 1;
            written += 1;
        }
        busy = unit.busy.val();
        sim::cycle(&mut unit, |u| &mut u.clk);
    }
    let have: Vec<_> = addresses.into_iter().zip(data).collect();
    assert!(have.len() > 200);
    assert_eq!(have, Vec::from(expected));
    recorder.replay(&unit, "store");
}
