//! Whether a network obeys the contract's ranges and shapes.

use spikegate_contract::network::{Conv, Network, GATE_ENTRIES, GATE_MAX_BITS, MAX_KERNEL, MAX_T};

use crate::GoldenError;

struct Check<'a> {
    layer: &'a str,
}

impl Check<'_> {
    fn that(
        &self,
        ok: bool,
        field: &'static str,
        got: impl ToString,
        expected: impl ToString,
    ) -> Result<(), GoldenError> {
        match ok {
            true => Ok(()),
            false => Err(GoldenError::Network {
                layer: self.layer.into(),
                field,
                got: got.to_string(),
                expected: expected.to_string(),
            }),
        }
    }
}

/// Checks everything that [`crate::run`] relies on.
pub fn validate(net: &Network) -> Result<(), GoldenError> {
    let c = Check { layer: "network" };
    c.that((2..=MAX_T).contains(&net.t), "t", net.t, format!("2 to {MAX_T}"))?;
    c.that(net.neuron.leak_shift <= 15, "leak_shift", net.neuron.leak_shift, "0 to 15")?;
    c.that(matches!(net.weight_bits, 4 | 8), "weight_bits", net.weight_bits, "4 or 8")?;
    let [ic, ih, iw] = net.input.shape;
    c.that(ic * ih * iw > 0, "input.shape", format!("{:?}", net.input.shape), "at least one pixel")?;
    c.that(net.input.offset.len() == ic, "input.offset", net.input.offset.len(), ic)?;
    threshold("stem", net.stem.threshold)?;
    let c = Check { layer: "stem" };
    c.that(net.stem.xq_shift <= 15, "xq_shift", net.stem.xq_shift, "0 to 15")?;
    let map = conv(&net.stem.conv, (ic, [ih, iw]), net.stem.conv.pad)?;
    encoder(net, map)?;
    let mut map = map;
    let c = Check { layer: "network" };
    c.that(!net.blocks.is_empty(), "blocks", 0, "at least one")?;
    for block in &net.blocks {
        let c = Check { layer: &block.name };
        threshold(&block.name, block.threshold1)?;
        threshold(&block.name, block.threshold_out)?;
        let middle = conv(&block.conv1, map, 1)?;
        let out = conv(&block.conv2, middle, 1)?;
        let side = match &block.shortcut {
            Some(s) => conv(s, map, 0)?,
            None => map,
        };
        c.that(side == out, "shortcut", format!("{side:?}"), format!("{out:?}"))?;
        map = out;
    }
    let head = &net.head.conv;
    let c = Check { layer: &head.name };
    c.that(head.in_c == map.0, "in_c", head.in_c, map.0)?;
    c.that(
        head.in_hw == [1, 1] && head.out_hw == [1, 1] && head.k == 1,
        "shape",
        head.k,
        "1x1 on a 1x1 map",
    )?;
    c.that(head.weights.len() == head.weight_len(), "weights", head.weights.len(), head.weight_len())?;
    c.that(net.head.bias.len() == head.out_c, "bias", net.head.bias.len(), head.out_c)?;
    let most = net.t * map.1[0] * map.1[1];
    c.that(most <= 32767, "T x H x W", most, "at most 32767 spikes per channel")
}

fn threshold(layer: &str, v: i16) -> Result<(), GoldenError> {
    Check { layer }.that((1..32767).contains(&v), "threshold", v, "1 to 32766")
}

type Map = (usize, [usize; 2]);

fn conv(c: &Conv, input: Map, pad: usize) -> Result<Map, GoldenError> {
    let check = Check { layer: &c.name };
    check.that(
        (c.in_c, c.in_hw) == input,
        "input",
        format!("{:?}", (c.in_c, c.in_hw)),
        format!("{input:?}"),
    )?;
    check.that((1..=MAX_KERNEL).contains(&c.k), "k", c.k, format!("1 to {MAX_KERNEL}"))?;
    check.that(matches!(c.stride, 1 | 2), "stride", c.stride, "1 or 2")?;
    check.that(c.pad == pad && pad < c.k, "pad", c.pad, format!("{pad}, less than the kernel"))?;
    for i in 0..2 {
        // Every window must touch the map.
        let last = (c.out_hw[i].max(1) - 1) * c.stride;
        check.that(
            c.out_hw[i] > 0 && last < c.in_hw[i] + c.pad,
            "out_hw",
            c.out_hw[i],
            "windows on the map",
        )?;
    }
    check.that(c.weights.len() == c.weight_len(), "weights", c.weights.len(), c.weight_len())?;
    check.that(c.requant.len() == c.out_c, "requant", c.requant.len(), c.out_c)?;
    for r in &c.requant {
        check.that((1..=31).contains(&r.s), "requant.s", r.s, "1 to 31")?;
        let half = 1i64 << (r.s - 1);
        let fits = |v: i64| (-(1i64 << 47)..1i64 << 47).contains(&v);
        check.that(fits(r.b) && fits(r.b + half), "requant.b", r.b, "48 bits with the rounding half")?;
    }
    Ok((c.out_c, c.out_hw))
}

fn encoder(net: &Network, map: Map) -> Result<(), GoldenError> {
    let e = &net.encoder;
    let c = Check { layer: "encoder" };
    for layer in [&e.sca1, &e.sca2] {
        let out = conv(layer, map, (layer.k - layer.k.min(1)) / 2)?;
        c.that(out == map && layer.stride == 1, "shape", format!("{out:?}"), format!("{map:?}"))?;
    }
    let t = &e.temporal;
    for (field, v) in [
        ("mean_pos", &t.mean_pos),
        ("mean_neg", &t.mean_neg),
        ("max_pos", &t.max_pos),
        ("max_neg", &t.max_neg),
    ] {
        c.that(v.len() == net.t, field, v.len(), net.t)?;
        let out = v.iter().find(|v| !(-(1 << 23)..1 << 23).contains(*v));
        c.that(out.is_none(), field, format!("{out:?}"), "24 bits, two's complement")?;
    }
    c.that(t.max_align <= 24, "max_align", t.max_align, "0 to 24")?;
    c.that(t.ta_shift <= 63, "ta_shift", t.ta_shift, "0 to 63")?;
    let g = &e.gate;
    threshold("gate", g.threshold)?;
    let c = Check { layer: "gate" };
    c.that(g.z_shift <= 31, "z_shift", g.z_shift, "0 to 31")?;
    c.that(g.table.len() == GATE_ENTRIES, "table", g.table.len(), GATE_ENTRIES)?;
    c.that((8..=GATE_MAX_BITS as u8).contains(&g.gate_bits), "gate_bits", g.gate_bits, "8 to 12")?;
    c.that(g.gate_bits + g.y_shift.min(15) <= 15, "y_shift", g.y_shift, "gate_bits + y_shift at most 15")?;
    let largest = g.table.iter().copied().max().unwrap_or_default();
    c.that(largest >> g.gate_bits == 0, "table", largest, format!("entries of {} bits", g.gate_bits))
}
