//! Everything between an instruction and the memories it changes, in the order of the data.

pub mod beats;
mod encoder;
mod guards;
mod load;
pub mod maps;
pub mod moved;
mod moves;
mod operands;
mod post;
pub mod presence;
pub mod skipping;
mod walk;
mod words;
pub mod write_back;

use spikegate_contract::array::{ArrayConfig, Moved as MapKind};
use spikegate_contract::globals;
use spikegate_contract::instr::{plain_layout, CodeMode, Combine, Index, Source, CONTINUES, PACKED};
use spikegate_contract::packet::Target;
use spikegate_contract::timing::{beat, issue};

use crate::array::fill::Fill;
use crate::array::gather::Gather;
use crate::array::lane::{load_words, Lane};
use crate::array::operand::Operand;
use crate::array::scatter::Scatter;
use crate::array::slot::Slot;
use crate::control::accumulate::{AccumulateDelay, SignsDelay};
use crate::control::decode::Decode;
use crate::control::drain::Drain;
use crate::control::pixels::Pixels;
use crate::control::sum::{Sum, SumDelay};
use crate::control::window::Window;
use crate::encoder::gate::Gate;
use crate::encoder::statistics::Statistics;
use crate::encoder::temporal::TemporalAttention;
use crate::lang::*;
use crate::parts::choose::{Choose, Join};
use crate::parts::skew::Skew;

use beats::Beats;
use maps::Maps;
use moved::Moves;
use presence::PresenceAddress;
use skipping::Skipping;
use write_back::WriteBack;

kernel!(Datapath: Walk, Operands, Post, Words, Load, Encoder, Moving, Guards);

/// The datapath. Cycle numbers as in the crate's documentation.
///
/// | port | dir | width | meaning |
/// | --- | --- | --- | --- |
/// | clk, clear | in | 1 | clock; synchronous reset of control state |
/// | field_k | in | | instruction fields, static while a unit runs |
/// | start_conv, start_temporal | in | 1 | one cycle |
/// | conv_finished, temporal_done | out | 1 | one cycle: the last word is issued; TA is ready |
/// | leak_shift, fire_ge, timesteps, max_align, ta_shift, z_shift, y_shift | in | | global registers |
/// | load, load_target, load_slot, load_address, load_word_k | in | 1, 3, 16, 20, 32 | loader |
/// | weights_ready | in | 1 | the weights of the next output group are there |
/// | claim, tile | out | 1, 20 | an output group is taken up; its weight words |
/// | frees | out | 1 | with a memory port: an output group needs its weights no more |
/// | fill | | | weights from the external memory: ports of [`Fill`] |
/// | maps | | | residual maps in the external memory: ports of [`Maps`] |
/// | moves | | | moved maps: ports of [`Moves`] |
/// | patch_write, patch_slot, patch_address, patch_data | in | 1, 6, 20, 9 | patch writer |
/// | patch_grant | out | 1 | its write is done in this cycle |
/// | dump, dump_address, dump_slot | in | 1, 20, 6 | trace read: address; slot |
/// | code_word, spike_word, stream_word_l | out | 9, L, 16 | word of `dump_slot`, two cycles after the address |
/// | scalar_index, scalar, sum, max | in, out | 4, 16, 40, 16 | TA of timestep scalar_index, sum and maximum of X |
/// | logit_clear, logit_valid, logit, logit_index | out | 1, 1, 32, 12 | head |
/// | served, stall, spikes | out | 1, 1, 8 | events for the counters |
/// | words_read | in | 1 | with parity: the trace or a move takes the words that it has asked for |
/// | wrong | out | 1 | with parity: a word in use has flipped |
#[derive(LogicBlock)]
pub struct Datapath {
    doc: Doc,
    pub clk: Signal<In, Clock>,
    pub clear: Signal<In, Bit>,
    pub field: Vec<Sig<In>>,
    pub start_conv: Signal<In, Bit>,
    pub start_temporal: Signal<In, Bit>,
    pub conv_finished: Signal<Out, Bit>,
    pub temporal_done: Signal<Out, Bit>,
    pub leak_shift: Sig<In>,
    pub fire_ge: Sig<In>,
    pub timesteps: Sig<In>,
    pub max_align: Sig<In>,
    pub ta_shift: Sig<In>,
    pub z_shift: Sig<In>,
    pub y_shift: Sig<In>,
    pub load: Signal<In, Bit>,
    pub load_target: Sig<In>,
    pub load_slot: Sig<In>,
    pub load_address: Sig<In>,
    pub load_word: Vec<Sig<In>>,
    pub weights_ready: Signal<In, Bit>,
    pub claim: Signal<Out, Bit>,
    pub tile: Sig<Out>,
    pub frees: Optional<Signal<Out, Bit>>,
    pub fill: Optional<Fill>,
    pub maps: Optional<Maps>,
    pub moves: Optional<Moves>,
    pub patch_write: Signal<In, Bit>,
    pub patch_slot: Sig<In>,
    pub patch_address: Sig<In>,
    pub patch_data: Sig<In>,
    pub patch_grant: Signal<Out, Bit>,
    pub dump: Signal<In, Bit>,
    pub dump_address: Sig<In>,
    pub dump_slot: Sig<In>,
    pub code_word: Sig<Out>,
    pub spike_word: Sig<Out>,
    pub stream_word: Vec<Sig<Out>>,
    pub scalar_index: Sig<In>,
    pub scalar: Sig<Out>,
    pub sum: Sig<Out>,
    pub max: Sig<Out>,
    pub logit_clear: Signal<Out, Bit>,
    pub logit_valid: Signal<Out, Bit>,
    pub logit: Sig<Out>,
    pub logit_index: Sig<Out>,
    pub served: Signal<Out, Bit>,
    pub stall: Signal<Out, Bit>,
    pub spikes: Sig<Out>,
    pub words_read: Optional<Signal<In, Bit>>,
    pub wrong: Optional<Signal<Out, Bit>>,
    decode: Decode,
    // From pixels to sums.
    pixels: Pixels,
    window: Window,
    skipping: Optional<Skipping>,
    control: AccumulateDelay,
    signs: SignsDelay,
    captured: SumDelay,
    is_stream: Signal<Local, Bit>,
    skip_on: Signal<Local, Bit>,
    group_walked: Optional<Signal<Local, Bit>>,
    group_closes: Optional<Dff>,
    sums_values: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    ended: Sum<Local>,
    // Slots and what they serve.
    plane: Skew,
    exists: Skew,
    operand: Operand,
    slot: Vec<Slot>,
    weight_address: Vec<Dff>,
    packed: Optional<Signal<Local, Bit>>,
    group_words: Optional<Sig<Local>>,
    weight_half: Vec<Sig<Local>>,
    odd: Vec<Dff>,
    residual_address: Dff,
    gate_address: Dff,
    code_address: Sig<Local>,
    spike_address: Sig<Local>,
    stream_address: Sig<Local>,
    code_write: Signal<Local, Bit>,
    code_write_address: Sig<Local>,
    // From sums to what is written back.
    drain: Drain,
    beats: Beats,
    lane: Vec<Lane>,
    layer_leak: Optional<Sig<Local>>,
    layer_fire: Optional<Signal<Local, Bit>>,
    layer_reset: Optional<Signal<Local, Bit>>,
    write_back: WriteBack,
    presence: Optional<PresenceAddress>,
    logit_count: Dff,
    use_gate: Signal<Local, Bit>,
    mask: Sig<Local>,
    any_write: Vec<Signal<Local, Bit>>,
    spike_sum: Vec<Sig<Local>>,
    // Words of one slot.
    choose_code: Choose,
    choose_spikes: Choose,
    choose_stream: Vec<Join>,
    choose_dump: Vec<Choose>,
    row_held: Vec<Dff>,
    row_wanted: Vec<Signal<Local, Bit>>,
    word_slot: Sig<Local>,
    dump_row: Sig<Local>,
    dump_lane: Sig<Local>,
    popping: Optional<Skew>,
    from_memory: Optional<Signal<Local, Bit>>,
    // Weights and parameters.
    load_lane: Sig<Local>,
    beat_in_lane: Optional<Sig<Local>>,
    lane_of_beat: Optional<Sig<Local>>,
    // The encoder.
    statistics: Statistics,
    temporal: TemporalAttention,
    gate: Gate,
    sca: Dff,
    // Maps on their way from and to the external memory.
    scatter: Optional<Scatter>,
    gather: Optional<Gather>,
    continues: Optional<Signal<Local, Bit>>,
    moves_codes: Optional<Signal<Local, Bit>>,
    moves_spikes: Optional<Signal<Local, Bit>>,
    moves_streams: Optional<Signal<Local, Bit>>,
    moved_row: Optional<Sig<Local>>,
    moved_share: Optional<Sig<Local>>,
    stream_bus: Vec<Sig<Local>>,
    source_codes: Optional<Const>,
    source_spikes: Optional<Const>,
    share_bits: Optional<Const>,
    share_mask: Optional<Const>,
    group_mask: Optional<Const>,
    // Words that have flipped.
    params_used: Optional<Dff>,
    residual_used: Optional<Dff>,
    gate_used: Optional<Signal<Local, Bit>>,
    serves_codes: Optional<Signal<Local, Bit>>,
    serves_spikes: Optional<Signal<Local, Bit>>,
    source_spike: Optional<Const>,
    word_used: Vec<Signal<Local, Bit>>,
    slot_wrong: Vec<Signal<Local, Bit>>,
    lane_wrong: Vec<Signal<Local, Bit>>,
    wrong_held: Optional<Dff>,
    // Constants.
    lane_of: Vec<Const>,
    row_of: Vec<Const>,
    slot_of: Vec<Const>,
    lanes_of_slot: Const,
    last_post: Const,
    source_stream: Const,
    combine_apart: Const,
    combine_values: Const,
    code_none: Const,
    target_params: Const,
    target_weights: Const,
    target_gate: Const,
    target_attention: Const,
    all_lanes: Const,
    one: Const,
    zero: Const,
    slot_shift: Const,
    lane_beat_bits: Const,
    lane_beat_mask: Const,
    _slots: usize,
    _slots_end: usize,
    _code_guards: usize,
    _spike_guards: usize,
    _stream_guards: usize,
    _lanes: usize,
    _lanes_end: usize,
    _posts: usize,
    _posts_end: usize,
    _rows: usize,
    _fields: usize,
    _words: usize,
    _fill_words: usize,
    _continues: usize,
    _continues_end: usize,
    _packed: usize,
    _packed_end: usize,
    _leak_flip: usize,
    _leak_flip_end: usize,
    _fire_flip: usize,
    _fire_flip_end: usize,
    _subtracts: usize,
    _subtracts_end: usize,
    _code_slots: usize,
    _code_slots_end: usize,
    _code_parts: usize,
    _spike_slots: usize,
    _spike_slots_end: usize,
    _spike_parts: usize,
    _stream_slots: usize,
    _stream_slots_end: usize,
    _stream_values: usize,
    _stream_values_end: usize,
    _shares: usize,
}

impl Datapath {
    /// The datapath of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let (l, ci, r) = (array.lanes, array.ci, array.post);
        let g = |name: &str| Sig::new(u(globals::width(name)));
        let address = || Sig::new(u(20));
        let target = |t: Target| Const::new(u(3), t as i64);
        let latency = array.array_latency();
        let (parity, packs) = (array.parity, array.packed);
        let bits = |n: usize| vec![Default::default(); if parity { n } else { 0 }];
        let (skips, spills) = (array.skip_groups > 0, array.spill_depth > 0);
        let fill_words = array.memory_bits / 32;
        let fills = fill_words > 0;
        // Transfers that carry one post lane's part of a weight word.
        let moves = array.moves;
        let moved = |map| if moves { (array.moved_slots(map), array.moved_transfers(map)) } else { (1, 0) };
        let [codes, spikes, streams] = [MapKind::Codes, MapKind::Spikes, MapKind::Streams].map(moved);
        let shares = if moves { r / streams.0 } else { 0 };
        let lane_beats = if fills { array.weight_beats() / r } else { 0 };
        Self {
            doc: doc!("mod.rs", Datapath),
            clk: Default::default(),
            clear: Default::default(),
            field: array.fields().iter().map(|f| Sig::new(u(f.width))).collect(),
            start_conv: Default::default(),
            start_temporal: Default::default(),
            conv_finished: Default::default(),
            temporal_done: Default::default(),
            leak_shift: g("leak_shift"),
            fire_ge: g("fire_ge"),
            timesteps: g("timesteps"),
            max_align: g("max_align"),
            ta_shift: g("ta_shift"),
            z_shift: g("z_shift"),
            y_shift: g("y_shift"),
            load: Default::default(),
            load_target: Sig::new(u(3)),
            load_slot: Sig::new(u(16)),
            load_address: address(),
            load_word: (0..load_words(array)).map(|_| Sig::new(u(32))).collect(),
            weights_ready: Default::default(),
            claim: Default::default(),
            tile: Sig::new(u(20)),
            frees: Optional::new(fills, Default::default),
            fill: Optional::new(fills, || Fill::new(fill_words)),
            maps: Optional::new(spills, || Maps::new(array)),
            moves: Optional::new(moves, || Moves::new(array)),
            patch_write: Default::default(),
            patch_slot: Sig::new(u(6)),
            patch_address: address(),
            patch_data: Sig::new(s(9)),
            patch_grant: Default::default(),
            dump: Default::default(),
            dump_address: address(),
            dump_slot: Sig::new(u(6)),
            code_word: Sig::new(u(9)),
            spike_word: Sig::new(u(l)),
            stream_word: (0..l).map(|_| Sig::new(u(16))).collect(),
            scalar_index: Sig::new(u(4)),
            scalar: Sig::new(s(16)),
            sum: Sig::new(s(40)),
            max: Sig::new(s(16)),
            logit_clear: Default::default(),
            logit_valid: Default::default(),
            logit: Sig::new(s(32)),
            logit_index: Sig::new(u(12)),
            served: Default::default(),
            stall: Default::default(),
            spikes: Sig::new(u(8)),
            words_read: Optional::new(parity, Default::default),
            wrong: Optional::new(parity, Default::default),
            decode: Default::default(),
            pixels: Pixels::new(array),
            window: Window::new(),
            skipping: Optional::new(skips, || Skipping::new(array)),
            control: AccumulateDelay::new(latency),
            signs: SignsDelay::new(latency - 1),
            captured: SumDelay::new(latency),
            is_stream: Default::default(),
            skip_on: Default::default(),
            group_walked: Optional::new(fills, Default::default),
            group_closes: Optional::new(fills && skips, || Dff::new(u(1))),
            sums_values: Default::default(),
            ends: Default::default(),
            ended: Default::default(),
            plane: Skew::new(u(5), issue::WORD),
            exists: Skew::new(u(l), issue::WORD),
            operand: Operand::new(array),
            slot: (0..ci).map(|_| Slot::new(array)).collect(),
            weight_address: (0..ci).map(|_| Dff::new(u(20))).collect(),
            packed: Optional::new(packs, Default::default),
            group_words: Optional::new(packs, address_local),
            weight_half: (0..if packs { ci } else { 0 }).map(|_| address_local()).collect(),
            odd: (0..if packs { ci } else { 0 }).map(|_| Dff::new(u(1))).collect(),
            residual_address: Dff::new(u(20)),
            gate_address: Dff::new(u(20)),
            code_address: address_local(),
            spike_address: address_local(),
            stream_address: address_local(),
            code_write: Default::default(),
            code_write_address: address_local(),
            drain: Drain::new(array),
            beats: Default::default(),
            lane: (0..r).map(|_| Lane::new(array)).collect(),
            layer_leak: Optional::new(array.neurons, || Sig::new(u(globals::width("leak_shift")))),
            layer_fire: Optional::new(array.neurons, Default::default),
            layer_reset: Optional::new(array.neurons, Default::default),
            write_back: WriteBack::new(array),
            presence: Optional::new(skips, || PresenceAddress::new(array)),
            logit_count: Dff::new(u(12)),
            use_gate: Default::default(),
            mask: Sig::new(u(l)),
            any_write: vec![Default::default(); r + 1],
            spike_sum: (0..r + 1).map(|_| Sig::new(u(8))).collect(),
            choose_code: Choose::new(ci, u(9), 6),
            choose_spikes: Choose::new(ci, u(l), 6),
            choose_stream: (0..r * l).map(|_| Join::new(ci / r, s(16))).collect(),
            choose_dump: (0..l).map(|_| Choose::new(r, u(16), 3)).collect(),
            row_held: (0..ci / r).map(|_| Dff::new(u(1))).collect(),
            row_wanted: vec![Default::default(); ci / r],
            word_slot: Sig::new(u(6)),
            dump_row: Sig::new(u(6)),
            dump_lane: Sig::new(u(3)),
            popping: Optional::new(spills, || Skew::new(u(1), beat::POPPED - beat::RESIDUAL)),
            from_memory: Optional::new(spills, Default::default),
            load_lane: Sig::new(u(8)),
            beat_in_lane: Optional::new(fills, || Sig::new(u(8))),
            lane_of_beat: Optional::new(fills, || Sig::new(u(8))),
            statistics: Statistics::new(r),
            temporal: TemporalAttention::new(l, parity),
            gate: Gate::new(l, parity),
            sca: Dff::new(s(16)),
            scatter: Optional::new(moves, || Scatter::new(array)),
            gather: Optional::new(moves, || Gather::new(array)),
            continues: Optional::new(moves, Default::default),
            moves_codes: Optional::new(moves, Default::default),
            moves_spikes: Optional::new(moves, Default::default),
            moves_streams: Optional::new(moves, Default::default),
            moved_row: Optional::new(moves, || Sig::new(u(6))),
            moved_share: Optional::new(moves, || Sig::new(u(6))),
            stream_bus: (0..if moves { r * l } else { 0 }).map(|_| Sig::new(s(16))).collect(),
            source_codes: Optional::new(moves, || Const::new(u(2), Source::Attention as i64)),
            source_spikes: Optional::new(moves, || Const::new(u(2), Source::Spikes as i64)),
            share_bits: Optional::new(moves, || Const::new(u(3), i64::from(shares.ilog2()))),
            share_mask: Optional::new(moves, || Const::new(u(6), shares as i64 - 1)),
            group_mask: Optional::new(packs, || Const::new(u(20), i64::from(PACKED) - 1)),
            params_used: Optional::new(parity, || Dff::new(u(1))),
            residual_used: Optional::new(parity, || Dff::new(u(1))),
            gate_used: Optional::new(parity, Default::default),
            serves_codes: Optional::new(parity, Default::default),
            serves_spikes: Optional::new(parity, Default::default),
            source_spike: Optional::new(parity, || Const::new(u(2), Source::Spikes as i64)),
            word_used: bits(ci),
            slot_wrong: bits(ci + 1),
            lane_wrong: bits(r + 1),
            wrong_held: Optional::new(parity, || Dff::new(u(1))),
            lane_of: (0..ci).map(|i| Const::new(u(3), (i % r) as i64)).collect(),
            row_of: (0..ci).map(|i| Const::new(u(6), (i / r) as i64)).collect(),
            slot_of: (0..ci).map(|i| Const::new(u(6), i as i64)).collect(),
            lanes_of_slot: Const::new(u(3), i64::from(r.ilog2())),
            last_post: Const::new(u(6), r as i64 - 1),
            source_stream: Const::new(u(2), Source::Stream as i64),
            combine_apart: Const::new(u(2), Combine::Apart as i64),
            combine_values: Const::new(u(2), Combine::Values as i64),
            code_none: Const::new(u(2), CodeMode::None as i64),
            target_params: target(Target::Params),
            target_weights: target(Target::Weights),
            target_gate: target(Target::Gate),
            target_attention: target(Target::Attention),
            all_lanes: Const::new(u(l), (1 << l) - 1),
            one: Const::new(u(1), 1),
            zero: Const::new(u(1), 0),
            slot_shift: Const::new(u(4), 8),
            lane_beat_bits: Const::new(u(4), i64::from(lane_beats.max(1).ilog2())),
            lane_beat_mask: Const::new(u(8), lane_beats.max(1) as i64 - 1),
            _slots: ci,
            _slots_end: ci + 1,
            _code_guards: array.guards_codes().into(),
            _spike_guards: array.guards_spikes().into(),
            _stream_guards: array.guards_streams().into(),
            _lanes: l,
            _lanes_end: l + 1,
            _posts: r,
            _posts_end: r + 1,
            _rows: ci / r,
            _fields: plain_layout().len(),
            _words: load_words(array),
            _fill_words: fill_words,
            _continues: CONTINUES.ilog2() as usize,
            _continues_end: CONTINUES.ilog2() as usize + 1,
            _packed: PACKED.ilog2() as usize,
            _packed_end: PACKED.ilog2() as usize + 1,
            _leak_flip: Index::leak_flip as usize,
            _leak_flip_end: Index::leak_flip as usize + 1,
            _fire_flip: Index::fire_flip as usize,
            _fire_flip_end: Index::fire_flip as usize + 1,
            _subtracts: Index::subtracts as usize,
            _subtracts_end: Index::subtracts as usize + 1,
            _code_slots: codes.0,
            _code_slots_end: codes.0 + 1,
            _code_parts: codes.1,
            _spike_slots: spikes.0,
            _spike_slots_end: spikes.0 + 1,
            _spike_parts: spikes.1,
            _stream_slots: streams.0,
            _stream_slots_end: streams.0 + 1,
            _stream_values: streams.0 * l,
            _stream_values_end: streams.0 * l + 1,
            _shares: shares,
        }
    }
}

fn address_local() -> Sig<Local> {
    Sig::new(u(20))
}
