//! Zero-skipping: the slots' lists stand between the taps and the memories, the scheduler before the sums.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr;
use spikegate_contract::timing::tap;

use crate::control::schedule::Schedule;
use crate::control::skip::SlotList;
use crate::control::sum::Sum;
use crate::control::tap::TapDelay;
use crate::lang::*;

/// What an array with zero-skipping has between the window unit and the slots.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset |
/// | on | in | 1 | the layer skips |
/// | walks, first, last | in | 1 | the window unit walks a tap; the first, the last of a sum; cycle i |
/// | address, weight | in | 20 | its operand and weight address in channel group 0, cycle i |
/// | sum | in | | the sum that it is of, cycle i |
/// | source_base, source_group, groups_in, drain_period | in | | instruction fields |
/// | presence_address | out | 20 | pixel whose channel groups are asked for, cycle i |
/// | present_s | in | G | groups of the slot whose word is not zero, cycle i+1 |
/// | full, open | out | 1 | no tap can be taken; a further sum may be begun |
/// | idle | out | 1 | no sum is begun and not ended |
/// | serves_s, address_of_s, weight_of_s | out | 1, 20, 20 | a slot serves a word; its operand address; its weight address |
/// | valid, ends | out | 1 | the sum in work takes a cycle; it ends |
/// | ended | out | | the sum that ends |
/// | stall | out | 1 | the sum waits for the post lanes |
#[derive(LogicBlock)]
pub struct Skipping {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub on: Signal<In, Bit>,
    pub walks: Signal<In, Bit>,
    pub first: Signal<In, Bit>,
    pub last: Signal<In, Bit>,
    pub address: Sig<In>,
    pub weight: Sig<In>,
    pub sum: Sum<In>,
    pub source_base: Sig<In>,
    pub source_group: Sig<In>,
    pub groups_in: Sig<In>,
    pub drain_period: Sig<In>,
    pub presence_address: Sig<Out>,
    pub present: Vec<Sig<In>>,
    pub full: Signal<Out, Bit>,
    pub open: Signal<Out, Bit>,
    pub idle: Signal<Out, Bit>,
    pub serves: Vec<Signal<Out, Bit>>,
    pub address_of: Vec<Sig<Out>>,
    pub weight_of: Vec<Sig<Out>>,
    pub valid: Signal<Out, Bit>,
    pub ends: Signal<Out, Bit>,
    pub ended: Sum<Out>,
    pub stall: Signal<Out, Bit>,
    tap: TapDelay,
    list: Vec<SlotList>,
    schedule: Schedule,
    group_offset: Vec<Sig<Local>>,
    group_mask: Sig<Local>,
    any_full: Vec<Signal<Local, Bit>>,
    any_more: Vec<Signal<Local, Bit>>,
    any_serves: Vec<Signal<Local, Bit>>,
    presence_half: Const,
    all_groups: Const,
    groups_up_to: Vec<Const>,
    zero: Const,
    _groups: usize,
    _slots: usize,
    _slots_end: usize,
}

impl Skipping {
    /// The unit of the given array, which skips.
    pub fn new(array: &ArrayConfig) -> Self {
        let (slots, groups) = (array.ci, array.skip_groups);
        let f = |name: &str| Sig::new(u(instr::width(name)));
        let addresses = || -> Vec<Sig<Out>> { (0..slots).map(|_| Sig::new(u(20))).collect() };
        let up_to = |g: usize| Const::new(u(groups), (2i64 << g) - 1);
        Self {
            doc: doc!("skipping.rs", Skipping),
            clk: Default::default(),
            clear: Default::default(),
            on: Default::default(),
            walks: Default::default(),
            first: Default::default(),
            last: Default::default(),
            address: Sig::new(u(20)),
            weight: Sig::new(u(20)),
            sum: Default::default(),
            source_base: f("source_base"),
            source_group: f("source_group"),
            groups_in: f("groups_in"),
            drain_period: f("drain_period"),
            presence_address: Sig::new(u(20)),
            present: (0..slots).map(|_| Sig::new(u(groups))).collect(),
            full: Default::default(),
            open: Default::default(),
            idle: Default::default(),
            serves: vec![Default::default(); slots],
            address_of: addresses(),
            weight_of: addresses(),
            valid: Default::default(),
            ends: Default::default(),
            ended: Default::default(),
            stall: Default::default(),
            tap: TapDelay::new(tap::PRESENCE - tap::WALKED),
            list: (0..slots).map(|_| SlotList::new(array)).collect(),
            schedule: Schedule::new(),
            group_offset: (0..groups + 1).map(|_| Sig::new(u(20))).collect(),
            group_mask: Sig::new(u(groups)),
            any_full: vec![Default::default(); slots + 1],
            any_more: vec![Default::default(); slots + 1],
            any_serves: vec![Default::default(); slots + 1],
            presence_half: Const::new(u(20), array.presence_depth as i64 / 2),
            all_groups: up_to(groups - 1),
            groups_up_to: (0..groups).map(up_to).collect(),
            zero: Const::new(u(1), 0),
            _groups: groups,
            _slots: slots,
            _slots_end: slots + 1,
        }
    }
}

impl Logic for Skipping {
    #[hdl_gen]
    fn update(&mut self) {
        // Where the groups of a map lie. Bits of groups that it does not have are another map's.
        self.group_offset[0].next = 0.into();
        self.group_mask.next = self.all_groups.val();
        for g in 0..self._groups {
            self.group_offset[g + 1].next = self.group_offset[g].val() + self.source_group.val();
            if self.groups_in.val() == g.into() {
                self.group_mask.next = self.groups_up_to[g].val();
            }
        }

        // Taps: presence of the pixel, in the half of its map.
        self.tap.clk.next = self.clk.val();
        self.tap.x.valid.next = (self.walks.val() & self.on.val()).into();
        self.tap.x.parity.next = self.schedule.tap_parity.val().into();
        self.tap.x.address.next = self.address.val();
        self.tap.x.weight.next = self.weight.val();
        self.presence_address.next = self.address.val();
        if self.source_base.val() != self.zero.val() {
            self.presence_address.next =
                self.address.val() - self.source_base.val() + self.presence_half.val();
        }

        // Lists.
        self.any_full[0].next = false;
        self.any_more[0].next = false;
        self.any_serves[0].next = false;
        for i in 0..self._slots {
            self.list[i].clk.next = self.clk.val();
            self.list[i].clear.next = self.clear.val();
            self.list[i].push.next = self.tap.y.valid.val().get_bit(0);
            self.list[i].push_parity.next = self.tap.y.parity.val().get_bit(0);
            self.list[i].push_address.next = self.tap.y.address.val();
            self.list[i].push_weight.next = self.tap.y.weight.val();
            self.list[i].present.next = self.present[i].val() & self.group_mask.val();
            self.list[i].parity.next = self.schedule.parity.val();
            for g in 0..self._groups {
                self.list[i].group_offset[g].next = self.group_offset[g].val();
            }
            self.serves[i].next = self.list[i].valid.val();
            self.address_of[i].next = self.list[i].address.val();
            self.weight_of[i].next = self.list[i].weight.val();
            self.any_full[i + 1].next = self.any_full[i].val() | self.list[i].full.val();
            self.any_more[i + 1].next = self.any_more[i].val() | self.list[i].more.val();
            self.any_serves[i + 1].next = self.any_serves[i].val() | self.list[i].valid.val();
        }

        // Sums.
        self.schedule.clk.next = self.clk.val();
        self.schedule.clear.next = self.clear.val();
        self.schedule.first_tap.next = self.on.val() & self.walks.val() & self.first.val();
        self.schedule.last_tap.next = self.on.val() & self.last.val();
        Sum::join(&mut self.sum, &mut self.schedule.sum);
        self.schedule.drain_period.next = self.drain_period.val();
        for i in self._slots..self._slots_end {
            self.full.next = self.any_full[i].val();
            self.schedule.more.next = self.any_more[i].val();
            self.schedule.serves.next = self.any_serves[i].val();
        }
        self.open.next = self.schedule.open.val();
        self.idle.next = self.schedule.idle.val();
        self.valid.next = self.schedule.valid.val();
        self.ends.next = self.schedule.last.val();
        self.stall.next = self.schedule.stall.val();
        Sum::join(&mut self.schedule.ended, &mut self.ended);
    }
}
