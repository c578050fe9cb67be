//! Requantisation and neurons against plain Rust.

mod support;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::post::{lif::LifLane, requantise::Requantise};
use support::{round_shift, saturate, set, wrap, Rng};

struct Sums {
    acc: Vec<i128>,
    m: i128,
    b: i128,
    s: usize,
    combine: usize,
}

impl Sums {
    fn random(lanes: usize, rng: &mut Rng) -> Self {
        let wide = if rng.chance(1, 2) { 32 } else { 12 };
        let bias = if rng.chance(1, 2) { 48 } else { 20 };
        Self {
            acc: (0..lanes).map(|_| rng.signed(wide)).collect(),
            m: rng.signed(16),
            b: rng.signed(bias),
            s: rng.below(32),
            combine: rng.below(4),
        }
    }
    /// acc * m + b of a lane.
    fn biased(&self, lane: usize, array: &ArrayConfig) -> i128 {
        let joined = |passes: usize| {
            wrap(self.acc.iter().enumerate().map(|(l, &a)| a * (1i128 << (l * passes))).sum(), 32)
        };
        let sum = match self.combine {
            1 => joined(8usize.div_ceil(array.lanes)),
            2 => joined(9usize.div_ceil(array.lanes)),
            _ => self.acc[lane],
        };
        sum * self.m + self.b
    }
    fn y(&self, lane: usize, array: &ArrayConfig) -> i128 {
        saturate(self.biased(lane, array).div_euclid(1 << self.s), 16)
    }
}

#[test]
fn requantise_is_exact() {
    for lanes in [1, 4, 3] {
        let array = ArrayConfig::new(lanes, 1, 1, 1).unwrap();
        let mut rng = Rng(lanes as u64);
        let mut unit = Requantise::new(&array);
        let mut recorder = Recorder::default();
        let mut past: Vec<Sums> = vec![];
        let (mut low, mut high) = (0, 0);
        for cycle in 0..600usize {
            let sums = Sums::random(lanes, &mut rng);
            for (port, &v) in unit.acc.iter_mut().zip(&sums.acc) {
                set(port, v);
            }
            set(&mut unit.m, sums.m);
            set(&mut unit.b, sums.b);
            set(&mut unit.s, sums.s as i128);
            set(&mut unit.combine, sums.combine as i128);
            let (shift, mode) = (rng.below(16), rng.below(3));
            set(&mut unit.xq_shift, shift as i128);
            set(&mut unit.code_mode, mode as i128);
            past.push(sums);
            recorder.cycle(&mut unit, |u| &mut u.clk);
            if cycle < 6 {
                continue;
            }
            assert_eq!(
                unit.logit.val().0,
                wrap(past[cycle - 3].biased(0, &array), 32),
                "lanes {lanes} cycle {cycle}"
            );
            for l in 0..lanes {
                let want = past[cycle - 5].y(l, &array);
                low += usize::from(want == -32768);
                high += usize::from(want == 32767);
                assert_eq!(unit.y[l].val().0, want, "lanes {lanes} cycle {cycle} lane {l}");
            }
            let y = past[cycle - 6].y(0, &array);
            let code = if mode == 1 { saturate(round_shift(y, shift), 8) } else { y.clamp(0, 255) };
            assert_eq!(
                unit.code.val().0,
                code,
                "lanes {lanes} cycle {cycle} y {y} shift {shift} mode {mode}"
            );
        }
        assert!(low > 20 && high > 20, "saturated {low} low, {high} high");
        if lanes == 4 {
            recorder.replay(&unit, "requantise");
        }
    }
}

#[derive(Clone, Default)]
struct Written {
    spikes: i128,
    stream: Vec<i128>,
    count: i128,
    popcount: i128,
}

#[derive(Clone, Copy)]
struct Constants {
    leak: usize,
    fire_ge: bool,
    threshold: i128,
    gate: bool,
    residual: bool,
}

/// One channel through the neurons, on plain integers.
fn neurons(x: Vec<i128>, mask: i128, membrane: &mut i128, count: &mut i128, k: Constants) -> (Written, bool) {
    let mut out = Written { stream: x.clone(), ..Default::default() };
    let mut hit = false;
    for (l, &x) in x.iter().enumerate() {
        let u = saturate(*membrane + x, 16);
        hit |= u == k.threshold;
        let fire = u > k.threshold || (k.fire_ge && u == k.threshold);
        *membrane = if fire { 0 } else { u.div_euclid(1 << k.leak) };
        if fire && mask >> l & 1 == 1 {
            out.spikes |= 1 << l;
            out.popcount += 1;
        }
    }
    *count = (*count + out.popcount) & 0xffff;
    out.count = *count;
    (out, hit)
}

#[test]
fn neurons_spike_and_remember() {
    const ENTRIES: usize = 2;
    for lanes in [1usize, 4] {
        let mut rng = Rng(7 + lanes as u64);
        let mut unit = LifLane::new(lanes, ENTRIES);
        let mut recorder = Recorder::default();
        let mut due: std::collections::VecDeque<Option<Written>> = vec![None; lanes + 1].into();
        let (mut hits, mut shortest, mut spikes) = (0, usize::MAX, 0);
        let mut membrane = [0i128; ENTRIES];
        let mut count = [0i128; ENTRIES];
        for segment in 0..14 {
            let k = Constants {
                leak: rng.below(4) + 12 * usize::from(segment == 5),
                fire_ge: segment % 2 == 0,
                threshold: [3, 0, -2, 32767, -32768, 1000][segment % 6],
                gate: segment % 3 == 1,
                residual: segment % 3 != 0,
            };
            set(&mut unit.leak_shift, k.leak as i128);
            unit.fire_ge.next = k.fire_ge;
            set(&mut unit.threshold, k.threshold);
            unit.use_gate.next = k.gate;
            unit.use_residual.next = k.residual;
            let mut before: [Option<usize>; ENTRIES] = [None; ENTRIES];
            for cycle in 0..90usize {
                let draining = cycle >= 90 - (lanes + 6);
                let small = rng.chance(1, 2);
                let mut value = || if small { rng.below(7) as i128 - 3 } else { rng.signed(16) };
                let (mut x, mut stimulus) = (vec![], vec![]);
                for l in 0..lanes {
                    let (y, residual, gate) = (value(), value(), value());
                    stimulus.push((l, y, residual, gate));
                    let sum = if k.residual { saturate(y + residual, 16) } else { y };
                    x.push(if k.gate { gate } else { sum });
                }
                for (l, y, residual, gate) in stimulus {
                    set(&mut unit.y[l], y);
                    set(&mut unit.residual[l], residual);
                    set(&mut unit.gate_y[l], gate);
                }
                let entry = rng.below(ENTRIES);
                let distance = before[entry].map(|b| cycle - b);
                let valid = !draining && distance.is_none_or(|d| d >= lanes + 3) && rng.chance(9, 10);
                let mask = match rng.below(4) {
                    0 => 0,
                    1 => (1 << lanes) - 1,
                    _ => rng.unsigned(lanes),
                };
                let first = distance.is_none() || rng.chance(1, 4);
                let count_first = distance.is_none() || rng.chance(1, 4);
                unit.valid.next = valid;
                set(&mut unit.entry, entry as i128);
                unit.first_time.next = first;
                unit.count_first.next = count_first;
                set(&mut unit.mask, mask);
                due.push_back(valid.then(|| {
                    shortest = shortest.min(distance.unwrap_or(usize::MAX));
                    before[entry] = Some(cycle);
                    membrane[entry] = if first { 0 } else { membrane[entry] };
                    count[entry] = if count_first { 0 } else { count[entry] };
                    let (out, hit) = neurons(x, mask, &mut membrane[entry], &mut count[entry], k);
                    hits += usize::from(hit);
                    spikes += out.popcount;
                    out
                }));
                recorder.cycle(&mut unit, |u| &mut u.clk);
                let want = due.pop_front().flatten();
                assert_eq!(unit.write.val(), want.is_some(), "lanes {lanes} segment {segment} cycle {cycle}");
                if let Some(want) = want {
                    let at = format!("lanes {lanes} segment {segment} cycle {cycle}");
                    assert_eq!(unit.spikes.val().0, want.spikes, "spikes, {at}");
                    assert_eq!(unit.popcount.val().0, want.popcount, "popcount, {at}");
                    assert_eq!(unit.count.val().0, want.count, "count, {at}");
                    let stream: Vec<i128> = unit.stream.iter().map(|s| s.val().0).collect();
                    assert_eq!(stream, want.stream, "stream, {at}");
                }
            }
        }
        assert_eq!(shortest, ArrayConfig::new(lanes, 1, 1, 1).unwrap().lif_turnaround());
        assert!(hits > 20 && spikes > 20, "threshold met {hits} times, {spikes} spikes");
        if lanes == 4 {
            recorder.replay(&unit, "lif");
        }
    }
}
