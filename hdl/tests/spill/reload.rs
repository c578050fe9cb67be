//! Bursts that come back.

use std::collections::VecDeque;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use spikegate_hdl::memory::reload::Reload;

use super::support::{set, Rng};
use super::{array, burst, capacity, transfers, ARRAYS};

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
