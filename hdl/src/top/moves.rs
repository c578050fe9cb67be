//! Maps moved between the slots and the external memory.

use super::{Accelerator, Moves};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Moves> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        for p in 0..self.mover.count() {
            self.mover[p].clk.next = self.clk.val();
            self.mover[p].rst.next = self.rst.val();
            self.mover[p].clear.next = self.clear.val();
            self.mover[p].start.next = self.sequencer.start_move[p].val();
            self.sequencer.move_done[p].next = self.mover[p].done.val();
            self.sequencer.fill[p].next = self.mover[p].fill.val();
            self.sequencer.fill_address[p].next = self.mover[p].address.val();
            self.sequencer.fill_data[p].next = self.m_axi_rdata[0].val();
            self.mover[p].settled.next = self.fetch[p].settled.val()
                & self.spill[p].settled.val()
                & self.reload[p].settled.val()
                & self.store[p].idle.val();
            for b in self._move_out..self._move_out_end {
                self.mover[p].outward.next = self.decode.image.val().get_bit(b);
            }
            self.mover[p].source.next = self.decode.source.val();
            self.mover[p].length.next = self.decode.length.val();
            self.mover[p].segments.next = self.decode.groups_in.val();
            self.mover[p].source_base.next = self.decode.source_base.val();
            self.mover[p].source_group.next = self.decode.source_group.val();
            self.mover[p].port_base.next = self.decode.weight_base.val()
                | (self.decode.param_base.val() << self.low_transfer_bits[p].val());
            self.mover[p].port_group.next = self.decode.weight_group.val();
            for q in 0..self.balance.count() {
                self.mover[p].uncounted[q].next = self.decode.source_time.val();
            }

            // The slots.
            self.datapath.moves[p].fills.next = self.mover[p].fills.val();
            self.datapath.moves[p].fill.next = self.mover[p].fill.val();
            self.datapath.moves[p].address.next = self.mover[p].address.val();
            self.datapath.moves[p].transfer.next = self.mover[p].transfer.val();
            self.datapath.moves[p].shown.next = self.mover[p].shown.val();
            if self.mover[p].reads.val() {
                self.datapath.dump.next = true;
                self.datapath.dump_address.next = self.mover[p].address.val();
                self.datapath.dump_slot.next = self.mover[p].shown.val() << self.moved_slot_bits[p].val();
            }

            // Reads have the ID of maps: answers of one ID come in order, and the reload asks for nothing before it is done.
            if self.mover[p].ar_valid.val() {
                self.arbiter[p].address[1].next = self.mover[p].request_address.val();
                self.arbiter[p].valid[1].next = true;
                self.reload[p].ar_ready.next = false;
            }
            self.mover[p].ar_ready.next = self.arbiter[p].ready[1].val();
            self.moves_reads[p].next = self.arbiter[p].ar_id.val().get_bit(0) & self.mover[p].ar_valid.val();
            if self.moves_reads[p].val() {
                self.m_axi_arlen[p].next = self.mover[p].request_length.val();
            }
            self.mover[p].r_valid.next = self.m_axi_rvalid[p].val() & self.is_map[p].val();
            self.mover[p].r_response.next = self.m_axi_rresp[p].val();
            if self.mover[p].moving.val() {
                self.reload[p].r_valid.next = false;
                self.spill[p].b_valid.next = false;
            }

            // So have writes. What was begun before a soft reset goes on before the store's.
            self.mover[p].aw_ready.next = self.m_axi_awready[p].val();
            self.mover[p].w_ready.next = self.m_axi_wready[p].val();
            if self.mover[p].writes.val() {
                self.m_axi_awid[p].next = 1.into();
                self.m_axi_awaddr[p].next = self.mover[p].request_address.val();
                self.m_axi_awlen[p].next = self.mover[p].request_length.val();
                self.m_axi_awvalid[p].next = self.mover[p].aw_valid.val();
                self.m_axi_wvalid[p].next = self.mover[p].w_valid.val();
                self.m_axi_wlast[p].next = self.mover[p].w_last.val();
                self.store[p].aw_ready.next = false;
                self.store[p].w_ready.next = false;
            }
            self.mover[p].b_valid.next = self.m_axi_bvalid[p].val() & self.map_acknowledged[p].val();
            self.mover[p].b_response.next = self.m_axi_bresp[p].val();
            if self.mover[p].error.val() {
                self.csr.memory_error[p].next = true;
            }
            for k in 0..self._spilled_words {
                self.mover[p].word[k].next = self.datapath.moves[p].word[k].val();
                self.datapath.moves[p].data[k].next = self.m_axi_rdata[k].val();
                if self.mover[p].writes.val() {
                    self.m_axi_wdata[k].next = self.mover[p].w_data[k].val();
                }
            }
        }
    }
}
