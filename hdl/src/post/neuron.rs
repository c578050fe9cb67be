//! A leaky integrate-and-fire neuron.

use crate::lang::*;

/// One timestep of the neurons: `u = sat16(v + x)`, fire, reset to zero or leak. One cycle.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | v, x | in | 16 | membrane after leak and reset; input |
/// | leak_shift, fire_ge, threshold | in | 4, 1, 16 | static |
/// | subtracts | in | 1 | of arrays with neurons of their own: a spike leaves `(u - threshold) >> leak_shift`; static |
/// | fire | out | 1 | spike of the previous cycle's inputs |
/// | v_next | out | 16 | 0 after a spike, else `u >> leak_shift`, floor |
#[derive(LogicBlock)]
pub struct Neuron {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub v: Sig<In>,
    pub x: Sig<In>,
    pub leak_shift: Sig<In>,
    pub fire_ge: Signal<In, Bit>,
    pub threshold: Sig<In>,
    pub subtracts: Optional<Signal<In, Bit>>,
    pub fire: Signal<Out, Bit>,
    pub v_next: Sig<Out>,
    sum: Sig<Local>,
    u: Sig<Local>,
    leaked: Sig<Local>,
    limit: Sig<Local>,
    reached: Sig<Local>,
    margin: Sig<Local>,
    rest: Optional<Sig<Local>>,
    fired: Dff,
    membrane: Dff,
    max16: Const,
    min16: Const,
    one: Const,
}

impl Neuron {
    /// The neuron of one timestep, which can subtract if it is of its layer's `own` kind.
    pub fn new(own: bool) -> Self {
        Self {
            doc: doc!("neuron.rs", Neuron),
            clk: Default::default(),
            v: Sig::new(s(16)),
            x: Sig::new(s(16)),
            leak_shift: Sig::new(u(4)),
            fire_ge: Default::default(),
            threshold: Sig::new(s(16)),
            subtracts: Optional::new(own, Default::default),
            fire: Default::default(),
            v_next: Sig::new(s(16)),
            sum: Sig::new(s(17)),
            u: Sig::new(s(16)),
            leaked: Sig::new(s(16)),
            limit: Sig::new(s(17)),
            reached: Sig::new(s(17)),
            margin: Sig::new(s(18)),
            rest: Optional::new(own, || Sig::new(s(16))),
            fired: Dff::new(u(1)),
            membrane: Dff::new(s(16)),
            max16: Const::new(s(16), 32767),
            min16: Const::new(s(16), -32768),
            one: Const::new(u(1), 1),
        }
    }
}

impl Logic for Neuron {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, fired, membrane);
        self.sum.next = self.v.val() + self.x.val();
        self.u.next = self.sum.val();
        if self.sum.val().get_bit(16) ^ self.sum.val().get_bit(15) {
            self.u.next = self.max16.val();
            if self.sum.val().get_bit(16) {
                self.u.next = self.min16.val();
            }
        }
        // Both comparisons in one subtraction: u > h is 2h + 1 - (2u + 1) < 0, u >= h is 2h - (2u + 1) < 0.
        self.limit.next = (self.threshold.val() << self.one.val()) | self.one.val();
        if self.fire_ge.val() {
            self.limit.next = self.threshold.val() << self.one.val();
        }
        self.reached.next = (self.u.val() << self.one.val()) | self.one.val();
        self.margin.next = self.limit.val() - self.reached.val();
        self.leaked.next = self.u.val() >> self.leak_shift.val();
        for p in 0..self.rest.count() {
            // A difference that is taken is one of a u that fires: 0 to 32766.
            self.rest[p].next = self.u.val();
            if self.margin.val().get_bit(17) {
                self.rest[p].next = self.u.val() - self.threshold.val();
            }
            self.leaked.next = self.rest[p].val() >> self.leak_shift.val();
        }
        self.membrane.d.next = self.leaked.val();
        self.fired.d.next = 0.into();
        if self.margin.val().get_bit(17) {
            self.membrane.d.next = 0.into();
            self.fired.d.next = 1.into();
        }
        for p in 0..self.subtracts.count() {
            if self.subtracts[p].val() {
                self.membrane.d.next = self.leaked.val();
            }
        }
        self.fire.next = self.fired.q.val().get_bit(0);
        self.v_next.next = self.membrane.q.val();
    }
}
