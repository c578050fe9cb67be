//! Brings an external memory up before the core may use it.

mod kernel;
pub mod register;

use crate::lang::*;

/// What a memory needs before it can be used, as data: see `bitstreams/controllers`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Data bits of the controller's port, a multiple of 32.
    pub bits: usize,
    /// Byte lanes of the memory, each of which is levelled by itself: a power of two. Byte i of a transfer is on lane
    /// `i % lanes`.
    pub lanes: usize,
    /// Positions at which the beats of a lane can begin; 1 is nothing to choose.
    pub slips: usize,
    /// Taps of a lane's delay; 1 is nothing to choose.
    pub taps: usize,
    /// Commands in order.
    pub steps: Vec<Step>,
}

/// What the memory's control pins are set to, and a command behind which nothing comes for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bit 0 CKE, 1 ODT, 2 RESET_N.
    pub control: u8,
    /// Bit 0 chip select, 1 WE, 2 CAS, 3 RAS, active high; 0 is no command.
    pub command: u8,
    /// Address pins.
    pub address: u16,
    /// Bank pins.
    pub bank: u8,
    /// Cycles until the next step, less than 2^20.
    pub wait: u32,
}

/// Transfers of the pattern.
pub const PATTERN: usize = 16;
/// Times that the pattern is read at a setting.
pub const READS: usize = 4;
/// Cycles without an answer after which the memory counts as dead.
pub const PATIENCE: i64 = 1 << 16;

/// What a word of the pattern's first transfer is; every further transfer is a step of the polynomial on.
pub fn seed(word: usize) -> u32 {
    // Spread over the sequence, so that bytes of a lane that follow each other have nothing in common.
    (word as u32 + 1).wrapping_mul(0x9e37_79b9) ^ 0x5bd1_e995
}

/// Polynomial of the pattern, shifted right.
pub const POLYNOMIAL: u32 = 0xa300_0000;

/// Plays the commands of a recipe, then levels the reads through the controller's own port, and opens the port.
///
/// Writes need no levelling on the PHYs that it is for. The pattern is written once, in one burst at address 0; then every
/// position of the beats (`slip`) with every tap is read back, all lanes at once, and each lane is set to the middle of its
/// longest run of right taps. A last reading decides. Refresh goes on meanwhile: it is the controller's.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset |
/// | init_sel | out | 1 | the memory's commands come from here, not from the controller |
/// | init_control, init_command, init_address, init_bank | out | 3, 4, 16, 3 | see [`Step`] |
/// | init_issue | out | 1 | one cycle: the command goes out |
/// | level_lanes | out | lanes | lanes that a change is for |
/// | level_slip_first, level_tap_first | out | 1 | one cycle: back to position 0, to tap 0 |
/// | level_slip_next, level_tap_next | out | 1 | one cycle: one on |
/// | s_axi_* | | | the core's port: addresses, what a write carries, and the handshakes |
/// | m_axi_* | | | the controller's port; what a read carries goes to the core by itself |
/// | core_wdata_k, memory_wdata_k, memory_rdata_k | in, out, in | 32 | words of a transfer, the lowest first |
/// | status | out | 32 | `contract::csr::memory_status` |
#[derive(LogicBlock)]
pub struct BringUp {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub init_sel: Signal<Out, Bit>,
    pub init_issue: Signal<Out, Bit>,
    pub init_control: Sig<Out>,
    pub init_command: Sig<Out>,
    pub init_address: Sig<Out>,
    pub init_bank: Sig<Out>,
    pub level_lanes: Sig<Out>,
    pub level_slip_first: Signal<Out, Bit>,
    pub level_slip_next: Signal<Out, Bit>,
    pub level_tap_first: Signal<Out, Bit>,
    pub level_tap_next: Signal<Out, Bit>,
    pub s_axi_araddr: Sig<In>,
    pub s_axi_arlen: Sig<In>,
    pub s_axi_arid: Sig<In>,
    pub s_axi_arvalid: Signal<In, Bit>,
    pub s_axi_arready: Signal<Out, Bit>,
    pub s_axi_rvalid: Signal<Out, Bit>,
    pub s_axi_rready: Signal<In, Bit>,
    pub s_axi_awaddr: Sig<In>,
    pub s_axi_awlen: Sig<In>,
    pub s_axi_awid: Sig<In>,
    pub s_axi_awvalid: Signal<In, Bit>,
    pub s_axi_awready: Signal<Out, Bit>,
    pub core_wdata: Vec<Sig<In>>,
    pub s_axi_wlast: Signal<In, Bit>,
    pub s_axi_wvalid: Signal<In, Bit>,
    pub s_axi_wready: Signal<Out, Bit>,
    pub s_axi_bvalid: Signal<Out, Bit>,
    pub s_axi_bready: Signal<In, Bit>,
    pub m_axi_araddr: Sig<Out>,
    pub m_axi_arlen: Sig<Out>,
    pub m_axi_arid: Sig<Out>,
    pub m_axi_arvalid: Signal<Out, Bit>,
    pub m_axi_arready: Signal<In, Bit>,
    pub memory_rdata: Vec<Sig<In>>,
    pub m_axi_rlast: Signal<In, Bit>,
    pub m_axi_rvalid: Signal<In, Bit>,
    pub m_axi_rready: Signal<Out, Bit>,
    pub m_axi_awaddr: Sig<Out>,
    pub m_axi_awlen: Sig<Out>,
    pub m_axi_awid: Sig<Out>,
    pub m_axi_awvalid: Signal<Out, Bit>,
    pub m_axi_awready: Signal<In, Bit>,
    pub memory_wdata: Vec<Sig<Out>>,
    pub m_axi_wlast: Signal<Out, Bit>,
    pub m_axi_wvalid: Signal<Out, Bit>,
    pub m_axi_wready: Signal<In, Bit>,
    pub m_axi_bvalid: Signal<In, Bit>,
    pub m_axi_bready: Signal<Out, Bit>,
    pub status: Sig<Out>,
    state: Dff,
    step: Dff,
    timer: Dff,
    phase: Dff,
    slip: Dff,
    tap: Dff,
    /// The change under way: to the first of both, one position on, one tap on, and for which lanes.
    to_first: Dff,
    to_slip: Dff,
    to_tap: Dff,
    mask: Dff,
    address_waits: Dff,
    data_left: Dff,
    reads: Dff,
    word: Vec<Dff>,
    wrong: Vec<Dff>,
    run: Vec<Dff>,
    best: Vec<Dff>,
    best_slip: Vec<Dff>,
    middle: Vec<Dff>,
    why: Dff,
    narrowest: Dff,
    plays: Signal<Local, Bit>,
    writes: Signal<Local, Bit>,
    adjusts: Signal<Local, Bit>,
    looks: Signal<Local, Bit>,
    judges: Signal<Local, Bit>,
    up: Signal<Local, Bit>,
    failed: Signal<Local, Bit>,
    sweeps: Signal<Local, Bit>,
    sets_slips: Signal<Local, Bit>,
    sets_taps: Signal<Local, Bit>,
    checks: Signal<Local, Bit>,
    step_ends: Signal<Local, Bit>,
    wait: Sig<Local>,
    pulse: Signal<Local, Bit>,
    settled: Signal<Local, Bit>,
    last_transfer: Signal<Local, Bit>,
    restart: Signal<Local, Bit>,
    advance: Signal<Local, Bit>,
    progress: Signal<Local, Bit>,
    last_tap: Signal<Local, Bit>,
    last_slip: Signal<Local, Bit>,
    no_window: Signal<Local, Bit>,
    any_wrong: Signal<Local, Bit>,
    difference: Vec<Sig<Local>>,
    lane_difference: Vec<Sig<Local>>,
    now_wrong: Vec<Signal<Local, Bit>>,
    run_now: Vec<Sig<Local>>,
    longer: Vec<Signal<Local, Bit>>,
    slips_on: Vec<Signal<Local, Bit>>,
    taps_on: Vec<Signal<Local, Bit>>,
    slip_mask: Vec<Sig<Local>>,
    tap_mask: Vec<Sig<Local>>,
    wrong_mask: Vec<Sig<Local>>,
    least: Vec<Sig<Local>>,
    less: Vec<Signal<Local, Bit>>,
    controls: Vec<Const>,
    commands: Vec<Const>,
    addresses: Vec<Const>,
    banks: Vec<Const>,
    waits: Vec<Const>,
    seeds: Vec<Const>,
    lane_bytes: Vec<Const>,
    lane_bit: Vec<Const>,
    all_lanes: Const,
    polynomial: Const,
    state_write: Const,
    state_adjust: Const,
    state_look: Const,
    state_judge: Const,
    state_up: Const,
    state_failed: Const,
    phase_slips: Const,
    phase_taps: Const,
    phase_check: Const,
    last_step: Const,
    slips_end: Const,
    taps_end: Const,
    pattern_length: Const,
    pattern: Const,
    reads_end: Const,
    patience: Const,
    pulse_at: Const,
    settle: Const,
    why_window: Const,
    why_wrong: Const,
    why_silent: Const,
    status_up: Const,
    status_coming: Const,
    four: Const,
    twelve: Const,
    one: Const,
    zero: Const,
    _steps: usize,
    _words: usize,
    _lanes: usize,
    _lanes_end: usize,
    _words_lanes: usize,
}

impl BringUp {
    /// For a memory.
    pub fn new(recipe: &Recipe) -> Self {
        let Recipe { bits, lanes, slips, taps, steps } = recipe;
        let (words, lanes) = (bits / 32, *lanes);
        let bit = || Dff::new(u(1));
        let number = |v: i64| Const::new(u(8), v);
        let per_lane = |width: usize| (0..lanes).map(|_| Dff::new(u(width))).collect::<Vec<_>>();
        let flags = |n: usize| vec![Signal::<Local, Bit>::default(); n];
        let masks = || (0..lanes + 1).map(|_| Sig::new(u(lanes))).collect::<Vec<_>>();
        let of = |width: usize, value: &dyn Fn(&Step) -> i64| {
            steps.iter().map(|step| Const::new(u(width), value(step))).collect::<Vec<_>>()
        };
        // Bytes of a word that are on a lane: those at i % lanes in the transfer.
        let bytes = |word: usize, lane: usize| {
            (0..4).filter(|i| (4 * word + i) % lanes == lane).map(|i| 0xff << (8 * i)).sum::<i64>()
        };
        Self {
            doc: doc!("mod.rs", BringUp),
            clk: Default::default(),
            rst: Default::default(),
            init_sel: Default::default(),
            init_issue: Default::default(),
            init_control: Sig::new(u(3)),
            init_command: Sig::new(u(4)),
            init_address: Sig::new(u(16)),
            init_bank: Sig::new(u(3)),
            level_lanes: Sig::new(u(lanes)),
            level_slip_first: Default::default(),
            level_slip_next: Default::default(),
            level_tap_first: Default::default(),
            level_tap_next: Default::default(),
            s_axi_araddr: Sig::new(u(32)),
            s_axi_arlen: Sig::new(u(8)),
            s_axi_arid: Sig::new(u(1)),
            s_axi_arvalid: Default::default(),
            s_axi_arready: Default::default(),
            s_axi_rvalid: Default::default(),
            s_axi_rready: Default::default(),
            s_axi_awaddr: Sig::new(u(32)),
            s_axi_awlen: Sig::new(u(8)),
            s_axi_awid: Sig::new(u(1)),
            s_axi_awvalid: Default::default(),
            s_axi_awready: Default::default(),
            core_wdata: (0..words).map(|_| Sig::new(u(32))).collect(),
            s_axi_wlast: Default::default(),
            s_axi_wvalid: Default::default(),
            s_axi_wready: Default::default(),
            s_axi_bvalid: Default::default(),
            s_axi_bready: Default::default(),
            m_axi_araddr: Sig::new(u(32)),
            m_axi_arlen: Sig::new(u(8)),
            m_axi_arid: Sig::new(u(1)),
            m_axi_arvalid: Default::default(),
            m_axi_arready: Default::default(),
            memory_rdata: (0..words).map(|_| Sig::new(u(32))).collect(),
            m_axi_rlast: Default::default(),
            m_axi_rvalid: Default::default(),
            m_axi_rready: Default::default(),
            m_axi_awaddr: Sig::new(u(32)),
            m_axi_awlen: Sig::new(u(8)),
            m_axi_awid: Sig::new(u(1)),
            m_axi_awvalid: Default::default(),
            m_axi_awready: Default::default(),
            memory_wdata: (0..words).map(|_| Sig::new(u(32))).collect(),
            m_axi_wlast: Default::default(),
            m_axi_wvalid: Default::default(),
            m_axi_wready: Default::default(),
            m_axi_bvalid: Default::default(),
            m_axi_bready: Default::default(),
            status: Sig::new(u(32)),
            state: Dff::new(u(3)),
            step: Dff::new(u(8)),
            timer: Dff::new(u(20)),
            phase: Dff::new(u(2)),
            slip: Dff::new(u(8)),
            tap: Dff::new(u(8)),
            to_first: bit(),
            to_slip: bit(),
            to_tap: bit(),
            mask: Dff::new(u(lanes)),
            address_waits: bit(),
            data_left: Dff::new(u(8)),
            reads: Dff::new(u(4)),
            word: (0..words).map(|_| Dff::new(u(32))).collect(),
            wrong: per_lane(1),
            run: per_lane(8),
            best: per_lane(8),
            best_slip: per_lane(8),
            middle: per_lane(8),
            why: Dff::new(u(4)),
            narrowest: Dff::new(u(8)),
            plays: Default::default(),
            writes: Default::default(),
            adjusts: Default::default(),
            looks: Default::default(),
            judges: Default::default(),
            up: Default::default(),
            failed: Default::default(),
            sweeps: Default::default(),
            sets_slips: Default::default(),
            sets_taps: Default::default(),
            checks: Default::default(),
            step_ends: Default::default(),
            wait: Sig::new(u(20)),
            pulse: Default::default(),
            settled: Default::default(),
            last_transfer: Default::default(),
            restart: Default::default(),
            advance: Default::default(),
            progress: Default::default(),
            last_tap: Default::default(),
            last_slip: Default::default(),
            no_window: Default::default(),
            any_wrong: Default::default(),
            difference: (0..words).map(|_| Sig::new(u(32))).collect(),
            lane_difference: (0..words * lanes).map(|_| Sig::new(u(32))).collect(),
            now_wrong: flags(lanes),
            run_now: (0..lanes).map(|_| Sig::new(u(8))).collect(),
            longer: flags(lanes),
            slips_on: flags(lanes),
            taps_on: flags(lanes),
            slip_mask: masks(),
            tap_mask: masks(),
            wrong_mask: masks(),
            least: (0..lanes + 1).map(|_| Sig::new(u(8))).collect(),
            less: flags(lanes),
            controls: of(3, &|s| i64::from(s.control)),
            commands: of(4, &|s| i64::from(s.command)),
            addresses: of(16, &|s| i64::from(s.address)),
            banks: of(3, &|s| i64::from(s.bank)),
            waits: of(20, &|s| i64::from(s.wait)),
            seeds: (0..words).map(|k| Const::new(u(32), i64::from(seed(k)))).collect(),
            lane_bytes: (0..words * lanes).map(|i| Const::new(u(32), bytes(i / lanes, i % lanes))).collect(),
            lane_bit: (0..lanes).map(|l| Const::new(u(lanes), 1 << l)).collect(),
            all_lanes: Const::new(u(lanes), (1 << lanes) - 1),
            polynomial: Const::new(u(32), i64::from(POLYNOMIAL)),
            state_write: Const::new(u(3), 1),
            state_adjust: Const::new(u(3), 2),
            state_look: Const::new(u(3), 3),
            state_judge: Const::new(u(3), 4),
            state_up: Const::new(u(3), 5),
            state_failed: Const::new(u(3), 6),
            phase_slips: Const::new(u(2), 1),
            phase_taps: Const::new(u(2), 2),
            phase_check: Const::new(u(2), 3),
            last_step: number(steps.len() as i64 - 1),
            slips_end: number(*slips as i64 - 1),
            taps_end: number(*taps as i64 - 1),
            pattern_length: number(PATTERN as i64 - 1),
            pattern: number(PATTERN as i64),
            reads_end: Const::new(u(4), READS as i64 - 1),
            patience: Const::new(u(20), PATIENCE),
            pulse_at: Const::new(u(20), 8),
            settle: Const::new(u(20), 31),
            why_window: Const::new(u(4), 3),
            why_wrong: Const::new(u(4), 4),
            why_silent: Const::new(u(4), 5),
            status_up: Const::new(u(4), 2),
            status_coming: Const::new(u(4), 1),
            four: Const::new(u(5), 4),
            twelve: Const::new(u(5), 12),
            one: Const::new(u(1), 1),
            zero: Const::new(u(1), 0),
            _steps: steps.len(),
            _words: words,
            _lanes: lanes,
            _lanes_end: lanes + 1,
            _words_lanes: words * lanes,
        }
    }
}
