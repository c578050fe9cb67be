//! What [`Window`] does in a cycle.

use super::Window;
use crate::lang::*;

impl Logic for Window {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            active,
            start_address,
            start_weight,
            ky_low,
            ky_high,
            kx_low,
            kx_high,
            time_base,
            code_base,
            group_held,
            row_held,
            param_held,
            pixel_is_first,
            pixel_is_last
        );
        dff_setup!(
            self,
            clk,
            current,
            tap,
            line,
            weight_current,
            weight_line,
            ky,
            kx,
            group_in,
            plane_index,
            time_index,
            at_start,
            hold
        );

        // Where in the window this cycle is.
        self.last_group.next = (self.group_in.q.val() == self.groups_in.val()) | self.skip.val();
        self.last_kx.next = self.kx.q.val() == self.kx_high.q.val();
        self.last_ky.next = self.ky.q.val() == self.ky_high.q.val();
        self.last_plane.next = self.plane_index.q.val() == self.planes.val();
        self.last_pass.next = self.time_index.q.val() == self.time_passes.val();
        self.end_of_pass.next = self.last_group.val() & self.last_kx.val() & self.last_ky.val();
        self.end_of_sum.next = self.end_of_pass.val() & self.last_plane.val();
        self.blocked.next = self.end_of_sum.val() & (self.hold.q.val() != self.zero.val());
        if self.skip.val() {
            self.blocked.next =
                self.lists_full.val() | (self.at_start.q.val().get_bit(0) & !self.sums_open.val());
        }
        self.issue.next = self.active.q.val().get_bit(0) & !self.blocked.val();
        self.done.next = self.issue.val() & self.end_of_sum.val() & self.last_pass.val();
        self.accept.next = self.pixel_valid.val()
            & (self.done.val() | !self.active.q.val().get_bit(0))
            & (self.weights_ready.val() | !self.pixel_opens.val());

        // The next position.
        self.next_tap.next = self.tap.q.val() + self.one.val();
        self.next_line.next = self.line.q.val() + self.in_w.val();
        self.next_weight_line.next = self.weight_line.q.val() + self.weight_row.val();
        self.next_start.next = self.start_address.q.val() + self.source_time.val();
        if self.hold.q.val() != self.zero.val() {
            self.hold.d.next = self.hold.q.val() - self.one.val();
        }
        if self.issue.val() {
            self.at_start.d.next = 0.into();
            self.group_in.d.next = self.group_in.q.val() + self.one.val();
            self.current.d.next = self.current.q.val() + self.source_group.val();
            self.weight_current.d.next = self.weight_current.q.val() + self.one.val();
            if self.skip.val() {
                self.weight_current.d.next =
                    self.weight_current.q.val() + self.groups_in.val() + self.one.val();
            }
            if self.last_group.val() {
                self.group_in.d.next = 0.into();
                self.kx.d.next = self.kx.q.val() + self.one.val();
                self.tap.d.next = self.next_tap.val();
                self.current.d.next = self.next_tap.val();
                if self.last_kx.val() {
                    self.kx.d.next = self.kx_low.q.val();
                    self.ky.d.next = self.ky.q.val() + self.one.val();
                    self.line.d.next = self.next_line.val();
                    self.tap.d.next = self.next_line.val();
                    self.current.d.next = self.next_line.val();
                    self.weight_line.d.next = self.next_weight_line.val();
                    self.weight_current.d.next = self.next_weight_line.val();
                    if self.last_ky.val() {
                        self.ky.d.next = self.ky_low.q.val();
                        self.at_start.d.next = 1.into();
                        self.plane_index.d.next = self.plane_index.q.val() + self.one.val();
                        self.line.d.next = self.start_address.q.val();
                        self.tap.d.next = self.start_address.q.val();
                        self.current.d.next = self.start_address.q.val();
                        self.weight_line.d.next = self.start_weight.q.val();
                        self.weight_current.d.next = self.start_weight.q.val();
                        if self.last_plane.val() {
                            self.plane_index.d.next = 0.into();
                            self.hold.d.next = self.drain_period.val() - self.one.val();
                            self.time_index.d.next = self.time_index.q.val() + self.one.val();
                            self.time_base.d.next = self.time_base.q.val() + self.out_time.val();
                            self.start_address.d.next = self.next_start.val();
                            self.line.d.next = self.next_start.val();
                            self.tap.d.next = self.next_start.val();
                            self.current.d.next = self.next_start.val();
                            if self.last_pass.val() {
                                self.active.d.next = 0.into();
                            }
                        }
                    }
                }
            }
        }
        if self.accept.val() {
            self.active.d.next = 1.into();
            self.start_address.d.next = self.pixel_address.val();
            self.start_weight.d.next = self.pixel_weight.val();
            self.ky_low.d.next = self.pixel_ky_low.val();
            self.ky_high.d.next = self.pixel_ky_high.val();
            self.kx_low.d.next = self.pixel_kx_low.val();
            self.kx_high.d.next = self.pixel_kx_high.val();
            self.time_base.d.next = self.pixel_time_offset.val() + self.pixel_number.val();
            self.code_base.d.next = self.pixel_code_offset.val() + self.pixel_number.val();
            self.group_held.d.next = self.pixel_group.val();
            self.row_held.d.next = self.pixel_row.val();
            self.param_held.d.next = self.pixel_param.val();
            self.pixel_is_first.d.next = 0.into();
            if self.pixel_first.val() {
                self.pixel_is_first.d.next = 1.into();
            }
            self.pixel_is_last.d.next = 0.into();
            if self.pixel_last.val() {
                self.pixel_is_last.d.next = 1.into();
            }
            self.current.d.next = self.pixel_address.val();
            self.tap.d.next = self.pixel_address.val();
            self.line.d.next = self.pixel_address.val();
            self.weight_current.d.next = self.pixel_weight.val();
            self.weight_line.d.next = self.pixel_weight.val();
            self.ky.d.next = self.pixel_ky_low.val();
            self.kx.d.next = self.pixel_kx_low.val();
            self.group_in.d.next = 0.into();
            self.plane_index.d.next = 0.into();
            self.time_index.d.next = 0.into();
            self.at_start.d.next = 1.into();
        }
        if self.clear.val() {
            self.active.d.next = 0.into();
            self.hold.d.next = 0.into();
        }

        // Outputs of this cycle.
        self.take.next = self.accept.val();
        self.claim.next = self.accept.val() & self.pixel_opens.val();
        self.address.next = self.current.q.val();
        self.weight.next = self.weight_current.q.val();
        self.plane.next = self.plane_index.q.val();
        if self.is_stream.val() {
            self.plane.next = self.plane_top.val() - self.plane_index.q.val();
        }
        self.top_plane.next = self.signed_top.val() & (self.plane_index.q.val() == self.zero.val());
        self.valid.next = self.issue.val();
        self.first.next = self.at_start.q.val().get_bit(0) & (self.plane_index.q.val() == self.zero.val());
        self.twice.next = self.at_start.q.val().get_bit(0) & (self.plane_index.q.val() != self.zero.val());
        self.negative_all.next = self.top_plane.val() & !self.is_plane_sum.val();
        self.negative_top.next = self.top_plane.val() & self.is_plane_sum.val();
        self.last.next = self.issue.val() & self.end_of_sum.val();
        self.sum.time_offset.next = self.time_base.q.val();
        self.sum.code_offset.next = self.code_base.q.val();
        self.sum.group.next = self.group_held.q.val();
        self.sum.row.next = self.row_held.q.val();
        self.sum.param.next = self.param_held.q.val();
        self.final_group.next = self.last_group.val();
        self.sum.first_time.next = (self.time_index.q.val() == self.zero.val()).into();
        self.sum.last_time.next = self.last_pass.val().into();
        self.sum.first_pixel.next = self.pixel_is_first.q.val();
        self.stall.next = self.active.q.val().get_bit(0) & self.blocked.val();
        self.finished.next = self.done.val() & self.pixel_is_last.q.val().get_bit(0);
        self.sum.last_of_layer.next = (self.done.val() & self.pixel_is_last.q.val().get_bit(0)).into();
    }
}
