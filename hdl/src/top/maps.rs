//! Residual maps in the external memory.

use super::{Accelerator, Maps};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Maps> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        // Maps in the external memory. The store fills it before any image, and lets bursts of maps that are given up end.
        for p in 0..self.spill.count() {
            self.sender.spilled[p].next = self.decode.dump_spilled.val();
            self.sender.keeps[p].next = self.decode.dump_keeps.val();
            self.maps_pops[p].next = self.datapath.maps[p].pops.val();
            self.maps_pushes[p].next = self.datapath.maps[p].pushes.val();
            self.maps_bursts[p].next = self.datapath.maps[p].bursts.val();
            if self.sender.reading.val() {
                self.maps_pops[p].next = self.sender.spilled[p].val();
                self.maps_pushes[p].next = self.sender.keeps[p].val();
                self.maps_bursts[p].next = 1.into();
            }
            self.maps_claim[p].next = self.datapath.maps[p].claim.val() | self.sender.maps_claim[p].val();
            self.maps_ready[p].next = (self.reload[p].ready.val() | !self.maps_pops[p].val())
                & (self.spill[p].room.val() | !self.maps_pushes[p].val());
            self.datapath.maps[p].ready.next = self.maps_ready[p].val();
            self.sender.maps_ready[p].next = self.maps_ready[p].val();
            self.spill[p].clk.next = self.clk.val();
            self.spill[p].rst.next = self.rst.val();
            self.spill[p].clear.next = self.clear.val();
            self.spill[p].begin.next = self.sequencer.first.val();
            self.spill[p].hold.next = self.store[p].aw_valid.val() | self.store[p].w_valid.val();
            self.spill[p].claim.next = self.maps_claim[p].val() & self.maps_pushes[p].val();
            self.spill[p].bursts.next = self.maps_bursts[p].val();
            self.spill[p].push.next = self.datapath.maps[p].push.val() | self.sender.put_back[p].val();
            self.spill[p].narrow.next = self.datapath.maps[p].push_narrow.val();
            self.reload[p].clk.next = self.clk.val();
            self.reload[p].rst.next = self.rst.val();
            self.reload[p].clear.next = self.clear.val();
            self.reload[p].begin.next = self.sequencer.first.val();
            self.reload[p].committed.next = self.spill[p].committed.val();
            self.reload[p].claim.next = self.maps_claim[p].val() & self.maps_pops[p].val();
            self.reload[p].bursts.next = self.maps_bursts[p].val();
            self.reload[p].pop.next = self.datapath.maps[p].pop.val() | self.sender.pop[p].val();
            self.sequencer.settled.next =
                self.fetch[p].settled.val() & self.spill[p].settled.val() & self.reload[p].settled.val();
            for v in 0..self._values {
                self.datapath.maps[p].residual[v].next = self.reload[p].residual[v].val();
                self.spill[p].stream[v].next = self.datapath.maps[p].pushed[v].val();
                if self.sender.put_back[p].val() {
                    self.spill[p].stream[v].next = self.reload[p].residual[v].val();
                }
            }

            self.csr.memory_error[p].next = self.store[p].error.val()
                | self.fetch[p].error.val()
                | self.spill[p].error.val()
                | self.reload[p].error.val();

            // Reads: weights and maps take turns.
            self.arbiter[p].clk.next = self.clk.val();
            self.arbiter[p].rst.next = self.rst.val();
            self.arbiter[p].address[0].next = self.fetch[p].ar_address.val();
            self.arbiter[p].valid[0].next = self.fetch[p].ar_valid.val();
            self.fetch[p].ar_ready.next = self.arbiter[p].ready[0].val();
            self.arbiter[p].address[1].next = self.reload[p].ar_address.val();
            self.arbiter[p].valid[1].next = self.reload[p].ar_valid.val();
            self.reload[p].ar_ready.next = self.arbiter[p].ready[1].val();
            self.arbiter[p].ar_ready.next = self.m_axi_arready[p].val();
            self.m_axi_arid[p].next = self.arbiter[p].ar_id.val();
            self.m_axi_araddr[p].next = self.arbiter[p].ar_address.val();
            self.m_axi_arvalid[p].next = self.arbiter[p].ar_valid.val();
            if self.arbiter[p].ar_id.val().get_bit(0) {
                self.m_axi_arlen[p].next = self.spill_length[p].val();
            }
            self.is_map[p].next = self.m_axi_rid[p].val().get_bit(0);
            self.fetch[p].r_valid.next = self.m_axi_rvalid[p].val() & !self.is_map[p].val();
            self.reload[p].r_valid.next = self.m_axi_rvalid[p].val() & self.is_map[p].val();
            self.reload[p].r_response.next = self.m_axi_rresp[p].val();

            // Writes: maps, or the store when none is under way.
            self.m_axi_awid[p].next = self.spill[p].busy.val().into();
            self.spill[p].aw_ready.next = self.m_axi_awready[p].val() & self.spill[p].busy.val();
            self.spill[p].w_ready.next = self.m_axi_wready[p].val() & self.spill[p].busy.val();
            if self.spill[p].busy.val() {
                self.m_axi_awaddr[p].next = self.spill[p].aw_address.val();
                self.m_axi_awlen[p].next = self.spill_length[p].val();
                self.m_axi_awvalid[p].next = self.spill[p].aw_valid.val();
                self.m_axi_wvalid[p].next = self.spill[p].w_valid.val();
                self.m_axi_wlast[p].next = self.spill[p].w_last.val();
                self.store[p].aw_ready.next = false;
                self.store[p].w_ready.next = false;
            }
            self.map_acknowledged[p].next = self.m_axi_bid[p].val().get_bit(0);
            self.store[p].b_valid.next = self.m_axi_bvalid[p].val() & !self.map_acknowledged[p].val();
            self.spill[p].b_valid.next = self.m_axi_bvalid[p].val() & self.map_acknowledged[p].val();
            self.spill[p].b_response.next = self.m_axi_bresp[p].val();
            for k in 0..self._spilled_words {
                self.reload[p].r_data[k].next = self.m_axi_rdata[k].val();
                if self.spill[p].busy.val() {
                    self.m_axi_wdata[k].next = self.spill[p].w_data[k].val();
                }
            }
        }
    }
}
