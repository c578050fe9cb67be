//! Everything between an instruction and the memories it changes: walkers, slots, lanes, encoder.

mod kernel;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::globals;
use spikegate_contract::instr::{layout, CodeMode, Source};
use spikegate_contract::packet::Target;

use crate::array::lane::{load_words, Lane};
use crate::array::operand::Operand;
use crate::array::slot::Slot;
use crate::control::decode::Decode;
use crate::control::delay::Delay;
use crate::control::drain::Drain;
use crate::control::pixels::Pixels;
use crate::control::schedule::Schedule;
use crate::control::skip::SlotList;
use crate::control::window::Window;
use crate::encoder::gate::Gate;
use crate::encoder::statistics::Statistics;
use crate::encoder::temporal::TemporalAttention;
use crate::lang::*;
use crate::parts::choose::Choose;

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
/// | fill, fill_beat, fill_address, fill_word_k | in | 1, 8, 20, 32 | weights from the external memory |
/// | patch_write, patch_slot, patch_address, patch_data | in | 1, 6, 20, 9 | patch writer |
/// | patch_grant | out | 1 | its write is done in this cycle |
/// | dump, dump_address, dump_slot | in | 1, 20, 6 | trace read: address, and slot one cycle later |
/// | code_word, spike_word, stream_word_l | out | 9, L, 16 | word of `dump_slot`, one cycle after the address |
/// | scalar_index, scalar, sum, max | in, out | 4, 16, 40, 16 | TA of timestep scalar_index, sum and maximum of X |
/// | logit_clear, logit_valid, logit, logit_index | out | 1, 1, 32, 12 | head |
/// | served, stall, spikes | out | 1, 1, 8 | events for the counters |
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
    pub fill: Vec<Signal<In, Bit>>,
    pub fill_beat: Vec<Sig<In>>,
    pub fill_address: Vec<Sig<In>>,
    pub fill_word: Vec<Sig<In>>,
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
    decode: Decode,
    pixels: Pixels,
    window: Window,
    tap: Vec<Delay>,
    list: Vec<SlotList>,
    schedule: Vec<Schedule>,
    drain: Drain,
    operand: Operand,
    slot: Vec<Slot>,
    lane: Vec<Lane>,
    statistics: Statistics,
    temporal: TemporalAttention,
    gate: Gate,
    signs: Delay,
    accumulate: Delay,
    capture: Delay,
    plane: Delay,
    weight_address: Vec<Dff>,
    beat5: Delay,
    beat6: Delay,
    beat7: Delay,
    beat8: Delay,
    beat12: Delay,
    beat13: Delay,
    beat14: Delay,
    write_back: Delay,
    sca: Dff,
    logit_count: Dff,
    write_group: Vec<Dff>,
    write_group_offset: Vec<Dff>,
    skip_on: Signal<Local, Bit>,
    any_full: Vec<Signal<Local, Bit>>,
    any_more: Vec<Signal<Local, Bit>>,
    any_valid: Vec<Signal<Local, Bit>>,
    any_write: Vec<Signal<Local, Bit>>,
    group_offset: Vec<Sig<Local>>,
    group_mask: Vec<Sig<Local>>,
    presence_address: Vec<Sig<Local>>,
    presence_write_address: Vec<Sig<Local>>,
    write_offset: Vec<Sig<Local>>,
    is_stream: Signal<Local, Bit>,
    use_gate: Signal<Local, Bit>,
    code_on: Signal<Local, Bit>,
    count_on: Signal<Local, Bit>,
    stream_write_on: Signal<Local, Bit>,
    code_address: Sig<Local>,
    spike_address: Sig<Local>,
    stream_address: Sig<Local>,
    code_write: Signal<Local, Bit>,
    code_write_address: Sig<Local>,
    spike_write_address: Sig<Local>,
    stream_write_address: Sig<Local>,
    half_offset: Sig<Local>,
    lif: Vec<Sig<Local>>,
    mask: Sig<Local>,
    selected_sca: Sig<Local>,
    word_slot: Sig<Local>,
    choose_spikes: Choose,
    choose_code: Choose,
    word_row: Sig<Local>,
    choose_stream: Vec<Choose>,
    dump_lane: Sig<Local>,
    choose_dump: Vec<Choose>,
    load_lane: Sig<Local>,
    beat_in_lane: Vec<Sig<Local>>,
    lane_of_beat: Vec<Sig<Local>>,
    spike_sum: Vec<Sig<Local>>,
    lane_of: Vec<Const>,
    row_of: Vec<Const>,
    slot_of: Vec<Const>,
    lanes_of_slot: Const,
    last_post: Const,
    source_stream: Const,
    code_none: Const,
    target_params: Const,
    target_weights: Const,
    target_gate: Const,
    target_attention: Const,
    all_lanes: Const,
    one: Const,
    zero: Const,
    slot_shift: Const,
    presence_half: Const,
    all_groups: Vec<Const>,
    groups_up_to: Vec<Const>,
    lane_beat_bits: Const,
    lane_beat_mask: Const,
    _slots: usize,
    _lanes: usize,
    _posts: usize,
    _lanes_end: usize,
    _posts_one: usize,
    _rows: usize,
    _fields: usize,
    _words: usize,
    _beat: usize,
    _posts_end: usize,
    _ports: usize,
    _fill_words: usize,
    _skips: usize,
    _skip_groups: usize,
    _skip_slots: usize,
    _skip_slots_end: usize,
    _skip_posts: usize,
    _skip_posts_end: usize,
    _drains: usize,
    _sum_fields: usize,
}

/// Fields of a beat on its way through the delays, in this order.
fn beat_types() -> Vec<Ty> {
    vec![u(1), u(6), u(3), u(4), u(20), u(20), u(10), u(6), u(1), u(1), u(1)]
}

impl Datapath {
    /// The datapath of the given array.
    pub fn new(array: &ArrayConfig) -> Self {
        let (l, ci, r) = (array.lanes, array.ci, array.post);
        let g = |name: &str| Sig::new(u(globals::width(name)));
        let address = || Sig::new(u(20));
        let beat = |cycles: usize| Delay::new(&beat_types(), cycles);
        let target = |t: Target| Const::new(u(3), t as i64);
        let latency = array.array_latency();
        let skips = array.skip_groups.min(1);
        let up_to = |g: usize| Const::new(u(array.skip_groups), (2i64 << g) - 1);
        let fill_words = array.memory_bits / 32;
        let ports = fill_words.min(1);
        // Transfers that carry one post lane's part of a weight word.
        let lane_beats = if ports == 0 { 0 } else { array.weight_beats() / r };
        Self {
            doc: doc!("mod.rs", Datapath),
            clk: Default::default(),
            clear: Default::default(),
            field: layout().iter().map(|f| Sig::new(u(f.width))).collect(),
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
            fill: vec![Default::default(); ports],
            fill_beat: (0..ports).map(|_| Sig::new(u(8))).collect(),
            fill_address: (0..ports).map(|_| Sig::new(u(20))).collect(),
            fill_word: (0..fill_words).map(|_| Sig::new(u(32))).collect(),
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
            decode: Default::default(),
            pixels: Pixels::new(array),
            window: Window::new(),
            tap: (0..skips).map(|_| Delay::new(&[u(1), u(1), u(20), u(20)], 1)).collect(),
            list: (0..skips * ci).map(|_| SlotList::new(array)).collect(),
            schedule: (0..skips).map(|_| Schedule::new()).collect(),
            drain: Drain::new(array),
            operand: Operand::new(array),
            slot: (0..ci).map(|_| Slot::new(array)).collect(),
            lane: (0..r).map(|_| Lane::new(array)).collect(),
            statistics: Statistics::new(r),
            temporal: TemporalAttention::new(l),
            gate: Gate::new(l),
            signs: Delay::new(&[u(1), u(1)], latency - 1),
            accumulate: Delay::new(&[u(1), u(1)], latency),
            capture: Delay::new(&[u(1), u(20), u(20), u(10), u(6), u(16), u(1), u(1), u(1)], latency),
            plane: Delay::new(&[u(5)], 1),
            weight_address: (0..ci).map(|_| Dff::new(u(20))).collect(),
            beat5: beat(5),
            beat6: beat(1),
            beat7: beat(1),
            beat8: beat(1),
            beat12: beat(4),
            beat13: beat(1),
            beat14: beat(1),
            write_back: Delay::new(&[u(20), u(10), u(6)], l + 2),
            sca: Dff::new(s(16)),
            logit_count: Dff::new(u(12)),
            write_group: (0..skips).map(|_| Dff::new(u(10))).collect(),
            write_group_offset: (0..skips).map(|_| Dff::new(u(20))).collect(),
            skip_on: Default::default(),
            any_full: vec![Default::default(); skips * (ci + 1)],
            any_more: vec![Default::default(); skips * (ci + 1)],
            any_valid: vec![Default::default(); skips * (ci + 1)],
            any_write: vec![Default::default(); skips * (r + 1)],
            group_offset: (0..skips * (array.skip_groups + 1)).map(|_| address_local()).collect(),
            group_mask: (0..skips).map(|_| Sig::new(u(array.skip_groups))).collect(),
            presence_address: (0..skips).map(|_| address_local()).collect(),
            presence_write_address: (0..skips).map(|_| address_local()).collect(),
            write_offset: (0..skips).map(|_| address_local()).collect(),
            is_stream: Default::default(),
            use_gate: Default::default(),
            code_on: Default::default(),
            count_on: Default::default(),
            stream_write_on: Default::default(),
            code_address: address_local(),
            spike_address: address_local(),
            stream_address: address_local(),
            code_write: Default::default(),
            code_write_address: address_local(),
            spike_write_address: address_local(),
            stream_write_address: address_local(),
            half_offset: address_local(),
            lif: beat_types().into_iter().map(Sig::new).collect(),
            mask: Sig::new(u(l)),
            selected_sca: Sig::new(s(16)),
            word_slot: Sig::new(u(6)),
            choose_spikes: Choose::new(ci, u(l), 6),
            choose_code: Choose::new(ci, u(9), 6),
            word_row: Sig::new(u(6)),
            choose_stream: (0..r * l).map(|_| Choose::new(ci / r, s(16), 6)).collect(),
            dump_lane: Sig::new(u(3)),
            choose_dump: (0..l).map(|_| Choose::new(r, u(16), 3)).collect(),
            load_lane: Sig::new(u(8)),
            beat_in_lane: (0..ports).map(|_| Sig::new(u(8))).collect(),
            lane_of_beat: (0..ports).map(|_| Sig::new(u(8))).collect(),
            spike_sum: (0..r + 1).map(|_| Sig::new(u(8))).collect(),
            lane_of: (0..ci).map(|i| Const::new(u(3), (i % r) as i64)).collect(),
            row_of: (0..ci).map(|i| Const::new(u(6), (i / r) as i64)).collect(),
            slot_of: (0..ci).map(|i| Const::new(u(6), i as i64)).collect(),
            lanes_of_slot: Const::new(u(3), i64::from(r.ilog2())),
            last_post: Const::new(u(6), r as i64 - 1),
            source_stream: Const::new(u(2), Source::Stream as i64),
            code_none: Const::new(u(2), CodeMode::None as i64),
            target_params: target(Target::Params),
            target_weights: target(Target::Weights),
            target_gate: target(Target::Gate),
            target_attention: target(Target::Attention),
            all_lanes: Const::new(u(l), (1 << l) - 1),
            one: Const::new(u(1), 1),
            zero: Const::new(u(1), 0),
            slot_shift: Const::new(u(4), 8),
            all_groups: (0..skips).map(|_| up_to(array.skip_groups - 1)).collect(),
            groups_up_to: (0..array.skip_groups).map(up_to).collect(),
            presence_half: Const::new(u(20), array.presence_depth as i64 / 2),
            lane_beat_bits: Const::new(u(4), i64::from(lane_beats.max(1).ilog2())),
            lane_beat_mask: Const::new(u(8), lane_beats.max(1) as i64 - 1),
            _slots: ci,
            _lanes: l,
            _posts: r,
            _lanes_end: l + 1,
            _posts_one: r,
            _rows: ci / r,
            _fields: layout().len(),
            _words: load_words(array),
            _beat: beat_types().len(),
            _posts_end: r + 1,
            _ports: ports,
            _fill_words: fill_words,
            _skips: skips,
            _skip_groups: array.skip_groups,
            _skip_slots: skips * ci,
            _skip_slots_end: skips * (ci + 1),
            _skip_posts: skips * r,
            _skip_posts_end: skips * (r + 1),
            _drains: skips.min(ports),
            _sum_fields: skips * 8,
        }
    }
}

fn address_local() -> Sig<Local> {
    Sig::new(u(20))
}
