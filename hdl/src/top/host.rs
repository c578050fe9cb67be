//! What the host reaches: registers, the input stream, the image's patches.

use super::{Accelerator, Host};
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Host> for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        self.clear.next = self.csr.soft_reset.val();

        // Registers.
        self.csr.clk.next = self.clk.val();
        self.csr.rst.next = self.rst.val();
        self.csr.s_axil_awaddr.next = self.s_axil_awaddr.val();
        self.csr.s_axil_awvalid.next = self.s_axil_awvalid.val();
        self.s_axil_awready.next = self.csr.s_axil_awready.val();
        self.csr.s_axil_wdata.next = self.s_axil_wdata.val();
        self.csr.s_axil_wstrb.next = self.s_axil_wstrb.val();
        self.csr.s_axil_wvalid.next = self.s_axil_wvalid.val();
        self.s_axil_wready.next = self.csr.s_axil_wready.val();
        self.s_axil_bresp.next = self.csr.s_axil_bresp.val();
        self.s_axil_bvalid.next = self.csr.s_axil_bvalid.val();
        self.csr.s_axil_bready.next = self.s_axil_bready.val();
        self.csr.s_axil_araddr.next = self.s_axil_araddr.val();
        self.csr.s_axil_arvalid.next = self.s_axil_arvalid.val();
        self.s_axil_arready.next = self.csr.s_axil_arready.val();
        self.s_axil_rdata.next = self.csr.s_axil_rdata.val();
        self.s_axil_rresp.next = self.csr.s_axil_rresp.val();
        self.s_axil_rvalid.next = self.csr.s_axil_rvalid.val();
        self.csr.s_axil_rready.next = self.s_axil_rready.val();
        self.csr.busy.next = self.sequencer.busy.val();
        // An image is taken up when it is complete and undamaged, and the program too.
        self.image.next = self.patches.full.val() & self.loader.image_whole.val() & self.csr.program.val();
        for p in 0..self.mover.count() {
            // Outside it comes between two others, and is there when all of it has been written.
            self.loader.outside[p].next = self.globals.patch_k.val() == self.no_kernel[p].val();
            self.loader.transfers[p].next = self.globals.patch_pixels.val();
            self.loader.release[p].next = self.sequencer.release.val();
            if self.loader.outside[p].val() {
                self.image.next = self.loader.stored[p].val()
                    & self.loader.image_whole.val()
                    & self.csr.program.val()
                    & self.store[p].idle.val();
            }
            // Not before what a soft reset gave up is over: until then the instruction's fields stay.
            if self.mover[p].stale.val() {
                self.image.next = false;
            }
        }
        self.csr.image_waiting.next = self.image.val();
        self.csr.index.next = self.sequencer.index.val();
        self.csr.begin.next = self.sequencer.first.val();
        self.errors.packet.next = self.loader.error_packet.val();
        self.errors.length.next = self.loader.error_length.val() | self.receiver.error_length.val();
        self.errors.opcode.next = self.sequencer.bad_opcode.val();
        self.errors.crc.next = self.receiver.error_crc.val();
        self.errors.sequence.next = self.receiver.error_sequence.val();
        self.errors.program.next = self.loader.error_program.val();
        self.csr.events.next = self.errors.bits.val();
        self.csr.image_sent.next = self.sender.done.val() & !self.dumping.q.val().get_bit(0);
        self.csr.served.next = self.datapath.served.val();
        self.csr.stall.next = self.datapath.stall.val();
        self.csr.spikes.next = self.datapath.spikes.val();
        self.irq.next = self.csr.irq.val();

        // Input stream and global registers.
        self.loader.clk.next = self.clk.val();
        self.loader.clear.next = self.clear.val();
        self.receiver.clk.next = self.clk.val();
        self.receiver.clear.next = self.clear.val();
        self.receiver.s_axis_tdata.next = self.s_axis_tdata.val();
        self.receiver.s_axis_tvalid.next = self.s_axis_tvalid.val();
        self.receiver.s_axis_tlast.next = self.s_axis_tlast.val();
        self.s_axis_tready.next = self.receiver.s_axis_tready.val();
        self.receiver.ready.next = self.loader.s_axis_tready.val();
        self.loader.s_axis_tdata.next = self.receiver.data.val();
        self.loader.s_axis_tvalid.next = self.receiver.valid.val();
        self.loader.s_axis_tlast.next = self.receiver.last.val();
        self.loader.frame_good.next = self.receiver.good.val();
        self.loader.frame_bad.next = self.receiver.bad.val();
        self.loader.program.next = self.csr.program.val();
        self.loader.image_accept.next = self.patches.accept.val();
        self.loader.pixel_ready.next = self.patches.pixel_ready.val();
        self.loader.image_done.next = self.patches.done.val();
        self.globals.clk.next = self.clk.val();
        self.globals.write.next =
            self.loader.write.val() & (self.loader.target.val() == self.target_globals.val());
        self.globals.address.next = self.loader.address.val();
        self.globals.data.next = self.loader.word[0].val();

        // Patches.
        self.patches.clk.next = self.clk.val();
        self.patches.clear.next = self.clear.val() | self.loader.image_drop.val();
        self.patches.start.next = self.loader.image_start.val();
        self.patches.pixel.next = self.loader.pixel.val();
        self.patches.pixel_valid.next = self.loader.pixel_valid.val();
        self.patches.grant.next = self.datapath.patch_grant.val();
        self.patches.release.next = self.sequencer.release.val();
        self.patches.image_c.next = self.globals.image_c.val();
        self.patches.image_h.next = self.globals.image_h.val();
        self.patches.image_w.next = self.globals.image_w.val();
        self.patches.patch_rows.next = self.globals.patch_rows.val();
        self.patches.patch_cols.next = self.globals.patch_cols.val();
        self.patches.patch_k.next = self.globals.patch_k.val();
        self.patches.patch_stride.next = self.globals.patch_stride.val();
        self.patches.patch_pad.next = self.globals.patch_pad.val();
        self.patches.patch_out_h.next = self.globals.patch_out_h.val();
        self.patches.patch_out_w.next = self.globals.patch_out_w.val();
        self.patches.patch_base.next = self.globals.patch_base.val();
        self.patches.patch_pixels.next = self.globals.patch_pixels.val();
        self.patches.offset[0].next = self.globals.offset_0.val();
        self.patches.offset[1].next = self.globals.offset_1.val();
        self.patches.offset[2].next = self.globals.offset_2.val();
        self.patches.offset[3].next = self.globals.offset_3.val();
    }
}
