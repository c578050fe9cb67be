//! Turns each capture into beats: R output channels a cycle through the post lanes, or one when `narrow`.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr;

use crate::control::beat::Beat;
use crate::control::sum::{Sum, SumRegister};
use crate::lang::*;

/// The drain control.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | capture | in | 1 | a sum is complete, cycle c |
/// | sum | in | | that sum, cycle c: fields of [`Sum`] |
/// | sweeps, sweep_period, narrow, out_time | in | 4, 8, 1, 20 | instruction fields |
/// | beat | out | | a beat, cycles b = c+1 on: fields of [`Beat`] |
/// | param | out | 16 | parameters of its channel |
///
/// Sweep k starts `k * sweep_period` cycles after the first; the next capture comes no earlier than the end of the
/// last sweep (the window unit sees to it).
#[derive(LogicBlock)]
pub struct Drain {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub capture: Signal<In, Bit>,
    pub sum: Sum<In>,
    pub sweeps: Sig<In>,
    pub sweep_period: Sig<In>,
    pub narrow: Signal<In, Bit>,
    pub out_time: Sig<In>,
    pub beat: Beat<Out>,
    pub param: Sig<Out>,
    busy: Dff,
    cycle: Dff,
    sweep_index: Dff,
    held: SumRegister,
    limit: Sig<Local>,
    column: Sig<Local>,
    wide_column: Sig<Local>,
    last_sweep: Signal<Local, Bit>,
    last_cycle: Signal<Local, Bit>,
    next_cycle: Sig<Local>,
    wide_beats: Const,
    narrow_beats: Const,
    lane_bits: Const,
    lane_mask: Const,
    one: Const,
    zero: Const,
}

impl Drain {
    /// The drain control of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let sweep = u(instr::width("sweeps"));
        let period = u(instr::width("sweep_period"));
        Self {
            doc: doc!("drain.rs", Drain),
            clk: Default::default(),
            clear: Default::default(),
            capture: Default::default(),
            sum: Default::default(),
            sweeps: Sig::new(sweep),
            sweep_period: Sig::new(period),
            narrow: Default::default(),
            out_time: Sig::new(u(instr::width("out_time"))),
            beat: Default::default(),
            param: Sig::new(u(16)),
            busy: Dff::new(u(1)),
            cycle: Dff::new(period),
            sweep_index: Dff::new(sweep),
            held: Default::default(),
            limit: Sig::new(u(8)),
            column: Sig::new(u(8)),
            wide_column: Sig::new(u(8)),
            last_sweep: Default::default(),
            last_cycle: Default::default(),
            next_cycle: Sig::new(u(9)),
            wide_beats: Const::new(u(8), array.beats(false) as i64),
            narrow_beats: Const::new(u(8), array.beats(true) as i64),
            lane_bits: Const::new(u(3), i64::from(array.post.ilog2())),
            lane_mask: Const::new(u(8), array.post as i64 - 1),
            one: Const::new(u(1), 1),
            zero: Const::new(u(1), 0),
        }
    }
}

impl Logic for Drain {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, busy, cycle, sweep_index);
        self.held.clk.next = self.clk.val();
        Sum::join(&mut self.held.q, &mut self.held.d);
        self.next_cycle.next = self.cycle.q.val() + self.one.val();
        self.last_cycle.next = self.next_cycle.val() == self.sweep_period.val();
        self.last_sweep.next = self.sweep_index.q.val() == self.sweeps.val();
        if self.busy.q.val().get_bit(0) {
            self.cycle.d.next = self.next_cycle.val();
            if self.last_cycle.val() {
                self.cycle.d.next = 0.into();
                self.sweep_index.d.next = self.sweep_index.q.val() + self.one.val();
                self.held.d.time_offset.next = self.held.q.time_offset.val() + self.out_time.val();
                if self.last_sweep.val() {
                    self.busy.d.next = 0.into();
                }
            }
        }
        if self.capture.val() {
            self.busy.d.next = 1.into();
            self.cycle.d.next = 0.into();
            self.sweep_index.d.next = 0.into();
            Sum::join(&mut self.sum, &mut self.held.d);
        }
        if self.clear.val() {
            self.busy.d.next = 0.into();
        }

        self.limit.next = self.wide_beats.val();
        self.column.next = self.cycle.q.val();
        self.beat.lane.next = 0.into();
        self.wide_column.next = self.cycle.q.val() >> self.lane_bits.val();
        if self.narrow.val() {
            self.limit.next = self.narrow_beats.val();
            self.column.next = self.wide_column.val();
            self.beat.lane.next = self.cycle.q.val() & self.lane_mask.val();
        }
        self.beat.valid.next =
            (self.busy.q.val().get_bit(0) & (self.cycle.q.val() < self.limit.val())).into();
        self.beat.column.next = self.column.val();
        self.beat.sweep.next = self.sweep_index.q.val();
        self.beat.time_offset.next = self.held.q.time_offset.val();
        self.beat.code_offset.next = self.held.q.code_offset.val();
        self.beat.group.next = self.held.q.group.val();
        self.beat.row.next = self.held.q.row.val() + self.column.val();
        self.beat.first_time.next =
            (self.held.q.first_time.val().get_bit(0) & (self.sweep_index.q.val() == self.zero.val())).into();
        self.beat.last_time.next = (self.held.q.last_time.val().get_bit(0) & self.last_sweep.val()).into();
        self.beat.first_pixel.next = self.held.q.first_pixel.val();
        self.param.next = self.held.q.param.val() + self.column.val();
    }
}
