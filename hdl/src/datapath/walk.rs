//! From an instruction to the words that the array adds: pixels, taps, sums.

use super::{Datapath, Walk};
use crate::control::sum::Sum;
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Walk> for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..self._fields {
            self.decode.field[i].next = self.field[i].val();
        }
        self.is_stream.next = self.decode.source.val() == self.source_stream.val();
        self.skip_on.next = self.decode.skip.val().get_bit(0);
        self.sums_values.next = self.decode.combine.val() == self.combine_values.val();

        // Pixels.
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
        for p in 0..self.packed.count() {
            for b in self._packed..self._packed_end {
                self.packed[p].next = self.decode.weight_group.val().get_bit(b);
            }
            self.group_words[p].next = self.decode.weight_group.val() & self.group_mask[p].val();
            self.pixels.weight_group.next = self.group_words[p].val();
        }
        self.pixels.take.next = self.window.take.val();
        for p in 0..self.moves.count() {
            for b in self._continues..self._continues_end {
                self.continues[p].next = self.decode.image.val().get_bit(b);
                self.pixels.continues[p].next = self.continues[p].val();
            }
        }

        // Taps and words of each pixel.
        self.window.clk.next = self.clk.val();
        self.window.clear.next = self.clear.val();
        self.window.pixel_valid.next = self.pixels.valid.val();
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
        self.window.is_plane_sum.next =
            (self.decode.combine.val() != self.combine_apart.val()) & !self.sums_values.val();
        self.window.skip.next = self.skip_on.val();
        self.window.lists_full.next = false;
        self.window.sums_open.next = true;
        self.window.weights_ready.next = self.weights_ready.val();
        self.claim.next = self.window.claim.val();
        self.tile.next = self.decode.weight_group.val();
        for p in 0..self.packed.count() {
            self.tile.next = self.group_words[p].val();
            if self.packed[p].val() {
                self.tile.next = self.group_words[p].val() >> self.one.val();
            }
        }
        // The group's last word: the pixel behind it opens a group, or there is none.
        for f in 0..self.fill.count() {
            self.group_walked[f].next = self.window.last.val()
                & self.window.sum.last_time.val().get_bit(0)
                & (self.window.finished.val() | self.pixels.opens.val());
            self.frees[f].next = self.group_walked[f].val();
        }

        // A pixel waits for its maps in the external memory.
        for p in 0..self.maps.count() {
            if !self.maps[p].ready.val() {
                self.window.pixel_valid.next = false;
            }
            self.maps[p].pops.next = self.decode.residual_spilled.val();
            self.maps[p].pushes.next = self.decode.stream_spilled.val();
            self.maps[p].claim.next = self.window.take.val();
            self.maps[p].bursts.next =
                self.decode.time_passes.val() + self.decode.sweeps.val() + self.one.val();
        }

        // Words and sums: the window unit's, or with zero-skipping those that the slots' lists make of its taps.
        self.conv_finished.next = self.window.finished.val();
        self.served.next = self.window.valid.val();
        self.stall.next = self.window.stall.val();
        self.ends.next = self.window.last.val();
        Sum::join(&mut self.window.sum, &mut self.ended);
        for p in 0..self.skipping.count() {
            self.skipping[p].clk.next = self.clk.val();
            self.skipping[p].clear.next = self.clear.val();
            self.skipping[p].on.next = self.skip_on.val();
            self.skipping[p].walks.next = self.window.valid.val();
            self.skipping[p].first.next = self.window.first.val();
            self.skipping[p].last.next = self.window.last.val();
            self.skipping[p].address.next = self.window.address.val();
            self.skipping[p].weight.next = self.window.weight.val();
            Sum::join(&mut self.window.sum, &mut self.skipping[p].sum);
            self.skipping[p].source_base.next = self.decode.source_base.val();
            self.skipping[p].source_group.next = self.decode.source_group.val();
            self.skipping[p].groups_in.next = self.decode.groups_in.val();
            self.skipping[p].drain_period.next = self.decode.drain_period.val();
            for i in 0..self._slots {
                self.slot[i].presence_address[p].next = self.skipping[p].presence_address.val();
                self.skipping[p].present[i].next = self.slot[i].present[p].val();
            }
            self.window.lists_full.next = self.skipping[p].full.val();
            self.window.sums_open.next = self.skipping[p].open.val();
            for f in 0..self.fill.count() {
                // A tile is free, and the next one claimed, when the sums that use it have ended; not in the cycle in which
                // the last of them may be begun.
                if self.skip_on.val() & (!self.skipping[p].idle.val() | self.window.valid.val()) {
                    self.window.weights_ready.next = false;
                }
                self.group_closes[f].clock.next = self.clk.val();
                self.group_closes[f].d.next = self.group_closes[f].q.val();
                if self.skip_on.val() {
                    self.frees[f].next =
                        self.group_closes[f].q.val().get_bit(0) & self.skipping[p].idle.val();
                    if self.frees[f].val() {
                        self.group_closes[f].d.next = 0.into();
                    }
                    if self.group_walked[f].val() {
                        self.group_closes[f].d.next = 1.into();
                    }
                }
                if self.clear.val() {
                    self.group_closes[f].d.next = 0.into();
                }
            }
            if self.skip_on.val() {
                self.conv_finished.next =
                    self.skipping[p].ends.val() & self.skipping[p].ended.last_of_layer.val().get_bit(0);
                self.served.next = self.skipping[p].valid.val();
                self.stall.next = self.skipping[p].stall.val();
                self.ends.next = self.skipping[p].ends.val();
                Sum::join(&mut self.skipping[p].ended, &mut self.ended);
            }
        }

        // On their way to the accumulators and the drain control.
        self.control.clk.next = self.clk.val();
        self.control.x.twice.next = (self.window.valid.val() & self.window.twice.val()).into();
        // What is left from before a reset goes when a layer starts.
        self.control.x.restart.next = (self.ends.val() | self.start_conv.val()).into();
        self.control.x.capture.next = self.ends.val().into();
        self.captured.clk.next = self.clk.val();
        Sum::join(&mut self.ended, &mut self.captured.x);
        self.signs.clk.next = self.clk.val();
        self.signs.x.all.next = self.window.negative_all.val().into();
        self.signs.x.top.next = self.window.negative_top.val().into();
    }
}
