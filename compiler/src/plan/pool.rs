//! The sum over a map and its timesteps, such as stands in place of the last neurons.
//!
//! The array adds: one instruction per channel group reads the stream, 16 planes, with a kernel as large as the map and
//! its time passes as input groups. A weight is 1 where slot and output channel are the same channel. Its words are
//! equal for all taps, so one kernel row of them serves every row (`weight_row` is 0). The lanes are added before the
//! requantisation; lanes that the last time pass does not have are left out.

use spikegate_contract::array::{ArrayConfig, PACKED_BITS};
use spikegate_contract::instr::{Combine, Instr, Opcode, Source};
use spikegate_contract::network::{Network, NodeId, ACC_BITS};

use super::tile::Tile;
use super::unit::{groups, Place};

/// Output groups of a channel group of a pooling's map.
pub(super) fn output_groups(net: &Network, pool: NodeId, array: &ArrayConfig, group: usize) -> usize {
    let each = array.ci / array.co;
    (groups(net.node(pool).out.shape[0], array.co) - group * each).min(each)
}

/// Weights of one output group.
pub(super) fn tile(net: &Network, pool: NodeId, array: &ArrayConfig) -> Tile {
    let [_, h, w] = net.source(pool).out.shape;
    let passes = array.time_passes(net.timesteps);
    let packs = (h * w * passes) << (15 + PACKED_BITS) < 1 << (ACC_BITS - 1);
    Tile::of(w * passes, packs, array)
}

/// The weight of a slot for an output channel of the given output group of a channel group.
pub(super) fn weight(array: &ArrayConfig, output_group: usize, slot: usize, channel: usize) -> u8 {
    u8::from(output_group * array.co + channel == slot)
}

/// The instruction of one channel group of a batch of `images`: `stream` and `pooled` are the first words of both maps.
pub(super) fn instruction(
    net: &Network,
    pool: NodeId,
    array: &ArrayConfig,
    images: usize,
    group: usize,
    (stream, pooled): (usize, usize),
    place: Place,
) -> Instr {
    let [_, h, w] = net.source(pool).out.shape;
    let passes = array.time_passes(net.timesteps);
    let (period, tile) = (array.beats(false) as u32, tile(net, pool, array));
    Instr {
        op: Opcode::Conv as u32,
        source: Source::Stream as u32,
        signed: 1,
        combine: Combine::Values as u32,
        planes: 15,
        plane_top: 15,
        kernel: h.max(w) as u32 - 1,
        stride: 1,
        in_h: h as u32,
        in_w: w as u32,
        row_step: w as u32,
        source_base: (stream + group * images * passes * h * w) as u32,
        source_group: (h * w) as u32,
        groups_in: passes as u32 - 1,
        weight_base: tile.base(place.weight),
        weight_group: tile.field(),
        groups_out: output_groups(net, pool, array, group) as u32 - 1,
        out_time: 1,
        out_group: 1,
        param_base: (place.param + group * (array.ci / array.post)) as u32,
        last_lanes: (1 << (net.timesteps - (passes - 1) * array.lanes)) - 1,
        stream_on: 1,
        stream_base: (pooled + group * images) as u32,
        sweep_period: period,
        drain_period: period,
        images: images as u32 - 1,
        length: if images > 1 { (passes * h * w) as u32 } else { 0 },
        ..Instr::default()
    }
}
