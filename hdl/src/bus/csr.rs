//! Register bank behind AXI4-Lite, from the table in `contract::csr`.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::csr::{self, INTERFACE_VERSION, MAGIC, TABLE};

use crate::lang::*;

/// AXI4-Lite slave. Address and data of a write may come in any order; one read and one write at a time; an unknown
/// address answers SLVERR (and reads 0).
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | s_axil_* | | | AXI4-Lite, 8-bit byte addresses |
/// | busy, image_waiting, index | in | 1, 1, 16 | status |
/// | begin | in | 1 | event: an image is taken up |
/// | event_k | in | 1 | event that sets bit k of `error`; the watchdog's is made here |
/// | memory_error | in | 1 | event: the external memory refused a transfer |
/// | image_sent | in | 1 | event: a result packet left |
/// | served, stall, spikes | in | 1, 1, 8 | events for the counters |
/// | program | out | 1 | a program is declared |
/// | soft_reset | out | 1 | one cycle: asked for, or the watchdog's |
/// | irq | out | 1 | level: enabled and pending |
#[derive(LogicBlock)]
pub struct CsrBank {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub s_axil_awaddr: Sig<In>,
    pub s_axil_awvalid: Signal<In, Bit>,
    pub s_axil_awready: Signal<Out, Bit>,
    pub s_axil_wdata: Sig<In>,
    pub s_axil_wstrb: Sig<In>,
    pub s_axil_wvalid: Signal<In, Bit>,
    pub s_axil_wready: Signal<Out, Bit>,
    pub s_axil_bresp: Sig<Out>,
    pub s_axil_bvalid: Signal<Out, Bit>,
    pub s_axil_bready: Signal<In, Bit>,
    pub s_axil_araddr: Sig<In>,
    pub s_axil_arvalid: Signal<In, Bit>,
    pub s_axil_arready: Signal<Out, Bit>,
    pub s_axil_rdata: Sig<Out>,
    pub s_axil_rresp: Sig<Out>,
    pub s_axil_rvalid: Signal<Out, Bit>,
    pub s_axil_rready: Signal<In, Bit>,
    pub busy: Signal<In, Bit>,
    pub image_waiting: Signal<In, Bit>,
    pub index: Sig<In>,
    pub begin: Signal<In, Bit>,
    pub event: Vec<Signal<In, Bit>>,
    pub memory_error: Vec<Signal<In, Bit>>,
    pub image_sent: Signal<In, Bit>,
    pub served: Signal<In, Bit>,
    pub stall: Signal<In, Bit>,
    pub spikes: Sig<In>,
    pub program: Signal<Out, Bit>,
    pub soft_reset: Signal<Out, Bit>,
    pub irq: Signal<Out, Bit>,
    value: Vec<Sig<Local>>,
    read_hit: Vec<Signal<Local, Bit>>,
    write_hit: Vec<Signal<Local, Bit>>,
    offset: Vec<Const>,
    selected: Vec<Sig<Local>>,
    known_read: Vec<Signal<Local, Bit>>,
    known_write: Vec<Signal<Local, Bit>>,
    write_address: Dff,
    write_address_held: Dff,
    write_data: Dff,
    write_mask: Dff,
    write_data_held: Dff,
    response: Dff,
    response_code: Dff,
    read_address: Dff,
    read_address_held: Dff,
    read_valid: Dff,
    read_data: Dff,
    read_code: Dff,
    scratch: Dff,
    program_hash: Dff,
    watchdog_limit: Dff,
    watchdog_trips: Dff,
    elapsed: Dff,
    irq_enable: Dff,
    error: Dff,
    irq_status: Dff,
    cycles: Dff,
    sops: Dff,
    spike_count: Dff,
    stalls: Dff,
    images: Dff,
    do_write: Signal<Local, Bit>,
    do_read: Signal<Local, Bit>,
    limited: Signal<Local, Bit>,
    trip: Signal<Local, Bit>,
    reset: Signal<Local, Bit>,
    declared: Sig<Local>,
    mask: Vec<Sig<Local>>,
    masked: Sig<Local>,
    keep: Sig<Local>,
    error_kept: Sig<Local>,
    error_events: Vec<Sig<Local>>,
    irq_kept: Sig<Local>,
    interrupt: Sig<Local>,
    busy_bit: Sig<Local>,
    image_bit: Sig<Local>,
    error_bit: Vec<Const>,
    byte_mask: Vec<Const>,
    constant: Vec<Const>,
    sops_per_word: Const,
    slave_error: Const,
    sixteen: Const,
    one: Const,
    two: Const,
    zero: Const,
    features: Const,
    watchdog_bit: Const,
    memory_bit: Vec<Const>,
    _errors: usize,
    _errors_end: usize,
    _ports: usize,
    _count: usize,
    _count_end: usize,
    _strobes: usize,
    _strobes_end: usize,
}

const MAGIC_AT: usize = csr::position("magic");
const POST_AT: usize = csr::position("build_hash");
const SCRATCH: usize = csr::position("scratch");
const CONTROL: usize = csr::position("control");
const STATUS: usize = csr::position("status");
const ERROR: usize = csr::position("error");
const PROGRAM_HASH: usize = csr::position("program_hash");
const IRQ_ENABLE: usize = csr::position("irq_enable");
const IRQ_STATUS: usize = csr::position("irq_status");
const IMAGES: usize = csr::position("images");
const CYCLES_LO: usize = csr::position("cycles_lo");
const CYCLES_HI: usize = csr::position("cycles_hi");
const SOPS_LO: usize = csr::position("sops_lo");
const SOPS_HI: usize = csr::position("sops_hi");
const SPIKES_LO: usize = csr::position("spikes_lo");
const SPIKES_HI: usize = csr::position("spikes_hi");
const STALLS: usize = csr::position("stalls");
const FEATURES: usize = csr::position("features");
const WATCHDOG_LIMIT: usize = csr::position("watchdog_limit");
const WATCHDOG_TRIPS: usize = csr::position("watchdog_trips");
/// Errors that come from outside: all but the watchdog's, which is the last.
const EVENTS: usize = csr::ERRORS - 1;

/// End of a loop over one register.
const fn after(position: usize) -> usize {
    position + 1
}

/// The first registers of the table are constants of the design, in this order.
fn constants(array: &ArrayConfig, config_hash: u32, build_hash: u32) -> Vec<u32> {
    let sizes = array.lanes | array.pixels << 8 | array.ci << 16 | array.co << 24;
    vec![MAGIC, INTERFACE_VERSION, sizes as u32, array.post as u32, config_hash, build_hash]
}

impl CsrBank {
    /// The register bank of a design with these hashes.
    pub fn new(array: &ArrayConfig, config_hash: u32, build_hash: u32) -> Self {
        let n = TABLE.len();
        let bit = || Dff::new(u(1));
        let word = || Dff::new(u(32));
        let flags = || vec![Signal::<Local, Bit>::default(); n];
        let ports = array.memory_bits.min(1);
        let errors = csr::ERRORS + ports;
        Self {
            doc: doc!("csr.rs", CsrBank),
            clk: Default::default(),
            rst: Default::default(),
            s_axil_awaddr: Sig::new(u(8)),
            s_axil_awvalid: Default::default(),
            s_axil_awready: Default::default(),
            s_axil_wdata: Sig::new(u(32)),
            s_axil_wstrb: Sig::new(u(4)),
            s_axil_wvalid: Default::default(),
            s_axil_wready: Default::default(),
            s_axil_bresp: Sig::new(u(2)),
            s_axil_bvalid: Default::default(),
            s_axil_bready: Default::default(),
            s_axil_araddr: Sig::new(u(8)),
            s_axil_arvalid: Default::default(),
            s_axil_arready: Default::default(),
            s_axil_rdata: Sig::new(u(32)),
            s_axil_rresp: Sig::new(u(2)),
            s_axil_rvalid: Default::default(),
            s_axil_rready: Default::default(),
            busy: Default::default(),
            image_waiting: Default::default(),
            index: Sig::new(u(16)),
            begin: Default::default(),
            event: vec![Default::default(); EVENTS],
            memory_error: vec![Default::default(); ports],
            image_sent: Default::default(),
            served: Default::default(),
            stall: Default::default(),
            spikes: Sig::new(u(8)),
            program: Default::default(),
            soft_reset: Default::default(),
            irq: Default::default(),
            value: (0..n).map(|_| Sig::new(u(32))).collect(),
            read_hit: flags(),
            write_hit: flags(),
            offset: TABLE.iter().map(|r| Const::new(u(8), i64::from(r.offset))).collect(),
            selected: (0..n + 1).map(|_| Sig::new(u(32))).collect(),
            known_read: vec![Default::default(); n + 1],
            known_write: vec![Default::default(); n + 1],
            write_address: Dff::new(u(8)),
            write_address_held: bit(),
            write_data: word(),
            write_mask: word(),
            write_data_held: bit(),
            response: bit(),
            response_code: Dff::new(u(2)),
            read_address: Dff::new(u(8)),
            read_address_held: bit(),
            read_valid: bit(),
            read_data: word(),
            read_code: Dff::new(u(2)),
            scratch: word(),
            program_hash: word(),
            watchdog_limit: word(),
            watchdog_trips: word(),
            elapsed: word(),
            irq_enable: bit(),
            error: Dff::new(u(errors)),
            irq_status: bit(),
            cycles: Dff::new(u(64)),
            sops: Dff::new(u(64)),
            spike_count: Dff::new(u(64)),
            stalls: word(),
            images: word(),
            do_write: Default::default(),
            do_read: Default::default(),
            limited: Default::default(),
            trip: Default::default(),
            reset: Default::default(),
            declared: Sig::new(u(32)),
            mask: (0..5).map(|_| Sig::new(u(32))).collect(),
            masked: Sig::new(u(32)),
            keep: Sig::new(u(32)),
            error_kept: Sig::new(u(errors)),
            error_events: (0..csr::ERRORS).map(|_| Sig::new(u(errors))).collect(),
            irq_kept: Sig::new(u(1)),
            interrupt: Sig::new(u(1)),
            busy_bit: Sig::new(u(1)),
            image_bit: Sig::new(u(2)),
            error_bit: (0..EVENTS).map(|i| Const::new(u(errors), 1 << i)).collect(),
            byte_mask: (0..4).map(|i| Const::new(u(32), 0xff << (8 * i))).collect(),
            constant: constants(array, config_hash, build_hash)
                .into_iter()
                .map(|v| Const::new(u(32), i64::from(v)))
                .collect(),
            sops_per_word: Const::new(u(17), (array.lanes * array.ci * array.co) as i64),
            slave_error: Const::new(u(2), 2),
            sixteen: Const::new(u(5), 16),
            one: Const::new(u(1), 1),
            two: Const::new(u(2), 2),
            zero: Const::new(u(1), 0),
            features: Const::new(u(32), i64::from(csr::FEATURE_FRAMES)),
            watchdog_bit: Const::new(u(errors), i64::from(csr::ERROR_WATCHDOG)),
            memory_bit: (0..ports).map(|_| Const::new(u(errors), i64::from(csr::ERROR_MEMORY))).collect(),
            _errors: EVENTS,
            _errors_end: EVENTS + 1,
            _ports: ports,
            _count: n,
            _count_end: n + 1,
            _strobes: 4,
            _strobes_end: 5,
        }
    }
}

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
            self.write_address.d.next = self.s_axil_awaddr.val();
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
            self.read_address.d.next = self.s_axil_araddr.val();
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
        self.error_events[0].next = self.error_kept.val();
        for i in 0..self._errors {
            self.error_events[i + 1].next = self.error_events[i].val();
            if self.event[i].val() {
                self.error_events[i + 1].next = self.error_events[i].val() | self.error_bit[i].val();
            }
        }
        for i in self._errors..self._errors_end {
            self.error.d.next = self.error_events[i].val();
        }
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
            for i in self._errors..self._errors_end {
                self.error.d.next = self.error_events[i].val() | self.watchdog_bit.val();
            }
            self.watchdog_trips.d.next = self.watchdog_trips.q.val() + self.one.val();
        }
        // What an image would have been made of is not known: no result may come of it.
        for p in 0..self._ports {
            if self.memory_error[p].val() {
                for i in self._errors..self._errors_end {
                    self.error.d.next = self.error_events[i].val() | self.memory_bit[p].val();
                }
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
