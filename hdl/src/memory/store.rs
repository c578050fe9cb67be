//! Writes load packets to the external memory, one transfer at a time.

use spikegate_contract::array::ArrayConfig;

use crate::lang::*;

/// AXI4 write channels. Every entry is a burst of one transfer; the next is taken when both channels have it.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset, together with the memory's (a soft reset must let transfers end) |
/// | write | in | 1 | an entry: its number and words are valid in this cycle only |
/// | high, low | in | 12, 20 | number of the transfer |
/// | word_k | in | 32 | data |
/// | busy | out | 1 | no entry can be taken in the next cycle |
/// | idle | out | 1 | everything is written and acknowledged |
/// | error | out | 1 | one cycle: the memory refused a write |
/// | aw_address, aw_valid, aw_ready | | 32, 1, 1 | write address |
/// | w_data_k, w_valid, w_ready | | 32, 1, 1 | write data |
/// | b_valid, b_response | in | 1, 2 | acknowledgement, always taken |
#[derive(LogicBlock)]
pub struct Store {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub write: Signal<In, Bit>,
    pub high: Sig<In>,
    pub low: Sig<In>,
    pub word: Vec<Sig<In>>,
    pub busy: Signal<Out, Bit>,
    pub idle: Signal<Out, Bit>,
    pub error: Signal<Out, Bit>,
    pub aw_address: Sig<Out>,
    pub aw_valid: Signal<Out, Bit>,
    pub aw_ready: Signal<In, Bit>,
    pub w_data: Vec<Sig<Out>>,
    pub w_valid: Signal<Out, Bit>,
    pub w_ready: Signal<In, Bit>,
    pub b_valid: Signal<In, Bit>,
    pub b_response: Sig<In>,
    address: Dff,
    data: Vec<Dff>,
    address_waits: Dff,
    data_waits: Dff,
    unacknowledged: Dff,
    more: Sig<Local>,
    shift_high: Const,
    shift_bytes: Const,
    zero: Const,
    one: Const,
    _words: usize,
}

impl Store {
    /// The write side of the array's memory port.
    pub fn new(array: &ArrayConfig) -> Self {
        let words = array.memory_bits / 32;
        Self {
            doc: doc!("store.rs", Store),
            clk: Default::default(),
            rst: Default::default(),
            write: Default::default(),
            high: Sig::new(u(12)),
            low: Sig::new(u(20)),
            word: (0..words).map(|_| Sig::new(u(32))).collect(),
            busy: Default::default(),
            idle: Default::default(),
            error: Default::default(),
            aw_address: Sig::new(u(32)),
            aw_valid: Default::default(),
            aw_ready: Default::default(),
            w_data: (0..words).map(|_| Sig::new(u(32))).collect(),
            w_valid: Default::default(),
            w_ready: Default::default(),
            b_valid: Default::default(),
            b_response: Sig::new(u(2)),
            address: Dff::new(u(32)),
            data: (0..words).map(|_| Dff::new(u(32))).collect(),
            address_waits: Dff::new(u(1)),
            data_waits: Dff::new(u(1)),
            unacknowledged: Dff::new(u(32)),
            more: Sig::new(u(32)),
            shift_high: Const::new(u(6), 20),
            shift_bytes: Const::new(u(4), i64::from((array.memory_bits / 8).ilog2())),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            _words: words,
        }
    }
}

impl Logic for Store {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, address, address_waits, data_waits, unacknowledged);
        if self.aw_ready.val() {
            self.address_waits.d.next = 0.into();
        }
        if self.w_ready.val() {
            self.data_waits.d.next = 0.into();
        }
        self.more.next = self.unacknowledged.q.val();
        if self.write.val() {
            self.address.d.next =
                ((self.high.val() << self.shift_high.val()) + self.low.val()) << self.shift_bytes.val();
            self.address_waits.d.next = 1.into();
            self.data_waits.d.next = 1.into();
            self.more.next = self.unacknowledged.q.val() + self.one.val();
        }
        self.unacknowledged.d.next = self.more.val();
        if self.b_valid.val() {
            self.unacknowledged.d.next = self.more.val() - self.one.val();
        }
        for k in 0..self._words {
            self.data[k].clock.next = self.clk.val();
            self.data[k].d.next = self.data[k].q.val();
            if self.write.val() {
                self.data[k].d.next = self.word[k].val();
            }
            self.w_data[k].next = self.data[k].q.val();
        }
        if self.rst.val() {
            self.unacknowledged.d.next = 0.into();
            self.address_waits.d.next = 0.into();
            self.data_waits.d.next = 0.into();
        }
        self.aw_address.next = self.address.q.val();
        self.aw_valid.next = self.address_waits.q.val().get_bit(0);
        self.w_valid.next = self.data_waits.q.val().get_bit(0);
        self.busy.next =
            self.write.val() | self.address_waits.q.val().get_bit(0) | self.data_waits.q.val().get_bit(0);
        self.idle.next = !self.write.val() & (self.unacknowledged.q.val() == self.zero.val());
        self.error.next = self.b_valid.val() & (self.b_response.val() != self.zero.val());
    }
}
