//! Bytes on a serial line: 8 data bits, no parity, one stop bit.

use crate::lang::*;

/// Receives bytes. The line may be asynchronous to the clock. A bit is sampled in its middle; a start bit that is gone
/// by then is taken for noise.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | divider | in | 16 | clock cycles of a bit, 4 or more |
/// | rxd | in | 1 | line, high when idle |
/// | data | out | 8 | byte |
/// | valid | out | 1 | one cycle: a byte has come |
/// | bad | out | 1 | with `valid`: its stop bit was missing |
#[derive(LogicBlock)]
pub struct UartReceiver {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub divider: Sig<In>,
    pub rxd: Signal<In, Bit>,
    pub data: Sig<Out>,
    pub valid: Signal<Out, Bit>,
    pub bad: Signal<Out, Bit>,
    first: Dff,
    line: Dff,
    active: Dff,
    count: Dff,
    bits: Dff,
    shift: Dff,
    sample: Signal<Local, Bit>,
    half: Sig<Local>,
    zero: Const,
    one: Const,
    seven: Const,
    nine: Const,
}

impl UartReceiver {
    /// A receiver.
    pub fn new() -> Self {
        Self {
            doc: doc!("uart_line.rs", UartReceiver),
            clk: Default::default(),
            rst: Default::default(),
            divider: Sig::new(u(16)),
            rxd: Default::default(),
            data: Sig::new(u(8)),
            valid: Default::default(),
            bad: Default::default(),
            first: Dff::new(u(1)),
            line: Dff::new(u(1)),
            active: Dff::new(u(1)),
            count: Dff::new(u(16)),
            bits: Dff::new(u(4)),
            shift: Dff::new(u(8)),
            sample: Default::default(),
            half: Sig::new(u(16)),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            seven: Const::new(u(3), 7),
            nine: Const::new(u(4), 9),
        }
    }
}

impl Default for UartReceiver {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for UartReceiver {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, first, line, active, count, bits, shift);
        self.first.d.next = self.rxd.val().into();
        self.line.d.next = self.first.q.val();
        self.half.next = self.divider.val() >> self.one.val();
        self.sample.next = self.active.q.val().get_bit(0) & (self.count.q.val() == self.zero.val());
        self.valid.next = false;
        self.bad.next = false;
        self.data.next = self.shift.q.val();
        if !self.active.q.val().get_bit(0) {
            self.count.d.next = self.half.val() - self.one.val();
            self.bits.d.next = 0.into();
            if !self.line.q.val().get_bit(0) {
                self.active.d.next = 1.into();
            }
        } else {
            self.count.d.next = self.count.q.val() - self.one.val();
        }
        if self.sample.val() {
            self.count.d.next = self.divider.val() - self.one.val();
            self.bits.d.next = self.bits.q.val() + self.one.val();
            if self.bits.q.val() == self.zero.val() {
                if self.line.q.val().get_bit(0) {
                    self.active.d.next = 0.into();
                }
            } else {
                self.shift.d.next =
                    (self.shift.q.val() >> self.one.val()) | (self.line.q.val() << self.seven.val());
            }
            if self.bits.q.val() == self.nine.val() {
                self.shift.d.next = self.shift.q.val();
                self.active.d.next = 0.into();
                self.valid.next = true;
                self.bad.next = !self.line.q.val().get_bit(0);
            }
        }
        if self.rst.val() {
            self.first.d.next = 1.into();
            self.line.d.next = 1.into();
            self.active.d.next = 0.into();
        }
    }
}

/// Sends bytes.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | divider | in | 16 | clock cycles of a bit, 4 or more |
/// | data | in | 8 | byte |
/// | valid | in | 1 | a byte is on offer |
/// | ready | out | 1 | it is taken in this cycle |
/// | txd | out | 1 | line, high when idle |
#[derive(LogicBlock)]
pub struct UartTransmitter {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub divider: Sig<In>,
    pub data: Sig<In>,
    pub valid: Signal<In, Bit>,
    pub ready: Signal<Out, Bit>,
    pub txd: Signal<Out, Bit>,
    shift: Dff,
    bits: Dff,
    count: Dff,
    idle: Signal<Local, Bit>,
    framed: Sig<Local>,
    zero: Const,
    one: Const,
    ten: Const,
    stop: Const,
}

impl UartTransmitter {
    /// A transmitter.
    pub fn new() -> Self {
        Self {
            doc: doc!("uart_line.rs", UartTransmitter),
            clk: Default::default(),
            rst: Default::default(),
            divider: Sig::new(u(16)),
            data: Sig::new(u(8)),
            valid: Default::default(),
            ready: Default::default(),
            txd: Default::default(),
            shift: Dff::new(u(10)),
            bits: Dff::new(u(4)),
            count: Dff::new(u(16)),
            idle: Default::default(),
            framed: Sig::new(u(10)),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            ten: Const::new(u(4), 10),
            stop: Const::new(u(10), 1 << 9),
        }
    }
}

impl Default for UartTransmitter {
    fn default() -> Self {
        Self::new()
    }
}

impl Logic for UartTransmitter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, shift, bits, count);
        self.idle.next = self.bits.q.val() == self.zero.val();
        self.ready.next = self.idle.val();
        // Start bit below, stop bit above.
        self.framed.next = (self.data.val() << self.one.val()) | self.stop.val();
        if self.idle.val() {
            self.count.d.next = self.divider.val() - self.one.val();
            if self.valid.val() {
                self.shift.d.next = self.framed.val();
                self.bits.d.next = self.ten.val();
            }
        } else {
            self.count.d.next = self.count.q.val() - self.one.val();
            if self.count.q.val() == self.zero.val() {
                self.count.d.next = self.divider.val() - self.one.val();
                self.shift.d.next = (self.shift.q.val() >> self.one.val()) | self.stop.val();
                self.bits.d.next = self.bits.q.val() - self.one.val();
            }
        }
        self.txd.next = self.idle.val() | self.shift.q.val().get_bit(0);
        if self.rst.val() {
            self.bits.d.next = 0.into();
        }
    }
}
