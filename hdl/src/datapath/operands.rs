//! The slots: what they read, what they serve, what is written to them.

use super::{Datapath, Operands};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Operands> for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, residual_address, gate_address);
        self.use_gate.next = self.decode.gate.val().get_bit(0);

        // The plane that a word is of, a cycle behind its address. A sum over time passes must leave out the lanes that the
        // last one does not have.
        self.plane.clk.next = self.clk.val();
        self.plane.x.next = self.window.plane.val();
        self.exists.clk.next = self.clk.val();
        self.exists.x.next = self.all_lanes.val();
        if self.sums_values.val() & self.window.final_group.val() {
            self.exists.x.next = self.decode.last_lanes.val();
        }
        self.operand.clk.next = self.clk.val();
        self.operand.source.next = self.decode.source.val();
        self.operand.plane.next = self.plane.y.val();
        self.operand.exists.next = self.exists.y.val();

        // Addresses of the memories: operands, or what the post lanes and the trace read between them. From an address
        // to a word that can be chosen are two cycles.
        self.residual_address.d.next =
            self.decode.residual_base.val() + self.beats.residual.time_offset.val();
        self.gate_address.d.next = self.decode.gate_base.val() + self.beats.stem.time_offset.val();
        self.code_address.next = self.window.address.val();
        self.spike_address.next = self.window.address.val();
        if self.use_gate.val() {
            self.spike_address.next = self.gate_address.q.val();
        }
        self.stream_address.next = self.residual_address.q.val();
        if self.is_stream.val() {
            self.stream_address.next = self.window.address.val();
        }
        if self.dump.val() {
            self.code_address.next = self.dump_address.val();
            self.spike_address.next = self.dump_address.val();
            self.stream_address.next = self.dump_address.val();
        }

        // Codes are written by beats, or by the patch writer between them.
        self.code_write.next =
            self.beats.code.valid.val().get_bit(0) & (self.decode.code_mode.val() != self.code_none.val());
        self.code_write_address.next = self.patch_address.val();
        if self.code_write.val() {
            self.code_write_address.next = self.decode.code_base.val() + self.beats.code.code_offset.val();
        }
        self.patch_grant.next = !self.code_write.val();

        // Slots. Channel and post lane: slot % R.
        for i in 0..self._slots {
            self.slot[i].clk.next = self.clk.val();
            self.slot[i].row.next = self.row_of[i].val();
            self.slot[i].code_address.next = self.code_address.val();
            self.slot[i].spike_address.next = self.spike_address.val();
            self.slot[i].stream_address.next = self.stream_address.val();
            self.slot[i].serve.next = self.window.valid.val();
            self.weight_address[i].clock.next = self.clk.val();
            self.weight_address[i].d.next = self.window.weight.val();
            for p in 0..self.packed.count() {
                self.weight_half[i].next = self.window.weight.val();
            }
            for p in 0..self.skipping.count() {
                self.slot[i].presence_group[p].next = self.write_back.place.group.val();
                self.slot[i].presence_write_address[p].next = self.presence[p].address.val();
                if self.skip_on.val() {
                    self.slot[i].spike_address.next = self.skipping[p].address_of[i].val();
                    self.slot[i].serve.next = self.skipping[p].serves[i].val();
                    self.weight_address[i].d.next = self.skipping[p].weight_of[i].val();
                    for h in 0..self.packed.count() {
                        self.weight_half[i].next = self.skipping[p].weight_of[i].val();
                    }
                }
            }
            // Two packed weight words lie in one.
            for p in 0..self.packed.count() {
                self.odd[i].clock.next = self.clk.val();
                self.odd[i].d.next = self.weight_half[i].val().get_bits::<1>(0);
                if self.packed[p].val() {
                    self.weight_address[i].d.next = self.weight_half[i].val() >> self.one.val();
                }
            }
            for l in 0..self._lanes {
                self.slot[i].code_mask[l].next = self.operand.code_mask[l].val();
                self.slot[i].stream_mask[l].next = self.operand.stream_mask[l].val();
            }
            self.slot[i].spike_mask.next = self.operand.spike_mask.val();
            self.slot[i].post_row.next = self.beats.code.row.val();
            self.slot[i].code_write.next = self.code_write.val();
            self.slot[i].code_write_address.next = self.code_write_address.val();
            self.slot[i].patch_write.next = self.patch_write.val()
                & !self.code_write.val()
                & (self.patch_slot.val() == self.slot_of[i].val());
            self.slot[i].code_data.next = self.patch_data.val();
            self.slot[i].write_row.next = self.write_back.place.row.val();
            self.slot[i].spike_write_address.next = self.write_back.spike_address.val();
            self.slot[i].stream_write_address.next = self.write_back.stream_address.val();
            self.slot[i].spike_write.next = false;
            self.slot[i].spike_data.next = 0.into();
            self.slot[i].stream_write.next = false;
            for l in 0..self._lanes {
                self.slot[i].stream_data[l].next = 0.into();
            }
            for r in 0..self._posts {
                self.lane[r].bits[i].next = self.slot[i].bits.val();
                self.lane[r].weight_address[i].next = self.weight_address[i].q.val();
                for p in 0..self.packed.count() {
                    self.lane[r].packed[p].next = self.packed[p].val();
                    self.lane[r].odd[i].next = self.odd[i].q.val().get_bit(0);
                }
                if self.lane_of[i].val() == r.into() {
                    if self.code_write.val() {
                        self.slot[i].code_data.next = self.lane[r].code.val();
                    }
                    self.slot[i].spike_write.next =
                        self.lane[r].write.val() & self.decode.spike_on.val().get_bit(0);
                    self.slot[i].spike_data.next = self.lane[r].spikes.val();
                    self.slot[i].stream_write.next =
                        self.lane[r].write.val() & self.write_back.writes_stream.val();
                    for l in 0..self._lanes {
                        self.slot[i].stream_data[l].next = self.lane[r].stream[l].val();
                    }
                    if self.decode.count.val().get_bit(0) {
                        for l in 0..self._lanes {
                            self.slot[i].stream_data[l].next = 0.into();
                        }
                        self.slot[i].stream_data[0].next = self.lane[r].count.val();
                    }
                }
            }
        }
    }
}
