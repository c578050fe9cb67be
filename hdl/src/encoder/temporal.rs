//! Temporal attention: T scalars from the sum and the maximum of X.

use spikegate_contract::network::MAX_T;
use spikegate_contract::timing::TEMPORAL_STEP;

use crate::lang::*;
use crate::parts::choose::Choose;
use crate::parts::guard::Guard;
use crate::parts::narrow::Narrow;

/// Cycles from `start` to `done`.
pub fn temporal_cycles(timesteps: usize) -> usize {
    TEMPORAL_STEP * timesteps
}

/// `TA[t] = sat16(round(sum * ca + ((max * cm) << max_align), ta_shift))`, exact in 66 bits before the rounding (half
/// up); `ca` and `cm` are `mean_pos[t]`, `max_pos[t]`, or minus `mean_neg[t]`, `max_neg[t]` for a negative sum, max.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset of the control state |
/// | load, load_address, load_data | in | 1, 20, 32 | constants: 4t + {0 mean_pos, 1 mean_neg, 2 max_pos, 3 max_neg}, s24 |
/// | start | in | 1 | one cycle; `sum`, `max` and the constants below are static from here to `done` |
/// | timesteps, sum, max, max_align, ta_shift | in | 5, 40, 16, 5, 6 | timesteps T; sum of X; maximum of X; shift of max * cm; shift to TA |
/// | done | out | 1 | one cycle, `temporal_cycles(T)` cycles after `start`; the results hold until the next start |
/// | sweep | in | 4 | selects `ta_l = TA[sweep * L + l]`, one cycle later |
/// | ta_l | out | 16 | the selected results, 0 beyond the last timestep |
/// | scalar_index, scalar | in, out | 4, 16 | TA of timestep scalar_index, same cycle |
/// | wrong | out | 1 | with parity: a constant has flipped, a cycle after it is taken |
#[derive(LogicBlock)]
pub struct TemporalAttention {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub load: Signal<In, Bit>,
    pub load_address: Sig<In>,
    pub load_data: Sig<In>,
    pub start: Signal<In, Bit>,
    pub timesteps: Sig<In>,
    pub sum: Sig<In>,
    pub max: Sig<In>,
    pub max_align: Sig<In>,
    pub ta_shift: Sig<In>,
    pub done: Signal<Out, Bit>,
    pub sweep: Sig<In>,
    pub ta: Vec<Sig<Out>>,
    pub scalar_index: Sig<In>,
    pub scalar: Sig<Out>,
    pub wrong: Optional<Signal<Out, Bit>>,
    guard: Optional<Guard>,
    constants: Ram,
    busy: Dff,
    step: Dff,
    t: Dff,
    factor: Dff,
    operand: Dff,
    minus: Dff,
    accumulator: Dff,
    total: AddSub,
    narrow: Narrow,
    twice: Sig<Local>,
    shifted: Dff,
    beyond: Dff,
    negative: Dff,
    raised: Sig<Local>,
    result: Vec<Dff>,
    choose: Vec<Choose>,
    choose_scalar: Choose,
    selected: Vec<Dff>,
    next_t: Sig<Local>,
    multiply: Signal<Local, Bit>,
    top_bit: Signal<Local, Bit>,
    subtract: Signal<Local, Bit>,
    finish: Signal<Local, Bit>,
    clamped: Sig<Local>,
    max_aligned: Sig<Local>,
    sum_negative: Sig<Local>,
    max_negative: Sig<Local>,
    four: Const,
    two: Const,
    one: Const,
    zero: Const,
    step_load_sum: Const,
    step_sum_end: Const,
    step_load_max: Const,
    step_max_end: Const,
    step_last: Const,
    max16: Const,
    min16: Const,
    _lanes: usize,
    _lanes_end: usize,
    _sweeps: usize,
    _results: usize,
    _scalars: usize,
}

impl TemporalAttention {
    /// Temporal attention that hands out `lanes` results at a time, with parity or without.
    pub fn new(lanes: usize, parity: bool) -> Self {
        let step = |v: usize| Const::new(u(6), v as i64);
        let sweeps = MAX_T.div_ceil(lanes);
        let results = sweeps * lanes;
        Self {
            doc: doc!("temporal.rs", TemporalAttention),
            clk: Default::default(),
            clear: Default::default(),
            load: Default::default(),
            load_address: Sig::new(u(20)),
            load_data: Sig::new(u(32)),
            start: Default::default(),
            timesteps: Sig::new(u(5)),
            sum: Sig::new(s(40)),
            max: Sig::new(s(16)),
            max_align: Sig::new(u(5)),
            ta_shift: Sig::new(u(6)),
            done: Default::default(),
            sweep: Sig::new(u(4)),
            ta: (0..lanes).map(|_| Sig::new(s(16))).collect(),
            scalar_index: Sig::new(u(4)),
            scalar: Sig::new(s(16)),
            wrong: Optional::new(parity, Default::default),
            guard: Optional::new(parity, || Guard::new(&[s(24)], 1)),
            constants: Ram::guarded(1, s(24), 4 * MAX_T, parity),
            busy: Dff::new(u(1)),
            step: Dff::new(u(6)),
            t: Dff::new(u(5)),
            factor: Dff::new(s(24)),
            operand: Dff::new(s(66)),
            minus: Dff::new(u(1)),
            accumulator: Dff::new(s(66)),
            total: AddSub::new(66, 66),
            narrow: Narrow::new(67, 6, 17),
            twice: Sig::new(s(67)),
            shifted: Dff::new(s(17)),
            beyond: Dff::new(u(1)),
            negative: Dff::new(u(1)),
            raised: Sig::new(s(18)),
            result: (0..results).map(|_| Dff::new(s(16))).collect(),
            choose: (0..lanes).map(|_| Choose::new(sweeps, s(16), 4)).collect(),
            choose_scalar: Choose::new(MAX_T, s(16), 4),
            selected: (0..lanes).map(|_| Dff::new(s(16))).collect(),
            next_t: Sig::new(u(6)),
            multiply: Default::default(),
            top_bit: Default::default(),
            subtract: Default::default(),
            finish: Default::default(),
            clamped: Sig::new(s(16)),
            max_aligned: Sig::new(s(48)),
            sum_negative: Sig::new(u(1)),
            max_negative: Sig::new(u(1)),
            four: Const::new(u(3), 4),
            two: Const::new(u(2), 2),
            one: Const::new(u(1), 1),
            zero: Const::new(s(2), 0),
            step_load_sum: step(1),
            step_sum_end: step(25),
            step_load_max: step(26),
            step_max_end: step(50),
            step_last: step(TEMPORAL_STEP - 1),
            max16: Const::new(s(16), 32767),
            min16: Const::new(s(16), -32768),
            _lanes: lanes,
            _lanes_end: lanes + 1,
            _sweeps: sweeps,
            _results: results,
            _scalars: MAX_T,
        }
    }
}

impl Logic for TemporalAttention {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, busy, step, t, factor, operand, minus, accumulator, shifted, beyond, negative);
        self.sum_negative.next = 0.into();
        if self.sum.val() < self.zero.val() {
            self.sum_negative.next = 1.into();
        }
        self.max_negative.next = 0.into();
        if self.max.val() < self.zero.val() {
            self.max_negative.next = 1.into();
        }

        // Constants: the mean's in step 0, the maximum's from step 1 on.
        self.constants.clock.next = self.clk.val();
        self.constants.write.next = self.load.val();
        self.constants.write_address.next = self.load_address.val();
        self.constants.write_data[0].next = self.load_data.val();
        self.constants.read_address.next =
            (self.t.q.val() * self.four.val()) + self.two.val() + self.max_negative.val();
        if self.step.q.val() == self.zero.val() {
            self.constants.read_address.next = (self.t.q.val() * self.four.val()) + self.sum_negative.val();
        }

        // Serial products, least significant bit of the factor first; bit 23 counts negative.
        self.max_aligned.next = self.max.val() << self.max_align.val();
        self.top_bit.next =
            (self.step.q.val() == self.step_sum_end.val()) | (self.step.q.val() == self.step_max_end.val());
        self.multiply.next = (self.step.q.val() > self.step_load_sum.val())
            & (self.step.q.val() <= self.step_max_end.val())
            & (self.step.q.val() != self.step_load_max.val());
        self.subtract.next = self.top_bit.val() ^ self.minus.q.val().get_bit(0);
        self.total.a.next = self.accumulator.q.val();
        self.total.b.next = self.operand.q.val();
        self.total.subtract.next = self.subtract.val();
        if self.multiply.val() {
            self.factor.d.next = self.factor.q.val() >> self.one.val();
            self.operand.d.next = self.operand.q.val() + self.operand.q.val();
            if self.factor.q.val().get_bit(0) {
                self.accumulator.d.next = self.total.y.val();
            }
        }
        if self.step.q.val() == self.step_load_sum.val() {
            self.factor.d.next = self.constants.read_data[0].val();
            self.operand.d.next = self.sum.val();
            self.minus.d.next = self.sum_negative.val();
            self.accumulator.d.next = 0.into();
        }
        if self.step.q.val() == self.step_load_max.val() {
            self.factor.d.next = self.constants.read_data[0].val();
            self.operand.d.next = self.max_aligned.val();
            self.minus.d.next = self.max_negative.val();
        }

        for p in 0..self.guard.count() {
            self.guard[p].clk.next = self.clk.val();
            self.guard[p].word[0].next = self.constants.read_data[0].val();
            self.guard[p].parity[0].next = self.constants.parity[p].val();
            self.guard[p].counts.next = self.busy.q.val().get_bit(0)
                & ((self.step.q.val() == self.step_load_sum.val())
                    | (self.step.q.val() == self.step_load_max.val()));
            self.wrong[p].next = self.guard[p].wrong.val();
        }

        // Floor shift of twice the value, then rounding half up by the lowest bit, and saturation.
        self.twice.next = self.accumulator.q.val() << self.one.val();
        self.narrow.x.next = self.twice.val();
        self.narrow.shift.next = self.ta_shift.val();
        self.shifted.d.next = self.narrow.low.val();
        self.beyond.d.next = self.narrow.beyond.val().into();
        self.negative.d.next = self.narrow.negative.val().into();
        self.raised.next = self.shifted.q.val() + self.one.val();
        self.clamped.next = self.raised.val() >> self.one.val();
        if (self.raised.val().get_bit(16) & !self.raised.val().get_bit(17)) | self.beyond.q.val().get_bit(0) {
            self.clamped.next = self.max16.val();
            if self.beyond.q.val().get_bit(0) & self.negative.q.val().get_bit(0) {
                self.clamped.next = self.min16.val();
            }
        }
        for k in 0..self._results {
            self.result[k].clock.next = self.clk.val();
            self.result[k].d.next = self.result[k].q.val();
            if self.busy.q.val().get_bit(0)
                & (self.step.q.val() == self.step_last.val())
                & (self.t.q.val() == k.into())
            {
                self.result[k].d.next = self.clamped.val();
            }
        }

        // Steps and timesteps.
        self.next_t.next = self.t.q.val() + self.one.val();
        self.finish.next = self.busy.q.val().get_bit(0)
            & (self.step.q.val() == self.step_last.val())
            & (self.next_t.val() == self.timesteps.val());
        if self.busy.q.val().get_bit(0) {
            self.step.d.next = self.step.q.val() + self.one.val();
            if self.step.q.val() == self.step_last.val() {
                self.step.d.next = 0.into();
                self.t.d.next = self.next_t.val();
            }
            if self.finish.val() {
                self.busy.d.next = 0.into();
            }
        }
        if self.start.val() {
            self.busy.d.next = 1.into();
            self.step.d.next = 0.into();
            self.t.d.next = 0.into();
        }
        if self.clear.val() {
            self.busy.d.next = 0.into();
        }
        self.done.next = self.finish.val();

        // Results.
        for n in self._lanes..self._lanes_end {
            for l in 0..self._lanes {
                self.choose[l].index.next = self.sweep.val();
                for k in 0..self._sweeps {
                    self.choose[l].x[k].next = self.result[k * n + l].q.val();
                }
                self.selected[l].clock.next = self.clk.val();
                self.selected[l].d.next = self.choose[l].y.val();
                self.ta[l].next = self.selected[l].q.val();
            }
        }
        self.choose_scalar.index.next = self.scalar_index.val();
        for k in 0..self._scalars {
            self.choose_scalar.x[k].next = self.result[k].q.val();
        }
        self.scalar.next = self.choose_scalar.y.val();
    }
}
