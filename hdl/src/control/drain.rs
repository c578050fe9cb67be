//! Turns each capture into beats: R output channels a cycle through the post lanes, or one when `narrow`.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr;

use crate::lang::*;

/// The drain control.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | capture | in | 1 | a sum is complete, cycle c |
/// | time_offset, code_offset, group, row, param, first_time, last_time, first_pixel | in | | of that sum, cycle c |
/// | sweeps, sweep_period, narrow, out_time | in | 4, 8, 1, 20 | instruction fields |
/// | valid | out | 1 | a beat, cycles b = c+1 on |
/// | select, lane | out | 6, 3 | channel of the beat: column `select` of every post lane, or only of `lane` when narrow |
/// | sweep | out | 4 | sweep of this beat |
/// | beat_* | out | | offsets and flags of the beat: the row includes `select`, the time offset the sweep |
///
/// Sweep k starts `k * sweep_period` cycles after the first; the next capture comes no earlier than the end of the
/// last sweep (the window unit sees to it).
#[derive(LogicBlock)]
pub struct Drain {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub capture: Signal<In, Bit>,
    pub time_offset: Sig<In>,
    pub code_offset: Sig<In>,
    pub group: Sig<In>,
    pub row: Sig<In>,
    pub param: Sig<In>,
    pub first_time: Signal<In, Bit>,
    pub last_time: Signal<In, Bit>,
    pub first_pixel: Signal<In, Bit>,
    pub sweeps: Sig<In>,
    pub sweep_period: Sig<In>,
    pub narrow: Signal<In, Bit>,
    pub out_time: Sig<In>,
    pub valid: Signal<Out, Bit>,
    pub select: Sig<Out>,
    pub lane: Sig<Out>,
    pub sweep: Sig<Out>,
    pub beat_time_offset: Sig<Out>,
    pub beat_code_offset: Sig<Out>,
    pub beat_group: Sig<Out>,
    pub beat_row: Sig<Out>,
    pub beat_param: Sig<Out>,
    pub beat_first_time: Signal<Out, Bit>,
    pub beat_last_time: Signal<Out, Bit>,
    pub beat_first_pixel: Signal<Out, Bit>,
    busy: Dff,
    cycle: Dff,
    sweep_index: Dff,
    held_time: Dff,
    held_code: Dff,
    held_group: Dff,
    held_row: Dff,
    held_param: Dff,
    held_first_time: Dff,
    held_last_time: Dff,
    held_first_pixel: Dff,
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
        let (address, param, row, group) = (u(20), u(16), u(6), u(10));
        let bit = || Dff::new(u(1));
        let sweep = u(instr::width("sweeps"));
        let period = u(instr::width("sweep_period"));
        Self {
            doc: doc!("drain.rs", Drain),
            clk: Default::default(),
            clear: Default::default(),
            capture: Default::default(),
            time_offset: Sig::new(address),
            code_offset: Sig::new(address),
            group: Sig::new(group),
            row: Sig::new(row),
            param: Sig::new(param),
            first_time: Default::default(),
            last_time: Default::default(),
            first_pixel: Default::default(),
            sweeps: Sig::new(sweep),
            sweep_period: Sig::new(period),
            narrow: Default::default(),
            out_time: Sig::new(address),
            valid: Default::default(),
            select: Sig::new(u(6)),
            lane: Sig::new(u(3)),
            sweep: Sig::new(sweep),
            beat_time_offset: Sig::new(address),
            beat_code_offset: Sig::new(address),
            beat_group: Sig::new(group),
            beat_row: Sig::new(row),
            beat_param: Sig::new(param),
            beat_first_time: Default::default(),
            beat_last_time: Default::default(),
            beat_first_pixel: Default::default(),
            busy: bit(),
            cycle: Dff::new(period),
            sweep_index: Dff::new(sweep),
            held_time: Dff::new(address),
            held_code: Dff::new(address),
            held_group: Dff::new(group),
            held_row: Dff::new(row),
            held_param: Dff::new(param),
            held_first_time: bit(),
            held_last_time: bit(),
            held_first_pixel: bit(),
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
        dff_setup!(
            self,
            clk,
            busy,
            cycle,
            sweep_index,
            held_time,
            held_code,
            held_group,
            held_row,
            held_param,
            held_first_time,
            held_last_time,
            held_first_pixel
        );
        self.next_cycle.next = self.cycle.q.val() + self.one.val();
        self.last_cycle.next = self.next_cycle.val() == self.sweep_period.val();
        self.last_sweep.next = self.sweep_index.q.val() == self.sweeps.val();
        if self.busy.q.val().get_bit(0) {
            self.cycle.d.next = self.next_cycle.val();
            if self.last_cycle.val() {
                self.cycle.d.next = 0.into();
                self.sweep_index.d.next = self.sweep_index.q.val() + self.one.val();
                self.held_time.d.next = self.held_time.q.val() + self.out_time.val();
                if self.last_sweep.val() {
                    self.busy.d.next = 0.into();
                }
            }
        }
        if self.capture.val() {
            self.busy.d.next = 1.into();
            self.cycle.d.next = 0.into();
            self.sweep_index.d.next = 0.into();
            self.held_time.d.next = self.time_offset.val();
            self.held_code.d.next = self.code_offset.val();
            self.held_group.d.next = self.group.val();
            self.held_row.d.next = self.row.val();
            self.held_param.d.next = self.param.val();
            self.held_first_time.d.next = 0.into();
            if self.first_time.val() {
                self.held_first_time.d.next = 1.into();
            }
            self.held_last_time.d.next = 0.into();
            if self.last_time.val() {
                self.held_last_time.d.next = 1.into();
            }
            self.held_first_pixel.d.next = 0.into();
            if self.first_pixel.val() {
                self.held_first_pixel.d.next = 1.into();
            }
        }
        if self.clear.val() {
            self.busy.d.next = 0.into();
        }

        self.limit.next = self.wide_beats.val();
        self.column.next = self.cycle.q.val();
        self.lane.next = 0.into();
        self.wide_column.next = self.cycle.q.val() >> self.lane_bits.val();
        if self.narrow.val() {
            self.limit.next = self.narrow_beats.val();
            self.column.next = self.wide_column.val();
            self.lane.next = self.cycle.q.val() & self.lane_mask.val();
        }
        self.valid.next = self.busy.q.val().get_bit(0) & (self.cycle.q.val() < self.limit.val());
        self.select.next = self.column.val();
        self.sweep.next = self.sweep_index.q.val();
        self.beat_time_offset.next = self.held_time.q.val();
        self.beat_code_offset.next = self.held_code.q.val();
        self.beat_group.next = self.held_group.q.val();
        self.beat_row.next = self.held_row.q.val() + self.column.val();
        self.beat_param.next = self.held_param.q.val() + self.column.val();
        self.beat_first_time.next =
            self.held_first_time.q.val().get_bit(0) & (self.sweep_index.q.val() == self.zero.val());
        self.beat_last_time.next = self.held_last_time.q.val().get_bit(0) & self.last_sweep.val();
        self.beat_first_pixel.next = self.held_first_pixel.q.val().get_bit(0);
    }
}
