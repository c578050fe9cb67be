//! Output stream: result packets and trace dumps.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::Source;
use spikegate_contract::packet::{DUMP, RESULT};

use crate::lang::*;
use crate::parts::guard::Guard;

/// AXI4-Stream master with full back-pressure: a word on offer stays until it is taken. Packets as in `contract::packet`.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | m_axis_tdata, m_axis_tvalid, m_axis_tlast, m_axis_tready | | 32, 1, 1, 1 | stream |
/// | start_result, start_dump | in | 1 | one cycle; the inputs below are static from here to `done` |
/// | sequence, index | in | 32, 16 | image; number of the instruction |
/// | class, classes | in | 12 | result |
/// | logit_address, logit | out, in | 12, 32 | logits, one cycle later |
/// | cycle_write, cycle_address, cycle_data | in | 1, 16, 32 | cycles of an instruction, sent with the result |
/// | source, scalars, base, length, timesteps | in | 2, 1, 20, 20, 5 | dump: memory or encoder scalars, region |
/// | read_address | out | 20 | words to dump, two cycles later |
/// | read_slot | out | 6 | slot whose word is dumped |
/// | code_word, spike_word, stream_word_l | in | 9, L, 16 | that word |
/// | sum, max, scalar_index, scalar | in, in, out, in | 40, 16, 4, 16 | encoder scalars |
/// | spilled, keeps | in | 1 | dump of a map in the external memory, which goes back there: beats of R slots |
/// | maps_ready | in | 1 | of that map the next burst is there, and room for it |
/// | maps_claim, pop, put_back | out | 1 | the burst is taken; its next beat is; that beat is sent and goes back |
/// | reading | out | 1 | the memories are being read |
/// | words | out | 32 | words of the packet, from its first word on offer to `done` |
/// | done | out | 1 | one cycle: the last word goes on offer |
/// | logit_used, word_used | out | 1 | with parity: `logit` is sent; a memory's word is |
/// | wrong | out | 1 | with parity: the cycles of an instruction have flipped, a cycle after they are taken |
///
/// A word passes two registers: one behind the choice of the slot, one behind that of the kind.
#[derive(LogicBlock)]
pub struct Sender {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub m_axis_tdata: Sig<Out>,
    pub m_axis_tvalid: Signal<Out, Bit>,
    pub m_axis_tlast: Signal<Out, Bit>,
    pub m_axis_tready: Signal<In, Bit>,
    pub start_result: Signal<In, Bit>,
    pub start_dump: Signal<In, Bit>,
    pub sequence: Sig<In>,
    pub index: Sig<In>,
    pub class: Sig<In>,
    pub classes: Sig<In>,
    pub logit_address: Sig<Out>,
    pub logit: Sig<In>,
    pub cycle_write: Signal<In, Bit>,
    pub cycle_address: Sig<In>,
    pub cycle_data: Sig<In>,
    pub source: Sig<In>,
    pub scalars: Signal<In, Bit>,
    pub base: Sig<In>,
    pub length: Sig<In>,
    pub timesteps: Sig<In>,
    pub read_address: Sig<Out>,
    pub read_slot: Sig<Out>,
    pub code_word: Sig<In>,
    pub spike_word: Sig<In>,
    pub stream_word: Vec<Sig<In>>,
    pub sum: Sig<In>,
    pub max: Sig<In>,
    pub scalar_index: Sig<Out>,
    pub scalar: Sig<In>,
    pub spilled: Vec<Signal<In, Bit>>,
    pub keeps: Vec<Signal<In, Bit>>,
    pub maps_ready: Vec<Signal<In, Bit>>,
    pub maps_claim: Vec<Signal<Out, Bit>>,
    pub pop: Vec<Signal<Out, Bit>>,
    pub put_back: Vec<Signal<Out, Bit>>,
    pub reading: Signal<Out, Bit>,
    pub words: Sig<Out>,
    pub done: Signal<Out, Bit>,
    pub logit_used: Optional<Signal<Out, Bit>>,
    pub word_used: Optional<Signal<Out, Bit>>,
    pub wrong: Optional<Signal<Out, Bit>>,
    guard: Optional<Guard>,
    cycles: Ram,
    state: Dff,
    is_result: Dff,
    word: Dff,
    slot: Dff,
    lane: Dff,
    reads: Dff,
    address: Dff,
    // What comes next: a word of the packet's frame, or of a memory.
    next_valid: Dff,
    next_is_dump: Dff,
    next_last: Dff,
    next_value: Dff,
    next_code: Dff,
    next_spikes: Dff,
    next_stream: Dff,
    valid: Dff,
    data: Dff,
    last: Dff,
    free: Signal<Local, Bit>,
    offer: Signal<Local, Bit>,
    value: Sig<Local>,
    is_last: Signal<Local, Bit>,
    following: Sig<Local>,
    dump_words: Sig<Local>,
    is_stream: Signal<Local, Bit>,
    scalar_count: Sig<Local>,
    next_word: Sig<Local>,
    next_slot: Sig<Local>,
    next_lane: Sig<Local>,
    lane_ends: Signal<Local, Bit>,
    slot_ends: Signal<Local, Bit>,
    region_ends: Signal<Local, Bit>,
    lane_word: Sig<Local>,
    scalar_word: Sig<Local>,
    is_dump: Signal<Local, Bit>,
    spilled_dump: Vec<Signal<Local, Bit>>,
    place: Vec<Sig<Local>>,
    opens: Vec<Signal<Local, Bit>>,
    waits: Vec<Signal<Local, Bit>>,
    idle: Const,
    head: Const,
    first: Const,
    second: Const,
    third: Const,
    fetch: Const,
    settle: Const,
    ready: Const,
    body_words: Const,
    count: Const,
    fetch_cycles: Const,
    cycle_words: Const,
    result_header: Const,
    dump_header: Const,
    source_shift: Const,
    slot_bits: Const,
    lanes: Const,
    slots: Const,
    source_stream: Const,
    source_spikes: Const,
    zero: Const,
    one: Const,
    two: Const,
    three: Const,
    four: Const,
    five: Const,
    post_bits: Vec<Const>,
    posts: Vec<Const>,
    beat_mask: Vec<Const>,
    _lanes: usize,
    _spills: usize,
}

impl Sender {
    /// The sender of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let l = array.lanes;
        let state = |v: i64| Const::new(u(4), v);
        let spills = array.spill_depth.min(1);
        let spill = |ty: Ty, v: i64| (0..spills).map(|_| Const::new(ty, v)).collect();
        Self {
            doc: doc!("sender.rs", Sender),
            clk: Default::default(),
            clear: Default::default(),
            m_axis_tdata: Sig::new(u(32)),
            m_axis_tvalid: Default::default(),
            m_axis_tlast: Default::default(),
            m_axis_tready: Default::default(),
            start_result: Default::default(),
            start_dump: Default::default(),
            sequence: Sig::new(u(32)),
            index: Sig::new(u(16)),
            class: Sig::new(u(12)),
            classes: Sig::new(u(12)),
            logit_address: Sig::new(u(12)),
            logit: Sig::new(s(32)),
            cycle_write: Default::default(),
            cycle_address: Sig::new(u(16)),
            cycle_data: Sig::new(u(32)),
            source: Sig::new(u(2)),
            scalars: Default::default(),
            base: Sig::new(u(20)),
            length: Sig::new(u(20)),
            timesteps: Sig::new(u(5)),
            read_address: Sig::new(u(20)),
            read_slot: Sig::new(u(6)),
            code_word: Sig::new(u(9)),
            spike_word: Sig::new(u(l)),
            stream_word: (0..l).map(|_| Sig::new(u(16))).collect(),
            sum: Sig::new(s(40)),
            max: Sig::new(s(16)),
            scalar_index: Sig::new(u(4)),
            scalar: Sig::new(s(16)),
            spilled: vec![Default::default(); spills],
            keeps: vec![Default::default(); spills],
            maps_ready: vec![Default::default(); spills],
            maps_claim: vec![Default::default(); spills],
            pop: vec![Default::default(); spills],
            put_back: vec![Default::default(); spills],
            reading: Default::default(),
            words: Sig::new(u(32)),
            done: Default::default(),
            logit_used: Optional::new(array.parity, Default::default),
            word_used: Optional::new(array.parity, Default::default),
            wrong: Optional::new(array.parity, Default::default),
            guard: Optional::new(array.parity, || Guard::new(&[u(32)], 1)),
            cycles: Ram::guarded(1, u(32), array.instr_depth, array.parity),
            state: Dff::new(u(4)),
            is_result: Dff::new(u(1)),
            word: Dff::new(u(20)),
            slot: Dff::new(u(6)),
            lane: Dff::new(u(5)),
            reads: Dff::new(u(1)),
            address: Dff::new(u(20)),
            next_valid: Dff::new(u(1)),
            next_is_dump: Dff::new(u(1)),
            next_last: Dff::new(u(1)),
            next_value: Dff::new(u(32)),
            next_code: Dff::new(u(9)),
            next_spikes: Dff::new(u(l)),
            next_stream: Dff::new(u(16)),
            valid: Dff::new(u(1)),
            data: Dff::new(u(32)),
            last: Dff::new(u(1)),
            free: Default::default(),
            offer: Default::default(),
            value: Sig::new(u(32)),
            is_last: Default::default(),
            following: Sig::new(u(32)),
            dump_words: Sig::new(u(32)),
            is_stream: Default::default(),
            scalar_count: Sig::new(u(6)),
            next_word: Sig::new(u(20)),
            next_slot: Sig::new(u(7)),
            next_lane: Sig::new(u(5)),
            lane_ends: Default::default(),
            slot_ends: Default::default(),
            region_ends: Default::default(),
            lane_word: Sig::new(u(16)),
            scalar_word: Sig::new(u(32)),
            is_dump: Default::default(),
            spilled_dump: vec![Default::default(); spills],
            place: (0..spills).map(|_| Sig::new(u(6))).collect(),
            opens: vec![Default::default(); spills],
            waits: vec![Default::default(); spills],
            idle: state(0),
            head: state(1),
            first: state(2),
            second: state(3),
            third: state(4),
            fetch: state(5),
            body_words: state(6),
            count: state(7),
            fetch_cycles: state(8),
            cycle_words: state(9),
            settle: state(10),
            ready: state(11),
            result_header: Const::new(u(32), i64::from(RESULT) << 24),
            dump_header: Const::new(u(32), i64::from(DUMP) << 24),
            source_shift: Const::new(u(5), 16),
            slot_bits: Const::new(u(3), i64::from(array.ci.ilog2())),
            lanes: Const::new(u(5), l as i64),
            slots: Const::new(u(7), array.ci as i64),
            source_stream: Const::new(u(2), Source::Stream as i64),
            source_spikes: Const::new(u(2), Source::Spikes as i64),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            two: Const::new(u(2), 2),
            three: Const::new(u(2), 3),
            four: Const::new(u(3), 4),
            five: Const::new(u(3), 5),
            post_bits: spill(u(3), i64::from(array.post.ilog2())),
            posts: spill(u(7), array.post as i64),
            beat_mask: spill(u(6), array.beats(false) as i64 - 1),
            _lanes: l,
            _spills: spills,
        }
    }
}

impl Logic for Sender {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state, is_result, word, slot, lane, reads, address, valid, data, last);
        dff_setup!(
            self,
            clk,
            next_valid,
            next_is_dump,
            next_last,
            next_value,
            next_code,
            next_spikes,
            next_stream
        );
        self.cycles.clock.next = self.clk.val();
        self.cycles.write.next = self.cycle_write.val();
        self.cycles.write_address.next = self.cycle_address.val();
        self.cycles.write_data[0].next = self.cycle_data.val();
        self.cycles.read_address.next = self.word.q.val();
        self.logit_address.next = self.word.q.val();
        self.address.d.next = self.base.val() + self.word.q.val();
        self.read_address.next = self.address.q.val();
        self.read_slot.next = self.slot.q.val();
        self.scalar_index.next = self.word.q.val() - self.three.val();
        self.reads.d.next =
            ((self.state.q.val() != self.idle.val()) & !self.is_result.q.val().get_bit(0)).into();
        self.reading.next = self.reads.q.val().get_bit(0);

        // How many words follow.
        self.is_stream.next = self.source.val() == self.source_stream.val();
        self.scalar_count.next = self.timesteps.val() + self.three.val();
        self.dump_words.next = self.length.val() << self.slot_bits.val();
        for p in 0..self._spills {
            if self.spilled[p].val() {
                self.dump_words.next = self.length.val() << self.post_bits[p].val();
            }
        }
        self.following.next = self.dump_words.val();
        if self.is_stream.val() {
            self.following.next = self.dump_words.val() * self.lanes.val();
        }
        if self.scalars.val() {
            self.following.next = self.scalar_count.val();
        }

        self.words.next = self.following.val() + self.four.val();
        if self.is_result.q.val().get_bit(0) {
            self.words.next = self.classes.val() + self.index.val() + self.five.val();
        }

        // Position in the body: word address, slot, lane; or just a word number.
        self.next_word.next = self.word.q.val() + self.one.val();
        self.next_slot.next = self.slot.q.val() + self.one.val();
        self.next_lane.next = self.lane.q.val() + self.one.val();
        self.lane_ends.next = !self.is_stream.val() | (self.next_lane.val() == self.lanes.val());
        self.slot_ends.next = self.lane_ends.val() & (self.next_slot.val() == self.slots.val());
        for p in 0..self._spills {
            if self.spilled[p].val() {
                self.slot_ends.next = self.lane_ends.val() & (self.next_slot.val() == self.posts[p].val());
            }
        }
        self.region_ends.next = self.next_word.val() == self.length.val();
        if self.scalars.val() {
            self.region_ends.next = self.next_word.val() == self.scalar_count.val();
        }
        if self.is_result.q.val().get_bit(0) {
            self.region_ends.next = self.next_word.val() == self.classes.val();
        }

        // The body's word.
        self.lane_word.next = 0.into();
        for l in 0..self._lanes {
            if self.lane.q.val() == l.into() {
                self.lane_word.next = self.stream_word[l].val();
            }
        }
        self.scalar_word.next = self.scalar.val().get_bits::<16>(0);
        if self.word.q.val() == self.zero.val() {
            self.scalar_word.next = self.sum.val().get_bits::<32>(0);
        }
        if self.word.q.val() == self.one.val() {
            self.scalar_word.next = self.sum.val().get_bits::<8>(32);
        }
        if self.word.q.val() == self.two.val() {
            self.scalar_word.next = self.max.val().get_bits::<16>(0);
        }
        self.is_dump.next = !self.scalars.val() & !self.is_result.q.val().get_bit(0);
        for p in 0..self.guard.count() {
            self.logit_used[p].next =
                (self.state.q.val() == self.body_words.val()) & self.is_result.q.val().get_bit(0);
            self.word_used[p].next = (self.state.q.val() == self.body_words.val()) & self.is_dump.val();
            for q in 0..self._spills {
                if self.spilled[q].val() {
                    self.word_used[p].next = false;
                }
            }
            self.guard[p].clk.next = self.clk.val();
            self.guard[p].word[0].next = self.cycles.read_data[0].val();
            self.guard[p].parity[0].next = self.cycles.parity[p].val();
            self.guard[p].counts.next = self.state.q.val() == self.cycle_words.val();
            self.wrong[p].next = self.guard[p].wrong.val();
        }

        // One word a cycle through both registers, when the second is free.
        self.free.next = !self.valid.q.val().get_bit(0) | self.m_axis_tready.val();
        self.offer.next = false;
        self.is_last.next = false;
        self.value.next = 0.into();
        if self.state.q.val() == self.head.val() {
            self.offer.next = true;
            self.value.next = self.dump_header.val() + (self.source.val() << self.source_shift.val());
            if self.is_result.q.val().get_bit(0) {
                self.value.next =
                    self.result_header.val() + self.classes.val() + self.index.val() + self.four.val();
            }
        }
        if self.state.q.val() == self.first.val() {
            self.offer.next = true;
            self.value.next = self.sequence.val();
        }
        if self.state.q.val() == self.second.val() {
            self.offer.next = true;
            self.value.next = self.index.val();
            if self.is_result.q.val().get_bit(0) {
                self.value.next = self.class.val();
            }
        }
        if self.state.q.val() == self.third.val() {
            self.offer.next = true;
            self.value.next = self.following.val();
            if self.is_result.q.val().get_bit(0) {
                self.value.next = self.classes.val();
            }
        }
        if self.state.q.val() == self.body_words.val() {
            self.offer.next = true;
            self.value.next = self.logit.val();
            if self.scalars.val() & !self.is_result.q.val().get_bit(0) {
                self.value.next = self.scalar_word.val();
            }
            self.is_last.next = !self.is_result.q.val().get_bit(0)
                & self.region_ends.val()
                & (self.slot_ends.val() | self.scalars.val());
        }
        if self.state.q.val() == self.count.val() {
            self.offer.next = true;
            self.value.next = self.index.val();
        }
        if self.state.q.val() == self.cycle_words.val() {
            self.offer.next = true;
            self.value.next = self.cycles.read_data[0].val();
            self.is_last.next = self.next_word.val() == self.index.val();
        }

        self.done.next =
            self.free.val() & self.next_valid.q.val().get_bit(0) & self.next_last.q.val().get_bit(0);
        if self.free.val() {
            self.valid.d.next = self.next_valid.q.val();
            self.last.d.next = self.next_last.q.val();
            self.data.d.next = self.next_value.q.val();
            if self.next_is_dump.q.val().get_bit(0) {
                self.data.d.next = self.next_code.q.val();
                if self.source.val() == self.source_spikes.val() {
                    self.data.d.next = self.next_spikes.q.val();
                }
                if self.is_stream.val() {
                    self.data.d.next = self.next_stream.q.val();
                }
            }
            self.next_valid.d.next = self.offer.val().into();
            self.next_last.d.next = self.is_last.val().into();
            self.next_value.d.next = self.value.val();
            self.next_is_dump.d.next =
                ((self.state.q.val() == self.body_words.val()) & self.is_dump.val()).into();
            self.next_code.d.next = self.code_word.val();
            self.next_spikes.d.next = self.spike_word.val();
            self.next_stream.d.next = self.lane_word.val();
            if self.offer.val() {
                if self.state.q.val() == self.head.val() {
                    self.state.d.next = self.first.val();
                }
                if self.state.q.val() == self.first.val() {
                    self.state.d.next = self.second.val();
                }
                if self.state.q.val() == self.second.val() {
                    self.state.d.next = self.third.val();
                }
                if self.state.q.val() == self.third.val() {
                    self.state.d.next = self.fetch.val();
                }
                if self.state.q.val() == self.count.val() {
                    self.word.d.next = 0.into();
                    self.state.d.next = self.fetch_cycles.val();
                }
                if self.state.q.val() == self.cycle_words.val() {
                    self.word.d.next = self.next_word.val();
                    self.state.d.next = self.fetch_cycles.val();
                }
                if self.state.q.val() == self.body_words.val() {
                    self.lane.d.next = self.next_lane.val();
                    if self.lane_ends.val() {
                        self.lane.d.next = 0.into();
                        self.slot.d.next = self.next_slot.val();
                    }
                    if self.slot_ends.val() | self.scalars.val() | self.is_result.q.val().get_bit(0) {
                        self.lane.d.next = 0.into();
                        self.slot.d.next = 0.into();
                        self.word.d.next = self.next_word.val();
                        self.state.d.next = self.fetch.val();
                        if self.region_ends.val() {
                            self.state.d.next = self.count.val();
                        }
                    }
                }
            }
        }
        if self.state.q.val() == self.fetch.val() {
            self.state.d.next = self.body_words.val();
            if self.is_dump.val() {
                self.state.d.next = self.settle.val();
            }
        }
        // A burst of a spilled map is taken when it is there, then beat by beat.
        for p in 0..self._spills {
            self.spilled_dump[p].next = self.spilled[p].val() & self.is_dump.val();
            self.place[p].next = self.word.q.val() & self.beat_mask[p].val();
            self.opens[p].next = (self.state.q.val() == self.fetch.val())
                & self.spilled_dump[p].val()
                & (self.place[p].val() == self.zero.val());
            self.waits[p].next = self.opens[p].val() & !self.maps_ready[p].val();
            self.maps_claim[p].next = self.opens[p].val() & self.maps_ready[p].val();
            self.pop[p].next =
                (self.state.q.val() == self.fetch.val()) & self.spilled_dump[p].val() & !self.waits[p].val();
            if self.waits[p].val() {
                self.state.d.next = self.fetch.val();
            }
            self.put_back[p].next = (self.state.q.val() == self.body_words.val())
                & self.free.val()
                & self.slot_ends.val()
                & self.spilled_dump[p].val()
                & self.keeps[p].val();
        }
        if self.state.q.val() == self.settle.val() {
            self.state.d.next = self.ready.val();
        }
        if self.state.q.val() == self.ready.val() {
            self.state.d.next = self.body_words.val();
        }
        if self.state.q.val() == self.fetch_cycles.val() {
            self.state.d.next = self.cycle_words.val();
        }
        if self.free.val() & self.is_last.val() {
            self.state.d.next = self.idle.val();
        }
        if self.start_result.val() | self.start_dump.val() {
            self.state.d.next = self.head.val();
            self.is_result.d.next = self.start_result.val().into();
            self.word.d.next = 0.into();
            self.slot.d.next = 0.into();
            self.lane.d.next = 0.into();
        }
        if self.clear.val() {
            self.state.d.next = self.idle.val();
            self.next_valid.d.next = 0.into();
            self.valid.d.next = 0.into();
        }
        self.m_axis_tdata.next = self.data.q.val();
        self.m_axis_tvalid.next = self.valid.q.val().get_bit(0);
        self.m_axis_tlast.next = self.last.q.val().get_bit(0);
    }
}
