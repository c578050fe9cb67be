//! The attention encoder's units against plain Rust.

mod support;

use spikegate_hdl::encoder::gate::Gate;
use spikegate_hdl::encoder::statistics::Statistics;
use spikegate_hdl::encoder::temporal::{temporal_cycles, TemporalAttention};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{low, round_shift, saturate, set, wrap, Rng};

#[test]
fn statistics_sum_and_maximum() {
    for posts in [1, 2, 4] {
        let mut rng = Rng(posts as u64);
        let mut unit = Statistics::new(posts);
        let mut recorder = Recorder::default();
        let (mut sum, mut max) = (0, -32768);
        let mut waiting = (0, -32768);
        for cycle in 0..500 {
            let clear = cycle % 100 == 0;
            let valid = rng.chance(3, 4) && cycle % 100 != 99 && !clear;
            unit.clear.next = clear;
            unit.valid.next = valid;
            let mut now = (0, -32768);
            for r in 0..posts {
                // Some runs are all negative, so that the maximum starts from the bottom.
                let y = if cycle % 200 < 100 { -1 - low(rng.signed(16), 15) } else { rng.signed(16) };
                let real = rng.chance(2, 3);
                set(&mut unit.y[r], y);
                unit.real[r].next = real;
                if valid && real {
                    now = (now.0 + y, now.1.max(y));
                }
            }
            recorder.cycle(&mut unit, |u| &mut u.clk);
            (sum, max) = if clear { (0, -32768) } else { (sum + waiting.0, max.max(waiting.1)) };
            waiting = now;
            assert_eq!((unit.sum.val().0, unit.max.val().0), (sum, max), "posts {posts} cycle {cycle}");
        }
        if posts == 2 {
            recorder.replay(&unit, "statistics");
        }
    }
}

/// TA[t], in exact integers.
fn attention(constants: &[i128], t: usize, sum: i128, max: i128, align: usize, shift: usize) -> i128 {
    let [mean_pos, mean_neg, max_pos, max_neg] = constants[4 * t..4 * t + 4] else { unreachable!() };
    let ca = if sum < 0 { -mean_neg } else { mean_pos };
    let cm = if max < 0 { -max_neg } else { max_pos };
    saturate(round_shift(wrap(sum * ca + ((max * cm) << align), 66), shift), 16)
}

#[test]
fn temporal_attention_is_exact_and_on_time() {
    for lanes in [1usize, 4] {
        let mut rng = Rng(40 + lanes as u64);
        let mut unit = TemporalAttention::new(lanes);
        let mut recorder = Recorder::default();
        let mut step = |u: &mut TemporalAttention| recorder.cycle(u, |u| &mut u.clk);
        unit.clear.next = true;
        step(&mut unit);
        unit.clear.next = false;
        let constants: Vec<i128> = (0..64).map(|_| rng.signed(24)).collect();
        unit.load.next = true;
        for (i, &c) in constants.iter().enumerate() {
            set(&mut unit.load_address, i as i128);
            set(&mut unit.load_data, low(c, 24));
            step(&mut unit);
        }
        unit.load.next = false;
        let (mut inside, mut results) = (0, [None; 16]);
        for (run, t_count) in [1usize, 3, 16, 2, 4, 5, 1, 2].into_iter().enumerate() {
            let (sum, max) = (rng.signed([40, 24, 12][run % 3]), rng.signed(16));
            let (align, shift) = (rng.below(14), [0, 40, 24, 33, 63, 1][run % 6]);
            set(&mut unit.sum, sum);
            set(&mut unit.max, max);
            set(&mut unit.max_align, align as i128);
            set(&mut unit.ta_shift, shift as i128);
            set(&mut unit.timesteps, t_count as i128);
            unit.start.next = true;
            step(&mut unit);
            unit.start.next = false;
            for cycle in 1..=temporal_cycles(t_count) + 2 {
                sim::settle(&mut unit);
                assert_eq!(unit.done.val(), cycle == temporal_cycles(t_count), "run {run}, cycle {cycle}");
                step(&mut unit);
            }
            for (t, result) in results.iter_mut().enumerate().take(t_count) {
                *result = Some(attention(&constants, t, sum, max, align, shift));
            }
            for (t, want) in results.iter().enumerate().filter_map(|(t, r)| r.map(|r| (t, r))) {
                inside += usize::from(want.abs() < 32767);
                set(&mut unit.scalar_index, t as i128);
                set(&mut unit.sweep, (t / lanes) as i128);
                step(&mut unit);
                let what =
                    format!("lanes {lanes} run {run} t {t} sum {sum} max {max} align {align} shift {shift}");
                assert_eq!(unit.scalar.val().0, want, "{what}");
                assert_eq!(unit.ta[t % lanes].val().0, want, "{what}");
            }
        }
        assert!(inside > 10, "{inside} results were not saturated");
        if lanes == 4 {
            recorder.replay(&unit, "temporal");
        }
    }
}

#[test]
fn gate_looks_up_the_sigmoid() {
    for lanes in [1usize, 4] {
        let mut rng = Rng(50 + lanes as u64);
        let mut unit = Gate::new(lanes);
        let mut recorder = Recorder::default();
        let table: Vec<i128> = (0..1024).map(|_| rng.unsigned(12)).collect();
        unit.load.next = true;
        for (i, &v) in table.iter().enumerate() {
            set(&mut unit.load_address, i as i128);
            set(&mut unit.load_data, v);
            recorder.cycle(&mut unit, |u| &mut u.clk);
        }
        unit.load.next = false;
        (0..8).for_each(|_| recorder.cycle(&mut unit, |u| &mut u.clk));
        recorder.compare_from_here();
        let (mut lowest, mut highest, mut inside) = (0, 0, 0);
        for _ in 0..12 {
            let (z_shift, y_shift) = (rng.below(32), rng.below(16));
            set(&mut unit.z_shift, z_shift as i128);
            set(&mut unit.y_shift, y_shift as i128);
            let mut past: Vec<(i128, Vec<i128>)> = vec![];
            for cycle in 0..50usize {
                let sca = rng.signed(16);
                let ta: Vec<i128> = (0..lanes).map(|_| rng.signed(16)).collect();
                let mask = rng.unsigned(lanes);
                set(&mut unit.sca, sca);
                ta.iter().enumerate().for_each(|(l, &v)| set(&mut unit.ta[l], v));
                set(&mut unit.mask, mask);
                past.push((sca, ta));
                recorder.cycle(&mut unit, |u| &mut u.clk);
                if cycle < 5 {
                    continue;
                }
                let (sca, ta) = &past[cycle - 5];
                for (l, &t) in ta.iter().enumerate() {
                    let z = saturate(round_shift(t * sca, z_shift), 16);
                    lowest += usize::from(z < -512);
                    highest += usize::from(z > 511);
                    inside += usize::from((-512..=511).contains(&z));
                    let value = wrap(table[(z.clamp(-512, 511) + 512) as usize] << y_shift, 16);
                    let want = if mask >> l & 1 == 1 { value } else { 0 };
                    assert_eq!(
                        unit.gate_y[l].val().0,
                        want,
                        "lanes {lanes} lane {l} z {z} y_shift {y_shift}"
                    );
                }
            }
        }
        assert!(lowest > 20 && highest > 20 && inside > 20, "{lowest} {highest} {inside}");
        if lanes == 4 {
            recorder.replay(&unit, "gate");
        }
    }
}
