//! Reads spilled residual maps back from the ring in the external memory, ahead of the post lanes that add them.

use spikegate_contract::array::ArrayConfig;

use crate::lang::*;
use crate::memory::spill::{capacity, ring, COUNT};
use crate::parts::guard::Guard;

/// AXI4 read channels and buffer of spilled maps. A burst is requested when the memory has acknowledged it and the buffer
/// has room; a pixel is taken up only when all of it is there.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset, together with the memory's |
/// | clear | in | 1 | soft reset: what is still under way is dropped when it comes |
/// | begin | in | 1 | one cycle: an image, or the first of a batch, begins with an empty ring |
/// | committed | in | 24 | bursts of this image that lie in the ring or have left it |
/// | claim, bursts | in | 1, 5 | a pixel of so many bursts is taken up |
/// | ready | out | 1 | the next `bursts` bursts are there |
/// | pop | in | 1 | a beat is wanted, R channels; cycle p |
/// | residual_v | out | 16 | its values, post lane by post lane; from p+2 until two cycles after the next pop |
/// | settled | out | 1 | there is no room for a burst, or all have come; none is under way |
/// | error | out | 1 | one cycle: the memory refused a read that counts |
/// | counts | out | 1 | with parity: the transfer that comes is one of this image |
/// | wrong | out | 1 | with parity: a word of the buffer has flipped, a cycle after it is taken |
/// | ar_address, ar_valid, ar_ready | | 32, 1, 1 | read address |
/// | r_data_k, r_valid, r_response | in | 32, 1, 2 | read data, always taken |
#[derive(LogicBlock)]
pub struct Reload {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub clear: Signal<In, Bit>,
    pub begin: Signal<In, Bit>,
    pub committed: Sig<In>,
    pub claim: Signal<In, Bit>,
    pub bursts: Sig<In>,
    pub ready: Signal<Out, Bit>,
    pub pop: Signal<In, Bit>,
    pub residual: Vec<Sig<Out>>,
    pub settled: Signal<Out, Bit>,
    pub error: Signal<Out, Bit>,
    pub ar_address: Sig<Out>,
    pub ar_valid: Signal<Out, Bit>,
    pub ar_ready: Signal<In, Bit>,
    pub r_data: Vec<Sig<In>>,
    pub r_valid: Signal<In, Bit>,
    pub r_response: Sig<In>,
    pub counts: Optional<Signal<Out, Bit>>,
    pub wrong: Optional<Signal<Out, Bit>>,
    guard: Optional<Guard>,
    buffer: Ram,
    active: Dff,
    stale: Dff,
    offered: Dff,
    address: Dff,
    offered_address: Dff,
    // Bursts of this image: requested, arrived, taken up, popped to the last beat.
    requested: Dff,
    arrived: Dff,
    claimed: Dff,
    popped: Dff,
    under_way: Dff,
    // The transfer that comes: earlier ones of its buffer word, and its place in word and burst.
    part: Vec<Dff>,
    slice: Dff,
    word: Dff,
    tail: Dff,
    // The beat that is popped next.
    head: Dff,
    row: Dff,
    word_popped: Dff,
    popped_before: Dff,
    row_before: Dff,
    held: Vec<Dff>,
    waiting: Sig<Local>,
    occupied: Sig<Local>,
    there: Sig<Local>,
    request: Signal<Local, Bit>,
    after_request: Sig<Local>,
    last_slice: Signal<Local, Bit>,
    word_arrives: Signal<Local, Bit>,
    burst_arrives: Signal<Local, Bit>,
    capacity: Const,
    burst_bytes: Const,
    rows: Const,
    words: Const,
    slices: Const,
    half: Const,
    zero: Const,
    one: Const,
    _posts: usize,
    _lanes: usize,
    _lanes_end: usize,
    _spread: usize,
    _spread_end: usize,
    _rows: usize,
    _values: usize,
    _row: usize,
    _row_end: usize,
    _word: usize,
    _word_end: usize,
    _port: usize,
    _port_end: usize,
    _parts: usize,
    _earlier: usize,
}

impl Reload {
    /// The read side of the array's spilled maps.
    pub fn new(array: &ArrayConfig) -> Self {
        let (values, spread) = (array.spill_values(), array.spill_lanes());
        let rows = values.min(array.co * spread) / spread / array.post;
        let (port, depth) = (array.memory_bits / 32, array.spill_buffer());
        let slices = values / (2 * port);
        let position = u(depth.ilog2() as usize);
        let count = || Dff::new(u(COUNT));
        let last = |n: usize| Const::new(u(8), n as i64 - 1);
        Self {
            doc: doc!("reload.rs", Reload),
            clk: Default::default(),
            rst: Default::default(),
            clear: Default::default(),
            begin: Default::default(),
            committed: Sig::new(u(COUNT)),
            claim: Default::default(),
            bursts: Sig::new(u(5)),
            ready: Default::default(),
            pop: Default::default(),
            residual: (0..array.post * array.lanes).map(|_| Sig::new(s(16))).collect(),
            settled: Default::default(),
            error: Default::default(),
            ar_address: Sig::new(u(32)),
            ar_valid: Default::default(),
            ar_ready: Default::default(),
            r_data: (0..port).map(|_| Sig::new(u(32))).collect(),
            r_valid: Default::default(),
            r_response: Sig::new(u(2)),
            counts: Optional::new(array.parity, Default::default),
            wrong: Optional::new(array.parity, Default::default),
            guard: Optional::new(array.parity, || Guard::new(&vec![u(16); values], 1)),
            buffer: Ram::guarded(values, u(16), depth, array.parity),
            active: Dff::new(u(1)),
            stale: Dff::new(u(1)),
            offered: Dff::new(u(1)),
            address: Dff::new(ring(array)),
            offered_address: Dff::new(ring(array)),
            requested: count(),
            arrived: count(),
            claimed: count(),
            popped: count(),
            under_way: count(),
            part: (0..(slices - 1) * port).map(|_| Dff::new(u(32))).collect(),
            slice: Dff::new(u(8)),
            word: Dff::new(u(8)),
            tail: Dff::new(position),
            head: Dff::new(position),
            row: Dff::new(u(8)),
            word_popped: Dff::new(u(8)),
            popped_before: Dff::new(u(1)),
            row_before: Dff::new(u(8)),
            held: (0..array.post * array.lanes).map(|_| Dff::new(s(16))).collect(),
            waiting: Sig::new(u(COUNT)),
            occupied: Sig::new(u(COUNT)),
            there: Sig::new(u(COUNT)),
            request: Default::default(),
            after_request: Sig::new(u(COUNT)),
            last_slice: Default::default(),
            word_arrives: Default::default(),
            burst_arrives: Default::default(),
            capacity: Const::new(u(COUNT), capacity(array)),
            burst_bytes: Const::new(u(14), array.spill_bytes() as i64),
            rows: last(rows),
            words: last(array.spill_words()),
            slices: last(slices),
            half: Const::new(u(5), 16),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            _posts: array.post,
            _lanes: array.lanes,
            _lanes_end: array.lanes + 1,
            _spread: spread,
            _spread_end: spread + 1,
            _rows: rows,
            _values: values,
            _row: array.post * spread,
            _row_end: array.post * spread + 1,
            _word: 2 * port,
            _word_end: 2 * port + 1,
            _port: port,
            _port_end: port + 1,
            _parts: slices,
            _earlier: slices - 1,
        }
    }
}

impl Logic for Reload {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, active, stale, offered, address, offered_address, requested, arrived, claimed);
        dff_setup!(self, clk, popped, under_way);
        dff_setup!(self, clk, slice, word, tail, head, row, word_popped, popped_before, row_before);

        // Requests. Once offered, an address stays until it is taken.
        self.waiting.next = self.committed.val() - self.requested.q.val();
        self.occupied.next = self.requested.q.val() - self.popped.q.val();
        self.request.next = self.offered.q.val().get_bit(0)
            | (self.active.q.val().get_bit(0)
                & !self.stale.q.val().get_bit(0)
                & (self.waiting.val() != self.zero.val())
                & (self.occupied.val() < self.capacity.val()));
        self.ar_valid.next = self.request.val();
        self.ar_address.next = self.address.q.val();
        if self.offered.q.val().get_bit(0) {
            self.ar_address.next = self.offered_address.q.val();
        }
        self.offered_address.d.next = self.ar_address.val();
        self.offered.d.next = 0.into();
        if self.request.val() & !self.ar_ready.val() {
            self.offered.d.next = 1.into();
        }
        self.after_request.next = self.under_way.q.val();
        if self.request.val() & self.ar_ready.val() {
            self.after_request.next = self.under_way.q.val() + self.one.val();
            if !self.stale.q.val().get_bit(0) {
                self.address.d.next = self.address.q.val() + self.burst_bytes.val();
                self.requested.d.next = self.requested.q.val() + self.one.val();
            }
        }
        self.settled.next = !self.request.val() & (self.under_way.q.val() == self.zero.val());

        // Transfers gather to a buffer word.
        self.last_slice.next = self.slice.q.val() == self.slices.val();
        self.word_arrives.next = self.r_valid.val() & self.last_slice.val();
        self.burst_arrives.next = self.word_arrives.val() & (self.word.q.val() == self.words.val());
        self.buffer.clock.next = self.clk.val();
        self.buffer.write.next = self.word_arrives.val() & !self.stale.q.val().get_bit(0);
        self.buffer.write_address.next = self.tail.q.val();
        for n in self._port..self._port_end {
            for q in self._word..self._word_end {
                for j in 0..self._earlier {
                    for k in 0..self._port {
                        self.part[j * n + k].clock.next = self.clk.val();
                        self.part[j * n + k].d.next = self.part[j * n + k].q.val();
                        if self.r_valid.val() & (self.slice.q.val() == j.into()) {
                            self.part[j * n + k].d.next = self.r_data[k].val();
                        }
                        self.buffer.write_data[j * q + 2 * k].next = self.part[j * n + k].q.val();
                        self.buffer.write_data[j * q + 2 * k + 1].next =
                            self.part[j * n + k].q.val() >> self.half.val();
                    }
                }
                for j in self._earlier..self._parts {
                    for k in 0..self._port {
                        self.buffer.write_data[j * q + 2 * k].next = self.r_data[k].val();
                        self.buffer.write_data[j * q + 2 * k + 1].next =
                            self.r_data[k].val() >> self.half.val();
                    }
                }
            }
        }
        self.under_way.d.next = self.after_request.val();
        if self.r_valid.val() {
            self.slice.d.next = self.slice.q.val() + self.one.val();
            if self.last_slice.val() {
                self.slice.d.next = 0.into();
                self.word.d.next = self.word.q.val() + self.one.val();
                self.tail.d.next = self.tail.q.val() + self.one.val();
            }
            if self.burst_arrives.val() {
                self.word.d.next = 0.into();
                self.arrived.d.next = self.arrived.q.val() + self.one.val();
                self.under_way.d.next = self.after_request.val() - self.one.val();
            }
        }
        self.error.next =
            self.r_valid.val() & (self.r_response.val() != self.zero.val()) & !self.stale.q.val().get_bit(0);

        // Pixels, and their beats.
        self.there.next = self.arrived.q.val() - self.claimed.q.val();
        self.ready.next = self.there.val() >= self.bursts.val();
        if self.claim.val() {
            self.claimed.d.next = self.claimed.q.val() + self.bursts.val();
        }
        self.buffer.read_address.next = self.head.q.val();
        if self.pop.val() {
            self.row.d.next = self.row.q.val() + self.one.val();
            if self.row.q.val() == self.rows.val() {
                self.row.d.next = 0.into();
                self.head.d.next = self.head.q.val() + self.one.val();
                self.word_popped.d.next = self.word_popped.q.val() + self.one.val();
                if self.word_popped.q.val() == self.words.val() {
                    self.word_popped.d.next = 0.into();
                    self.popped.d.next = self.popped.q.val() + self.one.val();
                }
            }
        }
        for p in 0..self.guard.count() {
            self.guard[p].clk.next = self.clk.val();
            for i in 0..self._values {
                self.guard[p].word[i].next = self.buffer.read_data[i].val();
            }
            self.guard[p].parity[0].next = self.buffer.parity[p].val();
            self.guard[p].counts.next = self.popped_before.q.val().get_bit(0);
            self.wrong[p].next = self.guard[p].wrong.val();
            self.counts[p].next = self.r_valid.val() & !self.stale.q.val().get_bit(0);
        }
        self.popped_before.d.next = self.pop.val().into();
        self.row_before.d.next = self.row.q.val();
        for m in self._lanes..self._lanes_end {
            for q in self._row..self._row_end {
                for n in self._spread..self._spread_end {
                    for r in 0..self._posts {
                        for l in 0..self._lanes {
                            self.held[r * m + l].clock.next = self.clk.val();
                            self.held[r * m + l].d.next = self.held[r * m + l].q.val();
                            for k in 0..self._rows {
                                if self.popped_before.q.val().get_bit(0)
                                    & (self.row_before.q.val() == k.into())
                                {
                                    self.held[r * m + l].d.next =
                                        self.buffer.read_data[k * q + r * n + l].val();
                                }
                            }
                            self.residual[r * m + l].next = self.held[r * m + l].q.val();
                        }
                    }
                }
            }
        }

        // A new image, or one given up: what is under way is dropped when it comes.
        if self.clear.val() {
            self.active.d.next = 0.into();
            self.stale.d.next = 1.into();
        }
        if self.begin.val() {
            self.active.d.next = 1.into();
            self.address.d.next = 0.into();
            self.requested.d.next = 0.into();
            self.arrived.d.next = 0.into();
            self.claimed.d.next = 0.into();
            self.popped.d.next = 0.into();
            self.tail.d.next = 0.into();
            self.head.d.next = 0.into();
            self.row.d.next = 0.into();
            self.word_popped.d.next = 0.into();
            if self.request.val() | (self.under_way.q.val() != self.zero.val()) {
                self.stale.d.next = 1.into();
            }
        }
        if self.stale.q.val().get_bit(0) {
            self.arrived.d.next = 0.into();
            self.tail.d.next = 0.into();
            if (self.under_way.q.val() == self.zero.val()) & !self.request.val() & !self.clear.val() {
                self.stale.d.next = 0.into();
            }
        }
        if self.rst.val() {
            self.offered.d.next = 0.into();
            self.under_way.d.next = 0.into();
            self.slice.d.next = 0.into();
            self.word.d.next = 0.into();
            self.stale.d.next = 0.into();
            self.active.d.next = 0.into();
        }
    }
}
