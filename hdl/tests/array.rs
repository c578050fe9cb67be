//! Slot and column against plain Rust.

mod support;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::array::{column::Column, operand::Operand, slot::Slot};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::sim;
use support::{set, Rng};

#[derive(Default)]
struct Memories {
    code: [i128; 16],
    spike: [i128; 16],
    stream: [[i128; 4]; 16],
}

#[test]
fn slot_serves_every_operand_form() {
    for lanes in [1usize, 4] {
        let array = ArrayConfig::new(lanes, 1, 8, 8).unwrap();
        let mut rng = Rng(lanes as u64);
        let mut unit = Slot::new(&array);
        let mut recorder = Recorder::default();
        let mut operand = Operand::new(&array);
        let mut now = Memories::default();
        set(&mut unit.row, 3);
        // Every word is written before it is compared.
        let (mut words, mut held) = (None, None);
        let mut served = (true, true);
        for cycle in 0..900usize {
            let source = cycle / 100 % 4;
            let (image, attention) = (9usize.div_ceil(lanes), 8usize.div_ceil(lanes));
            let plane = rng.below([image, attention, 1, 16][source]);
            set(&mut operand.source, source as i128);
            set(&mut operand.plane, plane as i128);
            let exists = rng.unsigned(lanes);
            set(&mut operand.exists, exists);
            sim::cycle(&mut operand, |o| &mut o.clk);
            for l in 0..lanes {
                unit.code_mask[l].next = operand.code_mask[l].val();
                unit.stream_mask[l].next = operand.stream_mask[l].val();
            }
            unit.spike_mask.next = operand.spike_mask.val();
            let fill = cycle < 16;
            let to =
                if fill { [cycle; 4] } else { [rng.below(16), rng.below(16), rng.below(16), rng.below(16)] };
            // A word has no defined value in the cycle that writes it: the planner's programs never read one then.
            let mut elsewhere = |written: &[usize]| loop {
                let word = rng.below(16);
                if !written.contains(&word) {
                    return word;
                }
            };
            let read = [elsewhere(&to[..1]), elsewhere(&to[2..3]), elsewhere(&to[3..])];
            set(&mut unit.code_address, read[0] as i128);
            set(&mut unit.spike_address, read[1] as i128);
            set(&mut unit.stream_address, read[2] as i128);
            let rows =
                [if fill || rng.chance(1, 2) { 3 } else { 5 }, if fill || rng.chance(1, 2) { 3 } else { 2 }];
            let mut go: Vec<bool> = (0..4).map(|_| fill || rng.chance(1, 2)).collect();
            go[1] &= !go[0];
            let code = rng.signed(9);
            set(&mut unit.post_row, rows[0]);
            set(&mut unit.write_row, rows[1]);
            (unit.code_write.next, unit.patch_write.next) = (go[0], go[1]);
            (unit.spike_write.next, unit.stream_write.next) = (go[2], go[3]);
            set(&mut unit.code_write_address, to[0] as i128);
            set(&mut unit.spike_write_address, to[2] as i128);
            set(&mut unit.stream_write_address, to[3] as i128);
            set(&mut unit.code_data, code);
            let spikes = rng.unsigned(lanes);
            set(&mut unit.spike_data, spikes);
            let stream: Vec<i128> = (0..lanes).map(|_| rng.signed(16)).collect();
            stream.iter().enumerate().for_each(|(l, &v)| set(&mut unit.stream_data[l], v));
            // Operand bits of the words that are held.
            let bits = held.map(|(code, spike, stream): (i128, i128, [i128; 4])| {
                let lanes = if served.0 { lanes } else { 0 };
                (0..lanes).fold(0, |bits, l| {
                    let bit = match source {
                        0 => code >> (l * image + image - 1 - plane) & 1,
                        1 => code >> (l * attention + attention - 1 - plane) & 1,
                        2 => spike >> l & 1,
                        _ => stream[l] >> plane & exists >> l & 1,
                    };
                    bits | bit << l
                })
            });
            served = (served.1, rng.chance(7, 8));
            unit.serve.next = served.1;
            held = words;
            words = (cycle > 16).then(|| (now.code[read[0]], now.spike[read[1]], now.stream[read[2]]));
            if go[0] && rows[0] == 3 || go[1] {
                now.code[to[0]] = code;
            }
            if go[2] && rows[1] == 3 {
                now.spike[to[2]] = spikes;
            }
            if go[3] && rows[1] == 3 {
                stream.iter().enumerate().for_each(|(l, &v)| now.stream[to[3]][l] = v);
            }
            if cycle == 18 {
                recorder.compare_from_here();
            }
            recorder.cycle(&mut unit, |u| &mut u.clk);
            if let Some((code, spike, stream)) = held {
                assert_eq!(unit.code_word.val().0, code, "lanes {lanes} cycle {cycle}");
                assert_eq!(unit.spike_word.val().0, spike, "lanes {lanes} cycle {cycle}");
                for (l, &v) in stream.iter().enumerate().take(lanes) {
                    assert_eq!(unit.stream_word[l].val().0, v, "lanes {lanes} cycle {cycle}");
                }
            }
            if let Some(bits) = bits {
                assert_eq!(
                    unit.bits.val().0,
                    bits,
                    "lanes {lanes} cycle {cycle} source {source} plane {plane}"
                );
            }
        }
        if lanes == 4 {
            recorder.replay(&unit, "slot");
        }
    }
}

#[test]
fn column_sums_every_lane() {
    for (lanes, slots) in [(1usize, 1usize), (3, 4)] {
        let array = ArrayConfig::new(lanes, 1, slots, 1).unwrap();
        let tree = array.tree_registers();
        let mut rng = Rng(lanes as u64);
        let mut unit = Column::new(&array);
        let mut recorder = Recorder::default();
        let mut accumulator = vec![0i64; lanes];
        let mut captured = vec![0i64; lanes];
        let mut sums = std::collections::VecDeque::from(vec![vec![0i64; lanes]; 1 + tree]);
        for cycle in 0..500 {
            let mut sum = vec![0; lanes];
            for i in 0..slots {
                let weight = if cycle % 5 == 0 { -128 } else { rng.signed(8) };
                let bits = match cycle % 7 {
                    0 => 0,
                    1 => (1 << lanes) - 1,
                    _ => rng.unsigned(lanes),
                };
                set(&mut unit.weight[i], weight);
                set(&mut unit.bits[i], bits);
                for (l, s) in sum.iter_mut().enumerate() {
                    *s += if bits >> l & 1 == 1 { weight as i64 } else { 0 };
                }
            }
            sums.push_back(sum);
            let sum = sums.pop_front().unwrap();
            // Signs come a cycle ahead.
            let minus = (unit.negative_all.next, unit.negative_top.next);
            unit.negative_all.next = rng.chance(1, 4);
            unit.negative_top.next = rng.chance(1, 4);
            unit.twice.next = rng.chance(1, 8);
            unit.last.next = rng.chance(1, 2);
            unit.restart.next = rng.chance(1, 8);
            recorder.cycle(&mut unit, |u| &mut u.clk);
            for l in 0..lanes {
                let minus = minus.0 || (minus.1 && l + 1 == lanes);
                let base = if unit.twice.next { 2 * accumulator[l] } else { accumulator[l] };
                accumulator[l] = i64::from((base + if minus { -sum[l] } else { sum[l] }) as i32);
                if unit.last.next {
                    captured[l] = accumulator[l];
                }
                if unit.restart.next {
                    accumulator[l] = 0;
                }
                assert_eq!(
                    unit.sum[l].val().0,
                    i128::from(captured[l]),
                    "slots {slots} lane {l} cycle {cycle}"
                );
            }
        }
        if lanes == 3 {
            recorder.replay(&unit, "column");
        }
    }
}
