//! Seeded random integer networks and images for tests. The same seed gives the same values everywhere.
//!
//! A [`Shape`] says what the network looks like, a [`Style`] what its numbers look like. [`network`] makes one
//! of a given shape; [`Shape::random`] and [`Shape::tiny`] draw shapes that cover odd sizes, even attention
//! kernels, both fire rules, all leaks, gate and weight widths, and identity and projection shortcuts.

mod extreme;
mod image;
mod prng;
mod shape;
mod typical;

pub use image::{image, ImageKind};
pub use prng::Prng;
pub use shape::{Shape, Stage};

use spikegate_contract::network::{
    Block, Conv, Encoder, Gate, Head, Input, Network, Requant, Stem, TemporalAttention, GATE_ENTRIES,
};

/// What the numbers of a random network look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Spread activations: most populations fire in 5 to 60 % of the timesteps.
    Typical,
    /// Numbers at the ends of their ranges: nearly everything saturates. Sums still fit 32 bits.
    Extreme,
}

/// A random network of the given shape. It passes [`crate::validate`](fn@crate::validate).
pub fn network(shape: &Shape, style: Style, seed: u64) -> Network {
    let mut net = skeleton(shape);
    let mut rng = Prng::new(seed);
    match style {
        Style::Typical => typical::fill(&mut net, &mut rng),
        Style::Extreme => extreme::fill(&mut net, &mut rng),
    }
    net
}

/// A network of the shape with neutral numbers: all weights 0, all lists of the right length.
fn skeleton(shape: &Shape) -> Network {
    let [in_c, h, w] = shape.input;
    let stem = conv("stem", in_c, [h, w], shape.stem, shape.stem_k, shape.stem_stride, shape.stem_k / 2);
    let hw = stem.out_hw;
    let k = shape.attention_k;
    let sca = |name: &str| Conv { out_hw: hw, ..conv(name, shape.stem, hw, shape.stem, k, 1, (k - 1) / 2) };
    let (blocks, out_c) = blocks(shape, hw);
    let head = Conv { requant: Vec::new(), ..conv("head", out_c, [1, 1], shape.classes, 1, 1, 0) };
    let per_t = || vec![0; shape.t];
    Network {
        name: "random".to_owned(),
        t: shape.t,
        neuron: shape.neuron,
        weight_bits: shape.weight_bits,
        input: Input { shape: shape.input, offset: vec![0; in_c] },
        stem: Stem { conv: stem, frac_bits: 0, threshold: 1, xq_shift: 0 },
        encoder: Encoder {
            temporal: TemporalAttention {
                mean_pos: per_t(),
                mean_neg: per_t(),
                max_pos: per_t(),
                max_neg: per_t(),
                max_align: 0,
                ta_shift: 0,
            },
            sca1: sca("encoder.sca1"),
            sca2: sca("encoder.sca2"),
            sca_frac_bits: 0,
            ta_frac_bits: 0,
            gate: Gate {
                z_shift: 0,
                table: vec![0; GATE_ENTRIES],
                gate_bits: shape.gate_bits,
                y_shift: 15 - shape.gate_bits,
                threshold: 1,
            },
        },
        blocks,
        head: Head { bias: vec![0; shape.classes], conv: head, scale: 1.0 },
    }
}

/// The blocks of all stages, and the channels of the last.
fn blocks(shape: &Shape, mut hw: [usize; 2]) -> (Vec<Block>, usize) {
    let (mut out, mut c) = (Vec::new(), shape.stem);
    for (s, stage) in shape.stages.iter().enumerate() {
        for b in 0..stage.blocks {
            let name = format!("layer{}.{b}", s + 1);
            let stride = if b == 0 { stage.stride } else { 1 };
            let same = stride == 1 && c == stage.channels;
            let project = !same || (b == 0 && stage.project);
            let conv1 = conv(&format!("{name}.conv1"), c, hw, stage.channels, 3, stride, 1);
            let shortcut =
                project.then(|| conv(&format!("{name}.shortcut"), c, hw, stage.channels, 1, stride, 0));
            (c, hw) = (stage.channels, conv1.out_hw);
            let conv2 = conv(&format!("{name}.conv2"), c, hw, c, 3, 1, 1);
            out.push(Block {
                name,
                conv1,
                frac_bits1: 0,
                threshold1: 1,
                conv2,
                shortcut,
                frac_bits: 0,
                threshold_out: 1,
            });
        }
    }
    (out, c)
}

/// A convolution with zero weights; the output has `ceil(size / stride)` rows and columns.
fn conv(
    name: &str,
    in_c: usize,
    in_hw: [usize; 2],
    out_c: usize,
    k: usize,
    stride: usize,
    pad: usize,
) -> Conv {
    let out_hw = in_hw.map(|n| n.div_ceil(stride));
    let weights = vec![0; out_c * in_c * k * k];
    let requant = vec![Requant { m: 1, b: 0, s: 1 }; out_c];
    Conv { name: name.to_owned(), in_c, in_hw, out_c, out_hw, k, stride, pad, weights, requant }
}
