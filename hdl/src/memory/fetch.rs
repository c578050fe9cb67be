//! Streams weight words from the external memory into the weight memories, which it uses as a ring.
//!
//! The words of an image lie one after the other in the order in which the array uses them: the tile of one output
//! group after the other. Word n goes to ring address n modulo the depth. A tile is *claimed* when the window unit
//! takes up the group's first pixel, and its room is free when the last word of the group's last pixel has been issued.

use spikegate_contract::array::{ArrayConfig, MEMORY_REQUESTS};
use spikegate_contract::globals;

use crate::lang::*;

/// AXI4 read channels. A weight word is one burst; up to 16 are requested ahead.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset, together with the memory's |
/// | clear | in | 1 | soft reset: what is still under way is dropped when it comes |
/// | begin | in | 1 | one cycle: an image, or the first of a batch, begins; the stream starts |
/// | hold | in | 1 | no request in this cycle: written data is not acknowledged yet |
/// | stream_words, stream_base | in | 24, 32 | weight words of an image; byte address of the first |
/// | claim | in | 1 | the window unit takes up an output group |
/// | tile | in | 20 | weight words of that group |
/// | frees | in | 1 | the group claimed last needs its words no more; with the next claim at the latest |
/// | ready | out | 1 | the next tile is there (or nothing streams) |
/// | settled | out | 1 | there is no room for a word, or all have come; none is under way |
/// | write, address, beat, data_k | out | 1, 20, 8, 32 | a transfer has come; ring address of its word; its number in the word; its data |
/// | error | out | 1 | one cycle: the memory refused a read that counts |
/// | ar_address, ar_valid, ar_ready | | 32, 1, 1 | read address |
/// | r_data_k, r_valid, r_response | in | 32, 1, 2 | read data, always taken |
#[derive(LogicBlock)]
pub struct Fetch {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub clear: Signal<In, Bit>,
    pub begin: Signal<In, Bit>,
    pub hold: Signal<In, Bit>,
    pub stream_words: Sig<In>,
    pub stream_base: Sig<In>,
    pub claim: Signal<In, Bit>,
    pub tile: Sig<In>,
    pub frees: Signal<In, Bit>,
    pub ready: Signal<Out, Bit>,
    pub settled: Signal<Out, Bit>,
    pub write: Signal<Out, Bit>,
    pub address: Sig<Out>,
    pub beat: Sig<Out>,
    pub data: Vec<Sig<Out>>,
    pub error: Signal<Out, Bit>,
    pub ar_address: Sig<Out>,
    pub ar_valid: Signal<Out, Bit>,
    pub ar_ready: Signal<In, Bit>,
    pub r_data: Vec<Sig<In>>,
    pub r_valid: Signal<In, Bit>,
    pub r_response: Sig<In>,
    active: Dff,
    stale: Dff,
    offered: Dff,
    next_address: Dff,
    requested: Dff,
    written: Dff,
    claimed: Dff,
    retired: Dff,
    under_way: Dff,
    beat_now: Dff,
    occupied: Sig<Local>,
    next_requested: Sig<Local>,
    next_beat: Sig<Local>,
    streams: Signal<Local, Bit>,
    room: Signal<Local, Bit>,
    request: Signal<Local, Bit>,
    last_beat: Signal<Local, Bit>,
    arrived: Signal<Local, Bit>,
    after_request: Sig<Local>,
    available: Sig<Local>,
    depth: Const,
    beats: Const,
    word_bytes: Const,
    most: Const,
    zero: Const,
    one: Const,
    _words: usize,
}

impl Fetch {
    /// The read side of the array's memory port.
    pub fn new(array: &ArrayConfig) -> Self {
        let words = array.memory_bits / 32;
        let position = || Dff::new(u(globals::width("stream_words")));
        Self {
            doc: doc!("fetch.rs", Fetch),
            clk: Default::default(),
            rst: Default::default(),
            clear: Default::default(),
            begin: Default::default(),
            hold: Default::default(),
            stream_words: Sig::new(u(globals::width("stream_words"))),
            stream_base: Sig::new(u(32)),
            claim: Default::default(),
            tile: Sig::new(u(20)),
            frees: Default::default(),
            ready: Default::default(),
            settled: Default::default(),
            write: Default::default(),
            address: Sig::new(u(20)),
            beat: Sig::new(u(8)),
            data: (0..words).map(|_| Sig::new(u(32))).collect(),
            error: Default::default(),
            ar_address: Sig::new(u(32)),
            ar_valid: Default::default(),
            ar_ready: Default::default(),
            r_data: (0..words).map(|_| Sig::new(u(32))).collect(),
            r_valid: Default::default(),
            r_response: Sig::new(u(2)),
            active: Dff::new(u(1)),
            stale: Dff::new(u(1)),
            offered: Dff::new(u(1)),
            next_address: Dff::new(u(32)),
            requested: position(),
            written: position(),
            claimed: position(),
            retired: position(),
            under_way: Dff::new(u(8)),
            beat_now: Dff::new(u(8)),
            occupied: Sig::new(u(globals::width("stream_words"))),
            next_requested: Sig::new(u(globals::width("stream_words"))),
            next_beat: Sig::new(u(9)),
            streams: Default::default(),
            room: Default::default(),
            request: Default::default(),
            last_beat: Default::default(),
            arrived: Default::default(),
            after_request: Sig::new(u(8)),
            available: Sig::new(u(globals::width("stream_words"))),
            depth: Const::new(u(21), array.weight_depth as i64),
            beats: Const::new(u(9), array.weight_beats() as i64),
            word_bytes: Const::new(u(13), array.weight_bytes() as i64),
            most: Const::new(u(8), MEMORY_REQUESTS as i64),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            _words: words,
        }
    }
}

impl Logic for Fetch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clk,
            active,
            stale,
            offered,
            next_address,
            requested,
            written,
            claimed,
            retired,
            under_way,
            beat_now
        );

        // Requests. Once offered, an address stays until it is taken.
        self.occupied.next = self.requested.q.val() - self.retired.q.val();
        self.room.next = self.occupied.val() < self.depth.val();
        self.request.next = self.offered.q.val().get_bit(0)
            | (self.active.q.val().get_bit(0)
                & !self.stale.q.val().get_bit(0)
                & !self.hold.val()
                & self.room.val()
                & (self.under_way.q.val() < self.most.val()));
        self.ar_valid.next = self.request.val();
        self.ar_address.next = self.next_address.q.val();
        self.offered.d.next = 0.into();
        if self.request.val() & !self.ar_ready.val() {
            self.offered.d.next = 1.into();
        }
        self.next_requested.next = self.requested.q.val() + self.one.val();
        self.after_request.next = self.under_way.q.val();
        if self.request.val() & self.ar_ready.val() {
            self.after_request.next = self.under_way.q.val() + self.one.val();
            if !self.stale.q.val().get_bit(0) {
                self.next_address.d.next = self.next_address.q.val() + self.word_bytes.val();
                self.requested.d.next = self.next_requested.val();
                if self.next_requested.val() == self.stream_words.val() {
                    self.active.d.next = 0.into();
                }
            }
        }

        self.settled.next = !self.request.val() & (self.under_way.q.val() == self.zero.val());

        // Data.
        self.next_beat.next = self.beat_now.q.val() + self.one.val();
        self.last_beat.next = self.next_beat.val() == self.beats.val();
        self.arrived.next = self.r_valid.val() & self.last_beat.val();
        self.under_way.d.next = self.after_request.val();
        if self.r_valid.val() {
            self.beat_now.d.next = self.next_beat.val();
        }
        if self.arrived.val() {
            self.beat_now.d.next = 0.into();
            self.under_way.d.next = self.after_request.val() - self.one.val();
            self.written.d.next = self.written.q.val() + self.one.val();
        }
        self.write.next = self.r_valid.val() & !self.stale.q.val().get_bit(0);
        self.address.next = self.written.q.val();
        self.beat.next = self.beat_now.q.val();
        for k in 0..self._words {
            self.data[k].next = self.r_data[k].val();
        }
        self.error.next =
            self.r_valid.val() & (self.r_response.val() != self.zero.val()) & !self.stale.q.val().get_bit(0);

        // Tiles.
        self.available.next = self.written.q.val() - self.claimed.q.val();
        self.ready.next =
            (self.stream_words.val() == self.zero.val()) | (self.available.val() >= self.tile.val());
        if self.frees.val() {
            self.retired.d.next = self.claimed.q.val();
        }
        if self.claim.val() {
            self.claimed.d.next = self.claimed.q.val() + self.tile.val();
        }

        // A new image: the image before has claimed everything, or was given up and left words under way.
        self.streams.next = self.stream_words.val() != self.zero.val();
        if self.begin.val() {
            self.active.d.next = 0.into();
            if self.streams.val() {
                self.active.d.next = 1.into();
            }
            if self.request.val()
                | (self.active.q.val() != self.zero.val())
                | (self.under_way.q.val() != self.zero.val())
            {
                self.stale.d.next = 1.into();
            }
            if !self.request.val() | self.ar_ready.val() {
                self.next_address.d.next = self.stream_base.val();
            }
            self.requested.d.next = 0.into();
            self.written.d.next = 0.into();
            self.claimed.d.next = 0.into();
            self.retired.d.next = 0.into();
        }
        if self.clear.val() {
            self.active.d.next = 0.into();
            self.stale.d.next = 1.into();
        }
        if self.stale.q.val().get_bit(0) {
            self.written.d.next = 0.into();
            if (self.under_way.q.val() == self.zero.val()) & !self.request.val() & !self.clear.val() {
                self.stale.d.next = 0.into();
                self.next_address.d.next = self.stream_base.val();
            }
        }
        if self.rst.val() {
            self.offered.d.next = 0.into();
            self.under_way.d.next = 0.into();
            self.beat_now.d.next = 0.into();
            self.stale.d.next = 0.into();
        }
    }
}
