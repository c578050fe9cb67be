//! Moves maps between the memories of the slots and the external memory, a segment of words after the other.
//!
//! A move has the port to itself: it begins when nothing else is under way there, and ends when all of it has landed. Two
//! walks go over its transfers: one asks for bursts, the other, a transfer at a time, is where data come or are read.

mod kernel;

use spikegate_contract::array::{ArrayConfig, Moved, MOVE_BUFFER, MOVE_BURST, MOVE_BURSTS};
use spikegate_contract::instr::{self, Source};

use crate::lang::*;

/// Transfers of a burst at most, which ends at a multiple of as many.
const BURST: i64 = MOVE_BURST as i64;

/// AXI4 channels of moved maps; ports of the slots' side.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, rst | in | 1 | clock; synchronous reset, together with the memory's |
/// | clear | in | 1 | soft reset: what is asked for is let pass, and read or written by nobody |
/// | start | in | 1 | one cycle: a move; fields are static until it is done, or no longer stale |
/// | settled | in | 1 | nothing else is under way at the port |
/// | outward | in | 1 | instruction flag `move_out` |
/// | source, length, segments, source_base, source_group, port_base, port_group | in | | instruction fields; `groups_in`, `param_base` and `weight_base`, `weight_group` |
/// | done | out | 1 | one cycle: everything has landed |
/// | moving, stale | out | 1 | answers are its own; those of a move that was given up |
/// | reads, writes | out | 1 | the slots are read; the write channels are in use |
/// | fills, fill | out | 1 | the slots are written, for as long as the move takes; with the transfer of this cycle |
/// | address, transfer | out | 20, 6 | word of the slots in this cycle; which transfer of it |
/// | shown | out | 6 | transfer of the word that was addressed two cycles ago |
/// | word_k | in | 32 | what it carries |
/// | error | out | 1 | one cycle: the memory refused what counts |
/// | words_taken | out | 1 | with parity: the words of the slots are taken |
/// | uncounted | in | 20 | with parity: instruction field `source_time` |
/// | read_counts, write_counts | out | 1 | with parity: a transfer that counts has come, or leaves the slots with `word_k` |
/// | request_address, request_length | out | 32, 8 | burst asked for, of either channel; its transfers less one |
/// | ar_valid, ar_ready | | 1 | read address |
/// | r_valid, r_response | in | 1, 2 | a transfer comes, always taken |
/// | aw_valid, aw_ready | | 1 | write address |
/// | w_data_k, w_last, w_valid, w_ready | | 32, 1, 1, 1 | write data |
/// | b_valid, b_response | in | 1, 2 | acknowledgement, always taken |
///
/// | cycle | what is valid |
/// | --- | --- |
/// | m | started, and `settled` |
/// | m+1 | the first burst is asked for; outward the first word is addressed |
/// | a | a word is addressed; inward its transfer comes, and is written |
/// | a+2 | outward: its transfer, which goes to the buffer |
/// | a+4 | it is on offer, if its burst has been asked for |
/// | e | the last transfer comes, or the last burst is acknowledged |
/// | e+1 | done |
#[derive(LogicBlock)]
pub struct Mover {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub rst: Signal<In, Bit>,
    pub clear: Signal<In, Bit>,
    pub start: Signal<In, Bit>,
    pub settled: Signal<In, Bit>,
    pub outward: Signal<In, Bit>,
    pub source: Sig<In>,
    pub length: Sig<In>,
    pub segments: Sig<In>,
    pub source_base: Sig<In>,
    pub source_group: Sig<In>,
    pub port_base: Sig<In>,
    pub port_group: Sig<In>,
    pub done: Signal<Out, Bit>,
    pub moving: Signal<Out, Bit>,
    pub stale: Signal<Out, Bit>,
    pub reads: Signal<Out, Bit>,
    pub writes: Signal<Out, Bit>,
    pub fills: Signal<Out, Bit>,
    pub fill: Signal<Out, Bit>,
    pub address: Sig<Out>,
    pub transfer: Sig<Out>,
    pub shown: Sig<Out>,
    pub word: Vec<Sig<In>>,
    pub error: Signal<Out, Bit>,
    pub request_address: Sig<Out>,
    pub request_length: Sig<Out>,
    pub ar_valid: Signal<Out, Bit>,
    pub ar_ready: Signal<In, Bit>,
    pub r_valid: Signal<In, Bit>,
    pub r_response: Sig<In>,
    pub aw_valid: Signal<Out, Bit>,
    pub aw_ready: Signal<In, Bit>,
    pub w_data: Vec<Sig<Out>>,
    pub w_last: Signal<Out, Bit>,
    pub w_valid: Signal<Out, Bit>,
    pub w_ready: Signal<In, Bit>,
    pub b_valid: Signal<In, Bit>,
    pub b_response: Sig<In>,
    pending: Dff,
    active: Dff,
    given_up: Dff,
    // Bursts: where the next one begins, and the segment; transfers and segments left; bursts without an answer.
    asking: Dff,
    offered: Dff,
    position: Dff,
    segment: Dff,
    left: Dff,
    segments_left: Dff,
    under_way: Dff,
    // Transfers: word and transfer of it; words of the segment and segments left; the place that decides where bursts end.
    walking: Dff,
    word_address: Dff,
    part: Dff,
    words_left: Dff,
    walks_left: Dff,
    place: Dff,
    segment_place: Dff,
    // On their way from the slots to the buffer, and out of it.
    read_before: Dff,
    arriving: Dff,
    part_before: Dff,
    part_arriving: Dff,
    last_before: Dff,
    last_arriving: Dff,
    pub words_taken: Optional<Signal<Out, Bit>>,
    pub uncounted: Optional<Sig<In>>,
    pub read_counts: Optional<Signal<Out, Bit>>,
    pub write_counts: Optional<Signal<Out, Bit>>,
    counted: Optional<Signal<Local, Bit>>,
    counted_before: Optional<Dff>,
    counted_arriving: Optional<Dff>,
    buffer: Ram,
    buffer_last: Ram,
    addressed: Dff,
    filled: Dff,
    seen: Dff,
    head: Dff,
    owed: Dff,
    begins: Signal<Local, Bit>,
    codes: Signal<Local, Bit>,
    spikes: Signal<Local, Bit>,
    transfers: Sig<Local>,
    last_part: Sig<Local>,
    last_word: Sig<Local>,
    next_segment: Sig<Local>,
    next_place: Sig<Local>,
    gap: Sig<Local>,
    to_edge: Sig<Local>,
    burst: Sig<Local>,
    request: Signal<Local, Bit>,
    taken: Signal<Local, Bit>,
    first_offer: Signal<Local, Bit>,
    ends_segment: Signal<Local, Bit>,
    after_request: Sig<Local>,
    answered: Signal<Local, Bit>,
    in_buffer: Sig<Local>,
    read: Signal<Local, Bit>,
    arrives: Signal<Local, Bit>,
    word_ends: Signal<Local, Bit>,
    segment_ends: Signal<Local, Bit>,
    burst_ends: Signal<Local, Bit>,
    leaves: Signal<Local, Bit>,
    next_head: Sig<Local>,
    owes: Sig<Local>,
    finished: Signal<Local, Bit>,
    goes_on: Signal<Local, Bit>,
    source_codes: Const,
    source_spikes: Const,
    source_program: Const,
    // Transfers of a word: last one, and as a power of two.
    last_of_codes: Const,
    last_of_spikes: Const,
    last_of_streams: Const,
    shift_codes: Const,
    shift_spikes: Const,
    shift_streams: Const,
    shift_bytes: Const,
    most_of_burst: Const,
    last_place: Const,
    most: Const,
    room: Const,
    zero: Const,
    one: Const,
    _words: usize,
}

impl Mover {
    /// The mover of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let f = |name: &str| Sig::new(u(instr::width(name)));
        let words = array.memory_bits / 32;
        let transfers = |map| array.moved_transfers(map) as i64;
        let [codes, spikes, streams] = [Moved::Codes, Moved::Spikes, Moved::Streams].map(transfers);
        let last = |n: i64| Const::new(u(6), n - 1);
        let shift = |n: i64| Const::new(u(3), i64::from(n.ilog2()));
        // Words of the largest memory; of them so many are a segment at most.
        let depth = array.code_depth.max(array.spike_depth).max(array.stream_depth).max(array.instr_depth);
        let word = u(ArrayConfig::address_bits(depth));
        let left = u(word.width + 1 + codes.max(spikes).max(streams).ilog2() as usize);
        // A transfer's number, as far as its byte address reaches.
        let bytes = (array.memory_bits / 8).ilog2() as usize;
        let position = u(32 - bytes);
        let segments = u(instr::width("groups_in"));
        let bit = || Dff::new(u(1));
        let count = u(MOVE_BUFFER.ilog2() as usize + 1);
        Self {
            doc: doc!("mod.rs", Mover),
            clk: Default::default(),
            rst: Default::default(),
            clear: Default::default(),
            start: Default::default(),
            settled: Default::default(),
            outward: Default::default(),
            source: f("source"),
            length: f("length"),
            segments: f("groups_in"),
            source_base: f("source_base"),
            source_group: f("source_group"),
            port_base: Sig::new(position),
            port_group: f("weight_group"),
            done: Default::default(),
            moving: Default::default(),
            stale: Default::default(),
            reads: Default::default(),
            writes: Default::default(),
            fills: Default::default(),
            fill: Default::default(),
            address: Sig::new(u(20)),
            transfer: Sig::new(u(6)),
            shown: Sig::new(u(6)),
            word: (0..words).map(|_| Sig::new(u(32))).collect(),
            error: Default::default(),
            request_address: Sig::new(u(32)),
            request_length: Sig::new(u(8)),
            ar_valid: Default::default(),
            ar_ready: Default::default(),
            r_valid: Default::default(),
            r_response: Sig::new(u(2)),
            aw_valid: Default::default(),
            aw_ready: Default::default(),
            w_data: (0..words).map(|_| Sig::new(u(32))).collect(),
            w_last: Default::default(),
            w_valid: Default::default(),
            w_ready: Default::default(),
            b_valid: Default::default(),
            b_response: Sig::new(u(2)),
            pending: bit(),
            active: bit(),
            given_up: bit(),
            asking: bit(),
            offered: bit(),
            position: Dff::new(position),
            segment: Dff::new(position),
            left: Dff::new(left),
            segments_left: Dff::new(segments),
            under_way: Dff::new(u(4)),
            walking: bit(),
            word_address: Dff::new(word),
            part: Dff::new(u(6)),
            words_left: Dff::new(word),
            walks_left: Dff::new(segments),
            place: Dff::new(u(4)),
            segment_place: Dff::new(u(4)),
            read_before: bit(),
            arriving: bit(),
            part_before: Dff::new(u(6)),
            part_arriving: Dff::new(u(6)),
            last_before: bit(),
            last_arriving: bit(),
            words_taken: Optional::new(array.parity, Default::default),
            uncounted: Optional::new(array.parity, || f("source_time")),
            read_counts: Optional::new(array.parity, Default::default),
            write_counts: Optional::new(array.parity, Default::default),
            counted: Optional::new(array.parity, Default::default),
            counted_before: Optional::new(array.parity, bit),
            counted_arriving: Optional::new(array.parity, bit),
            buffer: Ram::new(words, u(32), MOVE_BUFFER),
            buffer_last: Ram::new(1, u(1), MOVE_BUFFER),
            addressed: Dff::new(count),
            filled: Dff::new(count),
            seen: Dff::new(count),
            head: Dff::new(count),
            owed: Dff::new(u(4)),
            begins: Default::default(),
            codes: Default::default(),
            spikes: Default::default(),
            transfers: Sig::new(left),
            last_part: Sig::new(u(6)),
            last_word: Sig::new(word),
            next_segment: Sig::new(position),
            next_place: Sig::new(u(4)),
            gap: Sig::new(word),
            to_edge: Sig::new(u(5)),
            burst: Sig::new(u(5)),
            request: Default::default(),
            taken: Default::default(),
            first_offer: Default::default(),
            ends_segment: Default::default(),
            after_request: Sig::new(u(4)),
            answered: Default::default(),
            in_buffer: Sig::new(count),
            read: Default::default(),
            arrives: Default::default(),
            word_ends: Default::default(),
            segment_ends: Default::default(),
            burst_ends: Default::default(),
            leaves: Default::default(),
            next_head: Sig::new(count),
            owes: Sig::new(u(4)),
            finished: Default::default(),
            goes_on: Default::default(),
            source_codes: Const::new(u(2), Source::Attention as i64),
            source_spikes: Const::new(u(2), Source::Spikes as i64),
            source_program: Const::new(u(2), Source::Image as i64),
            last_of_codes: last(codes),
            last_of_spikes: last(spikes),
            last_of_streams: last(streams),
            shift_codes: shift(codes),
            shift_spikes: shift(spikes),
            shift_streams: shift(streams),
            shift_bytes: Const::new(u(3), bytes as i64),
            most_of_burst: Const::new(u(5), BURST),
            last_place: Const::new(u(4), BURST - 1),
            most: Const::new(u(4), MOVE_BURSTS as i64),
            room: Const::new(count, MOVE_BUFFER as i64),
            zero: Const::new(u(1), 0),
            one: Const::new(u(1), 1),
            _words: words,
        }
    }
}
