//! One post lane with its share of the array: the weights, columns and parameters of the output channels
//! `q * R + r` of a group, their requantisation and their neurons.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr;
use spikegate_contract::packet::{words_per_entry, Target};
use spikegate_contract::timing::beat;

use crate::array::column::Column;
use crate::array::fill::Fill;
use crate::lang::*;
use crate::parts::choose::Choose;
use crate::parts::guard::Guard;
use crate::post::lif::LifLane;
use crate::post::requantise::Requantise;

/// Post lane r of R, with `CO / R` columns.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | bits_s | in | L | operand bits of every slot, cycle i+3 |
/// | weight_address_s | in | 20 | of every slot, cycle i+1 |
/// | negative_all, negative_top | in | 1 | accumulator control, cycle c-1 |
/// | twice, last, restart | in | 1 | accumulator control, cycle c |
/// | select | in | 6 | column of the beat, cycle b |
/// | param_address | in | 16 | cycle b |
/// | combine, code_mode, xq_shift, use_gate, use_residual, leak_shift, fire_ge, threshold | in | | static during a layer |
/// | subtracts | in | 1 | on an array with neurons of their own: a spike takes the threshold off, static during a layer |
/// | residual_l | in | 16 | stream memory word of the channel, cycle b+6 |
/// | gate_y_l | in | 16 | gated value, LIF entry cycle |
/// | lif_valid, entry, first_time, count_first, mask | in | | token, LIF entry cycle |
/// | y_l, real | out | 16, 1 | requantised sums, channel exists; cycle b+7 |
/// | code | out | 9 | Xq or Z1, cycle b+8 |
/// | logit | out | 32 | sum plus bias, cycle b+5 |
/// | write, spikes, stream_l, count, popcount | out | 1, L, 16, 16, 5 | write back, LIF entry + 2 + L |
/// | load_weight, load_param, load_slot, load_address, load_word_k | in | 1, 1, 8, 20, 32 | loader |
/// | fill | | | weights from the external memory, of this lane: ports of [`Fill`] |
/// | packed | in | 1 | on an array with packed weights: they are, static during a layer |
/// | odd_s | in | 1 | there: the second weight of each byte is meant, cycle i+1 |
/// | weight_used_s, param_used | in | 1 | with parity: a slot's weights of cycle i+2 count; the parameters of cycle b+1 do |
/// | wrong | out | 1 | with parity: one of them has flipped, a cycle later |
#[derive(LogicBlock)]
pub struct Lane {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub bits: Vec<Sig<In>>,
    pub weight_address: Vec<Sig<In>>,
    pub negative_all: Signal<In, Bit>,
    pub negative_top: Signal<In, Bit>,
    pub twice: Signal<In, Bit>,
    pub last: Signal<In, Bit>,
    pub restart: Signal<In, Bit>,
    pub select: Sig<In>,
    pub param_address: Sig<In>,
    pub combine: Sig<In>,
    pub code_mode: Sig<In>,
    pub xq_shift: Sig<In>,
    pub use_gate: Signal<In, Bit>,
    pub use_residual: Signal<In, Bit>,
    pub leak_shift: Sig<In>,
    pub fire_ge: Signal<In, Bit>,
    pub threshold: Sig<In>,
    pub subtracts: Optional<Signal<In, Bit>>,
    pub residual: Vec<Sig<In>>,
    pub gate_y: Vec<Sig<In>>,
    pub lif_valid: Signal<In, Bit>,
    pub entry: Sig<In>,
    pub first_time: Signal<In, Bit>,
    pub count_first: Signal<In, Bit>,
    pub mask: Sig<In>,
    pub y: Vec<Sig<Out>>,
    pub real: Signal<Out, Bit>,
    pub code: Sig<Out>,
    pub logit: Sig<Out>,
    pub write: Signal<Out, Bit>,
    pub spikes: Sig<Out>,
    pub stream: Vec<Sig<Out>>,
    pub count: Sig<Out>,
    pub popcount: Sig<Out>,
    pub load_weight: Signal<In, Bit>,
    pub load_param: Signal<In, Bit>,
    pub load_slot: Sig<In>,
    pub load_address: Sig<In>,
    pub load_word: Vec<Sig<In>>,
    pub fill: Optional<Fill>,
    pub packed: Optional<Signal<In, Bit>>,
    pub odd: Vec<Signal<In, Bit>>,
    pub weight_used: Vec<Signal<In, Bit>>,
    pub param_used: Optional<Signal<In, Bit>>,
    pub wrong: Optional<Signal<Out, Bit>>,
    weight: Vec<Ram>,
    column: Vec<Column>,
    held_weight: Vec<WeightHold>,
    param_scale: Ram,
    param_low: Ram,
    param_high: Ram,
    weight_guard: Vec<Guard>,
    param_guard: Optional<Guard>,
    wrong_up_to: Vec<Signal<Local, Bit>>,
    byte: Vec<Sig<Local>>,
    fill_byte: Vec<Sig<Local>>,
    low: Sig<Local>,
    high: Sig<Local>,
    scale: Sig<Local>,
    choose: Vec<Choose>,
    acc: Vec<Dff>,
    residual_held: Vec<Dff>,
    real_held: Vec<Dff>,
    requantise: Requantise,
    lif: LifLane,
    shift_high: Const,
    real_bit: Const,
    nibble: Optional<Const>,
    _slots: usize,
    _slots_end: usize,
    _lanes: usize,
    _columns: usize,
    _words: usize,
    _delay: usize,
    _delay_end: usize,
    _fill_words: usize,
    _fill_beats: usize,
    _fill_slots: usize,
    _fill_slots_end: usize,
    _columns_end: usize,
}

// A packed weight comes out times 16: bits that are moved up, not extended by their sign, take four look-up tables a weight
// instead of nine. The sums are divided by 16 when they are chosen, of which there are fewer.
/// Registers for one slot's weights, between memory (cycle i+2) and columns (i+3).
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | d_q | in | 8 | weight of every column, cycle i+2 |
/// | q_q | out | 8 | the same, cycle i+3 |
/// | packed | in | 1 | on an array with packed weights: they are |
/// | odd | in | 1 | there: which of two weights, cycle i+1 |
#[derive(LogicBlock)]
pub struct WeightHold {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub d: Vec<Sig<In>>,
    pub q: Vec<Sig<Out>>,
    pub packed: Optional<Signal<In, Bit>>,
    pub odd: Optional<Signal<In, Bit>>,
    odd_held: Optional<Dff>,
    held: Vec<Dff>,
    nibble: Optional<Const>,
    high: Optional<Const>,
    _columns: usize,
}

impl Logic for WeightHold {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..self._columns {
            self.held[i].clock.next = self.clk.val();
            self.held[i].d.next = self.d[i].val();
            self.q[i].next = self.held[i].q.val();
        }
        for p in 0..self.packed.count() {
            self.odd_held[p].clock.next = self.clk.val();
            self.odd_held[p].d.next = self.odd[p].val().into();
            for i in 0..self._columns {
                if self.packed[p].val() {
                    self.held[i].d.next = self.d[i].val() << self.nibble[p].val();
                    if self.odd_held[p].q.val().get_bit(0) {
                        self.held[i].d.next = self.d[i].val() & self.high[p].val();
                    }
                }
            }
        }
    }
}

impl WeightHold {
    fn new(columns: usize, packed: bool) -> Self {
        Self {
            doc: doc!("lane.rs", WeightHold),
            clk: Default::default(),
            d: (0..columns).map(|_| Sig::new(s(8))).collect(),
            q: (0..columns).map(|_| Sig::new(s(8))).collect(),
            packed: Optional::new(packed, Default::default),
            odd: Optional::new(packed, Default::default),
            odd_held: Optional::new(packed, || Dff::new(u(1))),
            held: (0..columns).map(|_| Dff::new(s(8))).collect(),
            nibble: Optional::new(packed, || Const::new(u(3), 4)),
            high: Optional::new(packed, || Const::new(s(8), -16)),
            _columns: columns,
        }
    }
}

/// Words that the loader collects at most for one entry of any target.
pub fn load_words(array: &ArrayConfig) -> usize {
    let words = |target| words_per_entry(target, array);
    words(Target::Params).max(words(Target::Weights)).max(words(Target::Memory))
}

impl Lane {
    /// A post lane of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let (l, ci, columns) = (array.lanes, array.ci, array.co / array.post);
        let words = load_words(array);
        let bytes = 4 * words_per_entry(Target::Weights, array);
        let fill_words = array.memory_bits / 32;
        let (parity, guards) = (array.parity, if array.parity { ci } else { 0 });
        let real_cycles = beat::VALUE - beat::SELECTED;
        // Slots that one transfer of the external memory fills.
        let fill_slots = (4 * fill_words / columns).max(1);
        let s16 = || -> Vec<Sig<In>> { (0..l).map(|_| Sig::new(s(16))).collect() };
        let out16 = || -> Vec<Sig<Out>> { (0..l).map(|_| Sig::new(s(16))).collect() };
        Self {
            doc: doc!("lane.rs", Lane),
            clk: Default::default(),
            bits: (0..ci).map(|_| Sig::new(u(l))).collect(),
            weight_address: (0..ci).map(|_| Sig::new(u(instr::width("weight_base")))).collect(),
            negative_all: Default::default(),
            negative_top: Default::default(),
            twice: Default::default(),
            last: Default::default(),
            restart: Default::default(),
            select: Sig::new(u(6)),
            param_address: Sig::new(u(instr::width("param_base"))),
            combine: Sig::new(u(2)),
            code_mode: Sig::new(u(2)),
            xq_shift: Sig::new(u(4)),
            use_gate: Default::default(),
            use_residual: Default::default(),
            leak_shift: Sig::new(u(4)),
            fire_ge: Default::default(),
            threshold: Sig::new(s(16)),
            subtracts: Optional::new(array.neurons, Default::default),
            residual: s16(),
            gate_y: s16(),
            lif_valid: Default::default(),
            entry: Sig::new(u(6)),
            first_time: Default::default(),
            count_first: Default::default(),
            mask: Sig::new(u(l)),
            y: out16(),
            real: Default::default(),
            code: Sig::new(s(9)),
            logit: Sig::new(s(32)),
            write: Default::default(),
            spikes: Sig::new(u(l)),
            stream: out16(),
            count: Sig::new(u(16)),
            popcount: Sig::new(u(5)),
            load_weight: Default::default(),
            load_param: Default::default(),
            load_slot: Sig::new(u(8)),
            load_address: Sig::new(u(20)),
            load_word: (0..words).map(|_| Sig::new(u(32))).collect(),
            fill: Optional::new(fill_words > 0, || Fill::new(fill_words)),
            packed: Optional::new(array.packed, Default::default),
            odd: vec![Default::default(); if array.packed { ci } else { 0 }],
            weight_used: vec![Default::default(); guards],
            param_used: Optional::new(parity, Default::default),
            wrong: Optional::new(parity, Default::default),
            weight: (0..ci).map(|_| Ram::guarded(columns, s(8), array.weight_depth, parity)).collect(),
            column: (0..columns).map(|_| Column::new(array)).collect(),
            held_weight: (0..ci).map(|_| WeightHold::new(columns, array.packed)).collect(),
            param_scale: Ram::guarded(1, u(22), array.param_depth, parity),
            param_low: Ram::guarded(1, u(32), array.param_depth, parity),
            param_high: Ram::guarded(1, s(16), array.param_depth, parity),
            weight_guard: (0..guards).map(|_| Guard::new(&vec![s(8); columns], 1)).collect(),
            param_guard: Optional::new(parity, || Guard::new(&[u(22), u(32), s(16)], 3)),
            wrong_up_to: vec![Default::default(); if parity { ci + 1 } else { 0 }],
            byte: (0..bytes).map(|_| Sig::new(s(8))).collect(),
            fill_byte: (0..4 * fill_words).map(|_| Sig::new(s(8))).collect(),
            low: Sig::new(u(32)),
            high: Sig::new(s(16)),
            scale: Sig::new(u(22)),
            choose: (0..l).map(|_| Choose::new(columns, s(array.sum_bits), 6)).collect(),
            acc: (0..l).map(|_| Dff::new(s(array.sum_bits))).collect(),
            residual_held: (0..l).map(|_| Dff::new(s(16))).collect(),
            real_held: (0..real_cycles).map(|_| Dff::new(u(1))).collect(),
            requantise: Requantise::new(array),
            lif: LifLane::new(l, columns, array.neurons),
            shift_high: Const::new(u(6), 32),
            real_bit: Const::new(u(22), 1 << 21),
            nibble: Optional::new(array.packed, || Const::new(u(3), 4)),
            _slots: ci,
            _slots_end: ci + 1,
            _lanes: l,
            _columns: columns,
            _words: bytes / 4,
            _delay: real_cycles - 1,
            _delay_end: real_cycles,
            _fill_words: fill_words,
            _fill_beats: fill_words.min(1) * ci / fill_slots,
            _fill_slots: fill_slots,
            _fill_slots_end: fill_slots + 1,
            _columns_end: columns + 1,
        }
    }
}

impl Logic for Lane {
    #[hdl_gen]
    fn update(&mut self) {
        // Weights: load, read, register, hand to the columns.
        for k in 0..self._words {
            self.byte[4 * k].next = self.load_word[k].val().get_bits::<8>(0);
            self.byte[4 * k + 1].next = self.load_word[k].val().get_bits::<8>(8);
            self.byte[4 * k + 2].next = self.load_word[k].val().get_bits::<8>(16);
            self.byte[4 * k + 3].next = self.load_word[k].val().get_bits::<8>(24);
        }
        for i in 0..self._slots {
            self.weight[i].clock.next = self.clk.val();
            self.weight[i].read_address.next = self.weight_address[i].val();
            self.weight[i].write.next = self.load_weight.val() & (self.load_slot.val() == i.into());
            self.weight[i].write_address.next = self.load_address.val();
            self.held_weight[i].clk.next = self.clk.val();
            for q in 0..self._columns {
                self.weight[i].write_data[q].next = self.byte[q].val();
                self.held_weight[i].d[q].next = self.weight[i].read_data[q].val();
                self.column[q].weight[i].next = self.held_weight[i].q[q].val();
                self.column[q].bits[i].next = self.bits[i].val();
            }
        }
        for p in 0..self.packed.count() {
            for i in 0..self._slots {
                self.held_weight[i].packed[p].next = self.packed[p].val();
                self.held_weight[i].odd[p].next = self.odd[i].val();
            }
        }
        // Weights from the external memory: a transfer holds those of a few slots, slot by slot.
        for p in 0..self.fill.count() {
            for k in 0..self._fill_words {
                self.fill_byte[4 * k].next = self.fill[p].word[k].val().get_bits::<8>(0);
                self.fill_byte[4 * k + 1].next = self.fill[p].word[k].val().get_bits::<8>(8);
                self.fill_byte[4 * k + 2].next = self.fill[p].word[k].val().get_bits::<8>(16);
                self.fill_byte[4 * k + 3].next = self.fill[p].word[k].val().get_bits::<8>(24);
            }
            for b in 0..self._fill_beats {
                // Loops over one number each: an index may hold loop variables only.
                for n in self._fill_slots..self._fill_slots_end {
                    for m in self._columns..self._columns_end {
                        for i in 0..self._fill_slots {
                            if self.fill[p].write.val() & (self.fill[p].beat.val() == b.into()) {
                                self.weight[b * n + i].write.next = true;
                                self.weight[b * n + i].write_address.next = self.fill[p].address.val();
                                for q in 0..self._columns {
                                    self.weight[b * n + i].write_data[q].next =
                                        self.fill_byte[i * m + q].val();
                                }
                            }
                        }
                    }
                }
            }
        }
        for q in 0..self._columns {
            self.column[q].clk.next = self.clk.val();
            self.column[q].negative_all.next = self.negative_all.val();
            self.column[q].negative_top.next = self.negative_top.val();
            self.column[q].twice.next = self.twice.val();
            self.column[q].last.next = self.last.val();
            self.column[q].restart.next = self.restart.val();
        }

        // Parameters of the beat's channel.
        self.param_scale.clock.next = self.clk.val();
        self.param_low.clock.next = self.clk.val();
        self.param_high.clock.next = self.clk.val();
        self.param_scale.read_address.next = self.param_address.val();
        self.param_low.read_address.next = self.param_address.val();
        self.param_high.read_address.next = self.param_address.val();
        self.param_scale.write.next = self.load_param.val();
        self.param_low.write.next = self.load_param.val();
        self.param_high.write.next = self.load_param.val();
        self.param_scale.write_address.next = self.load_address.val();
        self.param_low.write_address.next = self.load_address.val();
        self.param_high.write_address.next = self.load_address.val();
        self.scale.next = self.load_word[0].val().get_bits::<21>(0);
        if self.load_word[0].val().get_bit(31) {
            self.scale.next = self.load_word[0].val().get_bits::<21>(0) + self.real_bit.val();
        }
        self.param_scale.write_data[0].next = self.scale.val();
        self.param_low.write_data[0].next = self.load_word[1].val();
        self.param_high.write_data[0].next = self.load_word[2].val();

        // Words that have flipped.
        for p in 0..self.param_guard.count() {
            self.param_guard[p].clk.next = self.clk.val();
            self.param_guard[p].word[0].next = self.param_scale.read_data[0].val();
            self.param_guard[p].word[1].next = self.param_low.read_data[0].val();
            self.param_guard[p].word[2].next = self.param_high.read_data[0].val();
            self.param_guard[p].parity[0].next = self.param_scale.parity[p].val();
            self.param_guard[p].parity[1].next = self.param_low.parity[p].val();
            self.param_guard[p].parity[2].next = self.param_high.parity[p].val();
            self.param_guard[p].counts.next = self.param_used[p].val();
            self.wrong_up_to[0].next = self.param_guard[p].wrong.val();
            for i in 0..self._slots {
                self.weight_guard[i].clk.next = self.clk.val();
                for q in 0..self._columns {
                    self.weight_guard[i].word[q].next = self.weight[i].read_data[q].val();
                }
                self.weight_guard[i].parity[0].next = self.weight[i].parity[p].val();
                self.weight_guard[i].counts.next = self.weight_used[i].val();
                self.wrong_up_to[i + 1].next = self.wrong_up_to[i].val() | self.weight_guard[i].wrong.val();
            }
            for i in self._slots..self._slots_end {
                self.wrong[p].next = self.wrong_up_to[i].val();
            }
        }

        // The beat's channel: one captured sum per lane.
        for l in 0..self._lanes {
            self.choose[l].index.next = self.select.val();
            for q in 0..self._columns {
                self.choose[l].x[q].next = self.column[q].sum[l].val();
            }
            self.acc[l].clock.next = self.clk.val();
            self.acc[l].d.next = self.choose[l].y.val();
            for p in 0..self.packed.count() {
                if self.packed[p].val() {
                    self.acc[l].d.next = self.choose[l].y.val() >> self.nibble[p].val();
                }
            }
            self.requantise.acc[l].next = self.acc[l].q.val();
        }
        self.requantise.clk.next = self.clk.val();
        self.requantise.combine.next = self.combine.val();
        self.requantise.xq_shift.next = self.xq_shift.val();
        self.requantise.code_mode.next = self.code_mode.val();
        self.requantise.m.next = self.param_scale.read_data[0].val().get_bits::<16>(0);
        self.requantise.s.next = self.param_scale.read_data[0].val().get_bits::<5>(16);
        self.low.next = self.param_low.read_data[0].val();
        self.high.next = self.param_high.read_data[0].val();
        self.requantise.b.next = (self.high.val() << self.shift_high.val()) + self.low.val();
        self.code.next = self.requantise.code.val();
        self.logit.next = self.requantise.logit.val();

        self.real_held[0].clock.next = self.clk.val();
        self.real_held[0].d.next = self.param_scale.read_data[0].val().get_bits::<1>(21);
        for i in 0..self._delay {
            self.real_held[i + 1].clock.next = self.clk.val();
            self.real_held[i + 1].d.next = self.real_held[i].q.val();
        }
        for i in self._delay..self._delay_end {
            self.real.next = self.real_held[i].q.val().get_bit(0);
        }

        // Neurons.
        self.lif.clk.next = self.clk.val();
        for l in 0..self._lanes {
            self.residual_held[l].clock.next = self.clk.val();
            self.residual_held[l].d.next = self.residual[l].val();
            self.y[l].next = self.requantise.y[l].val();
            self.lif.y[l].next = self.requantise.y[l].val();
            self.lif.residual[l].next = self.residual_held[l].q.val();
            self.lif.gate_y[l].next = self.gate_y[l].val();
            self.stream[l].next = self.lif.stream[l].val();
        }
        self.lif.use_gate.next = self.use_gate.val();
        self.lif.use_residual.next = self.use_residual.val();
        self.lif.leak_shift.next = self.leak_shift.val();
        self.lif.fire_ge.next = self.fire_ge.val();
        self.lif.threshold.next = self.threshold.val();
        for p in 0..self.subtracts.count() {
            self.lif.subtracts[p].next = self.subtracts[p].val();
        }
        self.lif.valid.next = self.lif_valid.val();
        self.lif.entry.next = self.entry.val();
        self.lif.first_time.next = self.first_time.val();
        self.lif.count_first.next = self.count_first.val();
        self.lif.mask.next = self.mask.val();
        self.write.next = self.lif.write.val();
        self.spikes.next = self.lif.spikes.val();
        self.count.next = self.lif.count.val();
        self.popcount.next = self.lif.popcount.val();
    }
}
