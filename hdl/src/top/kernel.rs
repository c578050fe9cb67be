//! What the accelerator wires to what.

use super::*;

impl Logic for Accelerator {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, dumping);
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
        self.csr.image_waiting.next = self.image.val();
        self.csr.index.next = self.sequencer.index.val();
        self.csr.begin.next = self.sequencer.first.val();
        self.csr.event[0].next = self.loader.error_packet.val();
        self.csr.event[1].next = self.loader.error_length.val() | self.receiver.error_length.val();
        self.csr.event[2].next = self.sequencer.bad_opcode.val();
        self.csr.event[3].next = self.receiver.error_crc.val();
        self.csr.event[4].next = self.receiver.error_sequence.val();
        self.csr.event[5].next = self.loader.error_program.val();
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
        self.load_global.next =
            self.loader.write.val() & (self.loader.target.val() == self.target_globals.val());
        for i in 0..self._globals {
            self.global[i].clock.next = self.clk.val();
            self.global[i].d.next = self.global[i].q.val();
            if self.load_global.val() & (self.loader.address.val() == i.into()) {
                self.global[i].d.next = self.loader.word[0].val();
            }
        }

        // Patches.
        self.patches.clk.next = self.clk.val();
        self.patches.clear.next = self.clear.val() | self.loader.image_drop.val();
        self.patches.start.next = self.loader.image_start.val();
        self.patches.pixel.next = self.loader.pixel.val();
        self.patches.pixel_valid.next = self.loader.pixel_valid.val();
        self.patches.grant.next = self.datapath.patch_grant.val();
        self.patches.release.next = self.sequencer.release.val();

        // Instructions.
        self.sequencer.clk.next = self.clk.val();
        self.sequencer.clear.next = self.clear.val();
        self.sequencer.load.next =
            self.loader.write.val() & (self.loader.target.val() == self.target_instructions.val());
        self.sequencer.load_address.next = self.loader.address.val();
        self.sequencer.load_data.next = self.loader.word[0].val();
        self.sequencer.image.next = self.image.val();
        self.sequencer.conv_finished.next = self.datapath.conv_finished.val();
        self.sequencer.temporal_done.next = self.datapath.temporal_done.val();
        self.sequencer.dump_done.next = self.sender.done.val();
        self.sequencer.finish_done.next = self.sender.done.val();
        self.sender.sequence.next = 0.into();
        for i in 0..self._batch {
            self.sequence[i].clock.next = self.clk.val();
            self.sequence[i].d.next = self.sequence[i].q.val();
            if self.sequencer.begin.val() & (self.sequencer.image_number.val() == i.into()) {
                self.sequence[i].d.next = self.loader.sequence.val();
            }
            if self.sequencer.image_number.val() == i.into() {
                self.sender.sequence.next = self.sequence[i].q.val();
            }
        }

        // Datapath.
        self.datapath.clk.next = self.clk.val();
        self.datapath.clear.next = self.clear.val();
        for i in 0..self._fields {
            self.datapath.field[i].next = self.sequencer.field[i].val();
        }
        self.datapath.start_conv.next = self.sequencer.start_conv.val();
        self.datapath.start_temporal.next = self.sequencer.start_temporal.val();
        self.datapath.load.next = self.loader.write.val();
        self.datapath.load_target.next = self.loader.target.val();
        self.datapath.load_slot.next = self.loader.slot.val();
        self.datapath.load_address.next = self.loader.address.val();
        for k in 0..self._words {
            self.datapath.load_word[k].next = self.loader.word[k].val();
        }
        self.datapath.patch_write.next = self.patches.write.val();
        self.datapath.patch_slot.next = self.patches.slot.val();
        self.datapath.patch_address.next = self.patches.address.val();
        self.datapath.patch_data.next = self.patches.data.val();
        self.datapath.dump.next = self.sender.reading.val();
        self.datapath.dump_address.next = self.sender.read_address.val();
        self.datapath.dump_slot.next = self.sender.read_slot.val();
        self.datapath.scalar_index.next = self.sender.scalar_index.val();

        // External memory.
        self.datapath.weights_ready.next = true;
        self.sequencer.settled.next = true;
        self.loader.hold.next = false;
        for p in 0..self._ports {
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
            self.datapath.weights_ready.next = self.fetch[p].ready.val();
            self.sequencer.settled.next = self.fetch[p].settled.val();
            self.datapath.fill[p].next = self.fetch[p].write.val();
            self.datapath.fill_beat[p].next = self.fetch[p].beat.val();
            self.datapath.fill_address[p].next = self.fetch[p].address.val();
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
            for i in global("stream_words")..after("stream_words") {
                self.fetch[p].stream_words.next = self.global[i].q.val();
            }
            for i in global("stream_base")..after("stream_base") {
                self.fetch[p].stream_base.next = self.global[i].q.val();
            }
            for k in 0..self._fill_words {
                self.store[p].word[k].next = self.loader.word[k].val();
                self.m_axi_wdata[k].next = self.store[p].w_data[k].val();
                self.m_axi_wstrb[k].next = self.all_bytes.val();
                self.fetch[p].r_data[k].next = self.m_axi_rdata[k].val();
                self.datapath.fill_word[k].next = self.fetch[p].data[k].val();
            }
        }

        // Maps in the external memory. The store fills it before any image, and lets bursts of maps that are given up end.
        for p in 0..self._spills {
            for i in (Index::images as usize)..(Index::images as usize + 1) {
                self.sender.spilled[p].next = self.sequencer.field[i].val().get_bit(0);
                self.sender.keeps[p].next = self.sequencer.field[i].val().get_bit(1);
            }
            self.maps_pops[p].next = self.datapath.pops[p].val();
            self.maps_pushes[p].next = self.datapath.pushes[p].val();
            self.maps_bursts[p].next = self.datapath.maps_bursts[p].val();
            if self.sender.reading.val() {
                self.maps_pops[p].next = self.sender.spilled[p].val();
                self.maps_pushes[p].next = self.sender.keeps[p].val();
                self.maps_bursts[p].next = 1.into();
            }
            self.maps_claim[p].next = self.datapath.maps_claim[p].val() | self.sender.maps_claim[p].val();
            self.maps_ready[p].next = (self.reload[p].ready.val() | !self.maps_pops[p].val())
                & (self.spill[p].room.val() | !self.maps_pushes[p].val());
            self.datapath.maps_ready[p].next = self.maps_ready[p].val();
            self.sender.maps_ready[p].next = self.maps_ready[p].val();
            self.spill[p].clk.next = self.clk.val();
            self.spill[p].rst.next = self.rst.val();
            self.spill[p].clear.next = self.clear.val();
            self.spill[p].begin.next = self.sequencer.first.val();
            self.spill[p].hold.next = self.store[p].aw_valid.val() | self.store[p].w_valid.val();
            self.spill[p].claim.next = self.maps_claim[p].val() & self.maps_pushes[p].val();
            self.spill[p].bursts.next = self.maps_bursts[p].val();
            self.spill[p].push.next = self.datapath.push[p].val() | self.sender.put_back[p].val();
            self.spill[p].narrow.next = self.datapath.push_narrow[p].val();
            self.reload[p].clk.next = self.clk.val();
            self.reload[p].rst.next = self.rst.val();
            self.reload[p].clear.next = self.clear.val();
            self.reload[p].begin.next = self.sequencer.first.val();
            self.reload[p].committed.next = self.spill[p].committed.val();
            self.reload[p].claim.next = self.maps_claim[p].val() & self.maps_pops[p].val();
            self.reload[p].bursts.next = self.maps_bursts[p].val();
            self.reload[p].pop.next = self.datapath.pop[p].val() | self.sender.pop[p].val();
            self.sequencer.settled.next =
                self.fetch[p].settled.val() & self.spill[p].settled.val() & self.reload[p].settled.val();
            for v in 0..self._values {
                self.datapath.residual[v].next = self.reload[p].residual[v].val();
                self.spill[p].stream[v].next = self.datapath.pushed[v].val();
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

        // Results.
        self.logits.clk.next = self.clk.val();
        self.logits.clear.next = self.datapath.logit_clear.val();
        self.logits.valid.next = self.datapath.logit_valid.val();
        self.logits.logit.next = self.datapath.logit.val();
        self.logits.index.next = self.datapath.logit_index.val();
        self.logits.read_address.next = self.sender.logit_address.val();
        self.sender.clk.next = self.clk.val();
        self.sender.clear.next = self.clear.val();
        self.framer.clk.next = self.clk.val();
        self.framer.clear.next = self.clear.val();
        self.framer.data.next = self.sender.m_axis_tdata.val();
        self.framer.valid.next = self.sender.m_axis_tvalid.val();
        self.framer.last.next = self.sender.m_axis_tlast.val();
        self.framer.words.next = self.sender.words.val();
        self.sender.m_axis_tready.next = self.framer.ready.val();
        self.m_axis_tdata.next = self.framer.m_axis_tdata.val();
        self.m_axis_tvalid.next = self.framer.m_axis_tvalid.val();
        self.m_axis_tlast.next = self.framer.m_axis_tlast.val();
        self.framer.m_axis_tready.next = self.m_axis_tready.val();
        self.sender.start_result.next = self.sequencer.start_finish.val();
        self.sender.start_dump.next = self.sequencer.start_dump.val();
        if self.sequencer.start_finish.val() {
            self.dumping.d.next = 0.into();
        }
        if self.sequencer.start_dump.val() {
            self.dumping.d.next = 1.into();
        }
        self.sender.index.next = self.sequencer.index.val();
        self.sender.class.next = self.logits.class.val();
        self.sender.logit.next = self.logits.read_data.val();
        self.sender.cycle_write.next = self.sequencer.cycle_write.val();
        self.sender.cycle_address.next = self.sequencer.index.val();
        self.sender.cycle_data.next = self.sequencer.cycle_data.val();
        for i in (Index::source as usize)..(Index::source as usize + 1) {
            self.sender.source.next = self.sequencer.field[i].val();
        }
        for i in (Index::code_mode as usize)..(Index::code_mode as usize + 1) {
            self.sender.scalars.next =
                self.sequencer.field[i].val().get_bit(0) & self.dumping.q.val().get_bit(0);
        }
        for i in (Index::source_base as usize)..(Index::source_base as usize + 1) {
            self.sender.base.next = self.sequencer.field[i].val();
        }
        for i in (Index::length as usize)..(Index::length as usize + 1) {
            self.sender.length.next = self.sequencer.field[i].val();
        }
        self.sender.code_word.next = self.datapath.code_word.val();
        self.sender.spike_word.next = self.datapath.spike_word.val();
        for l in 0..self._lanes {
            self.sender.stream_word[l].next = self.datapath.stream_word[l].val();
        }
        self.sender.sum.next = self.datapath.sum.val();
        self.sender.max.next = self.datapath.max.val();
        self.sender.scalar.next = self.datapath.scalar.val();

        // Global registers by name.
        for i in global("leak_shift")..after("leak_shift") {
            self.datapath.leak_shift.next = self.global[i].q.val();
        }
        for i in global("fire_ge")..after("fire_ge") {
            self.datapath.fire_ge.next = self.global[i].q.val();
        }
        for i in global("timesteps")..after("timesteps") {
            self.datapath.timesteps.next = self.global[i].q.val();
            self.sender.timesteps.next = self.global[i].q.val();
        }
        for i in global("classes")..after("classes") {
            self.logits.classes.next = self.global[i].q.val();
            self.sender.classes.next = self.global[i].q.val();
        }
        for i in global("max_align")..after("max_align") {
            self.datapath.max_align.next = self.global[i].q.val();
        }
        for i in global("ta_shift")..after("ta_shift") {
            self.datapath.ta_shift.next = self.global[i].q.val();
        }
        for i in global("z_shift")..after("z_shift") {
            self.datapath.z_shift.next = self.global[i].q.val();
        }
        for i in global("y_shift")..after("y_shift") {
            self.datapath.y_shift.next = self.global[i].q.val();
        }
        for i in global("image_c")..after("image_c") {
            self.patches.image_c.next = self.global[i].q.val();
        }
        for i in global("image_h")..after("image_h") {
            self.patches.image_h.next = self.global[i].q.val();
        }
        for i in global("image_w")..after("image_w") {
            self.patches.image_w.next = self.global[i].q.val();
        }
        for i in global("patch_rows")..after("patch_rows") {
            self.patches.patch_rows.next = self.global[i].q.val();
        }
        for i in global("patch_cols")..after("patch_cols") {
            self.patches.patch_cols.next = self.global[i].q.val();
        }
        for i in global("patch_k")..after("patch_k") {
            self.patches.patch_k.next = self.global[i].q.val();
        }
        for i in global("patch_stride")..after("patch_stride") {
            self.patches.patch_stride.next = self.global[i].q.val();
        }
        for i in global("patch_pad")..after("patch_pad") {
            self.patches.patch_pad.next = self.global[i].q.val();
        }
        for i in global("patch_out_h")..after("patch_out_h") {
            self.patches.patch_out_h.next = self.global[i].q.val();
        }
        for i in global("patch_out_w")..after("patch_out_w") {
            self.patches.patch_out_w.next = self.global[i].q.val();
        }
        for i in global("patch_base")..after("patch_base") {
            self.patches.patch_base.next = self.global[i].q.val();
        }
        for i in global("patch_pixels")..after("patch_pixels") {
            self.patches.patch_pixels.next = self.global[i].q.val();
        }
        for i in global("offset_0")..after("offset_0") {
            self.patches.offset[0].next = self.global[i].q.val();
        }
        for i in global("offset_1")..after("offset_1") {
            self.patches.offset[1].next = self.global[i].q.val();
        }
        for i in global("offset_2")..after("offset_2") {
            self.patches.offset[2].next = self.global[i].q.val();
        }
        for i in global("offset_3")..after("offset_3") {
            self.patches.offset[3].next = self.global[i].q.val();
        }
    }
}
