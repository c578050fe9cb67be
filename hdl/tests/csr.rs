//! The register bank against a plain register file.

mod support;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::csr::{
    offset, Access, ERROR_EVENTS, ERROR_LENGTH, ERROR_WATCHDOG, FEATURE_FRAMES, INTERFACE_VERSION, MAGIC,
    TABLE,
};
use spikegate_hdl::bus::csr::CsrBank;
use spikegate_hdl::lang::cosim::Recorder;
use spikegate_hdl::lang::*;
use support::{set, Rng};

#[derive(Default)]
struct Model {
    scratch: u32,
    program_hash: u32,
    irq_enable: u32,
    error: u32,
    irq_status: u32,
    images: u32,
    cycles: u64,
    sops: u64,
    spikes: u64,
    stalls: u32,
    status: u32,
    watchdog_limit: u32,
    watchdog_trips: u32,
    /// Cycles in instructions since an image was taken up.
    elapsed: u32,
}

impl Model {
    fn read(&self, name: &str) -> u32 {
        match name {
            "magic" => MAGIC,
            "version" => INTERFACE_VERSION,
            "array" => 4 | 1 << 8 | 8 << 16 | 8 << 24,
            "post" => 2,
            "config_hash" => 0x1111_2222,
            "build_hash" => 0xdead_beef,
            "scratch" => self.scratch,
            "status" => self.status,
            "error" => self.error,
            "program_hash" => self.program_hash,
            "irq_enable" => self.irq_enable,
            "irq_status" => self.irq_status,
            "images" => self.images,
            "cycles_lo" => self.cycles as u32,
            "cycles_hi" => (self.cycles >> 32) as u32,
            "sops_lo" => self.sops as u32,
            "sops_hi" => (self.sops >> 32) as u32,
            "spikes_lo" => self.spikes as u32,
            "spikes_hi" => (self.spikes >> 32) as u32,
            "stalls" => self.stalls,
            "features" => FEATURE_FRAMES,
            "watchdog_limit" => self.watchdog_limit,
            "watchdog_trips" => self.watchdog_trips,
            _ => 0,
        }
    }
    fn write(&mut self, name: &str, data: u32, mask: u32) {
        let masked = data & mask;
        match name {
            "scratch" => self.scratch = self.scratch & !mask | masked,
            "program_hash" if self.error != 0 => self.program_hash = 0,
            "program_hash" => self.program_hash = self.program_hash & !mask | masked,
            "watchdog_limit" => self.watchdog_limit = self.watchdog_limit & !mask | masked,
            "irq_enable" if mask & 1 == 1 => self.irq_enable = data & 1,
            "error" => self.error &= !masked,
            "irq_status" => self.irq_status &= !masked,
            "control" if masked & 1 == 1 => self.soft_reset(),
            _ => {}
        }
    }
    fn soft_reset(&mut self) {
        *self = Self {
            scratch: self.scratch,
            program_hash: self.program_hash,
            irq_enable: self.irq_enable,
            status: self.status,
            watchdog_limit: self.watchdog_limit,
            watchdog_trips: self.watchdog_trips,
            ..Self::default()
        };
    }
}

struct Bench {
    unit: CsrBank,
    recorder: Recorder,
    rng: Rng,
    model: Model,
    resets: usize,
}

impl Bench {
    /// One cycle without events.
    fn quiet(&mut self) {
        let u = &mut self.unit;
        set(&mut u.events, 0);
        let events = [&mut u.begin, &mut u.image_sent, &mut u.served, &mut u.stall, &mut u.busy];
        events.into_iter().for_each(|e| e.next = false);
        set(&mut u.spikes, 0);
        self.edge();
    }

    fn edge(&mut self) {
        sim::settle(&mut self.unit);
        self.resets += usize::from(self.unit.soft_reset.val());
        self.recorder.cycle(&mut self.unit, |u| &mut u.clk);
    }

    /// Cycles with random events, and the model's count of them.
    fn events(&mut self, cycles: usize) {
        for _ in 0..cycles {
            let bits = self.rng.next();
            let on = |i: u32| bits >> (3 * i) & 7 == 0;
            let u = &mut self.unit;
            let errors = (self.rng.next() & self.rng.next() & self.rng.next()) as u32;
            let errors = errors & ((1 << ERROR_EVENTS) - 1);
            set(&mut u.events, u64::from(errors));
            u.begin.next = on(2);
            (u.image_sent.next, u.served.next, u.stall.next) = (on(3), !on(4), on(5));
            u.busy.next = !on(6);
            u.image_waiting.next = on(7);
            let index = bits >> 40 & 0xffff;
            let spikes = bits >> 56;
            set(&mut u.index, index);
            set(&mut u.spikes, spikes);
            let m = &mut self.model;
            m.error |= errors;
            m.irq_status |= u32::from(on(3));
            m.images += u32::from(on(3));
            m.sops += 4 * 8 * 8 * u64::from(!on(4));
            m.stalls += u32::from(on(5));
            m.cycles += u64::from(!on(6));
            m.spikes += spikes;
            let trips = !on(6) && m.watchdog_limit != 0 && m.elapsed == m.watchdog_limit;
            m.elapsed = if on(2) { 0 } else { m.elapsed.wrapping_add(u32::from(!on(6))) };
            if trips {
                let error = m.error;
                m.soft_reset();
                m.error = error | ERROR_WATCHDOG;
                m.watchdog_trips += 1;
            }
            m.status = u32::from(on(7)) << 1 | (index as u32) << 16;
            self.edge();
            assert_eq!(self.unit.irq.val(), self.model.irq_status & self.model.irq_enable == 1);
        }
        self.quiet();
    }

    /// A write whose address and data come in any order; the response is taken late.
    fn write(&mut self, address: u32, data: u32, strobe: u32) -> u32 {
        let (mut address_in, mut data_in) = (self.rng.below(4), self.rng.below(4));
        let (mut address_done, mut data_done) = (false, false);
        self.unit.s_axil_bready.next = false;
        let mut cycles = 0;
        while !address_done || !data_done {
            let u = &mut self.unit;
            u.s_axil_awvalid.next = !address_done && address_in == 0;
            u.s_axil_wvalid.next = !data_done && data_in == 0;
            let noise = self.rng.next() as u32;
            set(&mut u.s_axil_awaddr, if u.s_axil_awvalid.next { address } else { noise & 0xff });
            set(&mut u.s_axil_wdata, if u.s_axil_wvalid.next { data } else { noise });
            set(&mut u.s_axil_wstrb, if u.s_axil_wvalid.next { strobe } else { noise & 15 });
            sim::settle(u);
            assert!(!u.s_axil_bvalid.val(), "a response before the write");
            address_done |= u.s_axil_awvalid.next && u.s_axil_awready.val();
            data_done |= u.s_axil_wvalid.next && u.s_axil_wready.val();
            (address_in, data_in) = (address_in.saturating_sub(1), data_in.saturating_sub(1));
            self.quiet();
            cycles += 1;
            assert!(cycles < 50, "the write is not taken");
        }
        self.unit.s_axil_awvalid.next = false;
        self.unit.s_axil_wvalid.next = false;
        let mut wait = 0;
        while !self.unit.s_axil_bvalid.val() {
            self.quiet();
            wait += 1;
            assert!(wait < 10, "no response");
        }
        for _ in 0..self.rng.below(3) {
            self.quiet();
            assert!(self.unit.s_axil_bvalid.val(), "the response stays until it is taken");
        }
        let response = self.unit.s_axil_bresp.val().0 as u32;
        self.unit.s_axil_bready.next = true;
        self.quiet();
        self.unit.s_axil_bready.next = false;
        sim::settle(&mut self.unit);
        assert!(!self.unit.s_axil_bvalid.val(), "one response");
        response
    }

    fn read(&mut self, address: u32) -> (u32, u32) {
        self.unit.s_axil_rready.next = false;
        self.unit.s_axil_arvalid.next = true;
        set(&mut self.unit.s_axil_araddr, address);
        sim::settle(&mut self.unit);
        assert!(self.unit.s_axil_arready.val());
        self.quiet();
        self.unit.s_axil_arvalid.next = false;
        let mut wait = 0;
        while !self.unit.s_axil_rvalid.val() {
            self.quiet();
            wait += 1;
            assert!(wait < 10, "no data");
        }
        for _ in 0..self.rng.below(3) {
            self.quiet();
            assert!(self.unit.s_axil_rvalid.val(), "data stays until it is taken");
        }
        let out = (self.unit.s_axil_rdata.val().0 as u32, self.unit.s_axil_rresp.val().0 as u32);
        self.unit.s_axil_rready.next = true;
        self.quiet();
        self.unit.s_axil_rready.next = false;
        out
    }
}

#[test]
fn registers_behave_as_the_table_says() {
    let array = ArrayConfig::new(4, 1, 8, 8).unwrap();
    let mut bench = Bench {
        unit: CsrBank::new(&array, 0x1111_2222, 0xdead_beef),
        recorder: Recorder::default(),
        rng: Rng(11),
        model: Model::default(),
        resets: 0,
    };
    bench.unit.rst.next = true;
    bench.quiet();
    bench.unit.rst.next = false;
    bench.quiet();
    bench.resets = 0;
    let mut resets = 0;
    for round in 0..60 {
        bench.events(12);
        for _ in 0..6 {
            let register = &TABLE[bench.rng.below(TABLE.len())];
            let known = bench.rng.chance(4, 5);
            // Rarely a soft reset.
            let known = known && (register.name != "control" || round % 5 == 0);
            // The two low bits of an address say nothing.
            let (at, unaligned) = (bench.rng.below(4) as u32, bench.rng.below(4) as u32);
            let unknown = [0x60, 0xfc, 0x64, 0x80][bench.rng.below(4)] + at;
            let address = if known { register.offset + at } else { unknown };
            let data = [0, u32::MAX, bench.rng.next() as u32, 1][bench.rng.below(4)];
            // A limit that is reached now and then.
            let data = if register.name == "watchdog_limit" { data & 7 } else { data };
            let strobe = bench.rng.below(16) as u32;
            let mask = (0..4).map(|i| if strobe >> i & 1 == 1 { 0xff << (8 * i) } else { 0 }).sum::<u32>();
            let response = bench.write(address, data, strobe);
            assert_eq!(response, if known { 0 } else { 2 }, "write to {address:x}");
            if known {
                bench.model.write(register.name, data, mask);
                resets += usize::from(register.name == "control" && data & mask & 1 == 1);
            }
            assert_eq!(
                bench.resets,
                resets + bench.model.watchdog_trips as usize,
                "a soft reset is one cycle"
            );
            assert_eq!(bench.unit.program.val(), bench.model.program_hash != 0);
            let (value, response) = bench.read(unknown);
            assert_eq!((value, response), (0, 2), "read of {unknown:x}");
            let register = &TABLE[bench.rng.below(TABLE.len())];
            let want = bench.model.read(register.name);
            let address = register.offset + unaligned;
            assert_eq!(bench.read(address), (want, 0), "round {round}, {} at {address:x}", register.name);
        }
        for register in TABLE.iter().filter(|r| r.access != Access::Wo && round % 10 == 0) {
            let want = bench.model.read(register.name);
            assert_eq!(bench.read(register.offset), (want, 0), "round {round}, {}", register.name);
        }
    }
    assert!(resets > 0 && bench.model.images > 0 && bench.model.watchdog_trips > 0);
    // An event in the cycle that clears its bit wins.
    bench.write(offset("error"), u32::MAX, 15);
    let u = &mut bench.unit;
    (u.s_axil_awvalid.next, u.s_axil_wvalid.next, u.s_axil_bready.next) = (true, true, true);
    set(&mut u.s_axil_awaddr, offset("error"));
    set(&mut u.s_axil_wdata, 0x7f);
    set(&mut u.s_axil_wstrb, 15);
    bench.quiet();
    bench.unit.s_axil_awvalid.next = false;
    bench.unit.s_axil_wvalid.next = false;
    set(&mut bench.unit.events, u64::from(ERROR_LENGTH));
    bench.edge();
    bench.quiet();
    assert_eq!(bench.read(offset("error")), (2, 0));
    bench.recorder.replay(&bench.unit, "csr");
}
