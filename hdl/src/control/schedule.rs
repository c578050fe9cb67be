//! Zero-skipping: when a sum is complete, and which one the slots work on.

use spikegate_contract::instr;

use crate::control::delay::Delay;
use crate::lang::*;

/// Fields of a sum, in this order: time offset, code offset, group, row, parameters, first time, last time, first
/// pixel, last of the layer.
pub fn sum_types() -> Vec<Ty> {
    vec![u(20), u(20), u(10), u(6), u(16), u(1), u(1), u(1), u(1)]
}

/// Cycles from a sum's last tap until the slots show all of it: presence, queue and head.
const VISIBLE: usize = 3;

/// The scheduler. The window unit walks taps of at most two sums: the one in work and the next. A sum ends in the
/// first cycle in which all its taps are visible and no slot has more than the word it serves.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | first_tap, last_tap | in | 1 | the window unit walks the first or last tap of a sum |
/// | sum_i | in | | the sum's fields, with `last_tap` |
/// | serves, more | in | 1 | some slot serves a word; some slot has further words of the sum in work |
/// | drain_period | in | 12 | least cycles between the ends of two sums |
/// | open | out | 1 | a further sum may be begun |
/// | idle | out | 1 | no sum is begun and not ended |
/// | tap_parity, parity | out | 1 | of the sum being walked; of the sum in work |
/// | valid, last | out | 1 | the sum in work takes a cycle; it ends |
/// | ended_i | out | | fields of the sum that ends |
/// | stall | out | 1 | the sum waits for the post lanes |
#[derive(LogicBlock)]
pub struct Schedule {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub first_tap: Signal<In, Bit>,
    pub last_tap: Signal<In, Bit>,
    pub sum: Vec<Sig<In>>,
    pub serves: Signal<In, Bit>,
    pub more: Signal<In, Bit>,
    pub drain_period: Sig<In>,
    pub open: Signal<Out, Bit>,
    pub idle: Signal<Out, Bit>,
    pub tap_parity: Signal<Out, Bit>,
    pub parity: Signal<Out, Bit>,
    pub valid: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    pub ended: Vec<Sig<Out>>,
    pub stall: Signal<Out, Bit>,
    walked: Delay,
    complete: Dff,
    begun: Dff,
    waiting: Vec<Dff>,
    held: Vec<Dff>,
    tap_odd: Dff,
    odd: Dff,
    hold: Dff,
    ready: Signal<Local, Bit>,
    done: Signal<Local, Bit>,
    arrives: Signal<Local, Bit>,
    now: Sig<Local>,
    next_begun: Sig<Local>,
    zero: Const,
    one: Const,
    two: Const,
    _fields: usize,
    _valid_field: usize,
    _valid_field_end: usize,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new()
    }
}

impl Schedule {
    /// The scheduler; its widths are the instruction's.
    pub fn new() -> Self {
        let types = sum_types();
        let with_valid: Vec<Ty> = types.iter().copied().chain([u(1)]).collect();
        Self {
            doc: doc!("schedule.rs", Schedule),
            clk: Default::default(),
            clear: Default::default(),
            first_tap: Default::default(),
            last_tap: Default::default(),
            sum: types.iter().map(|&t| Sig::new(t)).collect(),
            serves: Default::default(),
            more: Default::default(),
            drain_period: Sig::new(u(instr::width("drain_period"))),
            open: Default::default(),
            idle: Default::default(),
            tap_parity: Default::default(),
            parity: Default::default(),
            valid: Default::default(),
            last: Default::default(),
            ended: types.iter().map(|&t| Sig::new(t)).collect(),
            stall: Default::default(),
            walked: Delay::new(&with_valid, VISIBLE),
            complete: Dff::new(u(2)),
            begun: Dff::new(u(2)),
            waiting: types.iter().map(|&t| Dff::new(t)).collect(),
            held: types.iter().map(|&t| Dff::new(t)).collect(),
            tap_odd: Dff::new(u(1)),
            odd: Dff::new(u(1)),
            hold: Dff::new(u(instr::width("drain_period"))),
            ready: Default::default(),
            done: Default::default(),
            arrives: Default::default(),
            now: Sig::new(u(2)),
            next_begun: Sig::new(u(2)),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            two: Const::new(u(2), 2),
            _fields: types.len(),
            _valid_field: types.len(),
            _valid_field_end: types.len() + 1,
        }
    }
}

impl Logic for Schedule {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, complete, begun, tap_odd, odd, hold);
        self.walked.clk.next = self.clk.val();
        self.arrives.next = false;
        for i in 0..self._fields {
            self.walked.x[i].next = self.sum[i].val();
        }
        for i in self._valid_field..self._valid_field_end {
            self.walked.x[i].next = self.last_tap.val().into();
            self.arrives.next = self.walked.y[i].val().get_bit(0);
        }

        // Complete sums: `complete` counts them; the first is in `held`, or arrives in this cycle.
        self.now.next = self.complete.q.val();
        if self.arrives.val() {
            self.now.next = self.complete.q.val() + self.one.val();
        }
        self.ready.next = (self.now.val() != self.zero.val()) & !self.more.val();
        self.done.next = self.ready.val() & (self.hold.q.val() == self.zero.val());
        self.stall.next = self.ready.val() & !self.done.val();
        self.complete.d.next = self.now.val();
        for i in 0..self._fields {
            self.held[i].clock.next = self.clk.val();
            self.waiting[i].clock.next = self.clk.val();
            self.held[i].d.next = self.held[i].q.val();
            self.waiting[i].d.next = self.waiting[i].q.val();
            self.ended[i].next = self.held[i].q.val();
            if self.complete.q.val() == self.zero.val() {
                self.ended[i].next = self.walked.y[i].val();
                self.held[i].d.next = self.walked.y[i].val();
            }
            if (self.complete.q.val() == self.one.val()) & self.arrives.val() {
                self.waiting[i].d.next = self.walked.y[i].val();
            }
            if self.done.val() {
                self.held[i].d.next = self.waiting[i].q.val();
                if (self.complete.q.val() == self.one.val()) & self.arrives.val() {
                    self.held[i].d.next = self.walked.y[i].val();
                }
            }
        }

        self.next_begun.next = self.begun.q.val();
        if self.first_tap.val() {
            self.next_begun.next = self.begun.q.val() + self.one.val();
        }
        self.begun.d.next = self.next_begun.val();
        if self.hold.q.val() != self.zero.val() {
            self.hold.d.next = self.hold.q.val() - self.one.val();
        }
        self.valid.next = self.serves.val() | self.done.val();
        if self.done.val() {
            self.complete.d.next = self.now.val() - self.one.val();
            self.begun.d.next = self.next_begun.val() - self.one.val();
            self.hold.d.next = self.drain_period.val() - self.one.val();
            self.odd.d.next = !self.odd.q.val();
        }
        if self.last_tap.val() {
            self.tap_odd.d.next = !self.tap_odd.q.val();
        }
        if self.clear.val() {
            self.complete.d.next = 0.into();
            self.begun.d.next = 0.into();
            self.hold.d.next = 0.into();
            self.odd.d.next = 0.into();
            self.tap_odd.d.next = 0.into();
        }

        self.open.next = self.begun.q.val() < self.two.val();
        self.idle.next = self.begun.q.val() == self.zero.val();
        self.tap_parity.next = self.tap_odd.q.val().get_bit(0);
        self.parity.next = self.odd.q.val().get_bit(0);
        self.last.next = self.done.val();
    }
}
