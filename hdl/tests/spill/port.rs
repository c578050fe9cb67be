//! Who has the port, and which values of a map go there.

use spikegate_hdl::control::quarter::Quarter;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use spikegate_hdl::memory::arbiter::Arbiter;

use super::support::{set, Rng};

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
