//! Weights in the external memory.

use super::{Accelerator, Memory};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Memory> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        // External memory.
        self.datapath.weights_ready.next = true;
        self.sequencer.settled.next = true;
        self.loader.hold.next = false;
        for p in 0..self.fetch.count() {
            self.store[p].clk.next = self.clk.val();
            self.store[p].rst.next = self.rst.val();
            self.store[p].write.next =
                self.loader.write.val() & (self.loader.target.val() == self.target_memory.val());
            self.store[p].high.next = self.loader.slot.val();
            self.store[p].low.next = self.loader.address.val();
            self.loader.hold.next = self.store[p].busy.val();
            self.m_axi_awaddr[p].next = self.store[p].aw_address.val();
            self.m_axi_awlen[p].next = 0.into();
            self.m_axi_awsize[p].next = self.burst_size.val();
            self.m_axi_awburst[p].next = self.incrementing.val();
            self.m_axi_awprot[p].next = self.protection.val();
            self.m_axi_awcache[p].next = self.bufferable.val();
            self.m_axi_awvalid[p].next = self.store[p].aw_valid.val();
            self.store[p].aw_ready.next = self.m_axi_awready[p].val();
            self.m_axi_wlast[p].next = true;
            self.m_axi_wvalid[p].next = self.store[p].w_valid.val();
            self.store[p].w_ready.next = self.m_axi_wready[p].val();
            self.store[p].b_valid.next = self.m_axi_bvalid[p].val();
            self.store[p].b_response.next = self.m_axi_bresp[p].val();
            self.m_axi_bready[p].next = true;
            self.csr.memory_error[p].next = self.store[p].error.val() | self.fetch[p].error.val();
            self.fetch[p].clk.next = self.clk.val();
            self.fetch[p].rst.next = self.rst.val();
            self.fetch[p].clear.next = self.clear.val();
            self.fetch[p].begin.next = self.sequencer.first.val();
            self.fetch[p].hold.next = !self.store[p].idle.val();
            self.fetch[p].claim.next = self.datapath.claim.val();
            self.fetch[p].tile.next = self.datapath.tile.val();
            self.fetch[p].frees.next = self.datapath.frees[p].val();
            self.datapath.weights_ready.next = self.fetch[p].ready.val();
            self.sequencer.settled.next = self.fetch[p].settled.val();
            self.datapath.fill[p].write.next = self.fetch[p].write.val();
            self.datapath.fill[p].beat.next = self.fetch[p].beat.val();
            self.datapath.fill[p].address.next = self.fetch[p].address.val();
            self.m_axi_araddr[p].next = self.fetch[p].ar_address.val();
            self.m_axi_arlen[p].next = self.burst_length.val();
            self.m_axi_arsize[p].next = self.burst_size.val();
            self.m_axi_arburst[p].next = self.incrementing.val();
            self.m_axi_arprot[p].next = self.protection.val();
            self.m_axi_arcache[p].next = self.bufferable.val();
            self.m_axi_arvalid[p].next = self.fetch[p].ar_valid.val();
            self.fetch[p].ar_ready.next = self.m_axi_arready[p].val();
            self.fetch[p].r_valid.next = self.m_axi_rvalid[p].val();
            self.fetch[p].r_response.next = self.m_axi_rresp[p].val();
            self.m_axi_rready[p].next = true;
            self.fetch[p].stream_words.next = self.globals.stream_words.val();
            self.fetch[p].stream_base.next = self.globals.stream_base.val();
            for k in 0..self._fill_words {
                self.store[p].word[k].next = self.loader.word[k].val();
                self.m_axi_wdata[k].next = self.store[p].w_data[k].val();
                self.m_axi_wstrb[k].next = self.all_bytes.val();
                self.fetch[p].r_data[k].next = self.m_axi_rdata[k].val();
                self.datapath.fill[p].word[k].next = self.fetch[p].data[k].val();
            }
        }
    }
}
