//! What the datapath wires to what.

use super::Datapath;
use crate::lang::*;

impl Logic for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, sca, logit_count, residual_address, gate_address);
        for i in 0..self._fields {
            self.decode.field[i].next = self.field[i].val();
        }
        self.is_stream.next = self.decode.source.val() == self.source_stream.val();
        self.use_gate.next = self.decode.gate.val().get_bit(0);
        self.code_on.next = self.decode.code_mode.val() != self.code_none.val();
        self.count_on.next = self.decode.count.val().get_bit(0);
        self.stream_write_on.next =
            self.decode.stream_on.val().get_bit(0) | self.decode.count.val().get_bit(0);
        if self.decode.stream_half.val().get_bit(0) & self.write_back.y[0].val().get_bit(0) {
            self.stream_write_on.next = false;
        }
        for p in 0..self._spills {
            if self.decode.image.val().get_bit(2) & !self.quarter[p].keep.val() {
                self.stream_write_on.next = false;
            }
        }

        // Pixels and taps.
        self.pixels.clk.next = self.clk.val();
        self.pixels.clear.next = self.clear.val();
        self.pixels.start.next = self.start_conv.val();
        self.pixels.kernel.next = self.decode.kernel.val();
        self.pixels.stride.next = self.decode.stride.val();
        self.pixels.pad.next = self.decode.pad.val();
        self.pixels.in_h.next = self.decode.in_h.val();
        self.pixels.in_w.next = self.decode.in_w.val();
        self.pixels.row_step.next = self.decode.row_step.val();
        self.pixels.row_origin.next = self.decode.row_origin.val();
        self.pixels.source_base.next = self.decode.source_base.val();
        self.pixels.weight_base.next = self.decode.weight_base.val();
        self.pixels.weight_group.next = self.decode.weight_group.val();
        self.pixels.weight_row.next = self.decode.weight_row.val();
        self.pixels.groups_in.next = self.decode.groups_in.val();
        self.pixels.groups_out.next = self.decode.groups_out.val();
        self.pixels.out_h.next = self.decode.out_h.val();
        self.pixels.out_w.next = self.decode.out_w.val();
        self.pixels.out_time.next = self.decode.out_time.val();
        self.pixels.out_group.next = self.decode.out_group.val();
        self.pixels.param_base.next = self.decode.param_base.val();
        self.pixels.images.next = self.decode.images.val();
        self.pixels.source_image.next = self.decode.length.val();
        self.pixels.take.next = self.window.take.val();
        self.window.clk.next = self.clk.val();
        self.window.clear.next = self.clear.val();
        self.window.pixel_valid.next = self.pixels.valid.val();
        for p in 0..self._spills {
            if !self.maps_ready[p].val() {
                self.window.pixel_valid.next = false;
            }
        }
        self.window.pixel_address.next = self.pixels.address.val();
        self.window.pixel_weight.next = self.pixels.weight.val();
        self.window.pixel_ky_low.next = self.pixels.ky_low.val();
        self.window.pixel_ky_high.next = self.pixels.ky_high.val();
        self.window.pixel_kx_low.next = self.pixels.kx_low.val();
        self.window.pixel_kx_high.next = self.pixels.kx_high.val();
        self.window.pixel_number.next = self.pixels.pixel.val();
        self.window.pixel_time_offset.next = self.pixels.time_offset.val();
        self.window.pixel_code_offset.next = self.pixels.code_offset.val();
        self.window.pixel_group.next = self.pixels.group.val();
        self.window.pixel_row.next = self.pixels.row.val();
        self.window.pixel_param.next = self.pixels.param.val();
        self.window.pixel_first.next = self.pixels.first.val();
        self.window.pixel_last.next = self.pixels.last.val();
        self.window.pixel_opens.next = self.pixels.opens.val();
        self.window.groups_in.next = self.decode.groups_in.val();
        self.window.planes.next = self.decode.planes.val();
        self.window.plane_top.next = self.decode.plane_top.val();
        self.window.signed_top.next = self.decode.signed.val().get_bit(0);
        self.window.time_passes.next = self.decode.time_passes.val();
        self.window.source_group.next = self.decode.source_group.val();
        self.window.source_time.next = self.decode.source_time.val();
        self.window.in_w.next = self.decode.in_w.val();
        self.window.weight_row.next = self.decode.weight_row.val();
        self.window.out_time.next = self.decode.out_time.val();
        self.window.drain_period.next = self.decode.drain_period.val();
        self.window.is_stream.next = self.is_stream.val();
        self.sums_values.next = self.decode.combine.val() == self.combine_values.val();
        self.window.is_plane_sum.next =
            (self.decode.combine.val() != self.zero.val()) & !self.sums_values.val();
        self.skip_on.next = self.decode.skip.val().get_bit(0);
        self.window.skip.next = self.skip_on.val();
        self.window.lists_full.next = false;
        self.window.sums_open.next = true;
        self.window.weights_ready.next = self.weights_ready.val();
        self.claim.next = self.window.claim.val();
        self.tile.next = self.decode.weight_group.val();
        self.conv_finished.next = self.window.finished.val();
        self.served.next = self.window.valid.val();
        self.stall.next = self.window.stall.val();

        // Control on its way to the accumulators: signs at c-1, the rest at c, like the sum's fields to the beats.
        self.plane.clk.next = self.clk.val();
        self.plane.x[0].next = self.window.plane.val();
        // A sum over time passes must leave out the lanes that the last one does not have.
        self.plane.x[1].next = self.all_lanes.val();
        if self.sums_values.val() & self.window.final_group.val() {
            self.plane.x[1].next = self.decode.last_lanes.val();
        }
        self.accumulate.clk.next = self.clk.val();
        self.accumulate.x[0].next = (self.window.valid.val() & self.window.twice.val()).into();
        // What is left from before a reset goes when a layer starts.
        self.accumulate.x[1].next = (self.window.last.val() | self.start_conv.val()).into();
        self.signs.clk.next = self.clk.val();
        self.signs.x[0].next = self.window.negative_all.val().into();
        self.signs.x[1].next = self.window.negative_top.val().into();
        self.capture.clk.next = self.clk.val();
        self.capture.x[0].next = self.window.last.val().into();
        self.capture.x[1].next = self.window.time_offset.val();
        self.capture.x[2].next = self.window.code_offset.val();
        self.capture.x[3].next = self.window.group.val();
        self.capture.x[4].next = self.window.row.val();
        self.capture.x[5].next = self.window.param.val();
        self.capture.x[6].next = self.window.first_time.val().into();
        self.capture.x[7].next = self.window.last_time.val().into();
        self.capture.x[8].next = self.window.first_pixel.val().into();

        // Zero-skipping: the slots' lists stand between the taps and the memories, the scheduler before the sums.
        for p in 0..self._skips {
            self.group_offset[p].next = 0.into();
        }
        for g in 0..self._skip_groups {
            self.group_offset[g + 1].next = self.group_offset[g].val() + self.decode.source_group.val();
        }
        for p in 0..self._skips {
            self.tap[p].clk.next = self.clk.val();
            self.tap[p].x[0].next = (self.window.valid.val() & self.skip_on.val()).into();
            self.tap[p].x[1].next = self.schedule[p].tap_parity.val().into();
            self.tap[p].x[2].next = self.window.address.val();
            self.tap[p].x[3].next = self.window.weight.val();
            self.presence_address[p].next = self.window.address.val();
            if self.decode.source_base.val() != self.zero.val() {
                self.presence_address[p].next =
                    self.window.address.val() - self.decode.source_base.val() + self.presence_half.val();
            }
            // Bits of groups that the map does not have are another map's.
            self.group_mask[p].next = self.all_groups[p].val();
            for g in 0..self._skip_groups {
                if self.decode.groups_in.val() == g.into() {
                    self.group_mask[p].next = self.groups_up_to[g].val();
                }
            }
            self.any_full[0].next = false;
            self.any_more[0].next = false;
            self.any_valid[0].next = false;
            for i in 0..self._slots {
                self.slot[i].presence_address[p].next = self.presence_address[p].val();
                self.list[i].clk.next = self.clk.val();
                self.list[i].clear.next = self.clear.val();
                self.list[i].push.next = self.tap[p].y[0].val().get_bit(0);
                self.list[i].push_parity.next = self.tap[p].y[1].val().get_bit(0);
                self.list[i].push_address.next = self.tap[p].y[2].val();
                self.list[i].push_weight.next = self.tap[p].y[3].val();
                self.list[i].present.next = self.slot[i].present[p].val() & self.group_mask[p].val();
                self.list[i].parity.next = self.schedule[p].parity.val();
                for g in 0..self._skip_groups {
                    self.list[i].group_offset[g].next = self.group_offset[g].val();
                }
                self.any_full[i + 1].next = self.any_full[i].val() | self.list[i].full.val();
                self.any_more[i + 1].next = self.any_more[i].val() | self.list[i].more.val();
                self.any_valid[i + 1].next = self.any_valid[i].val() | self.list[i].valid.val();
            }
            self.schedule[p].clk.next = self.clk.val();
            self.schedule[p].clear.next = self.clear.val();
            self.schedule[p].first_tap.next =
                self.skip_on.val() & self.window.valid.val() & self.window.first.val();
            self.schedule[p].last_tap.next = self.skip_on.val() & self.window.last.val();
            self.schedule[p].sum[0].next = self.window.time_offset.val();
            self.schedule[p].sum[1].next = self.window.code_offset.val();
            self.schedule[p].sum[2].next = self.window.group.val();
            self.schedule[p].sum[3].next = self.window.row.val();
            self.schedule[p].sum[4].next = self.window.param.val();
            self.schedule[p].sum[5].next = self.window.first_time.val().into();
            self.schedule[p].sum[6].next = self.window.last_time.val().into();
            self.schedule[p].sum[7].next = self.window.first_pixel.val().into();
            self.schedule[p].sum[8].next = self.window.finished.val().into();
            self.schedule[p].drain_period.next = self.decode.drain_period.val();
            for i in self._skip_slots..self._skip_slots_end {
                self.window.lists_full.next = self.any_full[i].val();
                self.schedule[p].more.next = self.any_more[i].val();
                self.schedule[p].serves.next = self.any_valid[i].val();
            }
            self.window.sums_open.next = self.schedule[p].open.val();
            for d in 0..self._drains {
                // A claim frees the tile before: the sums that use it must have ended.
                if self.skip_on.val() & !self.schedule[d].idle.val() {
                    self.window.weights_ready.next = false;
                }
            }
            if self.skip_on.val() {
                self.conv_finished.next =
                    self.schedule[p].last.val() & self.schedule[p].ended[8].val().get_bit(0);
                self.served.next = self.schedule[p].valid.val();
                self.stall.next = self.schedule[p].stall.val();
                self.accumulate.x[1].next = (self.schedule[p].last.val() | self.start_conv.val()).into();
                self.capture.x[0].next = self.schedule[p].last.val().into();
                for i in 0..self._sum_fields {
                    self.capture.x[i + 1].next = self.schedule[p].ended[i].val();
                }
            }
        }

        // Maps in the external memory: claimed pixel by pixel, popped and pushed beat by beat.
        for p in 0..self._spills {
            self.pops[p].next = self.decode.image.val().get_bit(0);
            self.pushes[p].next = self.decode.image.val().get_bit(1);
            self.maps_claim[p].next = self.window.take.val();
            self.maps_bursts[p].next =
                self.decode.time_passes.val() + self.decode.sweeps.val() + self.one.val();
            self.residual_spilled[p].next = self.decode.image.val().get_bit(0);
            if self.dump.val() {
                self.residual_spilled[p].next = self.decode.images.val().get_bit(0);
            }
            self.popping[p].clock.next = self.clk.val();
            self.popping[p].d.next =
                (self.beat3.y[0].val().get_bit(0) & self.decode.image.val().get_bit(0)).into();
            self.pop[p].next = self.popping[p].q.val().get_bit(0);
            self.any_push[0].next = false;
            for r in 0..self._posts {
                self.any_push[r + 1].next = self.any_push[r].val() | self.lane[r].write.val();
            }
            for r in self._spill_posts..self._spill_posts_end {
                self.push[p].next = self.any_push[r].val() & self.decode.image.val().get_bit(1);
            }
            self.push_narrow[p].next = self.decode.narrow.val().get_bit(0);
            for n in self._lanes..self._lanes_end {
                for r in 0..self._posts {
                    for l in 0..self._lanes {
                        self.pushed[r * n + l].next = self.lane[r].stream[l].val();
                    }
                }
            }
        }

        // Beats.
        self.drain.clk.next = self.clk.val();
        self.drain.clear.next = self.clear.val();
        self.drain.capture.next = self.capture.y[0].val().get_bit(0);
        self.drain.time_offset.next = self.capture.y[1].val();
        self.drain.code_offset.next = self.capture.y[2].val();
        self.drain.group.next = self.capture.y[3].val();
        self.drain.row.next = self.capture.y[4].val();
        self.drain.param.next = self.capture.y[5].val();
        self.drain.first_time.next = self.capture.y[6].val().get_bit(0);
        self.drain.last_time.next = self.capture.y[7].val().get_bit(0);
        self.drain.first_pixel.next = self.capture.y[8].val().get_bit(0);
        self.drain.sweeps.next = self.decode.sweeps.val();
        self.drain.sweep_period.next = self.decode.sweep_period.val();
        self.drain.narrow.next = self.decode.narrow.val().get_bit(0);
        self.drain.out_time.next = self.decode.out_time.val();
        self.beat3.clk.next = self.clk.val();
        self.beat5.clk.next = self.clk.val();
        self.beat6.clk.next = self.clk.val();
        self.beat7.clk.next = self.clk.val();
        self.beat8.clk.next = self.clk.val();
        self.beat11.clk.next = self.clk.val();
        self.beat14.clk.next = self.clk.val();
        self.beat15.clk.next = self.clk.val();
        self.beat3.x[0].next = self.drain.valid.val().into();
        self.beat3.x[1].next = self.drain.select.val();
        self.beat3.x[2].next = self.drain.lane.val();
        self.beat3.x[3].next = self.drain.sweep.val();
        self.beat3.x[4].next = self.drain.beat_time_offset.val();
        self.beat3.x[5].next = self.drain.beat_code_offset.val();
        self.beat3.x[6].next = self.drain.beat_group.val();
        self.beat3.x[7].next = self.drain.beat_row.val();
        self.beat3.x[8].next = self.drain.beat_first_time.val().into();
        self.beat3.x[9].next = self.drain.beat_last_time.val().into();
        self.beat3.x[10].next = self.drain.beat_first_pixel.val().into();
        for i in 0..self._beat {
            self.beat5.x[i].next = self.beat3.y[i].val();
            self.beat6.x[i].next = self.beat5.y[i].val();
            self.beat7.x[i].next = self.beat6.y[i].val();
            self.beat8.x[i].next = self.beat7.y[i].val();
            self.beat11.x[i].next = self.beat8.y[i].val();
            self.beat14.x[i].next = self.beat11.y[i].val();
            self.beat15.x[i].next = self.beat14.y[i].val();
            // The neurons are entered at b+7 (x registered at b+8), or at b+15 behind the gate.
            self.lif[i].next = self.beat7.y[i].val();
            if self.use_gate.val() {
                self.lif[i].next = self.beat15.y[i].val();
            }
        }
        self.mask.next = self.all_lanes.val();
        if self.lif[9].val().get_bit(0) {
            self.mask.next = self.decode.last_lanes.val();
        }
        self.write_back.clk.next = self.clk.val();
        self.write_back.x[0].next = self.lif[4].val();
        self.write_back.x[1].next = self.lif[6].val();
        self.write_back.x[2].next = self.lif[7].val();

        // Addresses of the memories: operands, or what the post lanes and the trace read between them. From an address
        // to a word that can be chosen are two cycles.
        self.residual_address.d.next = self.decode.residual_base.val() + self.beat3.y[4].val();
        self.gate_address.d.next = self.decode.gate_base.val() + self.beat11.y[4].val();
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
        self.code_write.next = self.beat8.y[0].val().get_bit(0) & self.code_on.val();
        self.code_write_address.next = self.patch_address.val();
        if self.code_write.val() {
            self.code_write_address.next = self.decode.code_base.val() + self.beat8.y[5].val();
        }
        self.patch_grant.next = !self.code_write.val();
        self.spike_write_address.next = self.decode.spike_base.val() + self.write_back.y[0].val();
        self.half_offset.next = self.write_back.y[0].val() >> self.one.val();
        self.stream_write_address.next = self.decode.stream_base.val() + self.write_back.y[0].val();
        if self.decode.stream_half.val().get_bit(0) {
            self.stream_write_address.next = self.decode.stream_base.val() + self.half_offset.val();
        }
        // What a convolution of stride 2 reads.
        for p in 0..self._spills {
            self.new_pixel[p].clk.next = self.clk.val();
            self.new_pixel[p].x[0].next = (self.lif[0].val().get_bit(0)
                & self.lif[8].val().get_bit(0)
                & (self.lif[1].val() == self.zero.val())
                & (self.lif[2].val() == self.zero.val()))
            .into();
            self.quarter[p].clk.next = self.clk.val();
            self.quarter[p].start.next = self.start_conv.val();
            self.quarter[p].out_w.next = self.decode.out_w.val();
            self.quarter[p].pixel.next = self.new_pixel[p].y[0].val().get_bit(0);
            self.quarter[p].offset.next = self.write_back.y[0].val();
            if self.decode.image.val().get_bit(2) {
                self.stream_write_address.next = self.decode.stream_base.val() + self.quarter[p].kept.val();
            }
        }
        if self.count_on.val() {
            self.stream_write_address.next = self.decode.stream_base.val() + self.write_back.y[1].val();
        }

        // Presence of the spikes written: the pixel's place in its channel group, in the map's half.
        for p in 0..self._skips {
            self.any_write[0].next = false;
            for r in 0..self._posts {
                self.any_write[r + 1].next = self.any_write[r].val() | self.lane[r].write.val();
            }
            self.write_group[p].clock.next = self.clk.val();
            self.write_group[p].d.next = self.write_group[p].q.val();
            self.write_group_offset[p].clock.next = self.clk.val();
            self.write_offset[p].next = self.write_group_offset[p].q.val();
            if self.write_back.y[1].val() != self.write_group[p].q.val() {
                self.write_offset[p].next = self.write_group_offset[p].q.val() + self.decode.out_group.val();
            }
            self.write_group_offset[p].d.next = self.write_group_offset[p].q.val();
            for r in self._skip_posts..self._skip_posts_end {
                if self.any_write[r].val() {
                    self.write_group[p].d.next = self.write_back.y[1].val();
                    self.write_group_offset[p].d.next = self.write_offset[p].val();
                }
            }
            if self.start_conv.val() {
                self.write_group[p].d.next = 0.into();
                self.write_group_offset[p].d.next = 0.into();
            }
            self.presence_write_address[p].next = self.write_back.y[0].val() - self.write_offset[p].val();
            if self.decode.spike_base.val() != self.zero.val() {
                self.presence_write_address[p].next =
                    self.write_back.y[0].val() - self.write_offset[p].val() + self.presence_half.val();
            }
        }

        // Slots. Channel and post lane: slot % R.
        self.operand.clk.next = self.clk.val();
        self.operand.source.next = self.decode.source.val();
        self.operand.plane.next = self.plane.y[0].val();
        self.operand.exists.next = self.plane.y[1].val();
        for i in 0..self._slots {
            self.slot[i].clk.next = self.clk.val();
            self.slot[i].row.next = self.row_of[i].val();
            self.slot[i].code_address.next = self.code_address.val();
            self.slot[i].spike_address.next = self.spike_address.val();
            self.slot[i].serve.next = self.window.valid.val();
            self.weight_address[i].clock.next = self.clk.val();
            self.weight_address[i].d.next = self.window.weight.val();
            for p in 0..self._skips {
                self.slot[i].presence_group[p].next = self.write_back.y[1].val();
                self.slot[i].presence_write_address[p].next = self.presence_write_address[p].val();
                if self.skip_on.val() {
                    self.slot[i].spike_address.next = self.list[i].address.val();
                    self.slot[i].serve.next = self.list[i].valid.val();
                    self.weight_address[i].d.next = self.list[i].weight.val();
                }
            }
            self.slot[i].stream_address.next = self.stream_address.val();
            for l in 0..self._lanes {
                self.slot[i].code_mask[l].next = self.operand.code_mask[l].val();
                self.slot[i].stream_mask[l].next = self.operand.stream_mask[l].val();
            }
            self.slot[i].spike_mask.next = self.operand.spike_mask.val();
            self.slot[i].post_row.next = self.beat8.y[7].val();
            self.slot[i].code_write.next = self.code_write.val();
            self.slot[i].code_write_address.next = self.code_write_address.val();
            self.slot[i].patch_write.next = self.patch_write.val()
                & !self.code_write.val()
                & (self.patch_slot.val() == self.slot_of[i].val());
            self.slot[i].write_row.next = self.write_back.y[2].val();
            self.slot[i].spike_write_address.next = self.spike_write_address.val();
            self.slot[i].stream_write_address.next = self.stream_write_address.val();
            self.slot[i].code_data.next = self.patch_data.val();
            self.slot[i].spike_write.next = false;
            self.slot[i].spike_data.next = 0.into();
            self.slot[i].stream_write.next = false;
            for l in 0..self._lanes {
                self.slot[i].stream_data[l].next = 0.into();
            }
            for r in 0..self._posts {
                self.lane[r].bits[i].next = self.slot[i].bits.val();
                self.lane[r].weight_address[i].next = self.weight_address[i].q.val();
                if self.lane_of[i].val() == r.into() {
                    if self.code_write.val() {
                        self.slot[i].code_data.next = self.lane[r].code.val();
                    }
                    self.slot[i].spike_write.next =
                        self.lane[r].write.val() & self.decode.spike_on.val().get_bit(0);
                    self.slot[i].spike_data.next = self.lane[r].spikes.val();
                    self.slot[i].stream_write.next = self.lane[r].write.val() & self.stream_write_on.val();
                    for l in 0..self._lanes {
                        self.slot[i].stream_data[l].next = self.lane[r].stream[l].val();
                    }
                    if self.count_on.val() {
                        for l in 0..self._lanes {
                            self.slot[i].stream_data[l].next = 0.into();
                        }
                        self.slot[i].stream_data[0].next = self.lane[r].count.val();
                    }
                }
            }
        }

        // Words of one slot: the residuals that a beat adds and the stem's spikes that the gate masks, or, when nothing
        // runs, what the trace reads.
        self.dump_row.next = self.dump_slot.val() >> self.lanes_of_slot.val();
        self.word_slot.next = (self.beat14.y[7].val() << self.lanes_of_slot.val()) | self.beat14.y[2].val();
        if self.dump.val() {
            self.word_slot.next = self.dump_slot.val();
        }
        self.choose_code.index.next = self.dump_slot.val();
        self.choose_spikes.index.next = self.word_slot.val();
        for i in 0..self._slots {
            self.choose_code.x[i].next = self.slot[i].code_word.val();
            self.choose_spikes.x[i].next = self.slot[i].spike_word.val();
        }
        self.dump_lane.next = self.dump_slot.val() & self.last_post.val();
        // The row's decoder lies before a register, so that the many choices of it take one term each.
        for k in 0..self._rows {
            self.row_held[k].clock.next = self.clk.val();
            self.row_held[k].d.next = 0.into();
            if self.beat5.y[7].val() == k.into() {
                self.row_held[k].d.next = 1.into();
            }
            self.row_wanted[k].next = self.row_held[k].q.val().get_bit(0);
            if self.dump.val() {
                self.row_wanted[k].next = self.dump_row.val() == k.into();
            }
        }
        for m in self._posts_one..self._posts_end {
            for n in self._lanes..self._lanes_end {
                for r in 0..self._posts {
                    for l in 0..self._lanes {
                        for k in 0..self._rows {
                            self.choose_stream[r * n + l].wanted[k].next = self.row_wanted[k].val();
                            self.choose_stream[r * n + l].x[k].next =
                                self.slot[k * m + r].stream_word[l].val();
                        }
                        self.lane[r].residual[l].next = self.choose_stream[r * n + l].y.val();
                        self.choose_dump[l].index.next = self.dump_lane.val();
                        self.choose_dump[l].x[r].next = self.choose_stream[r * n + l].y.val();
                        for p in 0..self._spills {
                            if self.residual_spilled[p].val() {
                                self.lane[r].residual[l].next = self.residual[r * n + l].val();
                                self.choose_dump[l].x[r].next = self.residual[r * n + l].val();
                            }
                        }
                    }
                }
            }
        }
        self.code_word.next = self.choose_code.y.val();
        self.spike_word.next = self.choose_spikes.y.val();
        for l in 0..self._lanes {
            self.stream_word[l].next = self.choose_dump[l].y.val();
        }

        // Post lanes.
        self.load_lane.next = self.load_slot.val() >> self.slot_shift.val();
        for p in 0..self._ports {
            self.beat_in_lane[p].next = self.fill_beat[p].val() & self.lane_beat_mask.val();
            self.lane_of_beat[p].next = self.fill_beat[p].val() >> self.lane_beat_bits.val();
        }
        for r in 0..self._posts {
            self.lane[r].clk.next = self.clk.val();
            self.lane[r].negative_all.next = self.signs.y[0].val().get_bit(0);
            self.lane[r].negative_top.next = self.signs.y[1].val().get_bit(0);
            self.lane[r].twice.next = self.accumulate.y[0].val().get_bit(0);
            self.lane[r].restart.next = self.accumulate.y[1].val().get_bit(0);
            self.lane[r].last.next = self.capture.y[0].val().get_bit(0);
            self.lane[r].select.next = self.drain.select.val();
            self.lane[r].param_address.next = self.drain.beat_param.val();
            self.lane[r].combine.next = self.decode.combine.val();
            self.lane[r].code_mode.next = self.decode.code_mode.val();
            self.lane[r].xq_shift.next = self.decode.xq_shift.val();
            self.lane[r].use_gate.next = self.use_gate.val();
            self.lane[r].use_residual.next = self.decode.residual_on.val().get_bit(0);
            self.lane[r].leak_shift.next = self.leak_shift.val();
            self.lane[r].fire_ge.next = self.fire_ge.val().get_bit(0);
            self.lane[r].threshold.next = self.decode.threshold.val();
            self.lane[r].lif_valid.next = self.lif[0].val().get_bit(0);
            if self.decode.narrow.val().get_bit(0) {
                self.lane[r].lif_valid.next = self.lif[0].val().get_bit(0) & (self.lif[2].val() == r.into());
            }
            self.lane[r].entry.next = self.lif[1].val();
            self.lane[r].first_time.next = self.lif[8].val().get_bit(0);
            self.lane[r].count_first.next = self.lif[8].val().get_bit(0) & self.lif[10].val().get_bit(0);
            self.lane[r].mask.next = self.mask.val();
            self.lane[r].load_weight.next = self.load.val()
                & (self.load_target.val() == self.target_weights.val())
                & (self.load_lane.val() == r.into());
            self.lane[r].load_param.next = self.load.val()
                & (self.load_target.val() == self.target_params.val())
                & (self.load_slot.val() == r.into());
            self.lane[r].load_slot.next = self.load_slot.val();
            self.lane[r].load_address.next = self.load_address.val();
            for k in 0..self._words {
                self.lane[r].load_word[k].next = self.load_word[k].val();
            }
            for p in 0..self._ports {
                self.lane[r].fill[p].next = self.fill[p].val() & (self.lane_of_beat[p].val() == r.into());
                self.lane[r].fill_beat[p].next = self.beat_in_lane[p].val();
                self.lane[r].fill_address[p].next = self.fill_address[p].val();
                for k in 0..self._fill_words {
                    self.lane[r].fill_word[k].next = self.fill_word[k].val();
                }
            }
            for l in 0..self._lanes {
                self.lane[r].gate_y[l].next = self.gate.gate_y[l].val();
            }
        }

        // Encoder.
        self.statistics.clk.next = self.clk.val();
        self.statistics.clear.next = self.start_conv.val() & self.decode.statistics.val().get_bit(0);
        self.statistics.valid.next = self.beat7.y[0].val().get_bit(0)
            & self.decode.statistics.val().get_bit(0)
            & (self.beat7.y[3].val() == self.zero.val());
        self.selected_sca.next = 0.into();
        for r in 0..self._posts {
            self.statistics.y[r].next = self.lane[r].y[0].val();
            self.statistics.real[r].next = self.lane[r].real.val();
            if self.beat7.y[2].val() == r.into() {
                self.selected_sca.next = self.lane[r].y[0].val();
            }
        }
        self.sum.next = self.statistics.sum.val();
        self.max.next = self.statistics.max.val();
        self.temporal.clk.next = self.clk.val();
        self.temporal.clear.next = self.clear.val();
        self.temporal.load.next = self.load.val() & (self.load_target.val() == self.target_attention.val());
        self.temporal.load_address.next = self.load_address.val();
        self.temporal.load_data.next = self.load_word[0].val();
        self.temporal.start.next = self.start_temporal.val();
        self.temporal.timesteps.next = self.timesteps.val();
        self.temporal.sum.next = self.statistics.sum.val();
        self.temporal.max.next = self.statistics.max.val();
        self.temporal.max_align.next = self.max_align.val();
        self.temporal.ta_shift.next = self.ta_shift.val();
        self.temporal.sweep.next = self.beat7.y[3].val();
        self.temporal.scalar_index.next = self.scalar_index.val();
        self.scalar.next = self.temporal.scalar.val();
        self.temporal_done.next = self.temporal.done.val();
        self.sca.d.next = self.selected_sca.val();
        self.gate.clk.next = self.clk.val();
        self.gate.load.next = self.load.val() & (self.load_target.val() == self.target_gate.val());
        self.gate.load_address.next = self.load_address.val();
        self.gate.load_data.next = self.load_word[0].val();
        self.gate.sca.next = self.sca.q.val();
        self.gate.z_shift.next = self.z_shift.val();
        self.gate.y_shift.next = self.y_shift.val();
        self.gate.mask.next = self.choose_spikes.y.val();
        for l in 0..self._lanes {
            self.gate.ta[l].next = self.temporal.ta[l].val();
        }

        // Head: logits come one a beat, in channel order.
        self.logit_clear.next = self.start_conv.val() & self.decode.result.val().get_bit(0);
        self.logit_valid.next = self.beat5.y[0].val().get_bit(0) & self.decode.result.val().get_bit(0);
        self.logit.next = 0.into();
        for r in 0..self._posts {
            if self.beat5.y[2].val() == r.into() {
                self.logit.next = self.lane[r].logit.val();
            }
        }
        self.logit_index.next = self.logit_count.q.val();
        if self.beat5.y[0].val().get_bit(0) {
            self.logit_count.d.next = self.logit_count.q.val() + self.one.val();
        }
        if self.start_conv.val() {
            self.logit_count.d.next = 0.into();
        }

        // Spikes written in this cycle, for the counters.
        self.spike_sum[0].next = 0.into();
        for r in 0..self._posts {
            self.spike_sum[r + 1].next = self.spike_sum[r].val();
            if self.lane[r].write.val() & self.decode.spike_on.val().get_bit(0) {
                self.spike_sum[r + 1].next = self.spike_sum[r].val() + self.lane[r].popcount.val();
            }
        }
        for r in self._posts..self._posts_end {
            self.spikes.next = self.spike_sum[r].val();
        }
    }
}
