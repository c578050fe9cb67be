//! Networks of residual blocks behind a stem, with or without gated attention.

use spikegate_contract::network::{Form, Network, NodeId, Rounding};

use super::builder::Builder;
use super::{Rng, Shape};

/// A network of the shape with neutral numbers.
pub(super) fn network(rng: &mut Rng, shape: &Shape) -> Network {
    let mut b = Builder::new(shape.input, shape.t, shape.neuron, &shape.weight_bits);
    let projects = projections(rng, shape);
    let (k, stride) = shape.stem_kernel;
    let x = b.conv("stem.x", NodeId(0), shape.stem, k, stride, (k - 1) / 2);
    let (mut spikes, mut stream, mut projected);
    if shape.direct {
        spikes = b.lif("stem.spikes", x);
        stream = b.repeat("stem.stream", x);
        projected = stream;
    } else {
        stream = encoder(&mut b, shape, x);
        projected = stream;
        if projects[0] {
            let code = Form::Code { bits: shape.gate_bits, signed: false };
            projected = b.code("gate.code", stream, code, Rounding::Floor, 0);
        }
        spikes = b.lif("gate.spikes", stream);
    }
    let mut projects = projects.into_iter();
    let mut left: usize = shape.stages.iter().map(|stage| stage.1).sum();
    for (s, &(channels, count, stage_stride)) in shape.stages.iter().enumerate() {
        for index in 0..count {
            let name = |suffix: &str| format!("layer{}.{index}.{suffix}", s + 1);
            let stride = if index == 0 { stage_stride } else { 1 };
            let mut shortcut = stream;
            if projects.next() == Some(true) {
                shortcut = b.conv(&name("shortcut"), projected, channels, 1, stride, 0);
            }
            let conv1 = b.conv(&name("conv1"), spikes, channels, 3, stride, 1);
            let spikes1 = b.lif(&name("conv1.spikes"), conv1);
            let conv2 = b.conv(&name("conv2"), spikes1, channels, 3, 1, 1);
            stream = b.add(&name("stream"), conv2, shortcut);
            projected = stream;
            left -= 1;
            if left > 0 || shape.last_lif {
                spikes = b.lif(&name("spikes"), stream);
            }
        }
    }
    let read = if shape.last_lif { b.count("head.counts", spikes) } else { b.pool("head.pooled", stream) };
    b.linear("head.logits", read, shape.classes);
    b.finish()
}

/// Which blocks project: those that must, and of the others half of the first ones of a stage.
fn projections(rng: &mut Rng, shape: &Shape) -> Vec<bool> {
    let (mut out, mut c) = (Vec::new(), shape.stem);
    for &(channels, count, stage_stride) in &shape.stages {
        for index in 0..count {
            let same = c == channels && (index > 0 || stage_stride == 1);
            out.push(!same || (index == 0 && rng.chance(1, 2)));
            c = channels;
        }
    }
    out
}

/// Attention and gate.
fn encoder(b: &mut Builder, shape: &Shape, x: NodeId) -> NodeId {
    let code = |signed| Form::Code { bits: 8, signed };
    let xq = b.code("stem.xq", x, code(true), Rounding::HalfUp, 0);
    let spikes = b.lif("stem.spikes", x);
    let statistics = b.statistics("encoder.statistics", x);
    let ta = b.temporal("encoder.ta", statistics);
    let pad = (shape.k - 1) / 2;
    let sca1 = b.conv("encoder.sca1", xq, shape.stem, shape.k, 1, pad);
    let z1 = b.code("encoder.z1", sca1, code(false), Rounding::HalfUp, 0);
    let sca = b.conv("encoder.sca", z1, shape.stem, shape.k, 1, pad);
    b.gate("gate.y", [ta, sca, spikes], shape.gate_bits)
}
