//! The register that says how the memory fares, beside those of the core.

use spikegate_contract::csr::MEMORY_STATUS;

use crate::lang::*;

/// Stands in the read channels of AXI4-Lite between a host and the core, and answers one address itself. Answers come in
/// order: a read waits for the one before it on the other side.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | status | in | 32 | what the register says |
/// | s_axil_* | | | from the host: addresses of 8 bits, data of 32 |
/// | m_axil_* | | | to the core |
#[derive(LogicBlock)]
pub struct StatusRegister {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub status: Sig<In>,
    pub s_axil_araddr: Sig<In>,
    pub s_axil_arvalid: Signal<In, Bit>,
    pub s_axil_arready: Signal<Out, Bit>,
    pub s_axil_rdata: Sig<Out>,
    pub s_axil_rresp: Sig<Out>,
    pub s_axil_rvalid: Signal<Out, Bit>,
    pub s_axil_rready: Signal<In, Bit>,
    pub m_axil_araddr: Sig<Out>,
    pub m_axil_arvalid: Signal<Out, Bit>,
    pub m_axil_arready: Signal<In, Bit>,
    pub m_axil_rdata: Sig<In>,
    pub m_axil_rresp: Sig<In>,
    pub m_axil_rvalid: Signal<In, Bit>,
    pub m_axil_rready: Signal<Out, Bit>,
    /// An answer of ours waits; one of the core's does.
    ours: Dff,
    theirs: Dff,
    word: Sig<Local>,
    hit: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    address: Const,
}

impl Default for StatusRegister {
    fn default() -> Self {
        Self {
            doc: doc!("register.rs", StatusRegister),
            clk: Default::default(),
            rst: Default::default(),
            status: Sig::new(u(32)),
            s_axil_araddr: Sig::new(u(8)),
            s_axil_arvalid: Default::default(),
            s_axil_arready: Default::default(),
            s_axil_rdata: Sig::new(u(32)),
            s_axil_rresp: Sig::new(u(2)),
            s_axil_rvalid: Default::default(),
            s_axil_rready: Default::default(),
            m_axil_araddr: Sig::new(u(8)),
            m_axil_arvalid: Default::default(),
            m_axil_arready: Default::default(),
            m_axil_rdata: Sig::new(u(32)),
            m_axil_rresp: Sig::new(u(2)),
            m_axil_rvalid: Default::default(),
            m_axil_rready: Default::default(),
            ours: Dff::new(u(1)),
            theirs: Dff::new(u(1)),
            word: Sig::new(u(6)),
            hit: Default::default(),
            free: Default::default(),
            address: Const::new(u(6), i64::from(MEMORY_STATUS / 4)),
        }
    }
}

impl Logic for StatusRegister {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, ours, theirs);
        self.word.next = self.s_axil_araddr.val().get_bits::<6>(2);
        self.hit.next = self.word.val() == self.address.val();
        self.free.next = !self.ours.q.val().get_bit(0) & !self.theirs.q.val().get_bit(0);
        self.m_axil_araddr.next = self.s_axil_araddr.val();
        self.m_axil_arvalid.next = self.s_axil_arvalid.val() & !self.hit.val() & self.free.val();
        self.s_axil_arready.next = self.free.val() & (self.hit.val() | self.m_axil_arready.val());
        if self.s_axil_arvalid.val() & self.free.val() {
            if self.hit.val() {
                self.ours.d.next = 1.into();
            } else {
                if self.m_axil_arready.val() {
                    self.theirs.d.next = 1.into();
                }
            }
        }
        self.s_axil_rdata.next = self.m_axil_rdata.val();
        self.s_axil_rresp.next = self.m_axil_rresp.val();
        self.s_axil_rvalid.next = self.m_axil_rvalid.val() & self.theirs.q.val().get_bit(0);
        self.m_axil_rready.next = self.s_axil_rready.val() & self.theirs.q.val().get_bit(0);
        if self.ours.q.val().get_bit(0) {
            self.s_axil_rdata.next = self.status.val();
            self.s_axil_rresp.next = 0.into();
            self.s_axil_rvalid.next = true;
            if self.s_axil_rready.val() {
                self.ours.d.next = 0.into();
            }
        }
        if self.theirs.q.val().get_bit(0) & self.m_axil_rvalid.val() & self.s_axil_rready.val() {
            self.theirs.d.next = 0.into();
        }
        if self.rst.val() {
            self.ours.d.next = 0.into();
            self.theirs.d.next = 0.into();
        }
    }
}
