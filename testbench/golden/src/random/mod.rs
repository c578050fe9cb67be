//! Seeded random integer networks and images for tests. The same seed gives the same values everywhere.
//!
//! A [`Shape`] says what the network looks like; [`network`] fills one with numbers. [`shape`], [`tiny`] and
//! [`large`] draw shapes that cover odd sizes, even attention kernels, both fire rules, all leaks, gate and weight
//! widths, and stages whose first block may be an identity (then [`network`] decides).

mod extreme;
mod image;
mod prng;
mod shape;
mod typical;

pub use image::{image, image_of, ImageKind};
pub use prng::Rng;
pub use shape::{demo, large, shape, tiny, Shape};

use spikegate_contract::network::{
    Block, Conv, Encoder, Gate, Head, Input, Network, Pool, Requant, Stem, TemporalAttention, GATE_ENTRIES,
};

/// A random network of the given shape; it passes [`crate::validate`](fn@crate::validate).
///
/// Typical numbers: most populations fire in 5 to 60 % of the timesteps. Extreme numbers lie at the ends of their
/// ranges, so that nearly every clamp clamps; sums still fit 32 bits.
pub fn network(rng: &mut Rng, shape: &Shape) -> Network {
    let mut net = skeleton(rng, shape);
    if shape.extreme {
        extreme::fill(&mut net, rng);
    } else {
        typical::fill(&mut net, rng);
    }
    net
}

/// A network of the shape with neutral numbers: all weights 0, all lists of the right length.
fn skeleton(rng: &mut Rng, shape: &Shape) -> Network {
    let [in_c, h, w] = shape.input;
    let (stem_k, stem_stride) = shape.stem_kernel;
    let stem = conv("stem", in_c, [h, w], shape.stem, stem_k, stem_stride, (stem_k - 1) / 2);
    let hw = stem.out_hw;
    let k = shape.k;
    let sca = |name: &str| Conv { out_hw: hw, ..conv(name, shape.stem, hw, shape.stem, k, 1, (k - 1) / 2) };
    let (blocks, out_c) = blocks(rng, shape, hw);
    let head = Conv { requant: Vec::new(), ..conv("head", out_c, [1, 1], shape.classes, 1, 1, 0) };
    let per_t = || vec![0; shape.t];
    Network {
        name: "random".to_owned(),
        t: shape.t,
        neuron: shape.neuron,
        weight_bits: shape.weight_bits,
        input: Input { shape: shape.input, offset: vec![0; in_c] },
        stem: Stem { conv: stem, frac_bits: 0, threshold: 1, xq_shift: 0 },
        encoder: (!shape.direct).then(|| Encoder {
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
                table_bits: shape.gate_bits,
                gate_bits: shape.gate_bits,
                y_shift: 15 - shape.gate_bits,
                threshold: 1,
            },
        }),
        blocks,
        head: Head {
            bias: vec![0; shape.classes],
            conv: head,
            scale: 1.0,
            pool: (!shape.last_lif)
                .then(|| Pool { requant: vec![Requant { m: 1, b: 0, s: 1 }; out_c], frac_bits: 0 }),
        },
    }
}

/// The blocks of all stages, and the channels of the last.
fn blocks(rng: &mut Rng, shape: &Shape, mut hw: [usize; 2]) -> (Vec<Block>, usize) {
    let (mut out, mut c) = (Vec::new(), shape.stem);
    for (s, &(channels, count, stage_stride)) in shape.stages.iter().enumerate() {
        for b in 0..count {
            let name = format!("layer{}.{b}", s + 1);
            let stride = if b == 0 { stage_stride } else { 1 };
            let same = stride == 1 && c == channels;
            let project = !same || (b == 0 && rng.chance(1, 2));
            let conv1 = conv(&format!("{name}.conv1"), c, hw, channels, 3, stride, 1);
            let shortcut = project.then(|| conv(&format!("{name}.shortcut"), c, hw, channels, 1, stride, 0));
            (c, hw) = (channels, conv1.out_hw);
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
