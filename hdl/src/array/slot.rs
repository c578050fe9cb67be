//! One input channel slot: its code, spike and stream memory, and the selection of the operand bits.
//!
//! Channel c of a map lives in slot `c % CI`. In dense mode all slots get the same read address; every slot has its
//! own port, so that slots can later walk lists of their own.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr;
use spikegate_contract::network::IMAGE_CODE_BITS;

use crate::array::operand::code_bits;
use crate::lang::*;
use crate::parts::guard::Guard;

/// Memories and operand select of one slot.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk | in | 1 | clock |
/// | row | in | 6 | constant: slot number / R |
/// | code_address, spike_address, stream_address | in | 20 | read addresses, cycle i |
/// | code_word, spike_word, stream_word_l | out | 9, L, 16 | memory words, cycle i+2 |
/// | serve | in | 1 | the words addressed are operands; otherwise the operand bits are 0. Cycle i |
/// | presence_address | in | 20 | pixel whose channel groups are asked for, cycle i |
/// | present | out | G | its groups whose spike word is not zero, cycle i+1 |
/// | code_mask_l, stream_mask_l, spike_mask | in | C, 16, L | operand bits of the words, from [`Operand`]; cycle i+2 |
/// | bits | out | L | operand bits, cycle i+3 |
/// | post_row | in | 6 | row that the post lane writes (its channel's slot / R) |
/// | code_write, patch_write | in | 1 | write by the post lane; by the patch writer, never both |
/// | code_write_address, code_data | in | 20, 9 | of either |
/// | write_row | in | 6 | row of the spike and stream writes |
/// | spike_write, spike_write_address, spike_data | in | 1, 20, L | write by the post lane |
/// | spike_moved | in | 1 | write in any row |
/// | presence_group, presence_write_address | in | 10, 20 | channel group and pixel of the spike write |
/// | used | out | 1 | with parity: a word of cycle i+2 is an operand |
/// | code_used, spike_used, stream_used | in | 1 | where the memory has parity: its word of cycle i+2 is in use |
/// | wrong | out | 1 | with parity: a word in use has flipped, a cycle later |
/// | stream_write, stream_write_address, stream_data_l | in | 1, 20, 16 | write by the post lane |
///
/// [`Operand`]: crate::array::operand::Operand
///
/// Addresses beyond a memory's depth wrap: the planner never makes them.
#[derive(LogicBlock)]
pub struct Slot {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub row: Sig<In>,
    pub code_address: Sig<In>,
    pub spike_address: Sig<In>,
    pub stream_address: Sig<In>,
    pub code_word: Sig<Out>,
    pub spike_word: Sig<Out>,
    pub stream_word: Vec<Sig<Out>>,
    pub serve: Signal<In, Bit>,
    pub presence_address: Vec<Sig<In>>,
    pub present: Vec<Sig<Out>>,
    pub code_mask: Vec<Sig<In>>,
    pub stream_mask: Vec<Sig<In>>,
    pub spike_mask: Sig<In>,
    pub bits: Sig<Out>,
    pub post_row: Sig<In>,
    pub code_write: Signal<In, Bit>,
    pub code_write_address: Sig<In>,
    pub code_data: Sig<In>,
    pub patch_write: Signal<In, Bit>,
    pub write_row: Sig<In>,
    pub spike_write: Signal<In, Bit>,
    pub spike_write_address: Sig<In>,
    pub spike_data: Sig<In>,
    pub spike_moved: Optional<Signal<In, Bit>>,
    pub presence_group: Vec<Sig<In>>,
    pub presence_write_address: Vec<Sig<In>>,
    pub stream_write: Signal<In, Bit>,
    pub stream_write_address: Sig<In>,
    pub stream_data: Vec<Sig<In>>,
    pub used: Optional<Signal<Out, Bit>>,
    pub code_used: Optional<Signal<In, Bit>>,
    pub spike_used: Optional<Signal<In, Bit>>,
    pub stream_used: Optional<Signal<In, Bit>>,
    pub wrong: Optional<Signal<Out, Bit>>,
    code_guard: Optional<Guard>,
    spike_guard: Optional<Guard>,
    stream_guard: Optional<Guard>,
    code_parity: Optional<Dff>,
    spike_parity: Optional<Dff>,
    stream_parity: Optional<Dff>,
    code_wrong: Optional<Signal<Local, Bit>>,
    spike_wrong: Optional<Signal<Local, Bit>>,
    stream_wrong: Optional<Signal<Local, Bit>>,
    code: Ram,
    spike: Ram,
    stream: Ram,
    presence: Vec<Ram>,
    code_held: Dff,
    spike_held: Dff,
    stream_held: Vec<Dff>,
    serves: Dff,
    served: Dff,
    spike_hit: Signal<Local, Bit>,
    not_zero: Sig<Local>,
    present_joined: Vec<Sig<Local>>,
    code_hit: Signal<Local, Bit>,
    extended: Sig<Local>,
    code_hits: Vec<Sig<Local>>,
    stream_hits: Vec<Sig<Local>>,
    spike_hits: Sig<Local>,
    selected: Vec<Sig<Local>>,
    joined: Vec<Sig<Local>>,
    held: Dff,
    zero: Const,
    one: Const,
    _lanes: usize,
    _joined: usize,
    _ports: usize,
    _groups: usize,
    _groups_end: usize,
}

impl Slot {
    /// A slot of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let l = array.lanes;
        let groups = array.skip_groups;
        let [codes, spikes, streams] = [array.guards_codes(), array.guards_spikes(), array.guards_streams()];
        let bit = || Dff::new(u(1));
        let ports = groups.min(1);
        let address = || Sig::new(u(instr::width("source_base")));
        let code = code_bits(array);
        Self {
            doc: doc!("slot.rs", Slot),
            clk: Default::default(),
            row: Sig::new(u(6)),
            code_address: address(),
            spike_address: address(),
            stream_address: address(),
            code_word: Sig::new(s(IMAGE_CODE_BITS)),
            spike_word: Sig::new(u(l)),
            stream_word: (0..l).map(|_| Sig::new(s(16))).collect(),
            serve: Default::default(),
            presence_address: (0..ports).map(|_| address()).collect(),
            present: (0..ports).map(|_| Sig::new(u(groups))).collect(),
            code_mask: (0..l).map(|_| Sig::new(u(code))).collect(),
            stream_mask: (0..array.lanes).map(|_| Sig::new(u(16))).collect(),
            spike_mask: Sig::new(u(l)),
            bits: Sig::new(u(l)),
            post_row: Sig::new(u(6)),
            code_write: Default::default(),
            code_write_address: address(),
            code_data: Sig::new(s(IMAGE_CODE_BITS)),
            patch_write: Default::default(),
            write_row: Sig::new(u(6)),
            spike_write: Default::default(),
            spike_write_address: address(),
            spike_data: Sig::new(u(l)),
            spike_moved: Optional::new(array.moves, Default::default),
            presence_group: (0..ports).map(|_| Sig::new(u(10))).collect(),
            presence_write_address: (0..ports).map(|_| address()).collect(),
            stream_write: Default::default(),
            stream_write_address: address(),
            stream_data: (0..l).map(|_| Sig::new(s(16))).collect(),
            used: Optional::new(array.parity, Default::default),
            code_used: Optional::new(codes, Default::default),
            spike_used: Optional::new(spikes, Default::default),
            stream_used: Optional::new(streams, Default::default),
            wrong: Optional::new(array.parity, Default::default),
            code_guard: Optional::new(codes, || Guard::new(&[s(IMAGE_CODE_BITS)], 1)),
            spike_guard: Optional::new(spikes, || Guard::new(&[u(l)], 1)),
            stream_guard: Optional::new(streams, || Guard::new(&vec![s(16); l], 1)),
            code_parity: Optional::new(codes, bit),
            spike_parity: Optional::new(spikes, bit),
            stream_parity: Optional::new(streams, bit),
            code_wrong: Optional::new(array.parity, Default::default),
            spike_wrong: Optional::new(array.parity, Default::default),
            stream_wrong: Optional::new(array.parity, Default::default),
            code: Ram::guarded(1, s(IMAGE_CODE_BITS), array.code_depth, codes),
            spike: Ram::guarded(1, u(l), array.spike_depth, spikes),
            stream: Ram::guarded(l, s(16), array.stream_depth, streams),
            presence: (0..groups).map(|_| Ram::new(1, u(1), array.presence_depth)).collect(),
            code_held: Dff::new(s(IMAGE_CODE_BITS)),
            spike_held: Dff::new(u(l)),
            stream_held: (0..l).map(|_| Dff::new(s(16))).collect(),
            serves: Dff::new(u(1)),
            served: Dff::new(u(1)),
            spike_hit: Default::default(),
            not_zero: Sig::new(u(1)),
            present_joined: (0..if ports > 0 { groups + 1 } else { 0 })
                .map(|_| Sig::new(u(groups)))
                .collect(),
            code_hit: Default::default(),
            extended: Sig::new(s(code)),
            code_hits: (0..l).map(|_| Sig::new(u(code))).collect(),
            stream_hits: (0..l).map(|_| Sig::new(u(16))).collect(),
            spike_hits: Sig::new(u(l)),
            selected: (0..l).map(|_| Sig::new(u(1))).collect(),
            joined: (0..l + 1).map(|_| Sig::new(u(l))).collect(),
            held: Dff::new(u(l)),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            _lanes: l,
            _joined: l + 1,
            _ports: ports,
            _groups: groups,
            _groups_end: groups + 1,
        }
    }
}

impl Logic for Slot {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, code_held, spike_held, held, serves, served);
        self.code.clock.next = self.clk.val();
        self.spike.clock.next = self.clk.val();
        self.stream.clock.next = self.clk.val();

        // Reads.
        self.code.read_address.next = self.code_address.val();
        self.spike.read_address.next = self.spike_address.val();
        self.stream.read_address.next = self.stream_address.val();

        // The words are held first: a block memory takes half a cycle to give them.
        self.code_word.next = self.code_held.q.val();
        self.spike_word.next = self.spike_held.q.val();
        for l in 0..self._lanes {
            self.stream_word[l].next = self.stream_held[l].q.val();
        }

        // Operand bits: a plane of a code, a spike word, or one plane of every timestep's stream value.
        self.code_held.d.next = self.code.read_data[0].val();
        self.spike_held.d.next = self.spike.read_data[0].val();
        self.extended.next = self.code_held.q.val();
        self.spike_hits.next = self.spike_held.q.val() & self.spike_mask.val();
        for l in 0..self._lanes {
            self.code_hits[l].next = self.extended.val() & self.code_mask[l].val();
            self.stream_held[l].clock.next = self.clk.val();
            self.stream_held[l].d.next = self.stream.read_data[l].val();
            self.stream_hits[l].next = self.stream_held[l].q.val() & self.stream_mask[l].val();
            self.selected[l].next = 0.into();
            if self.spike_hits.val().get_bit(l)
                | (self.code_hits[l].val() != self.zero.val())
                | (self.stream_hits[l].val() != self.zero.val())
            {
                self.selected[l].next = self.one.val();
            }
        }
        self.joined[0].next = 0.into();
        for l in 0..self._lanes {
            self.joined[l + 1].next = self.joined[l].val() | (self.selected[l].val() << l.into());
        }
        self.serves.d.next = self.serve.val().into();
        self.served.d.next = self.serves.q.val();
        for p in 0..self.used.count() {
            self.used[p].next = self.served.q.val().get_bit(0);
        }
        self.held.d.next = 0.into();
        for l in self._lanes..self._joined {
            if self.served.q.val().get_bit(0) {
                self.held.d.next = self.joined[l].val();
            }
        }
        self.bits.next = self.held.q.val();

        // Words that have flipped.
        for p in 0..self.wrong.count() {
            self.code_wrong[p].next = false;
            self.spike_wrong[p].next = false;
            self.stream_wrong[p].next = false;
        }
        for p in 0..self.code_guard.count() {
            self.code_parity[p].clock.next = self.clk.val();
            self.code_parity[p].d.next = self.code.parity[p].val();
            self.code_guard[p].clk.next = self.clk.val();
            self.code_guard[p].word[0].next = self.code_held.q.val();
            self.code_guard[p].parity[0].next = self.code_parity[p].q.val();
            self.code_guard[p].counts.next = self.code_used[p].val();
            self.code_wrong[p].next = self.code_guard[p].wrong.val();
        }
        for p in 0..self.spike_guard.count() {
            self.spike_parity[p].clock.next = self.clk.val();
            self.spike_parity[p].d.next = self.spike.parity[p].val();
            self.spike_guard[p].clk.next = self.clk.val();
            self.spike_guard[p].word[0].next = self.spike_held.q.val();
            self.spike_guard[p].parity[0].next = self.spike_parity[p].q.val();
            self.spike_guard[p].counts.next = self.spike_used[p].val();
            self.spike_wrong[p].next = self.spike_guard[p].wrong.val();
        }
        for p in 0..self.stream_guard.count() {
            self.stream_parity[p].clock.next = self.clk.val();
            self.stream_parity[p].d.next = self.stream.parity[p].val();
            self.stream_guard[p].clk.next = self.clk.val();
            for l in 0..self._lanes {
                self.stream_guard[p].word[l].next = self.stream_held[l].q.val();
            }
            self.stream_guard[p].parity[0].next = self.stream_parity[p].q.val();
            self.stream_guard[p].counts.next = self.stream_used[p].val();
            self.stream_wrong[p].next = self.stream_guard[p].wrong.val();
        }
        for p in 0..self.wrong.count() {
            self.wrong[p].next =
                self.code_wrong[p].val() | self.spike_wrong[p].val() | self.stream_wrong[p].val();
        }

        // Writes.
        self.code_hit.next = self.code_write.val() & (self.post_row.val() == self.row.val());
        self.code.write.next = self.code_hit.val() | self.patch_write.val();
        self.code.write_address.next = self.code_write_address.val();
        self.code.write_data[0].next = self.code_data.val();
        self.spike_hit.next = self.spike_write.val() & (self.write_row.val() == self.row.val());
        self.spike.write.next = self.spike_hit.val();
        for p in 0..self.spike_moved.count() {
            if self.spike_moved[p].val() {
                self.spike.write.next = true;
            }
        }
        self.spike.write_address.next = self.spike_write_address.val();
        self.spike.write_data[0].next = self.spike_data.val();
        // Presence: a bit per channel group, written with the group's spike word. Rows are written in order, so a write
        // also clears the later rows' bits: the last of them may not exist, and keep what an earlier map left.
        self.not_zero.next = 0.into();
        if self.spike_hit.val() & (self.spike_data.val() != self.zero.val()) {
            self.not_zero.next = 1.into();
        }
        for p in 0..self._ports {
            self.present_joined[0].next = 0.into();
            for g in 0..self._groups {
                self.presence[g].clock.next = self.clk.val();
                self.presence[g].read_address.next = self.presence_address[p].val();
                self.presence[g].write.next = self.spike_write.val()
                    & (self.write_row.val() <= self.row.val())
                    & (self.presence_group[p].val() == g.into());
                self.presence[g].write_address.next = self.presence_write_address[p].val();
                self.presence[g].write_data[0].next = self.not_zero.val();
                self.present_joined[g + 1].next =
                    self.present_joined[g].val() | (self.presence[g].read_data[0].val() << g.into());
            }
            for g in self._groups..self._groups_end {
                self.present[p].next = self.present_joined[g].val();
            }
        }
        self.stream.write.next = self.stream_write.val() & (self.write_row.val() == self.row.val());
        self.stream.write_address.next = self.stream_write_address.val();
        for l in 0..self._lanes {
            self.stream.write_data[l].next = self.stream_data[l].val();
        }
    }
}
