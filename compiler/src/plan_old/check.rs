//! That an integer network is complete and within the ranges that the hardware has.

use spikegate_contract::globals::MAX_IMAGE_CHANNELS;
use spikegate_contract::network::{
    Conv, Encoder, Network, Requant, GATE_ENTRIES, GATE_MAX_BITS, MAX_KERNEL, MAX_T,
};

use super::PlanError;

/// Checks lengths and ranges, so that everything later may index.
///
/// # Errors
/// [`PlanError::Malformed`] or [`PlanError::Limit`], naming the layer.
pub fn check(net: &Network) -> Result<(), PlanError> {
    let within =
        |what, got: i64, range: std::ops::RangeInclusive<i64>, todo| limit("network", what, got, range, todo);
    within("T", net.t as i64, 2..=MAX_T as i64, "train with 2 to 16 timesteps")?;
    within("leak shift", net.neuron.leak_shift.into(), 0..=15, "use a leak of 2^-k")?;
    within(
        "number of image channels",
        net.input.shape[0] as i64,
        1..=MAX_IMAGE_CHANNELS as i64,
        "use images with fewer channels",
    )?;
    length("network", "input.offset", net.input.offset.len(), net.input.shape[0])?;
    within("number of blocks", net.blocks.len() as i64, 1..=1 << 16, "add a residual block")?;

    let mut spikes = (net.stem.conv.out_c, net.stem.conv.out_hw);
    conv(&net.stem.conv, (net.input.shape[0], [net.input.shape[1], net.input.shape[2]]), true)?;
    threshold(&net.stem.conv.name, net.stem.threshold)?;
    limit("encoder", "xq_shift", net.stem.xq_shift.into(), 0..=15, "calibrate again")?;
    if let Some(attention) = &net.encoder {
        for sca in [&attention.sca1, &attention.sca2] {
            conv(sca, spikes, true)?;
            same_map(sca, spikes)?;
        }
        encoder(attention, net.t)?;
    }
    for block in &net.blocks {
        let out = (block.conv2.out_c, block.conv2.out_hw);
        conv(&block.conv1, spikes, true)?;
        conv(&block.conv2, (block.conv1.out_c, block.conv1.out_hw), true)?;
        match &block.shortcut {
            Some(shortcut) => {
                conv(shortcut, spikes, true)?;
                same_map(shortcut, out)?;
            }
            None => same_map(&block.conv2, spikes)?,
        }
        threshold(&block.conv1.name, block.threshold1)?;
        threshold(&block.conv2.name, block.threshold_out)?;
        spikes = out;
    }
    conv(&net.head.conv, (spikes.0, [1, 1]), false)?;
    if let (Some(pool), Some(block)) = (&net.head.pool, net.blocks.last()) {
        length("head.pool", "requant", pool.requant.len(), spikes.0)?;
        requants("head.pool", &pool.requant)?;
        super::pool::check(&block.conv2)?;
    }
    length(&net.head.conv.name, "bias", net.head.bias.len(), net.head.conv.out_c)
}

fn encoder(encoder: &Encoder, t: usize) -> Result<(), PlanError> {
    let (ta, gate) = (&encoder.temporal, &encoder.gate);
    threshold("encoder.gate", gate.threshold)?;
    for (what, values) in [
        ("mean_pos", &ta.mean_pos),
        ("mean_neg", &ta.mean_neg),
        ("max_pos", &ta.max_pos),
        ("max_neg", &ta.max_neg),
    ] {
        length("encoder.temporal", what, values.len(), t)?;
        for &v in values {
            limit("encoder.temporal", "a constant", v.into(), -(1 << 23)..=(1 << 23) - 1, "calibrate again")?;
        }
    }
    let range = |what, got: u8, max: i64| limit("encoder", what, got.into(), 0..=max, "calibrate again");
    range("max_align", ta.max_align, 24)?;
    range("ta_shift", ta.ta_shift, 63)?;
    range("z_shift", gate.z_shift, 31)?;
    let wide = i64::from(gate.table_bits);
    limit("encoder.gate", "table_bits", wide, 8..=GATE_MAX_BITS.into(), "compile the model again")?;
    limit("encoder.gate", "gate_bits", gate.gate_bits.into(), 8..=wide, "use a gate of 8 to 12 bits")?;
    let total = wide + i64::from(gate.y_shift);
    limit("encoder.gate", "table_bits + y_shift", total, 8..=15, "compile the model again")?;
    length("encoder.gate", "table", gate.table.len(), GATE_ENTRIES)?;
    let largest = gate.table.iter().copied().max().unwrap_or(0);
    let reach = (1i64 << gate.table_bits) - 1;
    limit("encoder.gate", "the largest table entry", largest.into(), 0..=reach, "compile the model again")
}

fn conv(conv: &Conv, (in_c, in_hw): (usize, [usize; 2]), requant: bool) -> Result<(), PlanError> {
    let name = &conv.name;
    length(name, "input channels", conv.in_c, in_c)?;
    length(name, "input rows", conv.in_hw[0], in_hw[0])?;
    length(name, "input columns", conv.in_hw[1], in_hw[1])?;
    let positive = |what, got: usize| limit(name, what, got as i64, 1..=1 << 20, "check the model");
    positive("number of output channels", conv.out_c)?;
    positive("number of output rows", conv.out_hw[0])?;
    positive("number of output columns", conv.out_hw[1])?;
    limit(name, "kernel size", conv.k as i64, 1..=MAX_KERNEL as i64, "use a smaller kernel")?;
    limit(name, "stride", conv.stride as i64, 1..=2, "use stride 1 or 2")?;
    limit(name, "padding", conv.pad as i64, 0..=conv.k as i64 - 1, "use at most K - 1 zeros")?;
    for (rows, out) in conv.in_hw.iter().zip(conv.out_hw) {
        // Every output pixel has a tap inside the map, or the layer would wait for it for ever.
        let last = ((out - 1) * conv.stride) as i64 - conv.pad as i64;
        limit(
            name,
            "first row or column of the last window",
            last,
            -(conv.k as i64 - 1)..=*rows as i64 - 1,
            "check the output size",
        )?;
    }
    length(name, "weights", conv.weights.len(), conv.weight_len())?;
    length(name, "requant", conv.requant.len(), if requant { conv.out_c } else { 0 })?;
    requants(name, &conv.requant)
}

fn requants(name: &str, all: &[Requant]) -> Result<(), PlanError> {
    for r in all {
        limit(name, "requantisation shift", r.s.into(), 1..=31, "calibrate again")?;
        let half = 1i64 << (r.s - 1);
        limit(name, "requantisation bias", r.b, -(1 << 47)..=(1 << 47) - 1 - half, "calibrate again")?;
    }
    Ok(())
}

fn same_map(conv: &Conv, (c, hw): (usize, [usize; 2])) -> Result<(), PlanError> {
    length(&conv.name, "output channels", conv.out_c, c)?;
    length(&conv.name, "output rows", conv.out_hw[0], hw[0])?;
    length(&conv.name, "output columns", conv.out_hw[1], hw[1])
}

fn threshold(layer: &str, value: i16) -> Result<(), PlanError> {
    limit(layer, "threshold", value.into(), 1..=32766, "calibrate again")
}

fn length(layer: &str, what: &'static str, got: usize, expected: usize) -> Result<(), PlanError> {
    if got == expected {
        return Ok(());
    }
    Err(PlanError::Malformed { layer: layer.to_owned(), what, got, expected })
}

fn limit(
    layer: &str,
    what: &'static str,
    got: i64,
    range: std::ops::RangeInclusive<i64>,
    todo: &'static str,
) -> Result<(), PlanError> {
    if range.contains(&got) {
        return Ok(());
    }
    let expected = format!("{} to {}", range.start(), range.end());
    Err(PlanError::Limit { layer: layer.to_owned(), what, got, expected, todo })
}
