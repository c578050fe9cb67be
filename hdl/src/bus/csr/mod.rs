//! Register bank behind AXI4-Lite, from the table in `contract::csr`.

pub mod errors;
mod kernel;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::csr::{self, INTERFACE_VERSION, MAGIC, TABLE};

use crate::lang::*;

/// AXI4-Lite slave. Address and data of a write may come in any order; one read and one write at a time; an unknown
/// address answers SLVERR (and reads 0). Registers are words: the two low bits of an address are ignored, so a narrow or
/// unaligned access is one of the word that holds its bytes; a write changes the bytes whose strobe is set, whatever the
/// register, and is answered OKAY even without strobes.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | s_axil_* | | | AXI4-Lite, 8-bit byte addresses |
/// | busy, image_waiting, index | in | 1, 1, 16 | status |
/// | begin | in | 1 | event: an image is taken up |
/// | events | in | | events that set bits of `error`; the watchdog's is made here |
/// | memory_error | in | 1 | event: the external memory refused a transfer |
/// | parity_error | in | 1 | event: a memory gave another word than was written to it |
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
    pub events: Sig<In>,
    pub memory_error: Vec<Signal<In, Bit>>,
    pub parity_error: Optional<Signal<In, Bit>>,
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
    error_now: Sig<Local>,
    irq_kept: Sig<Local>,
    interrupt: Sig<Local>,
    busy_bit: Sig<Local>,
    image_bit: Sig<Local>,
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
    parity_bit: Optional<Const>,
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
        let errors = csr::ERRORS + if array.parity { 2 } else { ports };
        Self {
            doc: doc!("mod.rs", CsrBank),
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
            events: Sig::new(u(csr::ERROR_EVENTS)),
            memory_error: vec![Default::default(); ports],
            parity_error: Optional::new(array.parity, Default::default),
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
            offset: TABLE.iter().map(|r| Const::new(u(6), i64::from(r.offset / 4))).collect(),
            selected: (0..n + 1).map(|_| Sig::new(u(32))).collect(),
            known_read: vec![Default::default(); n + 1],
            known_write: vec![Default::default(); n + 1],
            write_address: Dff::new(u(6)),
            write_address_held: bit(),
            write_data: word(),
            write_mask: word(),
            write_data_held: bit(),
            response: bit(),
            response_code: Dff::new(u(2)),
            read_address: Dff::new(u(6)),
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
            error_now: Sig::new(u(errors)),
            irq_kept: Sig::new(u(1)),
            interrupt: Sig::new(u(1)),
            busy_bit: Sig::new(u(1)),
            image_bit: Sig::new(u(2)),
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
            parity_bit: Optional::new(array.parity, || Const::new(u(errors), i64::from(csr::ERROR_PARITY))),
            _ports: ports,
            _count: n,
            _count_end: n + 1,
            _strobes: 4,
            _strobes_end: 5,
        }
    }
}
