//! The accelerator: board-independent top.

mod guards;
mod host;
mod maps;
mod memory;
mod moves;
mod results;
mod run;

use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::instr::{self, plain_layout, MOVE_OUT};
use spikegate_contract::packet::Target;

use crate::array::lane::load_words;
use crate::bus::csr::{errors::ErrorEvents, CsrBank};
use crate::bus::framer::Framer;
use crate::bus::loader::Loader;
use crate::bus::receiver::Receiver;
use crate::bus::sender::Sender;
use crate::control::decode::Decode;
use crate::control::globals::Globals;
use crate::control::logits::Logits;
use crate::control::patch::PatchWriter;
use crate::control::sequencer::Sequencer;
use crate::datapath::Datapath;
use crate::lang::*;
use crate::memory::{
    arbiter::Arbiter, balance::Balance, fetch::Fetch, mover::Mover, reload::Reload, spill::Spill,
    store::Store,
};

kernel!(Accelerator: Host, Run, Memory, Maps, Results, Moves, Guards);

/// The accelerator.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset, active high |
/// | s_axil_awaddr | in | 8 | registers (`contract::csr`), AXI4-Lite: byte address of a write; bits 1 and 0 are ignored |
/// | s_axil_awvalid, s_axil_awready | in, out | 1 | a write's address is there; the core takes it |
/// | s_axil_wdata, s_axil_wstrb | in | 32, 4 | data of a write; which bytes of the data count |
/// | s_axil_wvalid, s_axil_wready | in, out | 1 | a write's data is there; the core takes it |
/// | s_axil_bresp | out | 2 | answer to a write: 0 OKAY, 2 SLVERR where no register is |
/// | s_axil_bvalid, s_axil_bready | out, in | 1 | the answer is there; the other side takes it |
/// | s_axil_araddr | in | 8 | byte address of a read; bits 1 and 0 are ignored |
/// | s_axil_arvalid, s_axil_arready | in, out | 1 | a read's address is there; the core takes it |
/// | s_axil_rdata, s_axil_rresp | out | 32, 2 | the register, 0 where none is; 0 OKAY, 2 SLVERR where no register is |
/// | s_axil_rvalid, s_axil_rready | out, in | 1 | the register's value is there; the other side takes it |
/// | s_axis_tdata | in | 32 | program and images, AXI4-Stream: a word of a packet (`contract::packet`) |
/// | s_axis_tvalid, s_axis_tlast, s_axis_tready | in, in, out | 1 | the word is there; it is its packet's last; the core takes it |
/// | m_axis_tdata | out | 32 | results and traces, AXI4-Stream: a word of a packet |
/// | m_axis_tvalid, m_axis_tlast, m_axis_tready | out, out, in | 1 | the word is there; it is its packet's last; the other side takes it |
/// | irq | out | 1 | level: a result packet has been sent, and `irq_enable` is set |
/// | m_axi_araddr, m_axi_arlen | out | 32, 8 | external memory, AXI4: byte address of a read burst; the burst's transfers less one |
/// | m_axi_arsize, m_axi_arburst | out | 3, 2 | log2 of a transfer's bytes: those of the port; always 1, INCR |
/// | m_axi_arprot, m_axi_arcache | out | 3, 4 | always 0: data, secure, unprivileged; always 3: normal, not cacheable, bufferable |
/// | m_axi_arvalid, m_axi_arready | out, in | 1 | a read burst is asked for; the other side takes it |
/// | m_axi_rdata, m_axi_rresp, m_axi_rlast | in | 32 to 512, 2, 1 | a transfer; anything but OKAY resets the core; the burst's last |
/// | m_axi_rvalid, m_axi_rready | in, out | 1 | the transfer is there; the core takes it |
/// | m_axi_awaddr, m_axi_awlen | out | 32, 8 | byte address of a write burst; the burst's transfers less one |
/// | m_axi_awsize, m_axi_awburst | out | 3, 2 | log2 of a transfer's bytes: those of the port; always 1, INCR |
/// | m_axi_awprot, m_axi_awcache | out | 3, 4 | always 0: data, secure, unprivileged; always 3: normal, not cacheable, bufferable |
/// | m_axi_awvalid, m_axi_awready | out, in | 1 | a write burst is asked for; the other side takes it |
/// | m_axi_wdata, m_axi_wstrb, m_axi_wlast | out | 32 to 512, 4 to 64, 1 | a transfer; all of its bytes count; the burst's last |
/// | m_axi_wvalid, m_axi_wready | out, in | 1 | the transfer is there; the other side takes it |
/// | m_axi_bresp | in | 2 | answer to a write burst; anything but OKAY resets the core |
/// | m_axi_bvalid, m_axi_bready | in, out | 1 | the answer is there; the core takes it |
/// | m_axi_arid, m_axi_rid | out, in | 1 | of a read: 0 weights, 1 residual maps |
/// | m_axi_awid, m_axi_bid | out, in | 1 | of a write: 0 program, 1 residual maps |
#[derive(LogicBlock)]
pub struct Accelerator {
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
    pub s_axis_tdata: Sig<In>,
    pub s_axis_tvalid: Signal<In, Bit>,
    pub s_axis_tlast: Signal<In, Bit>,
    pub s_axis_tready: Signal<Out, Bit>,
    pub m_axis_tdata: Sig<Out>,
    pub m_axis_tvalid: Signal<Out, Bit>,
    pub m_axis_tlast: Signal<Out, Bit>,
    pub m_axis_tready: Signal<In, Bit>,
    pub irq: Signal<Out, Bit>,
    pub m_axi_araddr: Vec<Sig<Out>>,
    pub m_axi_arlen: Vec<Sig<Out>>,
    pub m_axi_arsize: Vec<Sig<Out>>,
    pub m_axi_arburst: Vec<Sig<Out>>,
    pub m_axi_arprot: Vec<Sig<Out>>,
    pub m_axi_arcache: Vec<Sig<Out>>,
    pub m_axi_arvalid: Vec<Signal<Out, Bit>>,
    pub m_axi_arready: Vec<Signal<In, Bit>>,
    pub m_axi_rdata: Vec<Sig<In>>,
    pub m_axi_rresp: Vec<Sig<In>>,
    pub m_axi_rlast: Vec<Signal<In, Bit>>,
    pub m_axi_rvalid: Vec<Signal<In, Bit>>,
    pub m_axi_rready: Vec<Signal<Out, Bit>>,
    pub m_axi_awaddr: Vec<Sig<Out>>,
    pub m_axi_awlen: Vec<Sig<Out>>,
    pub m_axi_awsize: Vec<Sig<Out>>,
    pub m_axi_awburst: Vec<Sig<Out>>,
    pub m_axi_awprot: Vec<Sig<Out>>,
    pub m_axi_awcache: Vec<Sig<Out>>,
    pub m_axi_awvalid: Vec<Signal<Out, Bit>>,
    pub m_axi_awready: Vec<Signal<In, Bit>>,
    pub m_axi_wdata: Vec<Sig<Out>>,
    pub m_axi_wstrb: Vec<Sig<Out>>,
    pub m_axi_wlast: Vec<Signal<Out, Bit>>,
    pub m_axi_wvalid: Vec<Signal<Out, Bit>>,
    pub m_axi_wready: Vec<Signal<In, Bit>>,
    pub m_axi_bresp: Vec<Sig<In>>,
    pub m_axi_bvalid: Vec<Signal<In, Bit>>,
    pub m_axi_bready: Vec<Signal<Out, Bit>>,
    pub m_axi_arid: Vec<Sig<Out>>,
    pub m_axi_rid: Vec<Sig<In>>,
    pub m_axi_awid: Vec<Sig<Out>>,
    pub m_axi_bid: Vec<Sig<In>>,
    csr: CsrBank,
    errors: ErrorEvents,
    receiver: Receiver,
    loader: Loader,
    patches: PatchWriter,
    sequencer: Sequencer,
    datapath: Datapath,
    logits: Logits,
    sender: Sender,
    framer: Framer,
    fetch: Optional<Fetch>,
    store: Optional<Store>,
    arbiter: Optional<Arbiter>,
    spill: Optional<Spill>,
    reload: Optional<Reload>,
    mover: Optional<Mover>,
    balance: Optional<Balance>,
    no_more: Optional<Const>,
    globals: Globals,
    decode: Decode,
    /// Sequence numbers of the images of a batch.
    sequence: Vec<Dff>,
    dumping: Dff,
    clear: Signal<Local, Bit>,
    image: Signal<Local, Bit>,
    target_instructions: Const,
    target_globals: Const,
    target_memory: Const,
    burst_length: Const,
    burst_size: Const,
    incrementing: Const,
    protection: Const,
    bufferable: Const,
    all_bytes: Const,
    spill_length: Optional<Const>,
    maps_pops: Optional<Signal<Local, Bit>>,
    maps_pushes: Optional<Signal<Local, Bit>>,
    maps_claim: Optional<Signal<Local, Bit>>,
    maps_ready: Optional<Signal<Local, Bit>>,
    maps_bursts: Optional<Sig<Local>>,
    is_map: Optional<Signal<Local, Bit>>,
    map_acknowledged: Optional<Signal<Local, Bit>>,
    moves_reads: Optional<Signal<Local, Bit>>,
    moved_slot_bits: Optional<Const>,
    low_transfer_bits: Optional<Const>,
    no_kernel: Optional<Const>,
    _fill_words: usize,
    _fields: usize,
    _plain_fields: usize,
    _words: usize,
    _lanes: usize,
    _batch: usize,
    _spilled_words: usize,
    _values: usize,
    _move_out: usize,
    _move_out_end: usize,
}

impl Accelerator {
    /// The accelerator of the given array; the hashes identify it to the driver.
    pub fn new(array: &ArrayConfig, config_hash: u32, build_hash: u32) -> Self {
        let balanced = array.parity && array.memory_bits > 0;
        let fill_words = array.memory_bits / 32;
        let ports = fill_words.min(1);
        let spills = array.spill_depth.min(1);
        let values = array.post * array.lanes * spills;
        Self {
            doc: doc!("mod.rs", Accelerator),
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
            s_axis_tdata: Sig::new(u(32)),
            s_axis_tvalid: Default::default(),
            s_axis_tlast: Default::default(),
            s_axis_tready: Default::default(),
            m_axis_tdata: Sig::new(u(32)),
            m_axis_tvalid: Default::default(),
            m_axis_tlast: Default::default(),
            m_axis_tready: Default::default(),
            irq: Default::default(),
            m_axi_araddr: (0..ports).map(|_| Sig::new(u(32))).collect(),
            m_axi_arlen: (0..ports).map(|_| Sig::new(u(8))).collect(),
            m_axi_arsize: (0..ports).map(|_| Sig::new(u(3))).collect(),
            m_axi_arburst: (0..ports).map(|_| Sig::new(u(2))).collect(),
            m_axi_arprot: (0..ports).map(|_| Sig::new(u(3))).collect(),
            m_axi_arcache: (0..ports).map(|_| Sig::new(u(4))).collect(),
            m_axi_arvalid: vec![Default::default(); ports],
            m_axi_arready: vec![Default::default(); ports],
            m_axi_rdata: (0..fill_words).map(|_| Sig::new(u(32))).collect(),
            m_axi_rresp: (0..ports).map(|_| Sig::new(u(2))).collect(),
            m_axi_rlast: vec![Default::default(); ports],
            m_axi_rvalid: vec![Default::default(); ports],
            m_axi_rready: vec![Default::default(); ports],
            m_axi_awaddr: (0..ports).map(|_| Sig::new(u(32))).collect(),
            m_axi_awlen: (0..ports).map(|_| Sig::new(u(8))).collect(),
            m_axi_awsize: (0..ports).map(|_| Sig::new(u(3))).collect(),
            m_axi_awburst: (0..ports).map(|_| Sig::new(u(2))).collect(),
            m_axi_awprot: (0..ports).map(|_| Sig::new(u(3))).collect(),
            m_axi_awcache: (0..ports).map(|_| Sig::new(u(4))).collect(),
            m_axi_awvalid: vec![Default::default(); ports],
            m_axi_awready: vec![Default::default(); ports],
            m_axi_wdata: (0..fill_words).map(|_| Sig::new(u(32))).collect(),
            m_axi_wstrb: (0..fill_words).map(|_| Sig::new(u(4))).collect(),
            m_axi_wlast: vec![Default::default(); ports],
            m_axi_wvalid: vec![Default::default(); ports],
            m_axi_wready: vec![Default::default(); ports],
            m_axi_bresp: (0..ports).map(|_| Sig::new(u(2))).collect(),
            m_axi_bvalid: vec![Default::default(); ports],
            m_axi_bready: vec![Default::default(); ports],
            m_axi_arid: (0..spills).map(|_| Sig::new(u(1))).collect(),
            m_axi_rid: (0..spills).map(|_| Sig::new(u(1))).collect(),
            m_axi_awid: (0..spills).map(|_| Sig::new(u(1))).collect(),
            m_axi_bid: (0..spills).map(|_| Sig::new(u(1))).collect(),
            csr: CsrBank::new(array, config_hash, build_hash),
            errors: Default::default(),
            receiver: Receiver::new(),
            loader: Loader::new(array),
            patches: PatchWriter::new(array),
            sequencer: Sequencer::new(array),
            datapath: Datapath::new(array),
            logits: Logits::new(array.class_depth, array.parity),
            sender: Sender::new(array),
            framer: Framer::new(),
            fetch: Optional::new(ports > 0, || Fetch::new(array)),
            store: Optional::new(ports > 0, || Store::new(array)),
            arbiter: Optional::new(spills > 0, Arbiter::new),
            spill: Optional::new(spills > 0, || Spill::new(array)),
            reload: Optional::new(spills > 0, || Reload::new(array)),
            mover: Optional::new(array.moves, || Mover::new(array)),
            balance: Optional::new(balanced, || Balance::new(array)),
            no_more: Optional::new(balanced, || Const::new(u(1), 0)),
            globals: Globals::new(array.parity),
            decode: Default::default(),
            sequence: (0..array.batch).map(|_| Dff::new(u(32))).collect(),
            dumping: Dff::new(u(1)),
            clear: Default::default(),
            image: Default::default(),
            target_instructions: Const::new(u(3), Target::Instructions as i64),
            target_globals: Const::new(u(3), Target::Globals as i64),
            target_memory: Const::new(u(3), Target::Memory as i64),
            // A port holds a weight word in at most 256 transfers; without one there are no bursts, whatever this says.
            burst_length: Const::new(
                u(8),
                (array.weight_bytes() as i64 * 8 / array.memory_bits.max(8) as i64 - 1).min(0xff),
            ),
            burst_size: Const::new(u(3), i64::from((array.memory_bits / 8).max(1).ilog2())),
            incrementing: Const::new(u(2), 1),
            protection: Const::new(u(3), 0),
            bufferable: Const::new(u(4), 3),
            all_bytes: Const::new(u(4), 0xf),
            spill_length: Optional::new(spills > 0, || Const::new(u(8), array.spill_transfers() as i64 - 1)),
            maps_pops: Optional::new(spills > 0, Default::default),
            maps_pushes: Optional::new(spills > 0, Default::default),
            maps_claim: Optional::new(spills > 0, Default::default),
            maps_ready: Optional::new(spills > 0, Default::default),
            maps_bursts: Optional::new(spills > 0, || Sig::new(u(5))),
            is_map: Optional::new(spills > 0, Default::default),
            map_acknowledged: Optional::new(spills > 0, Default::default),
            moves_reads: Optional::new(array.moves, Default::default),
            low_transfer_bits: Optional::new(array.moves, || {
                Const::new(u(5), instr::width("weight_base") as i64)
            }),
            moved_slot_bits: Optional::new(array.moves, || {
                Const::new(u(3), i64::from(array.moved_slots(Moved::Streams).ilog2()))
            }),
            no_kernel: Optional::new(array.moves, || Const::new(u(1), 0)),
            _fill_words: fill_words,
            _fields: array.fields().len(),
            _plain_fields: plain_layout().len(),
            _words: load_words(array),
            _lanes: array.lanes,
            _batch: array.batch,
            _spilled_words: fill_words * spills,
            _values: values,
            _move_out: MOVE_OUT.ilog2() as usize,
            _move_out_end: MOVE_OUT.ilog2() as usize + 1,
        }
    }
}
