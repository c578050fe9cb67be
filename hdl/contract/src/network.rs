//! The integer network: the specification that the golden model, the RustHDL simulation, the Verilog and a
//! board must all equal, value for value. The float checkpoint is only its source.
//!
//! Notation: `sat16(v)` clamps to -32768..=32767, `>>` is an arithmetic (floor) shift, and
//! `round(v, s) = s == 0 ? v : (v + (1 << (s - 1))) >> s` (half up).
//!
//! Semantics follow Qiu et al., "Gated Attention Coding", AAAI-24 vol 38(1) pp 601-610, in the form of the
//! authors' CIFAR code: one image shown T times, so the stem, the attention convolutions, mean and max are
//! computed once per image.
//!
//! # One image, step by step
//!
//! 1. **codes** `code[c,y,x] = pixel[c,y,x] - input.offset[c]`, signed 9 bit. Zero padding is code 0.
//! 2. **stem** `acc = conv(code)`; `X = requantise(acc)` s16. `Xq = clamp(round(X, xq_shift), -128, 127)`.
//!    Stem spikes `S[t]` are the LIF of the constant input X with `stem.threshold`.
//!    `sum` = sum of X over C,H,W (s40); `max` = maximum of X.
//! 3. **temporal attention** per timestep t, with `ca = sum >= 0 ? mean_pos[t] : -mean_neg[t]` and
//!    `cm = max >= 0 ? max_pos[t] : -max_neg[t]` (all constants non-negative or negative s24):
//!    `TA[t] = sat16(round(sum * ca + ((max * cm) << max_align), ta_shift))`, exact before the rounding (s66).
//!    The quantiser gives the constants the opposite sign: TA is **minus** the paper's F_T(X), see step 5.
//! 4. **spatial attention** `Z1 = clamp(requantise(conv(Xq)), 0, 255)` u8; `sca = requantise(conv(Z1))` s16.
//!    K x K convolutions, 'same' padding with `(K-1)/2` before and the rest after.
//! 5. **gate** `z = sat16((TA[t] * sca) >> z_shift)`, floor: z < 0 if and only if the product is below zero. As TA is minus
//!    the attention, these are the arguments above zero of the sigmoid, for which `G` is above one half: where the
//!    threshold is one half, their neurons fire and no others do.
//!    `G = table[clamp(z, -512, 511) + 512]`, `table_bits` wide, unsigned: table and z_shift choose what a step of z is.
//!    `Y[t] = S[t] ? G << y_shift : 0` is the residual stream that enters block 0, and the spikes that enter block 0 are
//!    the LIF of Y with `gate.threshold`.
//!    `Yc[t] = S[t] ? G >> (table_bits - gate_bits) : 0` is what the projection of block 0 reads.
//! 6. **block** (input: stream r, spikes s):
//!    `spikes1 = LIF(requantise(conv1(s)), threshold1)`; `main = requantise(conv2(spikes1))`;
//!    `shortcut = r` (identity) or `requantise(conv1x1(r))` (projection; for block 0 of the network the input
//!    is `Yc`, not `Y`); `r' = sat16(main + shortcut)`; `s' = LIF(r', threshold_out)`.
//!
//!    **Direct coding** (`encoder` is `None`) leaves out steps 3 to 5, and Xq, sum and max of step 2: the stream that
//!    enters block 0 is X at every timestep (its projection reads X too), the spikes that enter it are S.
//! 7. **head** `count[c]` = number of spikes of the last block's `s'` over T,H,W;
//!    `logit[k] = bias[k] + sum_c weight[k,c] * count[c]` (s32); the class is the lowest index of the maximum.
//!
//!    **Without the last LIF** (`head.pool` is there) the last block has no `s'`, and instead of `count` stands
//!    `pooled[c] = requantise(sum of r' over T,H,W)` s16, the sum exact in s40.
//!
//! `requantise(acc)` for output channel c: `sat16((acc * m[c] + b[c] + half) >> s[c])`, `half = 1 << (s[c]-1)`.
//!
//! **LIF** with state v starting at 0 for every image and neuron, per timestep with input x:
//! `u = sat16(v + x)`; `fire = u > threshold` (or `>=`); `v = fire ? 0 : u >> leak_shift`.
//! (The same recurrence as `u = sat16((s ? 0 : u >> k) + x)`.) 0 < threshold < 32767.

use serde::{Deserialize, Serialize};

/// Number of entries of the sigmoid table; index `z + 512` for z in -512..=511.
pub const GATE_ENTRIES: usize = 1024;
/// Widest entry of the sigmoid table in bits.
pub const GATE_MAX_BITS: u32 = 12;
/// Planes (bits) of an image code, two's complement.
pub const IMAGE_CODE_BITS: usize = 9;
/// Planes (bits) of an attention operand: Xq (signed) and Z1 (unsigned).
pub const ATTENTION_CODE_BITS: usize = 8;
/// Bits of a convolution sum. The compiler proves from the weights that no sum leaves this range.
pub const ACC_BITS: u32 = 32;
/// Largest attention kernel and largest convolution kernel.
pub const MAX_KERNEL: usize = 8;
/// Most timesteps of a network.
pub const MAX_T: usize = 16;

/// When a neuron fires. `Gt` is GAC's rule; `Ge` is SpikingJelly's and snnTorch's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FireRule {
    /// `u > threshold`
    #[serde(rename = ">")]
    Gt,
    /// `u >= threshold`
    #[serde(rename = ">=")]
    Ge,
}

/// Neuron constants shared by every population of a network. Hard reset to 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neuron {
    /// Leak 2^-leak_shift per timestep, 1 or 2 in the published networks, 0..=15 here.
    pub leak_shift: u8,
    /// Comparison with the threshold.
    pub fire: FireRule,
}

/// Requantisation of one output channel: `sat16((acc * m + b + (1 << (s - 1))) >> s)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requant {
    /// Multiplier, s16 (negative where the batch-norm gamma is negative).
    pub m: i16,
    /// Bias in product units, s48 with the rounding half not included.
    pub b: i64,
    /// Shift, 1..=31.
    pub s: u8,
}

/// One convolution: cross-correlation, zero padding, no bias of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv {
    /// Name from the checkpoint, such as `layer1.0.conv1`.
    pub name: String,
    /// Input channels.
    pub in_c: usize,
    /// Input height and width.
    pub in_hw: [usize; 2],
    /// Output channels.
    pub out_c: usize,
    /// Output height and width.
    pub out_hw: [usize; 2],
    /// Kernel size K (square).
    pub k: usize,
    /// Stride, 1 or 2.
    pub stride: usize,
    /// Zero rows above (and columns left of) the image. Rows below follow from the output size.
    pub pad: usize,
    /// Weights, index `((o * in_c + i) * k + ky) * k + kx`, -127..=127 (the hardware accepts -128).
    #[serde(skip)]
    pub weights: Vec<i8>,
    /// One entry per output channel; empty for the head, which is not requantised.
    pub requant: Vec<Requant>,
}

impl Conv {
    /// Number of weights, `out_c * in_c * k * k`.
    pub fn weight_len(&self) -> usize {
        self.out_c * self.in_c * self.k * self.k
    }
    /// The one place that flattens a weight index.
    pub fn weight_index(&self, o: usize, i: usize, ky: usize, kx: usize) -> usize {
        ((o * self.in_c + i) * self.k + ky) * self.k + kx
    }
    /// Multiply-accumulates or synaptic operations of one evaluation, padded taps included.
    pub fn dense_ops(&self) -> u64 {
        (self.weight_len() * self.out_hw[0] * self.out_hw[1]) as u64
    }
}

/// How pixels become codes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Channels, height, width of the image.
    pub shape: [usize; 3],
    /// Per channel: the pixel value that maps to code 0, `round(255 * mean)`, 0..=255.
    pub offset: Vec<u8>,
}

/// Stem convolution, batch norm folded, with its LIF and the 8-bit copy for spatial attention.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stem {
    /// Convolution on codes.
    pub conv: Conv,
    /// Fraction bits of X (for reports; the arithmetic does not use it).
    pub frac_bits: i32,
    /// LIF threshold in units of X.
    pub threshold: i16,
    /// `Xq = clamp(round(X, xq_shift), -128, 127)`, 0..=15. Without meaning in direct coding.
    pub xq_shift: u8,
}

/// Constants of temporal attention, one entry per timestep, of the sign that step 3 of the module documentation says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemporalAttention {
    /// Factor of `sum` when `sum >= 0`, s24.
    pub mean_pos: Vec<i32>,
    /// Minus the factor of `sum` when `sum < 0`, s24.
    pub mean_neg: Vec<i32>,
    /// Factor of `max` when `max >= 0`, s24.
    pub max_pos: Vec<i32>,
    /// Minus the factor of `max` when `max < 0`, s24.
    pub max_neg: Vec<i32>,
    /// Left shift that brings `max * cm` to the scale of `sum * ca`, 0..=24.
    pub max_align: u8,
    /// Right shift to TA, 0..=63.
    pub ta_shift: u8,
}

/// The gate: product, sigmoid table, mask by stem spikes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// `z = sat16((TA * sca) >> z_shift)`, 0..=31.
    pub z_shift: u8,
    /// 1024 entries of `table_bits` bits, `table[z + 512]`.
    pub table: Vec<u16>,
    /// Width of a table entry, 8..=12; also the fraction bits of G.
    pub table_bits: u8,
    /// The highest bits of G that the projection of block 0 reads, 8..=table_bits: as many passes it takes.
    pub gate_bits: u8,
    /// `Y = G << y_shift`; `table_bits + y_shift <= 15`.
    pub y_shift: u8,
    /// Threshold of the LIF on Y (block 0's first LIF), in units of Y.
    pub threshold: i16,
}

/// Gated attention encoder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoder {
    /// Temporal attention constants.
    pub temporal: TemporalAttention,
    /// First K x K convolution, on Xq; its requantised output is clamped to u8.
    pub sca1: Conv,
    /// Second K x K convolution, on Z1.
    pub sca2: Conv,
    /// Fraction bits of sca (for reports).
    pub sca_frac_bits: i32,
    /// Fraction bits of TA (for reports).
    pub ta_frac_bits: i32,
    /// The gate.
    pub gate: Gate,
}

/// One residual block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Name from the checkpoint, such as `layer1.0`.
    pub name: String,
    /// First 3x3 convolution, on spikes.
    pub conv1: Conv,
    /// Fraction bits of conv1's requantised output (for reports).
    pub frac_bits1: i32,
    /// Threshold of the LIF after conv1.
    pub threshold1: i16,
    /// Second 3x3 convolution, on spikes.
    pub conv2: Conv,
    /// 1x1 convolution on the residual stream; `None` is the identity.
    pub shortcut: Option<Conv>,
    /// Fraction bits of the residual stream that leaves the block (for reports).
    pub frac_bits: i32,
    /// Threshold of the LIF on the stream that leaves the block; without meaning where the last block has none.
    pub threshold_out: i16,
}

/// What stands in place of the last LIF and the counts: the sum of the stream that leaves the last block over T, H and W,
/// requantised.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pool {
    /// One entry per channel.
    pub requant: Vec<Requant>,
    /// Fraction bits of the requantised sum (for reports).
    pub frac_bits: i32,
}

/// Fully connected head: `conv` is a 1x1 convolution on a 1x1 map of spike counts, or of pooled values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Weights with **one** scale for all classes (otherwise the integer argmax is wrong); `requant` empty.
    pub conv: Conv,
    /// Bias per class in logit units, s32.
    pub bias: Vec<i32>,
    /// Float value of one logit unit (for reports).
    pub scale: f64,
    /// Without the last LIF; `None` where spikes are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<Pool>,
}

/// The whole integer network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Name for people, usually the model file's stem.
    pub name: String,
    /// Timesteps, 2..=16.
    pub t: usize,
    /// Neuron constants.
    pub neuron: Neuron,
    /// Weight width in bits, 8 or 4 (4: all weights within -7..=7).
    pub weight_bits: u8,
    /// Image codes.
    pub input: Input,
    /// Stem.
    pub stem: Stem,
    /// Gated attention encoder; `None` for direct coding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoder: Option<Encoder>,
    /// Residual blocks in order.
    pub blocks: Vec<Block>,
    /// Head.
    pub head: Head,
}

impl Network {
    /// All convolutions in execution order: stem, sca1, sca2 (with an encoder), then per block shortcut (if any), conv1, conv2,
    /// and the head. This order also lays out `weights.bin`.
    pub fn convs(&self) -> Vec<&Conv> {
        let mut out = vec![&self.stem.conv];
        out.extend(self.encoder.iter().flat_map(|e| [&e.sca1, &e.sca2]));
        for b in &self.blocks {
            out.extend(b.shortcut.as_ref());
            out.push(&b.conv1);
            out.push(&b.conv2);
        }
        out.push(&self.head.conv);
        out
    }
    /// As [`Network::convs`], mutable.
    pub fn convs_mut(&mut self) -> Vec<&mut Conv> {
        let mut out = vec![&mut self.stem.conv];
        out.extend(self.encoder.iter_mut().flat_map(|e| [&mut e.sca1, &mut e.sca2]));
        for b in &mut self.blocks {
            out.extend(b.shortcut.as_mut());
            out.push(&mut b.conv1);
            out.push(&mut b.conv2);
        }
        out.push(&mut self.head.conv);
        out
    }
    /// Classes that the network tells apart.
    pub fn classes(&self) -> usize {
        self.head.conv.out_c
    }
    /// Dense synaptic operations of one image: all taps of the spike-fed convolutions, padded ones included, times T.
    pub fn dense_sops(&self) -> u64 {
        self.blocks.iter().map(|b| (b.conv1.dense_ops() + b.conv2.dense_ops()) * self.t as u64).sum()
    }
}
