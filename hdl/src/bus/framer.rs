//! Output frames: number and length in front of a packet, CRC32 behind it.

use super::crc::Crc;
use crate::lang::*;

/// Puts packets into frames as in `contract::frame`. A word on offer stays until it is taken, if those of the packet do.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset: frame 0 is next |
/// | data, valid, last, ready | in, in, in, out | 32, 1, 1, 1 | stream of packets |
/// | words | in | 32 | words of the packet, valid while its first word is on offer |
/// | m_axis_tdata, m_axis_tvalid, m_axis_tlast, m_axis_tready | | 32, 1, 1, 1 | stream of frames |
#[derive(LogicBlock)]
pub struct Framer {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub data: Sig<In>,
    pub valid: Signal<In, Bit>,
    pub last: Signal<In, Bit>,
    pub ready: Signal<Out, Bit>,
    pub words: Sig<In>,
    pub m_axis_tdata: Sig<Out>,
    pub m_axis_tvalid: Signal<Out, Bit>,
    pub m_axis_tlast: Signal<Out, Bit>,
    pub m_axis_tready: Signal<In, Bit>,
    crc: Crc,
    state: Dff,
    count: Dff,
    passing: Signal<Local, Bit>,
    closing: Signal<Local, Bit>,
    offer: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    value: Sig<Local>,
    number: Const,
    length: Const,
    body: Const,
    check: Const,
    one: Const,
}

impl Default for Framer {
    fn default() -> Self {
        Self::new()
    }
}

impl Framer {
    /// The unit; `clear` it before the first packet.
    pub fn new() -> Self {
        let state = |v: i64| Const::new(u(2), v);
        Self {
            doc: doc!("framer.rs", Framer),
            clk: Default::default(),
            clear: Default::default(),
            data: Sig::new(u(32)),
            valid: Default::default(),
            last: Default::default(),
            ready: Default::default(),
            words: Sig::new(u(32)),
            m_axis_tdata: Sig::new(u(32)),
            m_axis_tvalid: Default::default(),
            m_axis_tlast: Default::default(),
            m_axis_tready: Default::default(),
            crc: Crc::new(),
            state: Dff::new(u(2)),
            count: Dff::new(u(32)),
            passing: Default::default(),
            closing: Default::default(),
            offer: Default::default(),
            taken: Default::default(),
            value: Sig::new(u(32)),
            number: state(0),
            length: state(1),
            body: state(2),
            check: state(3),
            one: Const::new(u(1), 1),
        }
    }
}

impl Logic for Framer {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state, count);
        self.passing.next = self.state.q.val() == self.body.val();
        self.closing.next = self.state.q.val() == self.check.val();
        self.offer.next = self.valid.val() | self.closing.val();
        self.taken.next = self.offer.val() & self.m_axis_tready.val();
        self.value.next = self.count.q.val();
        if self.state.q.val() == self.length.val() {
            self.value.next = self.words.val();
        }
        if self.passing.val() {
            self.value.next = self.data.val();
        }
        if self.closing.val() {
            self.value.next = self.crc.value.val();
        }
        self.crc.clk.next = self.clk.val();
        self.crc.take.next = self.taken.val();
        self.crc.data.next = self.value.val();
        self.crc.restart.next = self.clear.val() | (self.taken.val() & self.closing.val());

        if self.taken.val() {
            if self.state.q.val() == self.number.val() {
                self.state.d.next = self.length.val();
            }
            if self.state.q.val() == self.length.val() {
                self.state.d.next = self.body.val();
            }
            if self.passing.val() & self.last.val() {
                self.state.d.next = self.check.val();
            }
            if self.closing.val() {
                self.state.d.next = self.number.val();
                self.count.d.next = self.count.q.val() + self.one.val();
            }
        }
        if self.clear.val() {
            self.state.d.next = self.number.val();
            self.count.d.next = 0.into();
        }
        self.ready.next = self.passing.val() & self.m_axis_tready.val();
        self.m_axis_tdata.next = self.value.val();
        self.m_axis_tvalid.next = self.offer.val();
        self.m_axis_tlast.next = self.closing.val();
    }
}
