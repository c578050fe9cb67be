//! What the register bank does in every cycle.

use super::*;

impl Logic for CsrBank {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            write_address,
            write_address_held,
            write_data,
            write_mask,
            write_data_held,
            response,
            response_code,
            read_address,
            read_address_held,
            read_valid,
            read_data,
            read_code
        );
        dff_setup!(
            self,
            clk,
            scratch,
            program_hash,
            watchdog_limit,
            watchdog_trips,
            elapsed,
            irq_enable,
            error,
            irq_status,
            cycles,
            sops,
            spike_count,
            stalls,
            images
        );

        // What reads give.
        for i in MAGIC_AT..after(POST_AT) {
            self.value[i].next = self.constant[i].val();
        }
        for i in SCRATCH..after(SCRATCH) {
            self.value[i].next = self.scratch.q.val();
        }
        for i in CONTROL..after(CONTROL) {
            self.value[i].next = 0.into();
        }
        self.busy_bit.next = self.busy.val().into();
        self.image_bit.next = 0.into();
        if self.image_waiting.val() {
            self.image_bit.next = self.two.val();
        }
        for i in STATUS..after(STATUS) {
            self.value[i].next =
                (self.index.val() << self.sixteen.val()) | self.image_bit.val() | self.busy_bit.val();
        }
        for i in ERROR..after(ERROR) {
            self.value[i].next = self.error.q.val();
        }
        for i in PROGRAM_HASH..after(PROGRAM_HASH) {
            self.value[i].next = self.program_hash.q.val();
        }
        for i in IRQ_ENABLE..after(IRQ_ENABLE) {
            self.value[i].next = self.irq_enable.q.val();
        }
        for i in IRQ_STATUS..after(IRQ_STATUS) {
            self.value[i].next = self.irq_status.q.val();
        }
        for i in IMAGES..after(IMAGES) {
            self.value[i].next = self.images.q.val();
        }
        for i in CYCLES_LO..after(CYCLES_LO) {
            self.value[i].next = self.cycles.q.val().get_bits::<32>(0);
        }
        for i in CYCLES_HI..after(CYCLES_HI) {
            self.value[i].next = self.cycles.q.val().get_bits::<32>(32);
        }
        for i in SOPS_LO..after(SOPS_LO) {
            self.value[i].next = self.sops.q.val().get_bits::<32>(0);
        }
        for i in SOPS_HI..after(SOPS_HI) {
            self.value[i].next = self.sops.q.val().get_bits::<32>(32);
        }
        for i in SPIKES_LO..after(SPIKES_LO) {
            self.value[i].next = self.spike_count.q.val().get_bits::<32>(0);
        }
        for i in SPIKES_HI..after(SPIKES_HI) {
            self.value[i].next = self.spike_count.q.val().get_bits::<32>(32);
        }
        for i in STALLS..after(STALLS) {
            self.value[i].next = self.stalls.q.val();
        }
        for i in FEATURES..after(FEATURES) {
            self.value[i].next = self.features.val();
        }
        for i in WATCHDOG_LIMIT..after(WATCHDOG_LIMIT) {
            self.value[i].next = self.watchdog_limit.q.val();
        }
        for i in WATCHDOG_TRIPS..after(WATCHDOG_TRIPS) {
            self.value[i].next = self.watchdog_trips.q.val();
        }

        // Address and data of a write, in any order; then one cycle that writes, and the response.
        self.s_axil_awready.next = !self.write_address_held.q.val().get_bit(0);
        self.s_axil_wready.next = !self.write_data_held.q.val().get_bit(0);
        self.mask[0].next = 0.into();
        for i in 0..self._strobes {
            self.mask[i + 1].next = self.mask[i].val();
            if self.s_axil_wstrb.val().get_bit(i) {
                self.mask[i + 1].next = self.mask[i].val() | self.byte_mask[i].val();
            }
        }
        if self.s_axil_awvalid.val() & !self.write_address_held.q.val().get_bit(0) {
            self.write_address.d.next = self.s_axil_awaddr.val().get_bits::<6>(2);
            self.write_address_held.d.next = 1.into();
        }
        if self.s_axil_wvalid.val() & !self.write_data_held.q.val().get_bit(0) {
            self.write_data.d.next = self.s_axil_wdata.val();
            for i in self._strobes..self._strobes_end {
                self.write_mask.d.next = self.mask[i].val();
            }
            self.write_data_held.d.next = 1.into();
        }
        self.do_write.next = self.write_address_held.q.val().get_bit(0)
            & self.write_data_held.q.val().get_bit(0)
            & !self.response.q.val().get_bit(0);
        if self.s_axil_bready.val() {
            self.response.d.next = 0.into();
        }
        self.known_write[0].next = false;
        self.known_read[0].next = false;
        self.selected[0].next = 0.into();
        for i in 0..self._count {
            self.write_hit[i].next =
                self.do_write.val() & (self.write_address.q.val() == self.offset[i].val());
            self.read_hit[i].next = self.read_address.q.val() == self.offset[i].val();
            self.known_write[i + 1].next = self.known_write[i].val() | self.write_hit[i].val();
            self.known_read[i + 1].next = self.known_read[i].val() | self.read_hit[i].val();
            self.selected[i + 1].next = self.selected[i].val();
            if self.read_hit[i].val() {
                self.selected[i + 1].next = self.value[i].val();
            }
        }
        if self.do_write.val() {
            self.write_address_held.d.next = 0.into();
            self.write_data_held.d.next = 0.into();
            self.response.d.next = 1.into();
            self.response_code.d.next = self.slave_error.val();
            for i in self._count..self._count_end {
                if self.known_write[i].val() {
                    self.response_code.d.next = 0.into();
                }
            }
        }
        self.s_axil_bvalid.next = self.response.q.val().get_bit(0);
        self.s_axil_bresp.next = self.response_code.q.val();

        // Reads.
        self.s_axil_arready.next = !self.read_address_held.q.val().get_bit(0);
        if self.s_axil_arvalid.val() & !self.read_address_held.q.val().get_bit(0) {
            self.read_address.d.next = self.s_axil_araddr.val().get_bits::<6>(2);
            self.read_address_held.d.next = 1.into();
        }
        self.do_read.next = self.read_address_held.q.val().get_bit(0) & !self.read_valid.q.val().get_bit(0);
        if self.s_axil_rready.val() & self.read_valid.q.val().get_bit(0) {
            self.read_valid.d.next = 0.into();
            self.read_address_held.d.next = 0.into();
        }
        if self.do_read.val() {
            self.read_valid.d.next = 1.into();
            self.read_code.d.next = self.slave_error.val();
            for i in self._count..self._count_end {
                self.read_data.d.next = self.selected[i].val();
                if self.known_read[i].val() {
                    self.read_code.d.next = 0.into();
                }
            }
        }
        self.s_axil_rvalid.next = self.read_valid.q.val().get_bit(0);
        self.s_axil_rdata.next = self.read_data.q.val();
        self.s_axil_rresp.next = self.read_code.q.val();

        // Registers that the host writes.
        self.masked.next = self.write_data.q.val() & self.write_mask.q.val();
        self.keep.next = !self.write_mask.q.val();
        // The watchdog counts what an image takes in instructions: that does not depend on the host.
        if self.busy.val() {
            self.elapsed.d.next = self.elapsed.q.val() + self.one.val();
        }
        if self.begin.val() {
            self.elapsed.d.next = 0.into();
        }
        self.limited.next = self.watchdog_limit.q.val() != self.zero.val();
        self.trip.next =
            self.busy.val() & self.limited.val() & (self.elapsed.q.val() == self.watchdog_limit.q.val());
        self.reset.next = self.rst.val() | self.trip.val();
        for p in 0..self._ports {
            if self.memory_error[p].val() {
                self.reset.next = true;
            }
        }
        for p in 0..self.parity_error.count() {
            if self.parity_error[p].val() {
                self.reset.next = true;
            }
        }
        for i in CONTROL..after(CONTROL) {
            if self.write_hit[i].val() & self.masked.val().get_bit(0) {
                self.reset.next = true;
            }
        }
        self.soft_reset.next = self.reset.val();
        for i in SCRATCH..after(SCRATCH) {
            if self.write_hit[i].val() {
                self.scratch.d.next = (self.scratch.q.val() & self.keep.val()) | self.masked.val();
            }
        }
        // A program that did not arrive whole cannot be declared.
        self.declared.next = (self.program_hash.q.val() & self.keep.val()) | self.masked.val();
        if self.error.q.val() != self.zero.val() {
            self.declared.next = 0.into();
        }
        for i in PROGRAM_HASH..after(PROGRAM_HASH) {
            if self.write_hit[i].val() {
                self.program_hash.d.next = self.declared.val();
            }
        }
        self.program.next = self.program_hash.q.val() != self.zero.val();
        for i in WATCHDOG_LIMIT..after(WATCHDOG_LIMIT) {
            if self.write_hit[i].val() {
                self.watchdog_limit.d.next =
                    (self.watchdog_limit.q.val() & self.keep.val()) | self.masked.val();
            }
        }
        for i in IRQ_ENABLE..after(IRQ_ENABLE) {
            if self.write_hit[i].val() & self.write_mask.q.val().get_bit(0) {
                self.irq_enable.d.next = self.write_data.q.val().get_bits::<1>(0);
            }
        }

        // Sticky bits: writing 1 clears, an event in the same cycle sets.
        self.error_kept.next = self.error.q.val();
        for i in ERROR..after(ERROR) {
            if self.write_hit[i].val() {
                self.error_kept.next = self.error.q.val() & !self.masked.val();
            }
        }
        self.error_now.next = self.error_kept.val() | self.events.val();
        self.error.d.next = self.error_now.val();
        self.irq_kept.next = self.irq_status.q.val();
        for i in IRQ_STATUS..after(IRQ_STATUS) {
            if self.write_hit[i].val() & self.masked.val().get_bit(0) {
                self.irq_kept.next = 0.into();
            }
        }
        self.irq_status.d.next = self.irq_kept.val();
        if self.image_sent.val() {
            self.irq_status.d.next = 1.into();
            self.images.d.next = self.images.q.val() + self.one.val();
        }
        self.interrupt.next = self.irq_status.q.val() & self.irq_enable.q.val();
        self.irq.next = self.interrupt.val().get_bit(0);

        // Counters.
        if self.busy.val() {
            self.cycles.d.next = self.cycles.q.val() + self.one.val();
        }
        if self.served.val() {
            self.sops.d.next = self.sops.q.val() + self.sops_per_word.val();
        }
        self.spike_count.d.next = self.spike_count.q.val() + self.spikes.val();
        if self.stall.val() {
            self.stalls.d.next = self.stalls.q.val() + self.one.val();
        }
        if self.reset.val() {
            self.cycles.d.next = 0.into();
            self.sops.d.next = 0.into();
            self.spike_count.d.next = 0.into();
            self.stalls.d.next = 0.into();
            self.images.d.next = 0.into();
            self.error.d.next = 0.into();
            self.irq_status.d.next = 0.into();
            self.elapsed.d.next = 0.into();
        }
        if self.trip.val() {
            // What was wrong before is kept for the driver, with the reason of the reset.
            self.error.d.next = self.error_now.val() | self.watchdog_bit.val();
            self.watchdog_trips.d.next = self.watchdog_trips.q.val() + self.one.val();
        }
        // What an image would have been made of is not known: no result may come of it.
        for p in 0..self._ports {
            if self.memory_error[p].val() {
                self.error.d.next = self.error_now.val() | self.memory_bit[p].val();
            }
        }
        for p in 0..self.parity_error.count() {
            if self.parity_error[p].val() {
                self.error.d.next = self.error_now.val() | self.parity_bit[p].val();
                // It has to be loaded again.
                self.program_hash.d.next = 0.into();
            }
        }
        if self.rst.val() {
            self.write_address_held.d.next = 0.into();
            self.write_data_held.d.next = 0.into();
            self.response.d.next = 0.into();
            self.read_address_held.d.next = 0.into();
            self.read_valid.d.next = 0.into();
            self.scratch.d.next = 0.into();
            self.program_hash.d.next = 0.into();
            self.error.d.next = 0.into();
            self.watchdog_limit.d.next = 0.into();
            self.watchdog_trips.d.next = 0.into();
            self.irq_enable.d.next = 0.into();
        }
    }
}
