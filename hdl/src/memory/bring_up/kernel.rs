//! What [`BringUp`] does in a cycle.

use super::BringUp;
use crate::lang::*;

impl Logic for BringUp {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, state, step, timer, phase, slip, tap, to_first, to_slip, to_tap, mask);
        dff_setup!(self, clk, address_waits, data_left, reads, why, narrowest);
        self.plays.next = self.state.q.val() == self.zero.val();
        self.writes.next = self.state.q.val() == self.state_write.val();
        self.adjusts.next = self.state.q.val() == self.state_adjust.val();
        self.looks.next = self.state.q.val() == self.state_look.val();
        self.judges.next = self.state.q.val() == self.state_judge.val();
        self.up.next = self.state.q.val() == self.state_up.val();
        self.failed.next = self.state.q.val() == self.state_failed.val();
        self.sweeps.next = self.phase.q.val() == self.zero.val();
        self.sets_slips.next = self.phase.q.val() == self.phase_slips.val();
        self.sets_taps.next = self.phase.q.val() == self.phase_taps.val();
        self.checks.next = self.phase.q.val() == self.phase_check.val();

        // The commands of the recipe.
        self.init_sel.next = self.plays.val();
        self.init_control.next = 0.into();
        self.init_command.next = 0.into();
        self.init_address.next = 0.into();
        self.init_bank.next = 0.into();
        self.wait.next = 0.into();
        for i in 0..self._steps {
            if self.step.q.val() == i.into() {
                self.init_control.next = self.controls[i].val();
                self.init_command.next = self.commands[i].val();
                self.init_address.next = self.addresses[i].val();
                self.init_bank.next = self.banks[i].val();
                self.wait.next = self.waits[i].val();
            }
        }
        self.init_issue.next = self.plays.val() & (self.timer.q.val() == self.zero.val());
        self.step_ends.next = self.timer.q.val() == self.wait.val();
        self.timer.d.next = self.timer.q.val() + self.one.val();
        self.restart.next = false;
        if self.plays.val() & self.step_ends.val() {
            self.timer.d.next = 0.into();
            self.step.d.next = self.step.q.val() + self.one.val();
            if self.step.q.val() == self.last_step.val() {
                self.state.d.next = self.state_write.val();
                self.address_waits.d.next = 1.into();
                self.data_left.d.next = self.pattern.val();
                self.restart.next = true;
            }
        }

        // The pattern is written once.
        self.progress.next = false;
        self.advance.next = false;
        if self.writes.val() {
            if self.m_axi_awready.val() & self.address_waits.q.val().get_bit(0) {
                self.address_waits.d.next = 0.into();
                self.progress.next = true;
            }
            if self.m_axi_wready.val() & (self.data_left.q.val() != self.zero.val()) {
                self.data_left.d.next = self.data_left.q.val() - self.one.val();
                self.advance.next = true;
                self.progress.next = true;
            }
            if self.m_axi_bvalid.val() {
                self.timer.d.next = 0.into();
                self.state.d.next = self.state_adjust.val();
                self.to_first.d.next = 1.into();
                self.mask.d.next = self.all_lanes.val();
            }
        }

        // A change, and time for it to take effect.
        self.pulse.next = self.adjusts.val() & (self.timer.q.val() == self.pulse_at.val());
        self.settled.next = self.adjusts.val() & (self.timer.q.val() == self.settle.val());
        self.level_lanes.next = 0.into();
        if self.adjusts.val() & !self.timer.q.val().get_bit(4) {
            self.level_lanes.next = self.mask.q.val();
        }
        self.level_slip_first.next = self.pulse.val() & self.to_first.q.val().get_bit(0);
        self.level_tap_first.next =
            self.pulse.val() & (self.to_first.q.val().get_bit(0) | self.to_slip.q.val().get_bit(0));
        self.level_slip_next.next = self.pulse.val() & self.to_slip.q.val().get_bit(0);
        self.level_tap_next.next = self.pulse.val() & self.to_tap.q.val().get_bit(0);
        self.last_slip.next = self.slip.q.val() == self.slips_end.val();
        self.last_tap.next = self.tap.q.val() == self.taps_end.val();

        // Lanes whose choice lies beyond where all of them are.
        self.slip_mask[0].next = 0.into();
        self.tap_mask[0].next = 0.into();
        for l in 0..self._lanes {
            self.slips_on[l].next = self.best_slip[l].q.val() > self.slip.q.val();
            self.taps_on[l].next = self.middle[l].q.val() > self.tap.q.val();
            self.slip_mask[l + 1].next = self.slip_mask[l].val();
            if self.slips_on[l].val() {
                self.slip_mask[l + 1].next = self.slip_mask[l].val() | self.lane_bit[l].val();
            }
            self.tap_mask[l + 1].next = self.tap_mask[l].val();
            if self.taps_on[l].val() {
                self.tap_mask[l + 1].next = self.tap_mask[l].val() | self.lane_bit[l].val();
            }
        }
        if self.settled.val() {
            self.timer.d.next = 0.into();
            self.to_first.d.next = 0.into();
            self.to_slip.d.next = 0.into();
            self.to_tap.d.next = 0.into();
            if self.sets_slips.val() {
                if self.last_slip.val() {
                    self.phase.d.next = self.phase_taps.val();
                } else {
                    self.slip.d.next = self.slip.q.val() + self.one.val();
                    self.to_slip.d.next = 1.into();
                    for l in self._lanes..self._lanes_end {
                        self.mask.d.next = self.slip_mask[l].val();
                    }
                }
            }
            if self.sets_taps.val() {
                if self.last_tap.val() {
                    self.phase.d.next = self.phase_check.val();
                } else {
                    self.tap.d.next = self.tap.q.val() + self.one.val();
                    self.to_tap.d.next = 1.into();
                    for l in self._lanes..self._lanes_end {
                        self.mask.d.next = self.tap_mask[l].val();
                    }
                }
            }
            if self.sweeps.val() | self.checks.val() {
                self.state.d.next = self.state_look.val();
                self.address_waits.d.next = 1.into();
                self.reads.d.next = 0.into();
                self.restart.next = true;
            }
        }

        // The pattern is read back.
        self.last_transfer.next = self.m_axi_rvalid.val() & self.m_axi_rlast.val();
        if self.looks.val() {
            if self.m_axi_arready.val() & self.address_waits.q.val().get_bit(0) {
                self.address_waits.d.next = 0.into();
                self.progress.next = true;
            }
            if self.m_axi_rvalid.val() {
                self.advance.next = true;
                self.progress.next = true;
            }
            if self.last_transfer.val() {
                self.restart.next = true;
                self.address_waits.d.next = 1.into();
                self.reads.d.next = self.reads.q.val() + self.one.val();
                if self.reads.q.val() == self.reads_end.val() {
                    self.address_waits.d.next = 0.into();
                    self.state.d.next = self.state_judge.val();
                }
            }
        }
        for k in 0..self._words {
            self.word[k].clock.next = self.clk.val();
            self.word[k].d.next = self.word[k].q.val();
            if self.advance.val() {
                self.word[k].d.next = self.word[k].q.val() >> self.one.val();
                if self.word[k].q.val().get_bit(0) {
                    self.word[k].d.next = (self.word[k].q.val() >> self.one.val()) ^ self.polynomial.val();
                }
            }
            if self.restart.val() {
                self.word[k].d.next = self.seeds[k].val();
            }
            self.difference[k].next = self.memory_rdata[k].val() ^ self.word[k].q.val();
        }
        for n in self._lanes..self._lanes_end {
            for l in 0..self._lanes {
                self.now_wrong[l].next = false;
                for k in 0..self._words {
                    self.lane_difference[k * n + l].next =
                        self.difference[k].val() & self.lane_bytes[k * n + l].val();
                    if self.lane_difference[k * n + l].val() != self.zero.val() {
                        self.now_wrong[l].next = true;
                    }
                }
                self.wrong[l].clock.next = self.clk.val();
                self.wrong[l].d.next = self.wrong[l].q.val();
                if self.looks.val() & self.m_axi_rvalid.val() & self.now_wrong[l].val() {
                    self.wrong[l].d.next = 1.into();
                }
                if self.adjusts.val() {
                    self.wrong[l].d.next = 0.into();
                }
            }
        }

        // What was seen.
        self.wrong_mask[0].next = 0.into();
        self.least[0].next = self.taps_end.val() + self.one.val();
        self.no_window.next = false;
        self.any_wrong.next = false;
        for l in 0..self._lanes {
            self.run[l].clock.next = self.clk.val();
            self.best[l].clock.next = self.clk.val();
            self.best_slip[l].clock.next = self.clk.val();
            self.middle[l].clock.next = self.clk.val();
            self.run[l].d.next = self.run[l].q.val();
            self.best[l].d.next = self.best[l].q.val();
            self.best_slip[l].d.next = self.best_slip[l].q.val();
            self.middle[l].d.next = self.middle[l].q.val();
            self.run_now[l].next = 0.into();
            if !self.wrong[l].q.val().get_bit(0) {
                self.run_now[l].next = self.run[l].q.val() + self.one.val();
            }
            self.longer[l].next = self.run_now[l].val() > self.best[l].q.val();
            if self.judges.val() & self.sweeps.val() {
                self.run[l].d.next = self.run_now[l].val();
                if self.last_tap.val() {
                    self.run[l].d.next = 0.into();
                }
                if self.longer[l].val() {
                    self.best[l].d.next = self.run_now[l].val();
                    self.best_slip[l].d.next = self.slip.q.val();
                    // The run is of this tap and those before it.
                    self.middle[l].d.next =
                        self.tap.q.val() - self.run[l].q.val() + (self.run[l].q.val() >> self.one.val());
                }
            }
            if self.plays.val() {
                self.run[l].d.next = 0.into();
                self.best[l].d.next = 0.into();
                self.best_slip[l].d.next = 0.into();
                self.middle[l].d.next = 0.into();
            }
            self.wrong_mask[l + 1].next = self.wrong_mask[l].val();
            if self.wrong[l].q.val().get_bit(0) {
                self.any_wrong.next = true;
                self.wrong_mask[l + 1].next = self.wrong_mask[l].val() | self.lane_bit[l].val();
            }
            self.less[l].next = self.best[l].q.val() < self.least[l].val();
            self.least[l + 1].next = self.least[l].val();
            if self.less[l].val() {
                self.least[l + 1].next = self.best[l].q.val();
            }
            if self.best[l].q.val() == self.zero.val() {
                self.no_window.next = true;
            }
        }
        if self.judges.val() {
            self.state.d.next = self.state_adjust.val();
            self.timer.d.next = 0.into();
            for l in self._lanes..self._lanes_end {
                if self.sweeps.val() {
                    self.mask.d.next = self.all_lanes.val();
                    self.tap.d.next = self.tap.q.val() + self.one.val();
                    self.to_tap.d.next = 1.into();
                    if self.last_tap.val() {
                        self.tap.d.next = 0.into();
                        self.to_tap.d.next = 0.into();
                        self.slip.d.next = self.slip.q.val() + self.one.val();
                        self.to_slip.d.next = 1.into();
                        if self.last_slip.val() {
                            self.slip.d.next = 0.into();
                            self.to_slip.d.next = 0.into();
                            self.to_first.d.next = 1.into();
                            self.phase.d.next = self.phase_slips.val();
                        }
                    }
                } else {
                    self.mask.d.next = self.wrong_mask[l].val();
                    self.state.d.next = self.state_up.val();
                    self.narrowest.d.next = self.least[l].val();
                    if self.any_wrong.val() {
                        self.state.d.next = self.state_failed.val();
                        self.why.d.next = self.why_wrong.val();
                        if self.no_window.val() {
                            self.why.d.next = self.why_window.val();
                        }
                    }
                }
            }
        }

        // A memory that does not answer.
        if self.progress.val() {
            self.timer.d.next = 0.into();
        }
        if (self.writes.val() | self.looks.val()) & (self.timer.q.val() == self.patience.val()) {
            self.state.d.next = self.state_failed.val();
            self.why.d.next = self.why_silent.val();
            self.mask.d.next = self.all_lanes.val();
        }

        // The port: ours until the memory is up, then the core's.
        self.m_axi_araddr.next = 0.into();
        self.m_axi_arlen.next = self.pattern_length.val();
        self.m_axi_arid.next = 0.into();
        self.m_axi_arvalid.next = self.looks.val() & self.address_waits.q.val().get_bit(0);
        self.m_axi_rready.next = true;
        self.m_axi_awaddr.next = 0.into();
        self.m_axi_awlen.next = self.pattern_length.val();
        self.m_axi_awid.next = 0.into();
        self.m_axi_awvalid.next = self.writes.val() & self.address_waits.q.val().get_bit(0);
        self.m_axi_wlast.next = self.data_left.q.val() == self.one.val();
        self.m_axi_wvalid.next = self.writes.val() & (self.data_left.q.val() != self.zero.val());
        self.m_axi_bready.next = true;
        for k in 0..self._words {
            self.memory_wdata[k].next = self.word[k].q.val();
            if self.up.val() {
                self.memory_wdata[k].next = self.core_wdata[k].val();
            }
        }
        self.s_axi_arready.next = false;
        self.s_axi_rvalid.next = false;
        self.s_axi_awready.next = false;
        self.s_axi_wready.next = false;
        self.s_axi_bvalid.next = false;
        if self.up.val() {
            self.m_axi_araddr.next = self.s_axi_araddr.val();
            self.m_axi_arlen.next = self.s_axi_arlen.val();
            self.m_axi_arid.next = self.s_axi_arid.val();
            self.m_axi_arvalid.next = self.s_axi_arvalid.val();
            self.s_axi_arready.next = self.m_axi_arready.val();
            self.s_axi_rvalid.next = self.m_axi_rvalid.val();
            self.m_axi_rready.next = self.s_axi_rready.val();
            self.m_axi_awaddr.next = self.s_axi_awaddr.val();
            self.m_axi_awlen.next = self.s_axi_awlen.val();
            self.m_axi_awid.next = self.s_axi_awid.val();
            self.m_axi_awvalid.next = self.s_axi_awvalid.val();
            self.s_axi_awready.next = self.m_axi_awready.val();
            self.m_axi_wlast.next = self.s_axi_wlast.val();
            self.m_axi_wvalid.next = self.s_axi_wvalid.val();
            self.s_axi_wready.next = self.m_axi_wready.val();
            self.s_axi_bvalid.next = self.m_axi_bvalid.val();
            self.m_axi_bready.next = self.s_axi_bready.val();
        }
        self.status.next = self.status_coming.val();
        if self.up.val() {
            self.status.next = self.status_up.val() | (self.narrowest.q.val() << self.twelve.val());
        }
        if self.failed.val() {
            self.status.next = self.why.q.val()
                | (self.mask.q.val() << self.four.val())
                | (self.narrowest.q.val() << self.twelve.val());
        }
        if self.rst.val() {
            self.state.d.next = 0.into();
            self.step.d.next = 0.into();
            self.timer.d.next = 0.into();
            self.phase.d.next = 0.into();
            self.slip.d.next = 0.into();
            self.tap.d.next = 0.into();
            self.to_first.d.next = 0.into();
            self.to_slip.d.next = 0.into();
            self.to_tap.d.next = 0.into();
            self.address_waits.d.next = 0.into();
            self.data_left.d.next = 0.into();
        }
    }
}
