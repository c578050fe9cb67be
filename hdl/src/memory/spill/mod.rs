//! Writes residual maps that are not kept on chip to a ring in the external memory.
//!
//! A map leaves in the order in which the array makes it: a *burst* of the CO channels of one pixel and time pass after
//! the other. The layer that adds it takes its pixels in the same order, so the ring is a queue, see
//! [`crate::memory::reload`], and needs no addresses from the program.

mod kernel;

use spikegate_contract::array::ArrayConfig;

use crate::lang::*;
use crate::parts::guard::Guard;

/// Width of the counters of bursts: they wrap, and only their differences count.
pub(super) const COUNT: usize = 24;

/// Buffer and AXI4 write channels of spilled maps. A pixel is taken up only when the buffer has room for all of it.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset, together with the memory's |
/// | clear | in | 1 | soft reset: the burst under way is completed, what was written is forgotten |
/// | begin | in | 1 | one cycle: an image, or the first of a batch, begins with an empty ring |
/// | hold | in | 1 | no burst begins in this cycle: the write channels are in use |
/// | claim, bursts | in | 1, 5 | a pixel of so many bursts is taken up |
/// | room | out | 1 | there is room for `bursts` more, and nothing of an image that was given up is on its way |
/// | push, narrow | in | 1 | channels of a beat come: of every post lane, or of the next one only |
/// | stream_v | in | 16 | their values, post lane by post lane; cycle of `push` |
/// | committed | out | 24 | bursts of this image that the memory has acknowledged |
/// | settled | out | 1 | everything is written and acknowledged |
/// | busy | out | 1 | the write channels are in use |
/// | error | out | 1 | one cycle: the memory refused a write that counts |
/// | counts | out | 1 | with parity: a transfer of this image leaves |
/// | wrong | out | 1 | with parity: a word of the buffer has flipped, a cycle after it leaves |
/// | aw_address, aw_valid, aw_ready | | 32, 1, 1 | write address |
/// | w_data_k, w_last, w_valid, w_ready | | 32, 1, 1, 1 | write data |
/// | b_valid, b_response | in | 1, 2 | acknowledgement, always taken |
///
/// | cycle | what is valid |
/// | --- | --- |
/// | w | push |
/// | w+1 | the buffer word, when it is complete, is written |
/// | w+2 | a complete burst is seen |
/// | w+3 | its address and first transfer are on offer, when the burst before has left |
#[derive(LogicBlock)]
pub struct Spill {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub clear: Signal<In, Bit>,
    pub begin: Signal<In, Bit>,
    pub hold: Signal<In, Bit>,
    pub claim: Signal<In, Bit>,
    pub bursts: Sig<In>,
    pub room: Signal<Out, Bit>,
    pub push: Signal<In, Bit>,
    pub narrow: Signal<In, Bit>,
    pub stream: Vec<Sig<In>>,
    pub committed: Sig<Out>,
    pub settled: Signal<Out, Bit>,
    pub busy: Signal<Out, Bit>,
    pub error: Signal<Out, Bit>,
    pub aw_address: Sig<Out>,
    pub aw_valid: Signal<Out, Bit>,
    pub aw_ready: Signal<In, Bit>,
    pub w_data: Vec<Sig<Out>>,
    pub w_last: Signal<Out, Bit>,
    pub w_valid: Signal<Out, Bit>,
    pub w_ready: Signal<In, Bit>,
    pub b_valid: Signal<In, Bit>,
    pub b_response: Sig<In>,
    pub counts: Optional<Signal<Out, Bit>>,
    pub wrong: Optional<Signal<Out, Bit>>,
    guard: Optional<Guard>,
    buffer: Ram,
    // The beats of a buffer word, as they come.
    gathered: Vec<Dff>,
    row: Dff,
    column: Dff,
    full: Dff,
    tail: Dff,
    words_in_burst: Dff,
    // Bursts of this image: taken up, complete in the buffer, begun, left the buffer, acknowledged.
    claimed: Dff,
    filled: Dff,
    begun: Dff,
    drained: Dff,
    acknowledged: Dff,
    // The burst that leaves.
    head: Dff,
    address: Dff,
    sent_address: Dff,
    address_waits: Dff,
    sends: Dff,
    slice: Dff,
    word: Dff,
    unacknowledged: Dff,
    active: Dff,
    stale: Dff,
    row_hit: Vec<Signal<Local, Bit>>,
    channel_hit: Vec<Signal<Local, Bit>>,
    last_row: Signal<Local, Bit>,
    row_ends: Signal<Local, Bit>,
    last_word: Signal<Local, Bit>,
    wanted: Sig<Local>,
    complete: Signal<Local, Bit>,
    last_slice: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    word_leaves: Signal<Local, Bit>,
    burst_leaves: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    start: Signal<Local, Bit>,
    next_head: Sig<Local>,
    acknowledgements: Sig<Local>,
    pair: Vec<Sig<Local>>,
    capacity: Const,
    burst_bytes: Const,
    rows: Const,
    columns: Const,
    words: Const,
    slices: Const,
    half: Const,
    zero: Const,
    one: Const,
    _posts: usize,
    _posts_end: usize,
    _lanes: usize,
    _lanes_end: usize,
    _spread: usize,
    _spread_end: usize,
    _rows: usize,
    _row: usize,
    _row_end: usize,
    _used: usize,
    _values: usize,
    _pairs: usize,
    _slices: usize,
    _port: usize,
    _port_end: usize,
}

impl Spill {
    /// The write side of the array's spilled maps.
    pub fn new(array: &ArrayConfig) -> Self {
        let (values, spread) = (array.spill_values(), array.spill_lanes());
        let used = values.min(array.co * spread);
        let rows = used / spread / array.post;
        let (port, depth) = (array.memory_bits / 32, array.spill_buffer());
        let slices = values / (2 * port);
        let position = u(depth.ilog2() as usize);
        let count = || Dff::new(u(COUNT));
        let last = |n: usize| Const::new(u(8), n as i64 - 1);
        Self {
            doc: doc!("mod.rs", Spill),
            clk: Default::default(),
            rst: Default::default(),
            clear: Default::default(),
            begin: Default::default(),
            hold: Default::default(),
            claim: Default::default(),
            bursts: Sig::new(u(5)),
            room: Default::default(),
            push: Default::default(),
            narrow: Default::default(),
            stream: (0..array.post * array.lanes).map(|_| Sig::new(s(16))).collect(),
            committed: Sig::new(u(COUNT)),
            settled: Default::default(),
            busy: Default::default(),
            error: Default::default(),
            aw_address: Sig::new(u(32)),
            aw_valid: Default::default(),
            aw_ready: Default::default(),
            w_data: (0..port).map(|_| Sig::new(u(32))).collect(),
            w_last: Default::default(),
            w_valid: Default::default(),
            w_ready: Default::default(),
            b_valid: Default::default(),
            b_response: Sig::new(u(2)),
            counts: Optional::new(array.parity, Default::default),
            wrong: Optional::new(array.parity, Default::default),
            guard: Optional::new(array.parity, || Guard::new(&vec![u(16); values], 1)),
            buffer: Ram::guarded(values, u(16), depth, array.parity),
            gathered: (0..used).map(|_| Dff::new(u(16))).collect(),
            row: Dff::new(u(8)),
            column: Dff::new(u(3)),
            full: Dff::new(u(1)),
            tail: Dff::new(position),
            words_in_burst: Dff::new(u(8)),
            claimed: count(),
            filled: count(),
            begun: count(),
            drained: count(),
            acknowledged: count(),
            head: Dff::new(position),
            address: Dff::new(ring(array)),
            sent_address: Dff::new(ring(array)),
            address_waits: Dff::new(u(1)),
            sends: Dff::new(u(1)),
            slice: Dff::new(u(8)),
            word: Dff::new(u(8)),
            unacknowledged: count(),
            active: Dff::new(u(1)),
            stale: Dff::new(u(1)),
            row_hit: vec![Default::default(); rows],
            channel_hit: vec![Default::default(); rows * array.post],
            last_row: Default::default(),
            row_ends: Default::default(),
            last_word: Default::default(),
            wanted: Sig::new(u(COUNT)),
            complete: Default::default(),
            last_slice: Default::default(),
            moves: Default::default(),
            word_leaves: Default::default(),
            burst_leaves: Default::default(),
            free: Default::default(),
            start: Default::default(),
            next_head: Sig::new(position),
            acknowledgements: Sig::new(u(COUNT)),
            pair: (0..values / 2).map(|_| Sig::new(u(32))).collect(),
            capacity: Const::new(u(COUNT), capacity(array)),
            burst_bytes: Const::new(u(14), array.spill_bytes() as i64),
            rows: last(rows),
            columns: last(array.post),
            words: last(array.spill_words()),
            slices: last(slices),
            half: Const::new(u(5), 16),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            _posts: array.post,
            _posts_end: array.post + 1,
            _lanes: array.lanes,
            _lanes_end: array.lanes + 1,
            _spread: spread,
            _spread_end: spread + 1,
            _rows: rows,
            _row: array.post * spread,
            _row_end: array.post * spread + 1,
            _used: used,
            _values: values,
            _pairs: values / 2,
            _slices: slices,
            _port: port,
            _port_end: port + 1,
        }
    }
}

/// Addresses in the ring, which wrap.
pub(super) fn ring(array: &ArrayConfig) -> Ty {
    u((array.spill_depth * array.spill_bytes()).ilog2() as usize)
}

/// Bursts that a buffer holds.
pub(super) fn capacity(array: &ArrayConfig) -> i64 {
    (array.spill_buffer() / array.spill_words()) as i64
}
