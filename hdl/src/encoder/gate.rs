//! The gate: product, sigmoid table, mask by the stem's spikes.

use spikegate_contract::network::{GATE_ENTRIES, GATE_MAX_BITS};

use crate::lang::*;
use crate::parts::guard::Guard;
use crate::parts::narrow::Narrow;

/// `Y_l = mask_l ? table[clamp(z_l, -512, 511) + 512] << y_shift : 0`, `z_l = sat16((ta_l * sca) >> z_shift)`, floor.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | load, load_address, load_data | in | 1, 20, 32 | table |
/// | sca, ta_l | in | 16 | stage G |
/// | z_shift, y_shift | in | 5, 4 | static |
/// | mask | in | L | stem spikes, stage G+6 |
/// | gate_y_l | out | 16 | stage G+7 |
/// | used | in | 1 | with parity: what the table says counts, stage G+6 |
/// | wrong | out | 1 | with parity: an entry of it has flipped, a cycle later |
#[derive(LogicBlock)]
pub struct Gate {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub load: Signal<In, Bit>,
    pub load_address: Sig<In>,
    pub load_data: Sig<In>,
    pub sca: Sig<In>,
    pub ta: Vec<Sig<In>>,
    pub z_shift: Sig<In>,
    pub y_shift: Sig<In>,
    pub mask: Sig<In>,
    pub gate_y: Vec<Sig<Out>>,
    pub used: Optional<Signal<In, Bit>>,
    pub wrong: Optional<Signal<Out, Bit>>,
    product: Vec<Mul>,
    narrow: Vec<Narrow>,
    z: Vec<Dff>,
    beyond: Vec<Dff>,
    negative: Vec<Dff>,
    index: Vec<Dff>,
    sigmoid: Vec<Ram>,
    found: Vec<Dff>,
    found_parity: Vec<Dff>,
    guard: Optional<Guard>,
    y: Vec<Dff>,
    half: Const,
    highest: Const,
    _lanes: usize,
}

impl Gate {
    /// A gate for `lanes` timesteps at a time, with parity or without.
    pub fn new(lanes: usize, parity: bool) -> Self {
        let entry = u(GATE_MAX_BITS as usize);
        let half = GATE_ENTRIES as i64 / 2;
        Self {
            doc: doc!("gate.rs", Gate),
            clk: Default::default(),
            load: Default::default(),
            load_address: Sig::new(u(20)),
            load_data: Sig::new(u(32)),
            sca: Sig::new(s(16)),
            ta: (0..lanes).map(|_| Sig::new(s(16))).collect(),
            z_shift: Sig::new(u(5)),
            y_shift: Sig::new(u(4)),
            mask: Sig::new(u(lanes)),
            gate_y: (0..lanes).map(|_| Sig::new(s(16))).collect(),
            used: Optional::new(parity, Default::default),
            wrong: Optional::new(parity, Default::default),
            product: (0..lanes).map(|_| Mul::new(16, 16, 2)).collect(),
            narrow: (0..lanes).map(|_| Narrow::new(32, 5, 10)).collect(),
            z: (0..lanes).map(|_| Dff::new(s(10))).collect(),
            beyond: (0..lanes).map(|_| Dff::new(u(1))).collect(),
            negative: (0..lanes).map(|_| Dff::new(u(1))).collect(),
            index: (0..lanes).map(|_| Dff::new(u(10))).collect(),
            sigmoid: (0..lanes).map(|_| Ram::guarded(1, entry, GATE_ENTRIES, parity)).collect(),
            found: (0..lanes).map(|_| Dff::new(entry)).collect(),
            found_parity: (0..if parity { lanes } else { 0 }).map(|_| Dff::new(u(1))).collect(),
            guard: Optional::new(parity, || Guard::new(&vec![entry; lanes], lanes)),
            y: (0..lanes).map(|_| Dff::new(s(16))).collect(),
            half: Const::new(s(11), half),
            highest: Const::new(u(10), 2 * half - 1),
            _lanes: lanes,
        }
    }
}

impl Logic for Gate {
    #[hdl_gen]
    fn update(&mut self) {
        for l in 0..self._lanes {
            // G, G+2: product.
            self.product[l].clock.next = self.clk.val();
            self.product[l].a.next = self.ta[l].val();
            self.product[l].b.next = self.sca.val();
            // G+3: z. Saturation to 16 bits is part of the clamp.
            self.narrow[l].x.next = self.product[l].p.val();
            self.narrow[l].shift.next = self.z_shift.val();
            self.z[l].clock.next = self.clk.val();
            self.z[l].d.next = self.narrow[l].low.val();
            self.beyond[l].clock.next = self.clk.val();
            self.beyond[l].d.next = self.narrow[l].beyond.val().into();
            self.negative[l].clock.next = self.clk.val();
            self.negative[l].d.next = self.narrow[l].negative.val().into();
            // G+4: table index.
            self.index[l].clock.next = self.clk.val();
            self.index[l].d.next = self.z[l].q.val() + self.half.val();
            if self.beyond[l].q.val().get_bit(0) {
                self.index[l].d.next = self.highest.val();
                if self.negative[l].q.val().get_bit(0) {
                    self.index[l].d.next = 0.into();
                }
            }
            // G+5: table.
            self.sigmoid[l].clock.next = self.clk.val();
            self.sigmoid[l].read_address.next = self.index[l].q.val();
            self.sigmoid[l].write.next = self.load.val();
            self.sigmoid[l].write_address.next = self.load_address.val();
            self.sigmoid[l].write_data[0].next = self.load_data.val();
            // G+6: what the table says, held: a block memory takes half a cycle.
            self.found[l].clock.next = self.clk.val();
            self.found[l].d.next = self.sigmoid[l].read_data[0].val();
            // G+7: mask.
            self.y[l].clock.next = self.clk.val();
            self.y[l].d.next = 0.into();
            if self.mask.val().get_bit(l) {
                self.y[l].d.next = self.found[l].q.val() << self.y_shift.val();
            }
            self.gate_y[l].next = self.y[l].q.val();
        }
        for p in 0..self.guard.count() {
            self.guard[p].clk.next = self.clk.val();
            for l in 0..self._lanes {
                self.found_parity[l].clock.next = self.clk.val();
                self.found_parity[l].d.next = self.sigmoid[l].parity[p].val();
                self.guard[p].word[l].next = self.found[l].q.val();
                self.guard[p].parity[l].next = self.found_parity[l].q.val();
            }
            self.guard[p].counts.next = self.used[p].val();
            self.wrong[p].next = self.guard[p].wrong.val();
        }
    }
}
