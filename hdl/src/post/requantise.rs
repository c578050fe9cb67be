//! Captured sums to 16-bit values and 8-bit codes.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{CodeMode, Combine};
use spikegate_contract::timing::beat;

use crate::lang::*;
use crate::parts::narrow::Narrow;

/// Requantisation of one output channel per cycle, all its lanes side by side. A pipeline without stalls or state.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | acc_l | in | A | captured sums, stage A = b+1 |
/// | m, b, s | in | 16, 48, 5 | factor, bias with the rounding half, shift; stage A |
/// | combine | in | 2 | what becomes of the lanes, see `contract::instr::Combine`; static |
/// | xq_shift, code_mode | in | 4, 2 | form of the code; static |
/// | logit | out | 32 | lane 0 after the bias, wrapped to 32 bits; A+4 |
/// | y_l | out | 16 | `(acc * m + b) >> s`, floor shift, saturated to 16 bits; A+6 |
/// | code | out | 9 | Xq: y_0 shifted right by xq_shift with the half added, saturated to -128..127; Z1: y_0 clamped to 0..255; A+7 |
///
/// When lanes are planes, every lane goes on with the sum of `acc_l << (l * passes)`, wrapped to 32 bits; when they are
/// values, with the sum of `acc_l`.
#[derive(LogicBlock)]
pub struct Requantise {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub acc: Vec<Sig<In>>,
    pub m: Sig<In>,
    pub b: Sig<In>,
    pub s: Sig<In>,
    pub combine: Sig<In>,
    pub xq_shift: Sig<In>,
    pub code_mode: Sig<In>,
    pub logit: Sig<Out>,
    pub y: Vec<Sig<Out>>,
    pub code: Sig<Out>,
    plane: Vec<Sig<Local>>,
    plane_sum: Vec<Sig<Local>>,
    lane: Vec<Dff>,
    m1: Dff,
    product: Vec<Mul>,
    b1: Dff,
    b2: Dff,
    b3: Dff,
    s1: Dff,
    s2: Dff,
    s3: Dff,
    s4: Dff,
    biased: Vec<Dff>,
    narrow: Vec<Narrow>,
    shifted: Vec<Dff>,
    beyond: Vec<Dff>,
    negative: Vec<Dff>,
    clamped: Vec<Dff>,
    xq2: Sig<Local>,
    xq_narrow: Narrow,
    xq: Sig<Local>,
    high: Sig<Local>,
    code_held: Dff,
    image_shift: Vec<Const>,
    attention_shift: Vec<Const>,
    image: Const,
    values: Const,
    apart: Const,
    xq_mode: Const,
    max16: Const,
    min16: Const,
    max8: Const,
    min8: Const,
    max_code: Const,
    byte: Const,
    zero: Const,
    one: Const,
    _lanes: usize,
    _lanes_end: usize,
}

impl Requantise {
    /// The requantiser of one post lane of the array.
    pub fn new(array: &ArrayConfig) -> Self {
        let l = array.lanes;
        let shifts = |passes: usize| (0..l).map(|i| Const::new(u(6), (i * passes) as i64)).collect();
        let regs = |ty: Ty| (0..l).map(|_| Dff::new(ty)).collect();
        Self {
            doc: doc!("requantise.rs", Requantise),
            clk: Default::default(),
            acc: (0..l).map(|_| Sig::new(s(array.sum_bits))).collect(),
            m: Sig::new(s(16)),
            b: Sig::new(s(48)),
            s: Sig::new(u(5)),
            combine: Sig::new(u(2)),
            xq_shift: Sig::new(u(4)),
            code_mode: Sig::new(u(2)),
            logit: Sig::new(s(32)),
            y: (0..l).map(|_| Sig::new(s(16))).collect(),
            code: Sig::new(s(9)),
            plane: (0..l).map(|_| Sig::new(s(32))).collect(),
            plane_sum: (0..l + 1).map(|_| Sig::new(s(32))).collect(),
            lane: regs(s(32)),
            m1: Dff::new(s(16)),
            product: (0..l).map(|_| Mul::new(32, 16, beat::PRODUCT - beat::COMBINED)).collect(),
            b1: Dff::new(s(48)),
            b2: Dff::new(s(48)),
            b3: Dff::new(s(48)),
            s1: Dff::new(u(5)),
            s2: Dff::new(u(5)),
            s3: Dff::new(u(5)),
            s4: Dff::new(u(5)),
            biased: regs(s(50)),
            narrow: (0..l).map(|_| Narrow::new(50, 5, 16)).collect(),
            shifted: regs(s(16)),
            beyond: regs(u(1)),
            negative: regs(u(1)),
            clamped: regs(s(16)),
            xq2: Sig::new(s(17)),
            xq_narrow: Narrow::new(17, 4, 9),
            xq: Sig::new(s(10)),
            high: Sig::new(s(8)),
            code_held: Dff::new(s(9)),
            image_shift: shifts(array.image_passes()),
            attention_shift: shifts(array.code_passes()),
            image: Const::new(u(2), Combine::Image as i64),
            values: Const::new(u(2), Combine::Values as i64),
            apart: Const::new(u(2), Combine::Apart as i64),
            xq_mode: Const::new(u(2), CodeMode::Xq as i64),
            max16: Const::new(s(16), 32767),
            min16: Const::new(s(16), -32768),
            max8: Const::new(s(9), 127),
            min8: Const::new(s(9), -128),
            max_code: Const::new(s(10), 255),
            byte: Const::new(u(4), 8),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            _lanes: l,
            _lanes_end: l + 1,
        }
    }
}

impl Logic for Requantise {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, m1, b1, b2, b3, s1, s2, s3, s4, code_held);
        self.m1.d.next = self.m.val();
        self.b1.d.next = self.b.val();
        self.b2.d.next = self.b1.q.val();
        self.b3.d.next = self.b2.q.val();
        self.s1.d.next = self.s.val();
        self.s2.d.next = self.s1.q.val();
        self.s3.d.next = self.s2.q.val();
        self.s4.d.next = self.s3.q.val();

        // A: sum of planes, or of values.
        self.plane_sum[0].next = 0.into();
        for l in 0..self._lanes {
            self.plane[l].next = self.acc[l].val() << self.attention_shift[l].val();
            if self.combine.val() == self.image.val() {
                self.plane[l].next = self.acc[l].val() << self.image_shift[l].val();
            }
            if self.combine.val() == self.values.val() {
                self.plane[l].next = self.acc[l].val();
            }
            self.plane_sum[l + 1].next = self.plane_sum[l].val() + self.plane[l].val();
        }
        for l in 0..self._lanes {
            self.lane[l].clock.next = self.clk.val();
            self.lane[l].d.next = self.acc[l].val();
            if self.combine.val() != self.apart.val() {
                for k in self._lanes..self._lanes_end {
                    self.lane[l].d.next = self.plane_sum[k].val();
                }
            }

            // A+1 .. A+3: product; then bias, shift, saturation.
            self.product[l].clock.next = self.clk.val();
            self.product[l].a.next = self.lane[l].q.val();
            self.product[l].b.next = self.m1.q.val();
            self.biased[l].clock.next = self.clk.val();
            self.biased[l].d.next = self.product[l].p.val() + self.b3.q.val();
            self.narrow[l].x.next = self.biased[l].q.val();
            self.narrow[l].shift.next = self.s4.q.val();
            self.shifted[l].clock.next = self.clk.val();
            self.shifted[l].d.next = self.narrow[l].low.val();
            self.beyond[l].clock.next = self.clk.val();
            self.beyond[l].d.next = self.narrow[l].beyond.val().into();
            self.negative[l].clock.next = self.clk.val();
            self.negative[l].d.next = self.narrow[l].negative.val().into();
            self.clamped[l].clock.next = self.clk.val();
            self.clamped[l].d.next = self.shifted[l].q.val();
            if self.beyond[l].q.val().get_bit(0) {
                self.clamped[l].d.next = self.max16.val();
                if self.negative[l].q.val().get_bit(0) {
                    self.clamped[l].d.next = self.min16.val();
                }
            }
            self.y[l].next = self.clamped[l].q.val();
        }
        self.logit.next = self.biased[0].q.val();

        // A+6: code of lane 0. Xq: floor shift of twice the value, rounded half up by the lowest bit.
        self.xq2.next = self.clamped[0].q.val() << self.one.val();
        self.xq_narrow.x.next = self.xq2.val();
        self.xq_narrow.shift.next = self.xq_shift.val();
        self.xq.next = self.xq_narrow.low.val() + self.one.val();
        self.high.next = self.clamped[0].q.val() >> self.byte.val();
        self.code_held.d.next = self.clamped[0].q.val();
        if self.code_mode.val() == self.xq_mode.val() {
            self.code_held.d.next = self.xq.val() >> self.one.val();
            if (self.xq.val().get_bit(8) & !self.xq.val().get_bit(9)) | self.xq_narrow.beyond.val() {
                self.code_held.d.next = self.max8.val();
                if self.xq_narrow.beyond.val() & self.xq_narrow.negative.val() {
                    self.code_held.d.next = self.min8.val();
                }
            }
        } else {
            if self.high.val() != self.zero.val() {
                self.code_held.d.next = self.max_code.val();
                if self.high.val().get_bit(7) {
                    self.code_held.d.next = 0.into();
                }
            }
        }
        self.code.next = self.code_held.q.val();
    }
}
