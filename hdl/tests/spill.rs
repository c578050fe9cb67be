//! The units of spilled maps against plain queues: every ratio of beat, burst and transfer, a slow memory, full buffers,
//! images given up in the middle.
#![allow(clippy::unwrap_used)]

#[path = "spill/port.rs"]
mod port;
#[path = "spill/reload.rs"]
mod reload;
mod support;

use std::collections::VecDeque;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use spikegate_hdl::memory::spill::Spill;
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
        // Data on offer, which stay until they are taken, whatever else happens.
        let mut offered: Option<Vec<i128>> = None;
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
            // There is no room before the answers to all bursts that were given up have come.
            let mut owes = owed_acknowledgements + usize::from(owed_transfers > 0);
            let mut free_at = if owes > 0 { usize::MAX } else { 0 };
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
                let full = claimed + wanted > drained + capacity(&array);
                let room = !full && cycle >= free_at;
                if cycle > 0 {
                    assert_eq!(unit.room.val(), room, "{what}: room");
                    assert_eq!(unit.committed.val().0, committed as i128, "{what}: committed");
                }
                let counts = acknowledge.is_some_and(|(_, wanted)| wanted);
                assert_eq!(unit.error.val(), refused && counts, "{what}: error");
                was_full |= full;
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
                let data: Vec<i128> = unit.w_data.iter().map(|w| w.val().0).collect();
                if let Some(before) = &offered {
                    assert!(unit.w_valid.val() && data == *before, "{what}: data on offer changed");
                }
                offered = (unit.w_valid.val() && !unit.w_ready.val()).then(|| data.clone());
                if unit.w_valid.val() && unit.w_ready.val() {
                    if owed_transfers > 0 {
                        owed_transfers -= 1;
                        assert_eq!(unit.w_last.val(), owed_transfers % per_burst == 0, "{what}: owed last");
                        if owed_transfers % per_burst == 0 {
                            acknowledgements.push_back((cycle + 1 + rng.below(9), false));
                        }
                    } else {
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
                    if !wanted {
                        owes -= 1;
                        free_at = if owes == 0 { cycle + 2 } else { free_at };
                    }
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
