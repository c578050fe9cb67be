//! Sum and maximum against plain integers, and against their Verilog.
//!
//! Mutations of the module that these tests caught when they were made:
//!
//! * `real` ignored,
//! * the maximum started at 0; the maximum made a minimum,
//! * the sum kept in 32 bits; the sum of one cycle kept in 16 bits,
//! * the sum not cleared.

mod post_support;

use post_support::{value, Rng};
use spikegate_hdl::encoder::statistics::Statistics;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::sim;

/// Cycles from a value to the statistics that include it.
const LATENCY: usize = 3;

struct Bench {
    block: Statistics,
    recorder: Recorder,
    /// Sum and maximum after each of the last cycles, oldest first; `None` until the first clear.
    history: Vec<Option<(i64, i64)>>,
    sum: i64,
    max: i64,
    cleared: bool,
}

impl Bench {
    fn new(posts: usize) -> Self {
        let block = Statistics::new(posts);
        let recorder = Recorder::default();
        Self { block, recorder, history: vec![None; LATENCY], sum: 0, max: 0, cleared: false }
    }
    fn cycle(&mut self, clear: bool, valid: bool, values: &[(i64, bool)], record: bool) {
        self.block.clear.next = clear;
        self.block.valid.next = valid;
        for (r, &(y, real)) in values.iter().enumerate() {
            self.block.y[r].next = value(y);
            self.block.real[r].next = real;
        }
        if record {
            self.recorder.settle(&mut self.block);
        } else {
            sim::settle(&mut self.block);
        }
        if let Some((sum, max)) = self.history.remove(0) {
            assert_eq!((self.block.sum.val(), self.block.max.val()), (value(sum), value(max)));
        }
        sim::cycle(&mut self.block, |b| &mut b.clk);
        if clear {
            (self.sum, self.max, self.cleared) = (0, -32768, true);
            // A clear shows one cycle later, ahead of values.
            self.history.fill(Some((0, -32768)));
        }
        for &(y, _) in values.iter().filter(|v| valid && v.1) {
            self.sum += y;
            self.max = self.max.max(y);
        }
        self.history.push(self.cleared.then_some((self.sum, self.max)));
    }
    fn restart(&mut self) {
        let nothing = vec![(32767, true); self.block.y.len()];
        (0..LATENCY).for_each(|_| self.cycle(false, false, &nothing, true));
        self.cycle(true, false, &nothing, true);
    }
}

/// Runs of random length, with values of all kinds, of one sign, and only the smallest.
#[test]
fn equals_plain_integers_and_verilog() {
    for posts in [1, 3, 4] {
        let mut rng = Rng(posts as u64);
        let mut bench = Bench::new(posts);
        for run in 0..40 {
            bench.restart();
            for _ in 0..rng.below(30) {
                let values: Vec<_> = (0..posts)
                    .map(|_| match run % 4 {
                        0 => (-32768, true),
                        1 => (-1 - rng.below(32768) as i64, rng.one_in(2)),
                        _ => (rng.signed(16), !rng.one_in(4)),
                    })
                    .collect();
                bench.cycle(false, !rng.one_in(4), &values, true);
            }
        }
        if posts != 4 {
            bench.recorder.replay(&bench.block, "statistics");
        }
    }
}

/// The sum goes on far beyond 32 bits, both ways.
#[test]
fn sums_beyond_32_bits() {
    for y in [-32768, 32767] {
        let mut bench = Bench::new(4);
        bench.restart();
        (0..40_000).for_each(|_| bench.cycle(false, true, &[(y, true); 4], false));
        assert!(bench.sum.abs() > 1 << 32);
    }
}
