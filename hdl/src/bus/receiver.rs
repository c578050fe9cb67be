//! Input frames: number, length and CRC32 are checked, the packet inside goes on.

use super::crc::Crc;
use crate::lang::*;

/// Takes frames as in `contract::frame`. The packet's words pass through in the cycle in which they come; whether the
/// frame is good is known at its end. Only good frames are counted, so that nothing passes a gap.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset: frame 0 is next |
/// | s_axis_tdata, s_axis_tvalid, s_axis_tlast, s_axis_tready | | 32, 1, 1, 1 | stream of frames |
/// | data, valid, last, ready | out, out, out, in | 32, 1, 1, 1 | stream of packets |
/// | good | out | 1 | one cycle, after the packet's last word: the frame was whole |
/// | bad | out | 1 | one cycle, with the packet's last word or later: forget the packet; not if no word of it was passed on |
/// | error_sequence, error_length, error_crc | out | 1 | one cycle: another number; `tlast` early or late, or no packet; damage |
#[derive(LogicBlock)]
pub struct Receiver {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub s_axis_tdata: Sig<In>,
    pub s_axis_tvalid: Signal<In, Bit>,
    pub s_axis_tlast: Signal<In, Bit>,
    pub s_axis_tready: Signal<Out, Bit>,
    pub data: Sig<Out>,
    pub valid: Signal<Out, Bit>,
    pub last: Signal<Out, Bit>,
    pub ready: Signal<In, Bit>,
    pub good: Signal<Out, Bit>,
    pub bad: Signal<Out, Bit>,
    pub error_sequence: Signal<Out, Bit>,
    pub error_length: Signal<Out, Bit>,
    pub error_crc: Signal<Out, Bit>,
    crc: Crc,
    state: Dff,
    expected: Dff,
    remaining: Dff,
    passing: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    accept: Signal<Local, Bit>,
    number: Const,
    length: Const,
    body: Const,
    check: Const,
    swallow: Const,
    zero: Const,
    one: Const,
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Receiver {
    /// The unit; `clear` it before the first frame.
    pub fn new() -> Self {
        let state = |v: i64| Const::new(u(3), v);
        Self {
            doc: doc!("receiver.rs", Receiver),
            clk: Default::default(),
            clear: Default::default(),
            s_axis_tdata: Sig::new(u(32)),
            s_axis_tvalid: Default::default(),
            s_axis_tlast: Default::default(),
            s_axis_tready: Default::default(),
            data: Sig::new(u(32)),
            valid: Default::default(),
            last: Default::default(),
            ready: Default::default(),
            good: Default::default(),
            bad: Default::default(),
            error_sequence: Default::default(),
            error_length: Default::default(),
            error_crc: Default::default(),
            crc: Crc::new(),
            state: Dff::new(u(3)),
            expected: Dff::new(u(32)),
            remaining: Dff::new(u(32)),
            passing: Default::default(),
            free: Default::default(),
            accept: Default::default(),
            number: state(0),
            length: state(1),
            body: state(2),
            check: state(3),
            swallow: state(4),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
        }
    }
}

impl Logic for Receiver {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state, expected, remaining);
        self.passing.next = self.state.q.val() == self.body.val();
        self.free.next = !self.passing.val() | self.ready.val();
        self.accept.next = self.free.val() & self.s_axis_tvalid.val();
        self.s_axis_tready.next = self.free.val();
        self.data.next = self.s_axis_tdata.val();
        self.valid.next = self.passing.val() & self.s_axis_tvalid.val();
        self.last.next = self.remaining.q.val() == self.one.val();

        self.crc.clk.next = self.clk.val();
        self.crc.take.next = self.accept.val();
        self.crc.data.next = self.s_axis_tdata.val();
        self.crc.restart.next = self.clear.val() | (self.accept.val() & self.s_axis_tlast.val());

        self.good.next = false;
        self.bad.next = false;
        self.error_sequence.next = false;
        self.error_length.next = false;
        self.error_crc.next = false;
        if self.accept.val() {
            if self.state.q.val() == self.number.val() {
                self.state.d.next = self.length.val();
                if self.s_axis_tlast.val() {
                    self.error_length.next = true;
                }
                if self.s_axis_tdata.val() != self.expected.q.val() {
                    self.error_sequence.next = true;
                    self.state.d.next = self.swallow.val();
                }
            }
            if self.state.q.val() == self.length.val() {
                self.remaining.d.next = self.s_axis_tdata.val();
                self.state.d.next = self.body.val();
                if self.s_axis_tlast.val() {
                    self.error_length.next = true;
                }
                if self.s_axis_tdata.val() == self.zero.val() {
                    self.error_length.next = true;
                    self.state.d.next = self.swallow.val();
                }
            }
            if self.passing.val() {
                self.remaining.d.next = self.remaining.q.val() - self.one.val();
                if self.remaining.q.val() == self.one.val() {
                    self.state.d.next = self.check.val();
                }
                if self.s_axis_tlast.val() {
                    self.error_length.next = true;
                    self.bad.next = true;
                }
            }
            if self.state.q.val() == self.check.val() {
                if self.s_axis_tlast.val() {
                    if self.s_axis_tdata.val() == self.crc.value.val() {
                        self.good.next = true;
                        self.expected.d.next = self.expected.q.val() + self.one.val();
                    } else {
                        self.error_crc.next = true;
                        self.bad.next = true;
                    }
                } else {
                    self.error_length.next = true;
                    self.bad.next = true;
                    self.state.d.next = self.swallow.val();
                }
            }
            if self.s_axis_tlast.val() {
                self.state.d.next = self.number.val();
            }
        }
        if self.clear.val() {
            self.state.d.next = self.number.val();
            self.expected.d.next = 0.into();
        }
    }
}
