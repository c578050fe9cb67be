//! From a captured sum to what is written back: beats and post lanes.

use super::{Datapath, Post};
use crate::control::beat::Beat;
use crate::control::sum::Sum;
use crate::lang::part::Part;
use crate::lang::*;

impl Part<Post> for Datapath {
    #[hdl_gen]
    fn update(&mut self) {
        // Beats.
        self.drain.clk.next = self.clk.val();
        self.drain.clear.next = self.clear.val();
        self.drain.capture.next = self.control.y.capture.val().get_bit(0);
        Sum::join(&mut self.captured.y, &mut self.drain.sum);
        self.drain.sweeps.next = self.decode.sweeps.val();
        self.drain.sweep_period.next = self.decode.sweep_period.val();
        self.drain.narrow.next = self.decode.narrow.val().get_bit(0);
        self.drain.out_time.next = self.decode.out_time.val();
        self.beats.clk.next = self.clk.val();
        self.beats.use_gate.next = self.use_gate.val();
        Beat::join(&mut self.drain.beat, &mut self.beats.drained);
        self.mask.next = self.all_lanes.val();
        if self.beats.entering.last_time.val().get_bit(0) {
            self.mask.next = self.decode.last_lanes.val();
        }

        // Neurons of the layer's own.
        for p in 0..self.layer_leak.count() {
            for i in self._leak_flip..self._leak_flip_end {
                self.layer_leak[p].next = self.leak_shift.val() ^ self.field[i].val();
            }
            for i in self._fire_flip..self._fire_flip_end {
                self.layer_fire[p].next = self.fire_ge.val().get_bit(0) ^ self.field[i].val().get_bit(0);
            }
            for i in self._subtracts..self._subtracts_end {
                self.layer_reset[p].next = self.field[i].val().get_bit(0);
            }
        }

        // Post lanes: their share of the array, parameters, requantisation, neurons.
        for r in 0..self._posts {
            self.lane[r].clk.next = self.clk.val();
            self.lane[r].negative_all.next = self.signs.y.all.val().get_bit(0);
            self.lane[r].negative_top.next = self.signs.y.top.val().get_bit(0);
            self.lane[r].twice.next = self.control.y.twice.val().get_bit(0);
            self.lane[r].restart.next = self.control.y.restart.val().get_bit(0);
            self.lane[r].last.next = self.control.y.capture.val().get_bit(0);
            self.lane[r].select.next = self.drain.beat.column.val();
            self.lane[r].param_address.next = self.drain.param.val();
            self.lane[r].combine.next = self.decode.combine.val();
            self.lane[r].code_mode.next = self.decode.code_mode.val();
            self.lane[r].xq_shift.next = self.decode.xq_shift.val();
            self.lane[r].use_gate.next = self.use_gate.val();
            self.lane[r].use_residual.next = self.decode.residual_on.val().get_bit(0);
            self.lane[r].leak_shift.next = self.leak_shift.val();
            self.lane[r].fire_ge.next = self.fire_ge.val().get_bit(0);
            for p in 0..self.layer_leak.count() {
                self.lane[r].leak_shift.next = self.layer_leak[p].val();
                self.lane[r].fire_ge.next = self.layer_fire[p].val();
                self.lane[r].subtracts[p].next = self.layer_reset[p].val();
            }
            self.lane[r].threshold.next = self.decode.threshold.val();
            self.lane[r].lif_valid.next = self.beats.entering.valid.val().get_bit(0);
            if self.decode.narrow.val().get_bit(0) {
                self.lane[r].lif_valid.next =
                    self.beats.entering.valid.val().get_bit(0) & (self.beats.entering.lane.val() == r.into());
            }
            self.lane[r].entry.next = self.beats.entering.column.val();
            self.lane[r].first_time.next = self.beats.entering.first_time.val().get_bit(0);
            self.lane[r].count_first.next = self.beats.entering.first_time.val().get_bit(0)
                & self.beats.entering.first_pixel.val().get_bit(0);
            self.lane[r].mask.next = self.mask.val();
            for l in 0..self._lanes {
                self.lane[r].gate_y[l].next = self.gate.gate_y[l].val();
            }
        }

        // Write back.
        self.write_back.clk.next = self.clk.val();
        self.write_back.start.next = self.start_conv.val();
        Beat::join(&mut self.beats.entering, &mut self.write_back.entering);
        self.write_back.spike_base.next = self.decode.spike_base.val();
        self.write_back.stream_base.next = self.decode.stream_base.val();
        self.write_back.stream_on.next = self.decode.stream_on.val();
        self.write_back.stream_half.next = self.decode.stream_half.val();
        self.write_back.count.next = self.decode.count.val();
        self.write_back.out_w.next = self.decode.out_w.val();
        self.write_back.quarter.next = self.decode.stream_quarter.val();
        self.any_write[0].next = false;
        self.spike_sum[0].next = 0.into();
        for r in 0..self._posts {
            self.any_write[r + 1].next = self.any_write[r].val() | self.lane[r].write.val();
            self.spike_sum[r + 1].next = self.spike_sum[r].val();
            if self.lane[r].write.val() & self.decode.spike_on.val().get_bit(0) {
                self.spike_sum[r + 1].next = self.spike_sum[r].val() + self.lane[r].popcount.val();
            }
        }
        for r in self._posts..self._posts_end {
            self.spikes.next = self.spike_sum[r].val();
            for p in 0..self.presence.count() {
                self.presence[p].clk.next = self.clk.val();
                self.presence[p].start.next = self.start_conv.val();
                self.presence[p].write.next = self.any_write[r].val();
                self.presence[p].offset.next = self.write_back.place.offset.val();
                self.presence[p].group.next = self.write_back.place.group.val();
                self.presence[p].spike_base.next = self.decode.spike_base.val();
                self.presence[p].out_group.next = self.decode.out_group.val();
            }
            for p in 0..self.maps.count() {
                self.maps[p].push.next = self.any_write[r].val() & self.decode.stream_spilled.val();
            }
        }
        for p in 0..self.maps.count() {
            self.maps[p].push_narrow.next = self.decode.narrow.val().get_bit(0);
            for n in self._lanes..self._lanes_end {
                for r in 0..self._posts {
                    for l in 0..self._lanes {
                        self.maps[p].pushed[r * n + l].next = self.lane[r].stream[l].val();
                    }
                }
            }
        }

        // Head: logits come one a beat, in channel order.
        dff_setup!(self, clk, logit_count);
        self.logit_clear.next = self.start_conv.val() & self.decode.result.val().get_bit(0);
        self.logit_valid.next =
            self.beats.biased.valid.val().get_bit(0) & self.decode.result.val().get_bit(0);
        self.logit.next = 0.into();
        for r in 0..self._posts {
            if self.beats.biased.lane.val() == r.into() {
                self.logit.next = self.lane[r].logit.val();
            }
        }
        self.logit_index.next = self.logit_count.q.val();
        if self.beats.biased.valid.val().get_bit(0) {
            self.logit_count.d.next = self.logit_count.q.val() + self.one.val();
        }
        if self.start_conv.val() {
            self.logit_count.d.next = 0.into();
        }
    }
}
