//! Zero-skipping: each slot serves only its non-zero spike words of a window.

use spikegate_contract::array::{ArrayConfig, SKIP_QUEUE};

use crate::lang::*;

/// The list of one slot. The window unit gives one tap a cycle, with a bit per channel group that says whether the
/// slot's spike word there is not zero; taps without any are dropped, the others queue. From the head of the queue one
/// word a cycle is served, as long as it belongs to the sum that all slots are working on.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | push, push_parity | in | 1 | a tap, and whether its sum is an odd one; cycle i+1 |
/// | push_address, push_weight | in | 20 | operand and weight address of the tap in channel group 0 |
/// | present | in | G | channel groups whose word is not zero |
/// | group_offset_g | in | 20 | words from channel group 0 to g |
/// | parity | in | 1 | whether the sum in work is an odd one |
/// | full | out | 1 | the window unit must stop: no more than two taps can be taken |
/// | valid | out | 1 | a word is served in this cycle |
/// | address, weight | out | 20 | its operand and weight address |
/// | more | out | 1 | the slot has further words of this sum (taps pushed two cycles ago included) |
#[derive(LogicBlock)]
pub struct SlotList {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub push: Signal<In, Bit>,
    pub push_parity: Signal<In, Bit>,
    pub push_address: Sig<In>,
    pub push_weight: Sig<In>,
    pub present: Sig<In>,
    pub group_offset: Vec<Sig<In>>,
    pub parity: Signal<In, Bit>,
    pub full: Signal<Out, Bit>,
    pub valid: Signal<Out, Bit>,
    pub address: Sig<Out>,
    pub weight: Sig<Out>,
    pub more: Signal<Out, Bit>,
    queue_address: Ram,
    queue_weight: Ram,
    queue_groups: Ram,
    queue_parity: Ram,
    write_pointer: Dff,
    read_pointer: Dff,
    head_valid: Dff,
    tap_address: Dff,
    tap_weight: Dff,
    groups: Dff,
    tap_parity: Dff,
    take: Signal<Local, Bit>,
    mine: Signal<Local, Bit>,
    load: Signal<Local, Bit>,
    head_mine: Signal<Local, Bit>,
    next_read: Sig<Local>,
    count: Sig<Local>,
    rest: Vec<Sig<Local>>,
    picked: Vec<Signal<Local, Bit>>,
    offset: Vec<Sig<Local>>,
    number: Vec<Sig<Local>>,
    after: Vec<Sig<Local>>,
    bit: Vec<Const>,
    parity_word: Sig<Local>,
    nearly_full: Const,
    zero: Const,
    one: Const,
    _groups: usize,
    _groups_end: usize,
}

impl SlotList {
    /// The list of a slot of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let g = array.skip_groups;
        let pointer = u(SKIP_QUEUE.ilog2() as usize + 1);
        Self {
            doc: doc!("skip.rs", SlotList),
            clk: Default::default(),
            clear: Default::default(),
            push: Default::default(),
            push_parity: Default::default(),
            push_address: Sig::new(u(20)),
            push_weight: Sig::new(u(20)),
            present: Sig::new(u(g)),
            group_offset: (0..g).map(|_| Sig::new(u(20))).collect(),
            parity: Default::default(),
            full: Default::default(),
            valid: Default::default(),
            address: Sig::new(u(20)),
            weight: Sig::new(u(20)),
            more: Default::default(),
            queue_address: Ram::new(1, u(20), SKIP_QUEUE),
            queue_weight: Ram::new(1, u(20), SKIP_QUEUE),
            queue_groups: Ram::new(1, u(g), SKIP_QUEUE),
            queue_parity: Ram::new(1, u(1), SKIP_QUEUE),
            write_pointer: Dff::new(pointer),
            read_pointer: Dff::new(pointer),
            head_valid: Dff::new(u(1)),
            tap_address: Dff::new(u(20)),
            tap_weight: Dff::new(u(20)),
            groups: Dff::new(u(g)),
            tap_parity: Dff::new(u(1)),
            take: Default::default(),
            mine: Default::default(),
            load: Default::default(),
            head_mine: Default::default(),
            next_read: Sig::new(pointer),
            count: Sig::new(pointer),
            rest: (0..g + 1).map(|_| Sig::new(u(g))).collect(),
            picked: vec![Default::default(); g],
            offset: (0..g + 1).map(|_| Sig::new(u(20))).collect(),
            number: (0..g + 1).map(|_| Sig::new(u(6))).collect(),
            after: (0..g + 1).map(|_| Sig::new(u(g))).collect(),
            bit: (0..g).map(|i| Const::new(u(g), 1 << i)).collect(),
            parity_word: Sig::new(u(1)),
            nearly_full: Const::new(pointer, SKIP_QUEUE as i64 - 2),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            _groups: g,
            _groups_end: g + 1,
        }
    }
}

impl Logic for SlotList {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            write_pointer,
            read_pointer,
            head_valid,
            tap_address,
            tap_weight,
            groups,
            tap_parity
        );
        // The tap in work: its lowest channel group is served.
        self.mine.next = (self.groups.q.val() != self.zero.val())
            & (self.tap_parity.q.val().get_bit(0) == self.parity.val());
        self.rest[0].next = self.groups.q.val();
        self.offset[0].next = 0.into();
        self.number[0].next = 0.into();
        self.after[0].next = 0.into();
        for g in 0..self._groups {
            // `rest` is empty behind the group that is picked.
            self.picked[g].next = self.rest[g].val().get_bit(g);
            self.rest[g + 1].next = self.rest[g].val();
            self.offset[g + 1].next = self.offset[g].val();
            self.number[g + 1].next = self.number[g].val();
            self.after[g + 1].next = self.after[g].val();
            if self.picked[g].val() {
                self.rest[g + 1].next = 0.into();
                self.offset[g + 1].next = self.group_offset[g].val();
                self.number[g + 1].next = g.into();
                self.after[g + 1].next = self.groups.q.val() - self.bit[g].val();
            }
        }
        self.valid.next = self.mine.val();
        self.load.next = self.head_valid.q.val().get_bit(0) & (self.groups.q.val() == self.zero.val());
        for g in self._groups..self._groups_end {
            self.address.next = self.tap_address.q.val() + self.offset[g].val();
            self.weight.next = self.tap_weight.q.val() + self.number[g].val();
            if self.mine.val() {
                self.groups.d.next = self.after[g].val();
                self.load.next =
                    self.head_valid.q.val().get_bit(0) & (self.after[g].val() == self.zero.val());
            }
        }
        self.head_mine.next = self.head_valid.q.val().get_bit(0)
            & (self.queue_parity.read_data[0].val().get_bit(0) == self.parity.val());
        self.more.next = self.head_mine.val();
        for g in self._groups..self._groups_end {
            if self.mine.val() & (self.after[g].val() != self.zero.val()) {
                self.more.next = true;
            }
        }
        self.next_read.next = self.read_pointer.q.val();
        if self.load.val() {
            self.next_read.next = self.read_pointer.q.val() + self.one.val();
        }
        // Queue. The memories show the word of the cycle before's read address, so that is already the next head's.
        self.take.next = self.push.val() & (self.present.val() != self.zero.val());
        self.parity_word.next = self.push_parity.val().into();
        self.queue_address.clock.next = self.clk.val();
        self.queue_address.write.next = self.take.val();
        self.queue_address.write_address.next = self.write_pointer.q.val();
        self.queue_address.write_data[0].next = self.push_address.val();
        self.queue_address.read_address.next = self.next_read.val();
        self.queue_weight.clock.next = self.clk.val();
        self.queue_weight.write.next = self.take.val();
        self.queue_weight.write_address.next = self.write_pointer.q.val();
        self.queue_weight.write_data[0].next = self.push_weight.val();
        self.queue_weight.read_address.next = self.next_read.val();
        self.queue_groups.clock.next = self.clk.val();
        self.queue_groups.write.next = self.take.val();
        self.queue_groups.write_address.next = self.write_pointer.q.val();
        self.queue_groups.write_data[0].next = self.present.val();
        self.queue_groups.read_address.next = self.next_read.val();
        self.queue_parity.clock.next = self.clk.val();
        self.queue_parity.write.next = self.take.val();
        self.queue_parity.write_address.next = self.write_pointer.q.val();
        self.queue_parity.write_data[0].next = self.parity_word.val();
        self.queue_parity.read_address.next = self.next_read.val();
        if self.take.val() {
            self.write_pointer.d.next = self.write_pointer.q.val() + self.one.val();
        }
        self.count.next = self.write_pointer.q.val() - self.read_pointer.q.val();
        self.full.next = self.count.val() >= self.nearly_full.val();

        if self.load.val() {
            self.tap_address.d.next = self.queue_address.read_data[0].val();
            self.tap_weight.d.next = self.queue_weight.read_data[0].val();
            self.groups.d.next = self.queue_groups.read_data[0].val();
            self.tap_parity.d.next = self.queue_parity.read_data[0].val();
        }
        self.read_pointer.d.next = self.next_read.val();
        self.head_valid.d.next = 0.into();
        if self.next_read.val() != self.write_pointer.q.val() {
            self.head_valid.d.next = 1.into();
        }
        if self.clear.val() {
            self.write_pointer.d.next = 0.into();
            self.read_pointer.d.next = 0.into();
            self.head_valid.d.next = 0.into();
            self.groups.d.next = 0.into();
        }
    }
}
