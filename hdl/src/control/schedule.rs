//! Zero-skipping: when a sum is complete, and which one the slots work on.

use spikegate_contract::instr;
use spikegate_contract::timing::tap;

use crate::control::sum::{Sum, SumDelay, SumRegister};
use crate::lang::*;
use crate::parts::skew::Skew;

/// The scheduler. The window unit walks taps of at most two sums: the one in work and the next. A sum ends in the
/// first cycle in which all its taps are visible and no slot has more than the word it serves.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | first_tap, last_tap | in | 1 | the window unit walks the first or last tap of a sum |
/// | sum | in | | the sum, with `last_tap`: fields of [`Sum`] |
/// | serves, more | in | 1 | some slot serves a word; some slot has further words of the sum in work |
/// | drain_period | in | 12 | least cycles between the ends of two sums |
/// | open | out | 1 | a further sum may be begun |
/// | idle | out | 1 | no sum is begun and not ended |
/// | tap_parity, parity | out | 1 | of the sum being walked; of the sum in work |
/// | valid, last | out | 1 | the sum in work takes a cycle; it ends |
/// | ended | out | | the sum that ends |
/// | stall | out | 1 | the sum waits for the post lanes |
#[derive(LogicBlock)]
pub struct Schedule {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub first_tap: Signal<In, Bit>,
    pub last_tap: Signal<In, Bit>,
    pub sum: Sum<In>,
    pub serves: Signal<In, Bit>,
    pub more: Signal<In, Bit>,
    pub drain_period: Sig<In>,
    pub open: Signal<Out, Bit>,
    pub idle: Signal<Out, Bit>,
    pub tap_parity: Signal<Out, Bit>,
    pub parity: Signal<Out, Bit>,
    pub valid: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    pub ended: Sum<Out>,
    pub stall: Signal<Out, Bit>,
    walked: SumDelay,
    visible: Skew,
    complete: Dff,
    begun: Dff,
    waiting: SumRegister,
    held: SumRegister,
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
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new()
    }
}

impl Schedule {
    /// The scheduler; its widths are the instruction's.
    pub fn new() -> Self {
        Self {
            doc: doc!("schedule.rs", Schedule),
            clk: Default::default(),
            clear: Default::default(),
            first_tap: Default::default(),
            last_tap: Default::default(),
            sum: Default::default(),
            serves: Default::default(),
            more: Default::default(),
            drain_period: Sig::new(u(instr::width("drain_period"))),
            open: Default::default(),
            idle: Default::default(),
            tap_parity: Default::default(),
            parity: Default::default(),
            valid: Default::default(),
            last: Default::default(),
            ended: Default::default(),
            stall: Default::default(),
            walked: SumDelay::new(tap::HEAD),
            visible: Skew::new(u(1), tap::HEAD),
            complete: Dff::new(u(2)),
            begun: Dff::new(u(2)),
            waiting: Default::default(),
            held: Default::default(),
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
        }
    }
}

impl Logic for Schedule {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, complete, begun, tap_odd, odd, hold);
        self.walked.clk.next = self.clk.val();
        Sum::join(&mut self.sum, &mut self.walked.x);
        self.visible.clk.next = self.clk.val();
        self.visible.x.next = self.last_tap.val().into();
        self.arrives.next = self.visible.y.val().get_bit(0);

        // Complete sums: `complete` counts them; the first is in `held`, or arrives in this cycle.
        self.now.next = self.complete.q.val();
        if self.arrives.val() {
            self.now.next = self.complete.q.val() + self.one.val();
        }
        self.ready.next = (self.now.val() != self.zero.val()) & !self.more.val();
        self.done.next = self.ready.val() & (self.hold.q.val() == self.zero.val());
        self.stall.next = self.ready.val() & !self.done.val();
        self.complete.d.next = self.now.val();
        self.held.clk.next = self.clk.val();
        self.waiting.clk.next = self.clk.val();
        Sum::join(&mut self.held.q, &mut self.held.d);
        Sum::join(&mut self.waiting.q, &mut self.waiting.d);
        Sum::join(&mut self.held.q, &mut self.ended);
        if self.complete.q.val() == self.zero.val() {
            Sum::join(&mut self.walked.y, &mut self.ended);
            Sum::join(&mut self.walked.y, &mut self.held.d);
        }
        if (self.complete.q.val() == self.one.val()) & self.arrives.val() {
            Sum::join(&mut self.walked.y, &mut self.waiting.d);
        }
        if self.done.val() {
            Sum::join(&mut self.waiting.q, &mut self.held.d);
            if (self.complete.q.val() == self.one.val()) & self.arrives.val() {
                Sum::join(&mut self.walked.y, &mut self.held.d);
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
