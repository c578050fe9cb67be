//! That a network is complete and within the ranges of the contract, so that the steps may index freely.

use crate::failure::{Failure, Kind};
use crate::network::{
    Block, Conv, Encoder, Network, Requant, GATE_ENTRIES, GATE_MAX_BITS, MAX_KERNEL, MAX_T,
};
use std::borrow::Cow;

/// A part of a network that is missing, of the wrong length or out of its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{layer}: {what} is {got}, expected {expected}")]
pub struct Invalid {
    /// Layer, or `network`.
    pub layer: String,
    /// Which property.
    pub what: String,
    /// Its value.
    pub got: i128,
    /// What it must be.
    pub expected: String,
}

/// Most values in one map (one timestep): the sum over the stem's map then fits s40.
const MAX_MAP: i128 = 1 << 24;
/// Channels, height and width.
type Shape = [usize; 3];

/// Checks lengths, shapes and ranges.
///
/// # Errors
/// [`Invalid`] for the first thing that does not fit, naming the layer.
pub fn validate(net: &Network) -> Result<(), Invalid> {
    range("network", "T", net.t as i128, 2, MAX_T as i128)?;
    range("network", "leak_shift", net.neuron.leak_shift.into(), 0, 15)?;
    range("network", "number of blocks", net.blocks.len() as i128, 1, 1 << 16)?;
    if net.weight_bits != 4 {
        equal("network", "weight_bits", net.weight_bits.into(), 8, "8 or 4")?;
    }
    map_size("network", "input", net.input.shape)?;
    equal_len("network", "length of input.offset", net.input.offset.len(), net.input.shape[0])?;

    let stem = conv(net, &net.stem.conv, net.input.shape)?;
    threshold(&net.stem.conv.name, "threshold", net.stem.threshold)?;
    range(&net.stem.conv.name, "xq_shift", net.stem.xq_shift.into(), 0, 15)?;
    if let Some(encoder) = &net.encoder {
        for sca in [&encoder.sca1, &encoder.sca2] {
            let out = conv(net, sca, stem)?;
            same_shape(&sca.name, "output", out, stem)?;
            equal_len(&sca.name, "stride", sca.stride, 1)?;
            equal_len(&sca.name, "pad", sca.pad, (sca.k - 1) / 2)?;
        }
        constants(net.t, encoder)?;
    }

    let mut stream = stem;
    for b in &net.blocks {
        stream = block(net, b, stream)?;
    }
    conv(net, &net.head.conv, [stream[0], 1, 1])?;
    if let Some(pool) = &net.head.pool {
        equal_len("head.pool", "length of requant", pool.requant.len(), stream[0])?;
        pool.requant.iter().try_for_each(|r| requant("head.pool", r))?;
        let values = (net.t * stream[1] * stream[2]) as i128;
        range("head.pool", "number of values of a sum (T * H * W)", values, 1, MAX_MAP)?;
    }
    equal_len(&net.head.conv.name, "length of bias", net.head.bias.len(), net.head.conv.out_c)
}

/// Shape of the stream that leaves the block.
fn block(net: &Network, b: &Block, stream: Shape) -> Result<Shape, Invalid> {
    let between = conv(net, &b.conv1, stream)?;
    let out = conv(net, &b.conv2, between)?;
    let shortcut = match &b.shortcut {
        Some(c) => conv(net, c, stream)?,
        None => stream,
    };
    same_shape(&b.name, "shortcut", shortcut, out)?;
    threshold(&b.name, "threshold1", b.threshold1)?;
    threshold(&b.name, "threshold_out", b.threshold_out)?;
    Ok(out)
}

/// Ranges of temporal attention and the gate.
fn constants(t: usize, encoder: &Encoder) -> Result<(), Invalid> {
    let (k, gate) = (&encoder.temporal, &encoder.gate);
    let lists = [
        ("mean_pos", &k.mean_pos),
        ("mean_neg", &k.mean_neg),
        ("max_pos", &k.max_pos),
        ("max_neg", &k.max_neg),
    ];
    for (what, list) in lists {
        equal_len("encoder.temporal", &format!("length of {what}"), list.len(), t)?;
        for &v in list {
            range("encoder.temporal", what, v.into(), -(1 << 23), (1 << 23) - 1)?;
        }
    }
    range("encoder.temporal", "max_align", k.max_align.into(), 0, 24)?;
    range("encoder.temporal", "ta_shift", k.ta_shift.into(), 0, 63)?;
    range("encoder.gate", "z_shift", gate.z_shift.into(), 0, 31)?;
    range("encoder.gate", "table_bits", gate.table_bits.into(), 8, GATE_MAX_BITS.into())?;
    range("encoder.gate", "gate_bits", gate.gate_bits.into(), 8, gate.table_bits.into())?;
    let reach = i128::from(gate.table_bits) + i128::from(gate.y_shift);
    range("encoder.gate", "table_bits + y_shift", reach, 8, 15)?;
    equal_len("encoder.gate", "length of table", gate.table.len(), GATE_ENTRIES)?;
    for &g in &gate.table {
        range("encoder.gate", "table entry", g.into(), 0, (1 << gate.table_bits) - 1)?;
    }
    threshold("encoder.gate", "threshold", gate.threshold)
}

/// Output shape of a convolution that reads a map of the given shape.
fn conv(net: &Network, c: &Conv, [in_c, in_h, in_w]: Shape) -> Result<Shape, Invalid> {
    let name = &c.name;
    equal_len(name, "in_c", c.in_c, in_c)?;
    equal_len(name, "in_hw[0]", c.in_hw[0], in_h)?;
    equal_len(name, "in_hw[1]", c.in_hw[1], in_w)?;
    range(name, "k", c.k as i128, 1, MAX_KERNEL as i128)?;
    range(name, "stride", c.stride as i128, 1, 2)?;
    range(name, "pad", c.pad as i128, 0, c.k as i128 - 1)?;
    map_size(name, "output", [c.out_c, c.out_hw[0], c.out_hw[1]])?;
    for (size, out) in c.in_hw.iter().zip(c.out_hw) {
        // Every window touches the map, so no more than k - 1 zeros follow it.
        let last = (out as i128 - 1) * c.stride as i128 - c.pad as i128;
        range(name, "first row or column of the last window", last, 1 - c.k as i128, *size as i128 - 1)?;
    }

    let weights = c.out_c as i128 * c.in_c as i128 * (c.k * c.k) as i128;
    equal(name, "number of weights", c.weights.len() as i128, weights, &weights.to_string())?;
    if net.weight_bits == 4 {
        for &w in &c.weights {
            range(name, "weight", w.into(), -7, 7)?;
        }
    }
    let is_head = std::ptr::eq(c, &net.head.conv);
    equal_len(name, "length of requant", c.requant.len(), if is_head { 0 } else { c.out_c })?;
    c.requant.iter().try_for_each(|r| requant(name, r))?;
    if is_head {
        same_shape(name, "output", [c.out_c, c.out_hw[0], c.out_hw[1]], [c.out_c, 1, 1])?;
        equal_len(name, "k", c.k, 1)?;
        equal_len(name, "stride", c.stride, 1)?;
    }
    Ok([c.out_c, c.out_hw[0], c.out_hw[1]])
}

fn requant(name: &str, r: &Requant) -> Result<(), Invalid> {
    range(name, "requantisation shift", r.s.into(), 1, 31)?;
    // With the rounding half it still fits s48.
    let half = 1i128 << (r.s - 1);
    range(name, "requantisation bias", r.b.into(), -(1 << 47), (1 << 47) - 1 - half)
}

fn threshold(layer: &str, what: &str, value: i16) -> Result<(), Invalid> {
    range(layer, what, value.into(), 1, 32766)
}

fn map_size(layer: &str, what: &str, shape: Shape) -> Result<(), Invalid> {
    for (axis, n) in ["channels", "height", "width"].iter().zip(shape) {
        range(layer, &format!("{what} {axis}"), n as i128, 1, 1 << 16)?;
    }
    let values = shape.iter().map(|&n| n as i128).product();
    range(layer, &format!("number of values of the {what} map"), values, 1, MAX_MAP)
}

fn same_shape(layer: &str, what: &str, got: Shape, expected: Shape) -> Result<(), Invalid> {
    for ((axis, got), expected) in ["channels", "height", "width"].iter().zip(got).zip(expected) {
        equal_len(layer, &format!("{what} {axis}"), got, expected)?;
    }
    Ok(())
}

fn equal_len(layer: &str, what: &str, got: usize, expected: usize) -> Result<(), Invalid> {
    equal(layer, what, got as i128, expected as i128, &expected.to_string())
}

fn equal(layer: &str, what: &str, got: i128, expected: i128, text: &str) -> Result<(), Invalid> {
    if got == expected {
        return Ok(());
    }
    Err(Invalid { layer: layer.to_owned(), what: what.to_owned(), got, expected: text.to_owned() })
}

fn range(layer: &str, what: &str, got: i128, low: i128, high: i128) -> Result<(), Invalid> {
    if (low..=high).contains(&got) {
        return Ok(());
    }
    let expected = format!("{low} to {high}");
    Err(Invalid { layer: layer.to_owned(), what: what.to_owned(), got, expected })
}

impl Failure for Invalid {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        None
    }
}
