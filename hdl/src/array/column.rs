//! One output channel of the array: masked weights, an adder tree per lane, accumulators and capture registers.

use spikegate_contract::array::ArrayConfig;

use crate::lang::*;

/// Adder tree over `n` signed terms (a power of two), registered after every second level and after the last.
///
/// Its adders are leaf cells: logic synthesis would merge the two levels between registers into one sum of four terms,
/// whose carry-save gates take more than the carry chain that they save.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | x_i | in | w | terms |
/// | flip | in | 1 | all bits of the sum are inverted: with the last level, one cycle before y (n = 1: with y) |
/// | y | out | w + log2 n | exact sum, `ceil(log2(n) / 2)` cycles later (combinational for n = 1) |
#[derive(LogicBlock)]
pub struct AddTree {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub x: Vec<Sig<In>>,
    pub flip: Signal<In, Bit>,
    pub y: Sig<Out>,
    pair: Vec<MaskedAdd>,
    last: Vec<FlipAdd>,
    held: Vec<Dff>,
    rest: Vec<AddTree>,
    _pairs: usize,
    _held: usize,
    _rest: usize,
    _last: usize,
    _none: usize,
    _pass: usize,
}

impl AddTree {
    /// A tree over `n` terms of `width` bits; `skip` levels pass before the next register (0: this level is registered).
    fn level(n: usize, width: usize, skip: usize) -> Self {
        let last = usize::from(n == 2);
        let pairs = n / 2 - last;
        let registered = last == 1 || (pairs > 0 && skip == 0);
        let rest = (pairs > 0).then(|| Self::level(pairs, width + 1, if registered { 1 } else { skip - 1 }));
        Self {
            doc: doc!("column.rs", AddTree),
            clk: Default::default(),
            x: (0..n).map(|_| Sig::new(s(width))).collect(),
            flip: Default::default(),
            y: Sig::new(s(width + n.ilog2() as usize)),
            pair: (0..pairs).map(|_| MaskedAdd::new(width)).collect(),
            last: (0..last).map(|_| FlipAdd::new(width)).collect(),
            held: (0..if registered { pairs + last } else { 0 }).map(|_| Dff::new(s(width + 1))).collect(),
            rest: rest.into_iter().collect(),
            _pairs: pairs,
            _held: if registered { pairs } else { 0 },
            _rest: usize::from(pairs > 0 && registered),
            _last: last,
            _none: usize::from(n == 1),
            _pass: usize::from(pairs > 0 && !registered),
        }
    }
    /// A tree over `n` terms of `width` bits.
    pub fn new(n: usize, width: usize) -> Self {
        Self::level(n, width, 1)
    }
}

impl Logic for AddTree {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..self._pairs {
            self.pair[i].a.next = self.x[2 * i].val();
            self.pair[i].b.next = self.x[2 * i + 1].val();
            self.pair[i].use_a.next = true;
            self.pair[i].use_b.next = true;
        }
        for i in 0..self._held {
            self.held[i].clock.next = self.clk.val();
            self.held[i].d.next = self.pair[i].y.val();
        }
        for k in 0..self._rest {
            self.rest[k].clk.next = self.clk.val();
            self.rest[k].flip.next = self.flip.val();
            for i in 0..self._pairs {
                self.rest[k].x[i].next = self.held[i].q.val();
            }
            self.y.next = self.rest[k].y.val();
        }
        for k in 0..self._pass {
            self.rest[k].clk.next = self.clk.val();
            self.rest[k].flip.next = self.flip.val();
            for i in 0..self._pairs {
                self.rest[k].x[i].next = self.pair[i].y.val();
            }
            self.y.next = self.rest[k].y.val();
        }
        for k in 0..self._last {
            self.last[k].a.next = self.x[2 * k].val();
            self.last[k].b.next = self.x[2 * k + 1].val();
            self.last[k].flip.next = self.flip.val();
            self.held[k].clock.next = self.clk.val();
            self.held[k].d.next = self.last[k].y.val();
            self.y.next = self.held[k].q.val();
        }
        for k in 0..self._none {
            self.y.next = self.x[k].val();
            if self.flip.val() {
                self.y.next = !self.x[k].val();
            }
        }
    }
}

/// One lane of a column: one timestep (or bit plane) of one output channel.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | mask | in | CI | spike bit of each slot, all 0 when nothing is served; cycle i+3 |
/// | weight_s | in | 8 | weight of each slot, cycle i+3 |
/// | flip, negative | in | 1 | the word is subtracted, cycle c-1 and again cycle c |
/// | twice | in | 1 | onto twice the sum, cycle c |
/// | last | in | 1 | the sum is complete with this word: it is captured, cycle c |
/// | restart | in | 1 | the next sum starts at 0, cycle c |
/// | sum | out | A | captured sum, from cycle c+1 |
///
/// The accumulator wraps at A = `sum_bits` bits; the compiler proves that no network reaches that.
#[derive(LogicBlock)]
pub struct LaneSum {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub mask: Vec<Signal<In, Bit>>,
    pub weight: Vec<Sig<In>>,
    pub flip: Signal<In, Bit>,
    pub negative: Signal<In, Bit>,
    pub twice: Signal<In, Bit>,
    pub last: Signal<In, Bit>,
    pub restart: Signal<In, Bit>,
    pub sum: Sig<Out>,
    first_level: Vec<MaskedAdd>,
    level: Vec<Dff>,
    tree: AddTree,
    total: TwiceAdd,
    accumulator: Dff,
    captured: Dff,
    zero: Const,
    _pairs: usize,
    _single: usize,
    _early: usize,
    _late: usize,
}

impl LaneSum {
    /// A lane over `slots` input channels (a power of two) with an accumulator of `bits` bits.
    pub fn new(slots: usize, bits: usize) -> Self {
        let pairs = slots.div_ceil(2);
        let tree = AddTree::new(pairs, 9);
        let sum = tree.y.ty.width;
        Self {
            doc: doc!("column.rs", LaneSum),
            clk: Default::default(),
            mask: vec![Default::default(); slots],
            weight: (0..slots).map(|_| Sig::new(s(8))).collect(),
            flip: Default::default(),
            negative: Default::default(),
            twice: Default::default(),
            last: Default::default(),
            restart: Default::default(),
            sum: Sig::new(s(bits)),
            first_level: (0..pairs).map(|_| MaskedAdd::new(8)).collect(),
            level: (0..pairs).map(|_| Dff::new(s(9))).collect(),
            tree,
            total: TwiceAdd::new(bits, sum.min(bits)),
            accumulator: Dff::new(s(bits)),
            captured: Dff::new(s(bits)),
            zero: Const::new(s(8), 0),
            _pairs: slots / 2,
            _single: usize::from(slots == 1),
            _early: usize::from(pairs > 1),
            _late: usize::from(pairs == 1),
        }
    }
}

impl Logic for LaneSum {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, accumulator, captured);
        self.tree.clk.next = self.clk.val();
        for i in 0..self._pairs {
            self.first_level[i].a.next = self.weight[2 * i].val();
            self.first_level[i].b.next = self.weight[2 * i + 1].val();
            self.first_level[i].use_a.next = self.mask[2 * i].val();
            self.first_level[i].use_b.next = self.mask[2 * i + 1].val();
            self.level[i].clock.next = self.clk.val();
            self.level[i].d.next = self.first_level[i].y.val();
            self.tree.x[i].next = self.level[i].q.val();
        }
        for i in 0..self._single {
            self.first_level[i].a.next = self.weight[i].val();
            self.first_level[i].b.next = self.zero.val();
            self.first_level[i].use_a.next = self.mask[i].val();
            self.first_level[i].use_b.next = false;
            self.level[i].clock.next = self.clk.val();
            self.level[i].d.next = self.first_level[i].y.val();
            self.tree.x[i].next = self.level[i].q.val();
        }
        // A tree without a registered level inverts in the cycle of the sum.
        for i in 0..self._early {
            self.tree.flip.next = self.flip.val();
        }
        for i in 0..self._late {
            self.tree.flip.next = self.negative.val();
        }

        self.total.a.next = self.accumulator.q.val();
        self.total.b.next = self.tree.y.val();
        self.total.twice.next = self.twice.val();
        self.total.carry.next = self.negative.val();
        self.accumulator.d.next = self.total.y.val();
        if self.restart.val() {
            self.accumulator.d.next = 0.into();
        }
        if self.last.val() {
            self.captured.d.next = self.total.y.val();
        }
        self.sum.next = self.captured.q.val();
    }
}

/// One output channel: [`LaneSum`] for every lane, sharing the weights.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | bits_s | in | L | operand bits of each slot, all 0 when nothing is served; cycle i+3 |
/// | weight_s | in | 8 | weight of each slot, cycle i+3 |
/// | negative_all, negative_top | in | 1 | the word is subtracted in every lane; in lane L-1. Cycle c-1 |
/// | twice | in | 1 | onto twice the sum, cycle c |
/// | last, restart | in | 1 | the sum is complete with this word; the next one starts at 0. Cycle c |
/// | sum_l | out | A | captured sums, from cycle c+1 |
#[derive(LogicBlock)]
pub struct Column {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub bits: Vec<Sig<In>>,
    pub weight: Vec<Sig<In>>,
    pub negative_all: Signal<In, Bit>,
    pub negative_top: Signal<In, Bit>,
    pub twice: Signal<In, Bit>,
    pub last: Signal<In, Bit>,
    pub restart: Signal<In, Bit>,
    pub sum: Vec<Sig<Out>>,
    lane: Vec<LaneSum>,
    flip: Vec<Signal<Local, Bit>>,
    negative: Vec<Dff>,
    _slots: usize,
    _lanes: usize,
    _below_top: usize,
}

impl Column {
    /// A column of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        Self {
            doc: doc!("column.rs", Column),
            clk: Default::default(),
            bits: (0..array.ci).map(|_| Sig::new(u(array.lanes))).collect(),
            weight: (0..array.ci).map(|_| Sig::new(s(8))).collect(),
            negative_all: Default::default(),
            negative_top: Default::default(),
            twice: Default::default(),
            last: Default::default(),
            restart: Default::default(),
            sum: (0..array.lanes).map(|_| Sig::new(s(array.sum_bits))).collect(),
            lane: (0..array.lanes).map(|_| LaneSum::new(array.ci, array.sum_bits)).collect(),
            flip: vec![Default::default(); array.lanes],
            negative: (0..array.lanes).map(|_| Dff::new(u(1))).collect(),
            _slots: array.ci,
            _lanes: array.lanes,
            _below_top: array.lanes - 1,
        }
    }
}

impl Logic for Column {
    #[hdl_gen]
    fn update(&mut self) {
        for l in 0..self._below_top {
            self.flip[l].next = self.negative_all.val();
        }
        for l in self._below_top..self._lanes {
            self.flip[l].next = self.negative_all.val() | self.negative_top.val();
        }
        for l in 0..self._lanes {
            self.negative[l].clock.next = self.clk.val();
            self.negative[l].d.next = self.flip[l].val().into();
            self.lane[l].clk.next = self.clk.val();
            for i in 0..self._slots {
                self.lane[l].mask[i].next = self.bits[i].val().get_bit(l);
                self.lane[l].weight[i].next = self.weight[i].val();
            }
            self.lane[l].flip.next = self.flip[l].val();
            self.lane[l].negative.next = self.negative[l].q.val().get_bit(0);
            self.lane[l].twice.next = self.twice.val();
            self.lane[l].last.next = self.last.val();
            self.lane[l].restart.next = self.restart.val();
            self.sum[l].next = self.lane[l].sum.val();
        }
    }
}
