//! Read requests of two units on one AXI4 port.

use crate::lang::*;

/// AXI4 read addresses of two units, taking turns. A request on offer stays until it is taken.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset, together with the memory's |
/// | address_u, valid_u, ready_u | | 32, 1, 1 | requests of unit u, 0 or 1 |
/// | ar_id | out | 1 | the unit whose request is on offer |
/// | ar_address, ar_valid, ar_ready | | 32, 1, 1 | the request |
#[derive(LogicBlock)]
pub struct Arbiter {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub address: Vec<Sig<In>>,
    pub valid: Vec<Signal<In, Bit>>,
    pub ready: Vec<Signal<Out, Bit>>,
    pub ar_id: Sig<Out>,
    pub ar_address: Sig<Out>,
    pub ar_valid: Signal<Out, Bit>,
    pub ar_ready: Signal<In, Bit>,
    waits: Dff,
    last: Dff,
    second: Signal<Local, Bit>,
    any: Signal<Local, Bit>,
}

impl Default for Arbiter {
    fn default() -> Self {
        Self::new()
    }
}

impl Arbiter {
    /// An arbiter.
    pub fn new() -> Self {
        Self {
            doc: doc!("arbiter.rs", Arbiter),
            clk: Default::default(),
            rst: Default::default(),
            address: (0..2).map(|_| Sig::new(u(32))).collect(),
            valid: vec![Default::default(); 2],
            ready: vec![Default::default(); 2],
            ar_id: Sig::new(u(1)),
            ar_address: Sig::new(u(32)),
            ar_valid: Default::default(),
            ar_ready: Default::default(),
            waits: Dff::new(u(1)),
            last: Dff::new(u(1)),
            second: Default::default(),
            any: Default::default(),
        }
    }
}

impl Logic for Arbiter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, waits, last);
        // The unit of the last request waits for the other one; while a request waits, it is the last.
        self.second.next = self.valid[1].val() & (!self.valid[0].val() | !self.last.q.val().get_bit(0));
        if self.waits.q.val().get_bit(0) {
            self.second.next = self.last.q.val().get_bit(0);
        }
        self.any.next = self.valid[0].val() | self.valid[1].val();
        self.ready[0].next = self.ar_ready.val() & !self.second.val();
        self.ready[1].next = self.ar_ready.val() & self.second.val();
        self.ar_valid.next = self.any.val();
        self.ar_id.next = self.second.val().into();
        self.ar_address.next = self.address[0].val();
        if self.second.val() {
            self.ar_address.next = self.address[1].val();
        }
        self.waits.d.next = (self.any.val() & !self.ar_ready.val()).into();
        if self.any.val() {
            self.last.d.next = self.second.val().into();
        }
        if self.rst.val() {
            self.waits.d.next = 0.into();
            self.last.d.next = 0.into();
        }
    }
}
