//! Lists and scheduler of zero-skipping against the words that a plain loop would serve.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::VecDeque;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::control::schedule::Schedule;
use spikegate_hdl::control::skip::SlotList;
use spikegate_hdl::control::sum;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{set, Rng};

const SLOTS: usize = 3;
const GROUPS: usize = 5;

/// A tap: addresses, and the non-zero channel groups of each slot.
#[derive(Clone, Debug)]
struct Tap {
    address: i128,
    weight: i128,
    present: [i128; SLOTS],
}

/// A sum: its taps and its fields.
#[derive(Clone, Debug)]
struct Sum {
    taps: Vec<Tap>,
    fields: Vec<i128>,
}

fn random_sum(index: usize, rng: &mut Rng) -> Sum {
    // All zero, all one, sparse or dense; slots unlike each other.
    let kinds: [usize; SLOTS] = [0; SLOTS].map(|_| rng.below(4));
    let groups = (1i128 << GROUPS) - 1;
    let taps = (0..1 + rng.below(9)).map(|_| Tap {
        address: rng.below(1 << 18) as i128,
        weight: rng.below(1 << 18) as i128,
        present: kinds.map(|kind| match kind {
            0 => 0,
            1 => groups,
            2 if rng.chance(2, 3) => 0,
            _ => rng.unsigned(GROUPS),
        }),
    });
    let taps = taps.collect();
    let fields = sum::Sum::<In>::default()
        .signals()
        .iter()
        .map(|signal| (index as i128 * 7 + rng.below(50) as i128) % (1 << signal.ty.width))
        .collect();
    Sum { taps, fields }
}

/// What a slot serves of a sum: operand and weight addresses in order.
fn words(sum: &Sum, slot: usize, group_words: i128) -> Vec<(i128, i128)> {
    let of_tap = |tap: &Tap| -> Vec<(i128, i128)> {
        let groups = (0..GROUPS as i128).filter(|g| tap.present[slot] >> g & 1 == 1);
        groups.map(|g| (tap.address + g * group_words, tap.weight + g)).collect()
    };
    sum.taps.iter().flat_map(of_tap).collect()
}

#[test]
fn every_word_is_served_once_and_in_its_sum() {
    let array = ArrayConfig::new(2, 1, 4, 4).unwrap().with_skipping(GROUPS).unwrap();
    let mut rng = Rng(8);
    let mut schedule = Schedule::new();
    let mut lists: Vec<SlotList> = (0..SLOTS).map(|_| SlotList::new(&array)).collect();
    let (mut of_schedule, mut of_list) = (Recorder::default(), Recorder::default());
    let sums: Vec<Sum> = (0..60).map(|i| random_sum(i, &mut rng)).collect();
    let group_words = 1000;
    let drain = 4;
    set(&mut schedule.drain_period, drain);
    for list in &mut lists {
        for (g, offset) in list.group_offset.iter_mut().enumerate() {
            set(offset, g as i128 * group_words);
        }
    }
    let mut walk: VecDeque<(usize, usize)> =
        sums.iter().enumerate().flat_map(|(s, sum)| (0..sum.taps.len()).map(move |t| (s, t))).collect();
    // The tap walked in the cycle before, with its parity.
    let mut pushed: Option<(Tap, bool)> = None;
    let mut served: Vec<Vec<(i128, i128)>> = vec![vec![]; SLOTS];
    let (mut ended, mut begun, mut last_end) = (0, 0, None);
    for cycle in 0.. {
        let clear = cycle < 2;
        schedule.clear.next = clear;
        set(&mut schedule.drain_period, drain);
        sim::settle(&mut schedule);
        let (parity, open) = (schedule.parity.val(), schedule.open.val());
        for (slot, list) in lists.iter_mut().enumerate() {
            list.clear.next = clear;
            list.parity.next = parity;
            list.push.next = pushed.is_some();
            if let Some((tap, odd)) = &pushed {
                set(&mut list.push_address, tap.address);
                set(&mut list.push_weight, tap.weight);
                set(&mut list.present, tap.present[slot]);
                list.push_parity.next = *odd;
            }
            if slot == 0 {
                of_list.settle(list);
            } else {
                sim::settle(list);
            }
        }
        let full = lists.iter().any(|l| l.full.val());
        let tap =
            walk.front().copied().filter(|&(_, t)| !clear && !full && (t > 0 || open) && rng.chance(9, 10));
        let is_last = tap.is_some_and(|(s, t)| t + 1 == sums[s].taps.len());
        schedule.first_tap.next = tap.is_some_and(|(_, t)| t == 0);
        schedule.last_tap.next = is_last;
        let shown = tap.map_or(0, |(s, _)| s);
        schedule.sum.signals().into_iter().zip(&sums[shown].fields).for_each(|(port, &v)| set(port, v));
        schedule.serves.next = lists.iter().any(|l| l.valid.val());
        schedule.more.next = lists.iter().any(|l| l.more.val());
        of_schedule.settle(&mut schedule);

        let what = format!("cycle {cycle}, sum {ended}");
        if !clear {
            for (slot, list) in lists.iter().enumerate() {
                if list.valid.val() {
                    served[slot].push((list.address.val().0, list.weight.val().0));
                }
            }
            assert_eq!(schedule.valid.val(), schedule.serves.val() || schedule.last.val(), "{what}");
            if schedule.last.val() {
                let want: Vec<_> = (0..SLOTS).map(|s| words(&sums[ended], s, group_words)).collect();
                assert_eq!(served, want, "{what}: words");
                let fields: Vec<i128> = schedule.ended.signals().iter().map(|f| f.val().0).collect();
                assert_eq!(fields, sums[ended].fields, "{what}: fields");
                assert!(last_end.is_none_or(|end| cycle - end >= drain), "{what}: the post lanes are busy");
                served.iter_mut().for_each(Vec::clear);
                last_end = Some(cycle);
                ended += 1;
            }
            begun += usize::from(tap.is_some_and(|(_, t)| t == 0));
            assert!(begun - ended <= 2 + usize::from(schedule.last.val()), "{what}: too many sums");
            assert_eq!(
                schedule.idle.val(),
                schedule.open.val()
                    && begun - usize::from(tap.is_some_and(|(_, t)| t == 0))
                        + usize::from(schedule.last.val())
                        == ended,
                "{what}: idle"
            );
        }
        pushed = tap.map(|(s, t)| (sums[s].taps[t].clone(), schedule.tap_parity.val()));
        if tap.is_some() {
            walk.pop_front();
        }
        sim::cycle(&mut schedule, |u| &mut u.clk);
        for list in &mut lists {
            sim::cycle(list, |u| &mut u.clk);
        }
        if cycle == 40 {
            // Memories and fields hold values by now.
            of_schedule.compare_from_here();
            of_list.compare_from_here();
        }
        if ended == sums.len() {
            break;
        }
        assert!(cycle < 20_000, "the slots hang in sum {ended}");
    }
    of_schedule.replay(&schedule, "schedule");
    of_list.replay(&lists[0], "slot_list");
}
