//! The neurons against the recurrence written down plainly, and against their Verilog.
//!
//! Mutations of the module that these tests caught when they were made:
//!
//! * `>` made `>=`; `>=` ignored,
//! * `u` or `y + residual` wrapped instead of saturated,
//! * no reset after a spike,
//! * a lane's input one cycle early; the stream written one cycle early,
//! * the membrane stored three cycles late, beyond the turnaround,
//! * masked spikes counted; counts never restarted; `first_time` ignored,
//! * membranes stored without `valid`.

mod post_support;

use std::collections::VecDeque;

use post_support::{sat16, value, Rng};
use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::sim;
use spikegate_hdl::post::lif::LifLane;

/// What stays the same while a layer runs.
#[derive(Clone, Copy)]
struct Layer {
    leak_shift: u32,
    fire_ge: bool,
    /// Of arrays with neurons of their own.
    subtracts: bool,
    threshold: i64,
    use_gate: bool,
    use_residual: bool,
}

/// What is written back.
#[derive(Clone, Default)]
struct Word {
    spikes: u64,
    stream: Vec<i64>,
    count: u64,
}

struct Bench {
    block: LifLane,
    recorder: Recorder,
    rng: Rng,
    layer: Layer,
    /// The input, if it is always the same; masks have all bits then.
    constant: Option<i64>,
    membrane: Vec<i64>,
    count: Vec<u64>,
    /// Cycles since each entry came, to keep the turnaround.
    age: Vec<usize>,
    /// What the outputs must show, from now on.
    due: VecDeque<Option<Word>>,
}

/// One `u = sat16(v + x)`, `s = u > threshold`, `v = (s ? 0 or u - threshold : u) / 2^k` after another.
fn neuron(layer: Layer, v: i64, x: i64) -> (i64, bool) {
    let u = sat16(i128::from(v + x));
    let fire = u > layer.threshold || layer.fire_ge && u == layer.threshold;
    let kept = if layer.subtracts { u - layer.threshold } else { 0 };
    (if fire { kept } else { u }.div_euclid(1 << layer.leak_shift), fire)
}

impl Bench {
    fn new(lanes: usize, entries: usize, own: bool, seed: u64) -> Self {
        let mut bench = Self {
            block: LifLane::new(lanes, entries, own),
            recorder: Recorder::default(),
            rng: Rng(seed),
            layer: Layer {
                leak_shift: 0,
                fire_ge: false,
                subtracts: false,
                threshold: 1,
                use_gate: false,
                use_residual: false,
            },
            constant: None,
            membrane: vec![0; entries],
            count: vec![0; entries],
            age: vec![0; entries],
            due: vec![None; lanes + 2].into(),
        };
        bench.enter(bench.layer);
        bench
    }
    /// Drains the pipeline, then starts a layer with every entry.
    fn enter(&mut self, layer: Layer) {
        (0..self.block.y.len() + 3).for_each(|_| self.cycle(None, false, false));
        self.layer = layer;
        self.block.leak_shift.next = value(i64::from(layer.leak_shift));
        self.block.fire_ge.next = layer.fire_ge;
        if let Some(subtracts) = self.block.subtracts.get_mut() {
            subtracts.next = layer.subtracts;
        }
        self.block.threshold.next = value(layer.threshold);
        self.block.use_gate.next = layer.use_gate;
        self.block.use_residual.next = layer.use_residual;
        (0..self.count.len()).for_each(|e| self.cycle(Some(e), true, true));
    }
    /// An input that brings the membrane to the threshold or beside it, saturates it, or is random.
    fn input(&mut self, v: i64) -> i64 {
        if let Some(x) = self.constant {
            return x;
        }
        let to_threshold = self.layer.threshold - v;
        match self.rng.below(4) {
            0 | 1 => sat16(i128::from(to_threshold + self.rng.pick(&[-1, 0, 0, 1]))),
            2 => self.rng.pick(&[32767, -32768, 0]),
            _ => self.rng.signed(16),
        }
    }
    fn cycle(&mut self, entry: Option<usize>, first_time: bool, count_first: bool) {
        let lanes = self.block.y.len();
        let mask = if self.constant.is_some() { (1 << lanes) - 1 } else { self.rng.mask(lanes) };
        let token = entry.unwrap_or(self.rng.below(self.count.len()));
        let (mut v, mut word) = (if first_time { 0 } else { self.membrane[token] }, Word::default());
        for l in 0..lanes {
            let want = self.input(v);
            let (y, residual, gate_y);
            if self.layer.use_gate {
                (y, residual, gate_y) = (self.rng.signed(16), self.rng.signed(16), want);
            } else if self.layer.use_residual {
                residual = self.rng.signed(16);
                // Every third sum may leave 16 bits.
                let part = if self.rng.one_in(3) { want } else { sat16(i128::from(want - residual)) };
                (y, gate_y) = (part, self.rng.signed(16));
            } else {
                (y, residual, gate_y) = (want, self.rng.signed(16), self.rng.signed(16));
            }
            self.block.y[l].next = value(y);
            self.block.residual[l].next = value(residual);
            self.block.gate_y[l].next = value(gate_y);
            let x = if self.layer.use_gate {
                gate_y
            } else if self.layer.use_residual {
                sat16(i128::from(y + residual))
            } else {
                y
            };
            let fire;
            (v, fire) = neuron(self.layer, v, x);
            word.spikes |= u64::from(fire) << l & mask;
            word.stream.push(x);
        }
        self.block.mask.next = value(mask as i64);
        self.block.valid.next = entry.is_some();
        self.block.entry.next = value(token as i64);
        self.block.first_time.next = first_time;
        self.block.count_first.next = count_first;
        self.age.iter_mut().for_each(|a| *a += 1);
        if entry.is_some() {
            self.age[token] = 0;
            self.membrane[token] = v;
            let before = if count_first { 0 } else { self.count[token] };
            self.count[token] = (before + u64::from(word.spikes.count_ones())) & 0xffff;
            word.count = self.count[token];
        }
        self.due.push_back(entry.is_some().then_some(word));
        self.recorder.settle(&mut self.block);
        self.check();
        sim::cycle(&mut self.block, |b| &mut b.clk);
    }
    /// The outputs show the word that entered `lanes + 2` cycles ago.
    fn check(&mut self) {
        let due = self.due.pop_front().expect("a word for every cycle");
        assert_eq!(self.block.write.val(), due.is_some(), "write");
        if let Some(word) = due {
            assert_eq!(self.block.spikes.val(), value(word.spikes as i64), "spikes");
            let stream: Vec<_> = self.block.stream.iter().map(|x| x.val().0 as i64).collect();
            assert_eq!(stream, word.stream, "stream");
            assert_eq!(self.block.count.val(), value(word.count as i64), "count");
            assert_eq!(self.block.popcount.val(), value(i64::from(word.spikes.count_ones())), "popcount");
        }
    }
    /// Entries come at random, none sooner than the turnaround allows.
    fn at_random(&mut self, turnaround: usize, cycles: usize) {
        for _ in 0..cycles {
            let ready: Vec<_> = (0..self.age.len()).filter(|&e| self.age[e] + 1 >= turnaround).collect();
            let entry =
                (!ready.is_empty() && !self.rng.one_in(4)).then(|| ready[self.rng.below(ready.len())]);
            let (first, count) = (self.rng.one_in(5), self.rng.one_in(6));
            self.cycle(entry, first, count);
        }
    }
    /// Every entry comes again exactly every `period` cycles.
    fn in_turn(&mut self, period: usize, rounds: usize) {
        (0..period).for_each(|_| self.cycle(None, false, false));
        for _ in 0..rounds {
            for phase in 0..period {
                self.cycle((phase < self.age.len()).then_some(phase), false, false);
            }
        }
    }
}

fn turnaround(lanes: usize) -> usize {
    ArrayConfig::new(lanes, 1, 1, 1).expect("a valid size").lif_turnaround()
}

/// All leaks, both rules, all inputs, thresholds hit exactly, both saturations, masks with all bits and with none;
/// entries at random, and one after the other at exactly the turnaround.
#[test]
fn equals_the_recurrence_and_verilog() {
    every_layer(false, "lif");
}

/// The same of neurons that a spike takes the threshold off, or not, layer by layer.
#[test]
fn neurons_of_their_own_equal_theirs() {
    every_layer(true, "lif_own");
}

fn every_layer(own: bool, name: &str) {
    for (lanes, entries) in [(1, 1), (2, 16), (3, 1), (4, 4), (5, 3), (16, 2)] {
        let mut bench = Bench::new(lanes, entries, own, (lanes * 100 + entries) as u64);
        let turnaround = turnaround(lanes);
        for leak_shift in 0..16 {
            for fire_ge in [false, true] {
                let inputs = bench.rng.below(4);
                let threshold = match bench.rng.below(4) {
                    0 => bench.rng.pick(&[1, 32766]),
                    _ => bench.rng.signed(16).abs().clamp(1, 32766),
                };
                let (use_gate, use_residual) = (inputs == 1 || inputs == 2, inputs >= 2);
                for subtracts in [false, true].into_iter().filter(|&subtracts| own || !subtracts) {
                    bench.enter(Layer { leak_shift, fire_ge, subtracts, threshold, use_gate, use_residual });
                    bench.at_random(turnaround, 30);
                    bench.in_turn(turnaround.max(entries), 4);
                }
            }
        }
        if [1, 5].contains(&lanes) {
            bench.recorder.replay(&bench.block, name);
        }
    }
}

/// A count runs on over many words, every lane firing.
#[test]
fn counts_run_on() {
    let mut bench = Bench::new(16, 1, false, 7);
    bench.constant = Some(32767);
    bench.enter(Layer {
        leak_shift: 0,
        fire_ge: true,
        subtracts: false,
        threshold: 1,
        use_gate: false,
        use_residual: false,
    });
    bench.in_turn(turnaround(16), 600);
    assert!(bench.count[0] > 1 << 13);
}
