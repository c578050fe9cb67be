//! Writes residual maps that are not kept on chip to a ring in the external memory.
//!
//! A map leaves in the order in which the array makes it: a *burst* of the CO channels of one pixel and time pass after
//! the other. The layer that adds it takes its pixels in the same order, so the ring is a queue, see
//! [`crate::memory::reload`], and needs no addresses from the program.

use spikegate_contract::array::ArrayConfig;

use crate::lang::*;

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
/// | room | out | 1 | there is room for `bursts` more |
/// | push, narrow | in | 1 | channels of a beat come: of every post lane, or of the next one only |
/// | stream_v | in | 16 | their values, post lane by post lane; cycle of `push` |
/// | committed | out | 24 | bursts of this image that the memory has acknowledged |
/// | settled | out | 1 | everything is written and acknowledged |
/// | busy | out | 1 | the write channels are in use |
/// | error | out | 1 | one cycle: the memory refused a write that counts |
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
            doc: doc!("spill.rs", Spill),
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
            buffer: Ram::new(values, u(16), depth),
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

impl Logic for Spill {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clk, row, column, full, tail, words_in_burst, claimed, filled, begun, drained);
        dff_setup!(
            self,
            clk,
            acknowledged,
            head,
            address,
            sent_address,
            address_waits,
            sends,
            slice,
            word,
            unacknowledged,
            active,
            stale
        );

        // Room is given away pixel by pixel, before the pixel's first sum is begun.
        self.wanted.next = self.claimed.q.val() + self.bursts.val() - self.drained.q.val();
        self.room.next = self.wanted.val() <= self.capacity.val();
        if self.claim.val() {
            self.claimed.d.next = self.claimed.q.val() + self.bursts.val();
        }

        // Beats gather to a buffer word, channel by channel.
        self.last_row.next = self.row.q.val() == self.rows.val();
        self.row_ends.next = !self.narrow.val() | (self.column.q.val() == self.columns.val());
        self.last_word.next = self.words_in_burst.q.val() == self.words.val();
        for m in self._lanes..self._lanes_end {
            for o in self._posts..self._posts_end {
                for n in self._spread..self._spread_end {
                    for q in self._row..self._row_end {
                        for k in 0..self._rows {
                            self.row_hit[k].next = self.push.val() & (self.row.q.val() == k.into());
                            for r in 0..self._posts {
                                self.channel_hit[k * o + r].next = self.row_hit[k].val()
                                    & (!self.narrow.val() | (self.column.q.val() == r.into()));
                                for l in 0..self._lanes {
                                    self.gathered[k * q + r * n + l].clock.next = self.clk.val();
                                    self.gathered[k * q + r * n + l].d.next =
                                        self.gathered[k * q + r * n + l].q.val();
                                    if self.channel_hit[k * o + r].val() {
                                        self.gathered[k * q + r * n + l].d.next =
                                            self.stream[r * m + l].val();
                                    }
                                }
                                for l in self._lanes..self._spread {
                                    self.gathered[k * q + r * n + l].clock.next = self.clk.val();
                                    self.gathered[k * q + r * n + l].d.next = 0.into();
                                }
                            }
                        }
                    }
                }
            }
        }
        self.full.d.next = 0.into();
        if self.push.val() {
            self.column.d.next = self.column.q.val() + self.one.val();
            if self.row_ends.val() {
                self.column.d.next = 0.into();
                self.row.d.next = self.row.q.val() + self.one.val();
                if self.last_row.val() {
                    self.row.d.next = 0.into();
                    self.full.d.next = 1.into();
                }
            }
        }
        self.buffer.clock.next = self.clk.val();
        self.buffer.write.next = self.full.q.val().get_bit(0);
        self.buffer.write_address.next = self.tail.q.val();
        for i in 0..self._used {
            self.buffer.write_data[i].next = self.gathered[i].q.val();
        }
        for i in self._used..self._values {
            self.buffer.write_data[i].next = 0.into();
        }
        if self.full.q.val().get_bit(0) {
            self.tail.d.next = self.tail.q.val() + self.one.val();
            self.words_in_burst.d.next = self.words_in_burst.q.val() + self.one.val();
            if self.last_word.val() {
                self.words_in_burst.d.next = 0.into();
                self.filled.d.next = self.filled.q.val() + self.one.val();
            }
        }

        // A complete burst leaves, one transfer after the other.
        self.last_slice.next = self.slice.q.val() == self.slices.val();
        self.moves.next = self.sends.q.val().get_bit(0) & self.w_ready.val();
        self.word_leaves.next = self.moves.val() & self.last_slice.val();
        self.burst_leaves.next = self.word_leaves.val() & (self.word.q.val() == self.words.val());
        self.free.next = (!self.sends.q.val().get_bit(0) | self.burst_leaves.val())
            & (!self.address_waits.q.val().get_bit(0) | self.aw_ready.val());
        self.complete.next = self.filled.q.val() != self.begun.q.val();
        self.start.next = self.free.val()
            & self.complete.val()
            & self.active.q.val().get_bit(0)
            & !self.stale.q.val().get_bit(0)
            & !self.hold.val();
        self.next_head.next = self.head.q.val();
        if self.word_leaves.val() {
            self.next_head.next = self.head.q.val() + self.one.val();
        }
        self.head.d.next = self.next_head.val();
        self.buffer.read_address.next = self.next_head.val();
        if self.moves.val() {
            self.slice.d.next = self.slice.q.val() + self.one.val();
            if self.last_slice.val() {
                self.slice.d.next = 0.into();
                self.word.d.next = self.word.q.val() + self.one.val();
            }
            if self.burst_leaves.val() {
                self.word.d.next = 0.into();
                self.sends.d.next = 0.into();
                self.drained.d.next = self.drained.q.val() + self.one.val();
            }
        }
        if self.aw_ready.val() {
            self.address_waits.d.next = 0.into();
        }
        self.acknowledgements.next = self.unacknowledged.q.val();
        if self.start.val() {
            self.sends.d.next = 1.into();
            self.address_waits.d.next = 1.into();
            self.sent_address.d.next = self.address.q.val();
            self.address.d.next = self.address.q.val() + self.burst_bytes.val();
            self.begun.d.next = self.begun.q.val() + self.one.val();
            self.acknowledgements.next = self.unacknowledged.q.val() + self.one.val();
        }
        self.unacknowledged.d.next = self.acknowledgements.val();
        if self.b_valid.val() {
            self.unacknowledged.d.next = self.acknowledgements.val() - self.one.val();
            self.acknowledged.d.next = self.acknowledged.q.val() + self.one.val();
        }
        for i in 0..self._pairs {
            self.pair[i].next = self.buffer.read_data[2 * i].val()
                | (self.buffer.read_data[2 * i + 1].val() << self.half.val());
        }
        for k in 0..self._port {
            self.w_data[k].next = 0.into();
        }
        for n in self._port..self._port_end {
            for j in 0..self._slices {
                if self.slice.q.val() == j.into() {
                    for k in 0..self._port {
                        self.w_data[k].next = self.pair[j * n + k].val();
                    }
                }
            }
        }
        self.aw_address.next = self.sent_address.q.val();
        self.aw_valid.next = self.address_waits.q.val().get_bit(0);
        self.w_valid.next = self.sends.q.val().get_bit(0);
        self.w_last.next = self.last_slice.val() & (self.word.q.val() == self.words.val());
        self.busy.next = self.sends.q.val().get_bit(0) | self.address_waits.q.val().get_bit(0);
        self.committed.next = self.acknowledged.q.val();
        self.settled.next = !self.full.q.val().get_bit(0)
            & !self.complete.val()
            & (self.unacknowledged.q.val() == self.zero.val());
        self.error.next =
            self.b_valid.val() & (self.b_response.val() != self.zero.val()) & !self.stale.q.val().get_bit(0);

        // A new image, or one given up: what has begun must end, and counts for nothing.
        if self.clear.val() {
            self.active.d.next = 0.into();
            self.stale.d.next = 1.into();
        }
        if self.begin.val() {
            self.active.d.next = 1.into();
            self.claimed.d.next = 0.into();
            self.filled.d.next = 0.into();
            self.begun.d.next = 0.into();
            self.drained.d.next = 0.into();
            self.acknowledged.d.next = 0.into();
            self.row.d.next = 0.into();
            self.column.d.next = 0.into();
            self.full.d.next = 0.into();
            self.tail.d.next = 0.into();
            self.words_in_burst.d.next = 0.into();
            self.head.d.next = 0.into();
            self.address.d.next = 0.into();
            if self.acknowledgements.val() != self.zero.val() {
                self.stale.d.next = 1.into();
            }
        }
        if self.stale.q.val().get_bit(0) {
            self.drained.d.next = 0.into();
            self.acknowledged.d.next = 0.into();
            self.head.d.next = 0.into();
            if (self.unacknowledged.q.val() == self.zero.val()) & !self.clear.val() {
                self.stale.d.next = 0.into();
            }
        }
        if self.rst.val() {
            self.sends.d.next = 0.into();
            self.address_waits.d.next = 0.into();
            self.slice.d.next = 0.into();
            self.word.d.next = 0.into();
            self.unacknowledged.d.next = 0.into();
            self.active.d.next = 0.into();
            self.stale.d.next = 0.into();
        }
    }
}
