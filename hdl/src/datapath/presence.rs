//! Zero-skipping: where the presence of the spikes written goes.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr;

use crate::lang::*;

/// A pixel's place in its channel group, in the half of the presence memory that is its map's.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, start | in | 1 | clock; a layer begins |
/// | write | in | 1 | spikes are written in this cycle |
/// | offset, group | in | 20, 10 | their offset in the map; their channel group, which never goes back in a layer |
/// | spike_base, out_group | in | | instruction fields |
/// | address | out | 20 | where their presence is written |
#[derive(LogicBlock)]
pub struct PresenceAddress {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub start: Signal<In, Bit>,
    pub write: Signal<In, Bit>,
    pub offset: Sig<In>,
    pub group: Sig<In>,
    pub spike_base: Sig<In>,
    pub out_group: Sig<In>,
    pub address: Sig<Out>,
    /// The group written last, and its offset.
    group_held: Dff,
    offset_held: Dff,
    group_offset: Sig<Local>,
    half: Const,
    zero: Const,
}

impl PresenceAddress {
    /// The unit of the given array, which skips.
    pub fn new(array: &ArrayConfig) -> Self {
        let f = |name: &str| Sig::new(u(instr::width(name)));
        Self {
            doc: doc!("presence.rs", PresenceAddress),
            clk: Default::default(),
            start: Default::default(),
            write: Default::default(),
            offset: Sig::new(u(20)),
            group: Sig::new(u(10)),
            spike_base: f("spike_base"),
            out_group: f("out_group"),
            address: Sig::new(u(20)),
            group_held: Dff::new(u(10)),
            offset_held: Dff::new(u(20)),
            group_offset: Sig::new(u(20)),
            half: Const::new(u(20), array.presence_depth as i64 / 2),
            zero: Const::new(u(1), 0),
        }
    }
}

impl Logic for PresenceAddress {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, group_held, offset_held);
        self.group_offset.next = self.offset_held.q.val();
        if self.group.val() != self.group_held.q.val() {
            self.group_offset.next = self.offset_held.q.val() + self.out_group.val();
        }
        if self.write.val() {
            self.group_held.d.next = self.group.val();
            self.offset_held.d.next = self.group_offset.val();
        }
        if self.start.val() {
            self.group_held.d.next = 0.into();
            self.offset_held.d.next = 0.into();
        }
        self.address.next = self.offset.val() - self.group_offset.val();
        if self.spike_base.val() != self.zero.val() {
            self.address.next = self.offset.val() - self.group_offset.val() + self.half.val();
        }
    }
}
