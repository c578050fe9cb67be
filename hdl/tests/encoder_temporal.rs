//! Temporal attention against the formula in exact integers, and against its Verilog.
//!
//! Mutations of the module that these tests caught when they were made:
//!
//! * the rounding half dropped,
//! * the sign of the sum ignored; `max_pos` and `max_neg` swapped,
//! * the factor's top bit taken as positive,
//! * the sum of products kept in 62 bits (64 would do for shifts up to 24); the aligned maximum in 36,
//! * lower saturation dropped,
//! * a timestep one cycle longer; `clear` ignored.

mod post_support;

use post_support::{round, sat16, value, Rng};
use spikegate_hdl::encoder::temporal::{temporal_cycles, TemporalAttention};
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::sim;

/// Arguments of one computation.
#[derive(Clone, Copy, Debug)]
struct Job {
    timesteps: usize,
    sum: i64,
    max: i64,
    max_align: u32,
    ta_shift: u32,
}

/// Constants in address order: mean_pos, mean_neg, max_pos, max_neg of each timestep.
type Constants = [i64; 64];

fn expected(job: Job, constants: &Constants, t: usize) -> i64 {
    let of = |v: i64, at: usize| i128::from(if v >= 0 { constants[at] } else { -constants[at + 1] });
    let mean = i128::from(job.sum) * of(job.sum, 4 * t);
    let max = i128::from(job.max) * of(job.max, 4 * t + 2) * (1i128 << job.max_align);
    sat16(round(mean + max, job.ta_shift))
}

struct Bench {
    block: TemporalAttention,
    recorder: Recorder,
    constants: Constants,
    results: [i64; 16],
    rng: Rng,
}

impl Bench {
    fn new(lanes: usize) -> Self {
        let rng = Rng(lanes as u64);
        let block = TemporalAttention::new(lanes, false);
        let mut bench =
            Self { block, recorder: Recorder::default(), constants: [0; 64], results: [0; 16], rng };
        bench.block.clear.next = true;
        bench.cycle();
        bench.block.clear.next = false;
        bench
    }
    fn cycle(&mut self) {
        self.recorder.cycle(&mut self.block, |b| &mut b.clk);
    }
    fn load(&mut self, constants: Constants) {
        self.constants = constants;
        self.block.load.next = true;
        for (address, c) in constants.into_iter().enumerate() {
            self.block.load_address.next = value(address as i64);
            // As the loader gives it: 32 bits, of which 24 count.
            let unused = if address % 3 == 0 { 0xa5 << 24 } else { 0 };
            self.block.load_data.next = value(c & 0xff_ffff | unused);
            self.cycle();
        }
        self.block.load.next = false;
        self.block.load_data.next = value(0x1234);
    }
    fn start(&mut self, job: Job) {
        self.block.timesteps.next = value(job.timesteps as i64);
        self.block.sum.next = value(job.sum);
        self.block.max.next = value(job.max);
        self.block.max_align.next = value(i64::from(job.max_align));
        self.block.ta_shift.next = value(i64::from(job.ta_shift));
        self.block.start.next = true;
        self.cycle();
        self.block.start.next = false;
    }
    /// One computation: `done` comes in its cycle and in no other, then every result is right.
    fn run(&mut self, job: Job) {
        self.start(job);
        for cycle in 1..=temporal_cycles(job.timesteps) {
            self.recorder.settle(&mut self.block);
            assert_eq!(
                self.block.done.val(),
                cycle == temporal_cycles(job.timesteps),
                "{job:?} cycle {cycle}"
            );
            sim::cycle(&mut self.block, |b| &mut b.clk);
        }
        for t in 0..job.timesteps {
            self.results[t] = expected(job, &self.constants, t);
        }
        self.read(job);
    }
    /// All results by both ports; those of timesteps not asked for are the ones of before.
    fn read(&mut self, job: Job) {
        let lanes = self.block.ta.len();
        for k in 0..=16 {
            self.block.scalar_index.next = value(k as i64 & 15);
            self.block.sweep.next = value(k as i64 & 15);
            self.recorder.settle(&mut self.block);
            assert!(!self.block.done.val());
            assert_eq!(self.block.scalar.val(), value(self.results[k & 15]), "{job:?} t = {k}");
            // The sweep of the cycle before.
            for l in (0..lanes).filter(|_| k > 0) {
                let want = self.results.get((k - 1) * lanes + l).copied().unwrap_or(0);
                assert_eq!(self.block.ta[l].val(), value(want), "{job:?} sweep {k} lane {l}");
            }
            sim::cycle(&mut self.block, |b| &mut b.clk);
        }
    }
    fn random_constants(&mut self) -> Constants {
        std::array::from_fn(|_| self.rng.signed(24))
    }
}

/// Random arguments and constants.
#[test]
fn equals_the_formula_and_verilog() {
    for lanes in [1, 4, 5] {
        let mut bench = Bench::new(lanes);
        let mut first = true;
        for _ in 0..3 {
            let constants = bench.random_constants();
            bench.load(constants);
            for _ in 0..5 {
                let job = Job {
                    timesteps: if first { 16 } else { 1 + bench.rng.below(16) },
                    sum: bench.rng.signed(40),
                    max: bench.rng.signed(16),
                    max_align: bench.rng.below(25) as u32,
                    ta_shift: bench.rng.below(64) as u32,
                };
                first = false;
                bench.run(job);
            }
        }
        if lanes != 4 {
            bench.recorder.replay(&bench.block, "temporal");
        }
    }
}

/// Constants at their ends with sum, maximum and shifts at theirs: the widest values before the rounding.
#[test]
fn ends_of_all_operands() {
    let mut bench = Bench::new(4);
    let ends = [-(1 << 23), (1 << 23) - 1, -1, 0, 1];
    let constants = std::array::from_fn(|i| ends[(i / 4 + i % 4 * (1 + i / 20)) % 5]);
    bench.load(constants);
    for sum in [-(1i64 << 39), -1, 0, 1, (1 << 39) - 1] {
        for max in [-32768, -1, 0, 32767] {
            for max_align in [0, 24] {
                for ta_shift in [0, 1, 47, 63] {
                    bench.run(Job { timesteps: 16, sum, max, max_align, ta_shift });
                }
            }
        }
    }
}

/// Halves go up, on both sides of zero, and results reach both ends of 16 bits exactly.
#[test]
fn rounds_half_up_and_saturates() {
    let mut bench = Bench::new(1);
    bench.load([1; 64]);
    for shift in [1, 2, 9, 20] {
        for target in [-32769i64, -32768, -2, -1, 0, 1, 32766, 32767, 32768] {
            let half = 1 << (shift - 1);
            for off in [-half - 1, -half, -half + 1, 0, half - 1, half] {
                let exact = (target << shift) + off;
                // The constants are 1: the sum's magnitude counts, so take the sign by the constants.
                bench.load([if exact < 0 { -1 } else { 1 }; 64]);
                bench.run(Job { timesteps: 1, sum: exact, max: 0, max_align: 0, ta_shift: shift });
            }
        }
    }
}

/// A clear in the middle of a computation ends it without `done`, and the next computation is right.
#[test]
fn clear_ends_a_computation() {
    let mut bench = Bench::new(4);
    let constants = bench.random_constants();
    bench.load(constants);
    let job = Job { timesteps: 16, sum: -123_456_789, max: 321, max_align: 3, ta_shift: 20 };
    bench.run(job);
    for cycles in [1, 20, 53, 54, 300] {
        bench.start(Job { timesteps: 16, ..job });
        (1..cycles).for_each(|_| bench.cycle());
        bench.block.clear.next = true;
        bench.cycle();
        bench.block.clear.next = false;
        for _ in 0..temporal_cycles(16) {
            bench.recorder.settle(&mut bench.block);
            assert!(!bench.block.done.val());
            sim::cycle(&mut bench.block, |b| &mut b.clk);
        }
        bench.run(Job { sum: job.sum + cycles as i64, ..job });
    }
}
