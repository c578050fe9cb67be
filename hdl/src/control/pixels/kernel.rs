//! What [`Pixels`] does in a cycle.

use super::Pixels;
use crate::lang::*;

impl Logic for Pixels {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            a_valid,
            a_group_out,
            a_y,
            a_x,
            a_iy,
            a_ix,
            a_line,
            a_pixel,
            a_weight,
            a_time_offset,
            a_code_offset,
            a_group,
            a_row,
            a_param,
            a_first
        );
        dff_setup!(
            self,
            clk,
            b_valid,
            b_ky_low,
            b_ky_high,
            b_kx_low,
            b_kx_high,
            b_line,
            b_ix,
            b_pixel,
            b_weight,
            b_time_offset,
            b_code_offset,
            b_group,
            b_row,
            b_param,
            b_first,
            b_last,
            b_opens
        );
        dff_setup!(
            self,
            clk,
            c_valid,
            c_address,
            c_weight,
            c_ky_low,
            c_ky_high,
            c_kx_low,
            c_kx_high,
            c_pixel,
            c_time_offset,
            c_code_offset,
            c_group,
            c_row,
            c_param,
            c_first,
            c_last,
            c_opens
        );
        self.last_image.next = true;
        self.first_image.next = true;
        for p in 0..self._batches {
            self.a_image[p].clock.next = self.clk.val();
            self.a_source[p].clock.next = self.clk.val();
            self.a_group_start[p].clock.next = self.clk.val();
            self.a_time_start[p].clock.next = self.clk.val();
            self.a_image[p].d.next = self.a_image[p].q.val();
            self.a_source[p].d.next = self.a_source[p].q.val();
            self.a_group_start[p].d.next = self.a_group_start[p].q.val();
            self.a_time_start[p].d.next = self.a_time_start[p].q.val();
            self.last_image.next = self.a_image[p].q.val() == self.images.val();
            self.first_image.next = self.a_image[p].q.val() == self.zero.val();
        }

        // A stage moves on when the next one is empty or moves on too.
        self.c_move.next = self.take.val() | !self.c_valid.q.val().get_bit(0);
        self.b_move.next = self.c_move.val() | !self.b_valid.q.val().get_bit(0);
        self.a_move.next = self.b_move.val() & self.a_valid.q.val().get_bit(0);

        // Stage A: count x, y, image, group; all products by addition.
        self.last_x.next = self.a_x.q.val() == self.out_w.val();
        self.last_y.next = self.a_y.q.val() == self.out_h.val();
        self.last_group.next = self.a_group_out.q.val() == self.groups_out.val();
        self.next_row.next = self.a_row.q.val() + self.row_step_group.val();
        self.next_group.next = self.a_group.q.val() + self.one.val();
        self.next_time.next = self.a_time_offset.q.val() + self.out_group.val();
        self.origin.next = self.zero.val() - self.pad.val();
        if self.a_move.val() {
            self.a_pixel.d.next = self.a_pixel.q.val() + self.one.val();
            self.a_first.d.next = 0.into();
            self.a_x.d.next = self.a_x.q.val() + self.one.val();
            self.a_ix.d.next = self.a_ix.q.val() + self.stride.val();
            if self.last_x.val() {
                self.a_x.d.next = 0.into();
                self.a_ix.d.next = self.origin.val();
                self.a_y.d.next = self.a_y.q.val() + self.one.val();
                self.a_iy.d.next = self.a_iy.q.val() + self.stride.val();
                self.a_line.d.next = self.a_line.q.val() + self.row_step.val();
                if self.last_y.val() {
                    self.a_y.d.next = 0.into();
                    self.a_iy.d.next = self.origin.val();
                    for p in 0..self.continues.count() {
                        if self.continues[p].val() {
                            self.a_iy.d.next = 0.into();
                        }
                    }
                    self.a_line.d.next = self.zero.val() - self.row_origin.val();
                    self.a_pixel.d.next = 0.into();
                    self.a_first.d.next = 1.into();
                    for p in 0..self._batches {
                        self.a_image[p].d.next = self.a_image[p].q.val() + self.one.val();
                        self.a_source[p].d.next = self.a_source[p].q.val() + self.source_image.val();
                        self.a_group.d.next = self.next_group.val();
                        self.a_time_offset.d.next = self.next_time.val();
                    }
                    if self.last_image.val() {
                        for p in 0..self._batches {
                            self.a_image[p].d.next = 0.into();
                            self.a_source[p].d.next = 0.into();
                            self.a_group.d.next = self.a_group_start[p].q.val();
                            self.a_time_offset.d.next = self.a_time_start[p].q.val();
                        }
                        self.a_group_out.d.next = self.a_group_out.q.val() + self.one.val();
                        self.a_weight.d.next = self.a_weight.q.val() + self.weight_group.val();
                        self.a_param.d.next = self.a_param.q.val() + self.row_step_group.val();
                        self.a_row.d.next = self.next_row.val();
                        if self.next_row.val() == self.rows.val() {
                            self.a_row.d.next = 0.into();
                            self.a_group.d.next = self.next_group.val();
                            self.a_time_offset.d.next = self.next_time.val();
                            self.a_code_offset.d.next = self.a_code_offset.q.val() + self.out_time.val();
                            for p in 0..self._batches {
                                self.a_group_start[p].d.next = self.next_group.val();
                                self.a_time_start[p].d.next = self.next_time.val();
                            }
                        }
                        if self.last_group.val() {
                            self.a_valid.d.next = 0.into();
                        }
                    }
                }
            }
        }
        if self.start.val() {
            self.a_valid.d.next = 1.into();
            self.a_group_out.d.next = 0.into();
            self.a_x.d.next = 0.into();
            self.a_y.d.next = 0.into();
            self.a_ix.d.next = self.origin.val();
            self.a_iy.d.next = self.origin.val();
            for p in 0..self.continues.count() {
                if self.continues[p].val() {
                    self.a_iy.d.next = 0.into();
                }
            }
            self.a_line.d.next = self.zero.val() - self.row_origin.val();
            self.a_pixel.d.next = 0.into();
            self.a_weight.d.next = self.weight_base.val();
            self.a_time_offset.d.next = 0.into();
            self.a_code_offset.d.next = 0.into();
            self.a_group.d.next = 0.into();
            self.a_row.d.next = 0.into();
            self.a_param.d.next = self.param_base.val();
            self.a_first.d.next = 1.into();
            for p in 0..self._batches {
                self.a_image[p].d.next = 0.into();
                self.a_source[p].d.next = 0.into();
                self.a_group_start[p].d.next = 0.into();
                self.a_time_start[p].d.next = 0.into();
            }
        }

        // Stage B: taps inside the map. Tap k lies at position origin + k, which must be within 0..size.
        self.room_y.next = self.in_h.val() - self.a_iy.q.val() - self.one.val();
        self.room_x.next = self.in_w.val() - self.a_ix.q.val() - self.one.val();
        if self.b_move.val() {
            self.b_valid.d.next = self.a_valid.q.val();
            self.b_ky_low.d.next = 0.into();
            self.b_line.d.next = self.a_line.q.val();
            if self.a_iy.q.val() < self.zero.val() {
                self.b_ky_low.d.next = self.zero.val() - self.a_iy.q.val();
                self.b_line.d.next = 0.into();
            }
            for p in 0..self._batches {
                self.b_line.d.next = self.a_line.q.val() + self.a_source[p].q.val();
                if self.a_iy.q.val() < self.zero.val() {
                    self.b_line.d.next = self.a_source[p].q.val();
                }
            }
            self.b_kx_low.d.next = 0.into();
            self.b_ix.d.next = self.a_ix.q.val();
            if self.a_ix.q.val() < self.zero.val() {
                self.b_kx_low.d.next = self.zero.val() - self.a_ix.q.val();
                self.b_ix.d.next = 0.into();
            }
            self.b_ky_high.d.next = self.kernel.val();
            if self.room_y.val() < self.kernel.val() {
                self.b_ky_high.d.next = self.room_y.val();
            }
            self.b_kx_high.d.next = self.kernel.val();
            if self.room_x.val() < self.kernel.val() {
                self.b_kx_high.d.next = self.room_x.val();
            }
            self.b_pixel.d.next = self.a_pixel.q.val();
            self.b_weight.d.next = self.a_weight.q.val();
            self.b_time_offset.d.next = self.a_time_offset.q.val();
            self.b_code_offset.d.next = self.a_code_offset.q.val();
            self.b_group.d.next = self.a_group.q.val();
            self.b_row.d.next = self.a_row.q.val();
            self.b_param.d.next = self.a_param.q.val();
            self.b_first.d.next = self.a_first.q.val();
            self.b_last.d.next = 0.into();
            if self.last_x.val() & self.last_y.val() & self.last_image.val() & self.last_group.val() {
                self.b_last.d.next = 1.into();
            }
            self.b_opens.d.next = 0.into();
            if self.first_image.val() {
                self.b_opens.d.next = self.a_first.q.val();
            }
        }

        // Stage C: start addresses. The products are at most 3 bits wide on one side.
        self.groups.next = self.groups_in.val() + self.one.val();
        if self.c_move.val() {
            self.c_valid.d.next = self.b_valid.q.val();
            self.c_address.d.next = self.source_base.val() + self.b_line.q.val() + self.b_ix.q.val();
            self.c_weight.d.next = self.b_weight.q.val()
                + (self.b_ky_low.q.val() * self.weight_row.val())
                + (self.b_kx_low.q.val() * self.groups.val());
            self.c_ky_low.d.next = self.b_ky_low.q.val();
            self.c_ky_high.d.next = self.b_ky_high.q.val();
            self.c_kx_low.d.next = self.b_kx_low.q.val();
            self.c_kx_high.d.next = self.b_kx_high.q.val();
            self.c_pixel.d.next = self.b_pixel.q.val();
            self.c_time_offset.d.next = self.b_time_offset.q.val();
            self.c_code_offset.d.next = self.b_code_offset.q.val();
            self.c_group.d.next = self.b_group.q.val();
            self.c_row.d.next = self.b_row.q.val();
            self.c_param.d.next = self.b_param.q.val();
            self.c_first.d.next = self.b_first.q.val();
            self.c_last.d.next = self.b_last.q.val();
            self.c_opens.d.next = self.b_opens.q.val();
        }
        if self.clear.val() {
            self.a_valid.d.next = 0.into();
            self.b_valid.d.next = 0.into();
            self.c_valid.d.next = 0.into();
        }

        self.valid.next = self.c_valid.q.val().get_bit(0);
        self.address.next = self.c_address.q.val();
        self.weight.next = self.c_weight.q.val();
        self.ky_low.next = self.c_ky_low.q.val();
        self.ky_high.next = self.c_ky_high.q.val();
        self.kx_low.next = self.c_kx_low.q.val();
        self.kx_high.next = self.c_kx_high.q.val();
        self.pixel.next = self.c_pixel.q.val();
        self.time_offset.next = self.c_time_offset.q.val();
        self.code_offset.next = self.c_code_offset.q.val();
        self.group.next = self.c_group.q.val();
        self.row.next = self.c_row.q.val();
        self.param.next = self.c_param.q.val();
        self.first.next = self.c_first.q.val().get_bit(0);
        self.last.next = self.c_last.q.val().get_bit(0);
        self.opens.next = self.c_opens.q.val().get_bit(0);
    }
}
