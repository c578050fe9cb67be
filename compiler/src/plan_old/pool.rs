//! The sum over the last map that stands in place of the last neurons.
//!
//! The array adds: one instruction per channel group reads the stream, 16 planes, with a kernel as large as the map and
//! its time passes as input groups. A weight is 1 where slot and output channel are the same channel. Its words are
//! equal for all taps, so one kernel row of them serves every row (`weight_row` is 0). The lanes are added before the
//! requantisation; lanes that the last time pass does not have are left out.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{Instr, Opcode, Source};
use spikegate_contract::network::{Conv, Network, MAX_KERNEL};

use super::memory::groups;
use super::PlanError;

/// [`Instr::combine`]: lanes are values that are added.
const VALUES: u32 = 3;

/// Output groups of a channel group of the last map.
pub(super) fn output_groups(conv: &Conv, array: &ArrayConfig, group: usize) -> usize {
    let each = array.ci / array.co;
    (groups(conv.out_c, array.co) - group * each).min(each)
}

/// Weight words of one output group.
pub(crate) fn weight_words(net: &Network, conv: &Conv, array: &ArrayConfig) -> usize {
    conv.out_hw[1] * array.time_passes(net.t)
}

/// The weight of a slot for an output channel of the given output group of a channel group.
pub(crate) fn weight(array: &ArrayConfig, output_group: usize, slot: usize, channel: usize) -> u8 {
    u8::from(output_group * array.co + channel == slot)
}

/// Whether the kernel reaches over the last map.
///
/// # Errors
/// It does not.
pub(super) fn check(conv: &Conv) -> Result<(), PlanError> {
    let side = conv.out_hw[0].max(conv.out_hw[1]);
    if side <= MAX_KERNEL {
        return Ok(());
    }
    Err(PlanError::Limit {
        layer: "head.pool".to_owned(),
        what: "larger side of the last map, which is summed without the last LIF",
        got: side as i64,
        expected: format!("at most {MAX_KERNEL}"),
        todo: "use smaller images, or train with neurons before the pooling",
    })
}

/// The instruction of one channel group of a batch of `images`: `stream` and `pooled` are the first words of both maps,
/// `weights` and `params` the first weight word and parameter.
pub(super) fn instruction(
    net: &Network,
    conv: &Conv,
    array: &ArrayConfig,
    images: usize,
    group: usize,
    (stream, pooled): (usize, usize),
    (weights, params): (usize, usize),
) -> Instr {
    let [h, w] = conv.out_hw;
    let passes = array.time_passes(net.t);
    let period = array.beats(false) as u32;
    Instr {
        op: Opcode::Conv as u32,
        source: Source::Stream as u32,
        signed: 1,
        combine: VALUES,
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
        weight_base: weights as u32,
        weight_group: weight_words(net, conv, array) as u32,
        groups_out: output_groups(conv, array, group) as u32 - 1,
        out_time: 1,
        out_group: 1,
        param_base: (params + group * (array.ci / array.post)) as u32,
        last_lanes: (1 << (net.t - (passes - 1) * array.lanes)) - 1,
        stream_on: 1,
        stream_base: (pooled + group * images) as u32,
        sweep_period: period,
        drain_period: period,
        images: images as u32 - 1,
        length: if images > 1 { (passes * h * w) as u32 } else { 0 },
        ..Instr::default()
    }
}
