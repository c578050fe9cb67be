//! The requantiser against exact integers, and against its Verilog.
//!
//! Mutations of the module that these tests caught when they were made:
//!
//! * the planes of image codes spaced as attention codes,
//! * the rounding half of Xq dropped; a half added at shift 0,
//! * bias, factor or shift taken one cycle early,
//! * the biased value kept in 48 bits,
//! * lower saturation dropped; upper saturation at 32766,
//! * lanes that carry values shifted as planes,
//! * Xq clamped at 126; Z1 not clamped at 0.

mod post_support;

use post_support::{round, sat16, value, Rng};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::CodeMode;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::sim;
use spikegate_hdl::post::requantise::Requantise;

/// Image codes are 9 bits, attention codes 8; with `combine` = 1 or 2 the lanes carry their planes, with 3 values.
fn passes(combine: u32, lanes: usize) -> u32 {
    let bits: u32 = [0, 8, 9, 0][combine as usize];
    bits.div_ceil(lanes as u32)
}

fn array(lanes: usize) -> ArrayConfig {
    ArrayConfig::new(lanes, 1, 8, 8).expect("a valid size")
}

#[derive(Clone, Copy)]
struct Mode {
    combine: u32,
    xq_shift: u32,
    code: CodeMode,
}

/// What must come out for one set of sums.
#[derive(Clone)]
struct Expected {
    logit: i64,
    y: Vec<i64>,
    code: Option<i64>,
}

fn expected(mode: Mode, acc: &[i64], m: i64, b: i64, s: u32) -> Expected {
    let value = |lane: usize| {
        let sum = if mode.combine == 0 {
            acc[lane]
        } else {
            let planes = passes(mode.combine, acc.len());
            let total: i128 = acc.iter().rev().fold(0, |t, &a| t * (1i128 << planes) + i128::from(a));
            i64::from(total as i32)
        };
        i128::from(sum) * i128::from(m) + i128::from(b)
    };
    let y: Vec<i64> = (0..acc.len()).map(|l| sat16(value(l).div_euclid(1 << s))).collect();
    let code = match mode.code {
        CodeMode::None => None,
        CodeMode::Xq => Some(round(i128::from(y[0]), mode.xq_shift).clamp(-128, 127) as i64),
        CodeMode::Z1 => Some(y[0].clamp(0, 255)),
    };
    Expected { logit: i64::from(value(0) as i32), y, code }
}

struct Bench {
    block: Requantise,
    recorder: Recorder,
    /// What entered since the mode changed, oldest first.
    entered: Vec<Expected>,
}

impl Bench {
    fn new(lanes: usize) -> Self {
        let block = Requantise::new(&array(lanes));
        Self { block, recorder: Recorder::default(), entered: vec![] }
    }
    fn mode(&mut self, mode: Mode) {
        self.entered.clear();
        self.block.combine.next = value(i64::from(mode.combine));
        self.block.xq_shift.next = value(i64::from(mode.xq_shift));
        self.block.code_mode.next = value(mode.code as i64);
    }
    fn cycle(&mut self, mode: Mode, acc: &[i64], m: i64, b: i64, s: u32) {
        for (port, &a) in self.block.acc.iter_mut().zip(acc) {
            port.next = value(a);
        }
        self.block.m.next = value(m);
        self.block.b.next = value(b);
        self.block.s.next = value(i64::from(s));
        self.entered.push(expected(mode, acc, m, b, s));
        self.recorder.settle(&mut self.block);
        let now = self.entered.len() - 1;
        let before = |cycles: usize| now.checked_sub(cycles).map(|i| &self.entered[i]);
        if let Some(e) = before(4) {
            assert_eq!(self.block.logit.val(), value(e.logit), "logit");
        }
        if let Some(e) = before(6) {
            let y: Vec<_> = self.block.y.iter().map(|y| y.val().0 as i64).collect();
            assert_eq!(y, e.y);
        }
        if let Some(code) = before(7).and_then(|e| e.code) {
            assert_eq!(self.block.code.val(), value(code), "code");
        }
        sim::cycle(&mut self.block, |r| &mut r.clk);
    }
}

/// Parameters that bring `acc * m` to `target`, with any remainder, if the bias can.
fn aimed(rng: &mut Rng, acc: i64, target: i64) -> Option<(i64, i64, u32)> {
    let m = if rng.one_in(4) { rng.pick(&[-32768, 32767, -1, 0, 1]) } else { rng.signed(16) };
    let s = if rng.one_in(4) { rng.pick(&[1, 31]) as u32 } else { 1 + rng.below(31) as u32 };
    let last = (1 << s) - 1;
    let remainder = if rng.one_in(2) { rng.pick(&[0, 1, last]) } else { rng.below(1 << s) as i64 };
    let b = i128::from(target) * (1 << s) + i128::from(remainder) - i128::from(acc) * i128::from(m);
    let fits = (-(1 << 47)..1 << 47).contains(&b);
    fits.then_some((m, b as i64, s))
}

fn random(bench: &mut Bench, rng: &mut Rng, mode: Mode) {
    let lanes = bench.block.acc.len();
    let acc: Vec<i64> = (0..lanes).map(|_| rng.signed(32)).collect();
    let near = |rng: &mut Rng, v: i64| v + rng.pick(&[-1, 0, 1]);
    let target = match rng.below(4) {
        0 => near(rng, 32767),
        1 => near(rng, -32768),
        2 => {
            let v = rng.pick(&[0, 127, 255, -128, -129, 128]);
            let half = (1 << mode.xq_shift) / 2;
            near(rng, (v << mode.xq_shift) - half).clamp(-32769, 32768)
        }
        _ => rng.signed(16),
    };
    let aim = if mode.combine == 0 { aimed(rng, acc[0], target) } else { None };
    let (m, b, s) =
        aim.unwrap_or_else(|| (rng.signed(16), rng.signed(48), rng.pick(&[1, 2, 16, 30, 31]) as u32));
    bench.cycle(mode, &acc, m, b, s);
}

/// Random sums, and sums aimed at both ends of every clamp, one new set a cycle.
#[test]
fn equals_exact_integers_and_verilog() {
    for lanes in [1, 4, 5] {
        let mut rng = Rng(lanes as u64);
        let mut bench = Bench::new(lanes);
        for xq_shift in 0..16 {
            for combine in 0..4 {
                for code in [CodeMode::Xq, CodeMode::Z1, CodeMode::None] {
                    let mode = Mode { combine, xq_shift, code };
                    bench.mode(mode);
                    (0..24).for_each(|_| random(&mut bench, &mut rng, mode));
                }
            }
        }
        if lanes != 4 {
            bench.recorder.replay(&bench.block, "requantise");
        }
    }
}

/// Every end of every operand with every other.
#[test]
fn ends_of_all_operands() {
    let mode = Mode { combine: 0, xq_shift: 15, code: CodeMode::Xq };
    let mut bench = Bench::new(1);
    bench.mode(mode);
    for acc in [i64::from(i32::MIN), -1, 0, 1, i64::from(i32::MAX)] {
        for m in [-32768, -1, 0, 1, 32767] {
            for b in [-(1i64 << 47), -1, 0, 1, (1 << 47) - 1] {
                for s in [0, 1, 31] {
                    bench.cycle(mode, &[acc], m, b, s);
                }
            }
        }
    }
    (0..7).for_each(|_| bench.cycle(mode, &[0], 0, 0, 1));
}

/// Codes cut into planes as the array does it come back as themselves.
#[test]
fn planes_add_up_to_codes() {
    for lanes in 1..=16 {
        for combine in [1, 2] {
            let mode = Mode { combine, xq_shift: 0, code: CodeMode::None };
            let n = passes(combine, lanes);
            let (low, high) = if combine == 1 { (-128i64, 127) } else { (-256, 255) };
            let mut bench = Bench::new(lanes);
            bench.mode(mode);
            for code in (low..=high).step_by(if lanes == 4 { 1 } else { 7 }) {
                let acc: Vec<i64> = (0..lanes)
                    .map(|l| {
                        (0..n).fold(0, |sum, pass| {
                            let plane = l as u32 * n + n - 1 - pass;
                            let bit = code >> plane.min(63) & 1;
                            let top = l == lanes - 1 && pass == 0;
                            2 * sum + if top { -bit } else { bit }
                        })
                    })
                    .collect();
                bench.cycle(mode, &acc, 2, 0, 1);
                assert_eq!(bench.entered.last().expect("just entered").y, vec![code; lanes], "the model");
            }
            (0..7).for_each(|_| bench.cycle(mode, &vec![0; lanes], 0, 0, 1));
        }
    }
}
