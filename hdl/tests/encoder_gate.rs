//! The gate against the formula in exact integers, and against its Verilog.
//!
//! Mutations of the module that these tests caught when they were made:
//!
//! * a half added before the shift,
//! * z wrapped at 16 bits,
//! * the index clamped at 510; not clamped below,
//! * the mask of lane 0 for every lane,
//! * a product one cycle early,
//! * `y_shift` ignored.

mod post_support;

use std::collections::VecDeque;

use post_support::{sat16, value, Rng};
use spikegate_hdl::encoder::gate::Gate;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::sim;

struct Bench {
    block: Gate,
    recorder: Recorder,
    table: Vec<i64>,
    z_shift: u32,
    y_shift: u32,
    /// `G` of the values that entered 1, 2, .. cycles ago, newest last.
    entered: VecDeque<Vec<i64>>,
    /// What `gate_y` must show in this cycle.
    due: Option<Vec<i64>>,
}

impl Bench {
    fn new(lanes: usize) -> Self {
        Self {
            block: Gate::new(lanes, false),
            recorder: Recorder::default(),
            table: vec![0; 1024],
            z_shift: 0,
            y_shift: 0,
            entered: VecDeque::new(),
            due: None,
        }
    }
    fn load(&mut self, table: Vec<i64>) {
        self.block.load.next = true;
        self.block.mask.next = value(0);
        for (address, &g) in table.iter().enumerate() {
            self.block.load_address.next = value(address as i64);
            self.block.load_data.next = value(g);
            self.recorder.cycle(&mut self.block, |b| &mut b.clk);
        }
        self.block.load.next = false;
        self.block.load_data.next = value(0xfff);
        self.table = table;
    }
    fn shifts(&mut self, z_shift: u32, y_shift: u32) {
        (self.z_shift, self.y_shift) = (z_shift, y_shift);
        self.block.z_shift.next = value(i64::from(z_shift));
        self.block.y_shift.next = value(i64::from(y_shift));
        self.entered.clear();
        self.due = None;
    }
    /// `sca` and `ta` enter; `mask` belongs to what entered six cycles ago.
    fn cycle(&mut self, sca: i64, ta: &[i64], mask: u64) {
        self.block.sca.next = value(sca);
        for (port, &t) in self.block.ta.iter_mut().zip(ta) {
            port.next = value(t);
        }
        // What was read before the table was complete is masked.
        let mask = if self.entered.len() < 6 { 0 } else { mask };
        self.block.mask.next = value(mask as i64);
        let index = |t: i64| {
            let z = sat16((i128::from(t) * i128::from(sca)) >> self.z_shift);
            (z.clamp(-512, 511) + 512) as usize
        };
        self.entered.push_back(ta.iter().map(|&t| self.table[index(t)]).collect());
        self.recorder.settle(&mut self.block);
        if let Some(due) = self.due.take() {
            let got: Vec<_> = self.block.gate_y.iter().map(|y| y.val().0 as i64).collect();
            assert_eq!(got, due, "z_shift {} y_shift {}", self.z_shift, self.y_shift);
        }
        sim::cycle(&mut self.block, |b| &mut b.clk);
        if self.entered.len() > 6 {
            let g = self.entered.pop_front().expect("more than six");
            let scale = 1 << self.y_shift;
            self.due = Some(g.iter().enumerate().map(|(l, g)| g * scale * (mask >> l & 1) as i64).collect());
        }
    }
}

/// Factors whose product lies at or beside a boundary of the table, of 16 bits, or of a step.
fn aimed(rng: &mut Rng, z_shift: u32) -> (i64, i64) {
    let sca = if rng.one_in(3) { rng.pick(&[1, -1, 2, 64, -32768, 32767]) } else { rng.signed(16) };
    let z = rng.pick(&[-513, -512, -511, -1, 0, 1, 510, 511, 512, -32768, 32767]);
    let half = (1 << z_shift) / 2;
    let product = (z << z_shift) + rng.pick(&[-half - 1, -half, -half + 1, -1, 0, half - 1, half]);
    let ta = if sca == 0 { 0 } else { product / sca + rng.pick(&[-1, 0, 0, 1]) };
    (sca, ta.clamp(-32768, 32767))
}

/// All shifts; products at the ends of the table, at saturation and at halves of a step; masks with all bits and with none.
#[test]
fn equals_the_formula_and_verilog() {
    for lanes in [1, 4, 5] {
        let mut rng = Rng(lanes as u64);
        let mut bench = Bench::new(lanes);
        for gate_bits in [12, 8] {
            let last = (1 << gate_bits) - 1;
            let mut table: Vec<i64> = (0..1024).map(|_| rng.below(1 << gate_bits) as i64).collect();
            (table[0], table[1], table[1022], table[1023]) = (0, 1, last - 1, last);
            bench.load(table);
            for z_shift in 0..32 {
                bench.shifts(z_shift, (z_shift + gate_bits) % (16 - gate_bits));
                for _ in 0..30 {
                    let (sca, ta) = aimed(&mut rng, z_shift);
                    let ta: Vec<_> =
                        (0..lanes).map(|l| if l == 0 { ta } else { aimed(&mut rng, z_shift).1 }).collect();
                    bench.cycle(sca, &ta, rng.mask(lanes));
                }
            }
        }
        if lanes != 4 {
            bench.recorder.replay(&bench.block, "gate");
        }
    }
}

/// Every entry of the table, with a distinct value behind each.
#[test]
fn every_entry_of_the_table() {
    let mut bench = Bench::new(4);
    bench.load((0..1024).map(|z| 4095 - z).collect());
    bench.shifts(0, 3);
    for z in (-520..=520).chain([0; 7]) {
        bench.cycle(1, &[z, -z, z + 1, 512 - z], 0b1111);
    }
}

/// The ends of both factors, and of the shift.
#[test]
fn ends_of_all_operands() {
    let mut bench = Bench::new(1);
    bench.load((0..1024).map(|z| z * 4).collect());
    for z_shift in [0, 1, 15, 30, 31] {
        bench.shifts(z_shift, 0);
        for sca in [-32768, -1, 0, 1, 32767] {
            for ta in [-32768, -1, 0, 1, 32767] {
                bench.cycle(sca, &[ta], 1);
            }
        }
        (0..7).for_each(|_| bench.cycle(0, &[0], 1));
    }
}
