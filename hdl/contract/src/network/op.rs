//! The operations, each with its arithmetic.

use serde::{Deserialize, Serialize};

use super::Neuron;

/// What a node computes. Every variant's page says what it reads and makes; `x` is its first input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Op {
    /// The image as signed codes of 9 bits, one map: `code[c,y,x] = pixel[c,y,x] - offset[c]`. Zero padding is code 0.
    Input {
        /// Per channel the pixel value that maps to code 0, `round(255 * mean)`, 0..=255.
        offset: Vec<u8>,
    },
    /// Cross-correlation with zero padding, requantised: for output channel c
    /// `sat16((acc * m[c] + b[c] + half) >> s[c])`, `half = 1 << (s[c] - 1)`, where `acc` is the exact sum, proven from the
    /// weights to fit s32. Reads codes, spikes or a stream; makes a stream, timed as `x` is.
    Conv(Conv),
    /// `clamp(round(x, shift))`, or `clamp(x >> shift)` where nothing is rounded, to the range of the node's code. Reads a
    /// stream; makes a code, timed as `x` is. An unsigned code is the ReLU too: values below zero become zero, and do not
    /// count as saturated.
    Code {
        /// Right shift, 0..=15.
        shift: u8,
        /// What happens to the bits that are shifted out.
        rounding: Rounding,
    },
    /// Leaky integrate and fire. With state v starting at 0 for every image and neuron, per timestep:
    /// `u = sat16(v + x)`; `fire = u > threshold` (or `>=`, [`super::Neuron::fire`]); `v = (fire ? rest : u) >> leak_shift`,
    /// floor, where `rest` is 0 or, of a soft reset ([`super::Neuron::reset`]), `u - threshold`. What fires is not below its
    /// threshold, so that `rest` is 0 to 32766: nothing saturates there, and one spike a timestep is all that a neuron
    /// gives, however far above its threshold it is. A `leak_shift` of 0 is no leak: `u = sat16(v + x)`, `v = u`.
    /// (The same recurrence as `u = sat16(((s ? rest : u) >> k) + x)`.) Neurons that take `x / tau` for `x`, with a leak of
    /// `1 - 1 / tau`, fire as these do with a threshold `tau` times as high: their membrane is `1 / tau` of this one's. Reads
    /// a stream, an untimed one at every timestep; makes timed spikes.
    Lif {
        /// In units of `x`, 0 < threshold < 32767.
        threshold: i16,
        /// Constants of its own; those of [`super::Network::neuron`] where it has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        neuron: Option<Neuron>,
    },
    /// Sum (s40) and maximum (s16) of an untimed stream over C, H and W: shape (2, 1, 1).
    Statistics,
    /// With `ca = sum >= 0 ? mean_pos[t] : -mean_neg[t]` and `cm = max >= 0 ? max_pos[t] : -max_neg[t]`:
    /// `TA[t] = sat16(round(sum * ca + ((max * cm) << max_align), ta_shift))`, exact before the rounding (s66). Reads
    /// statistics; makes a timed stream of shape (1, 1, 1).
    ///
    /// The quantiser gives the constants the opposite sign: TA is **minus** the paper's F_T(X), see [`Op::Gate`].
    TemporalAttention(TemporalAttention),
    /// Reads temporal attention, spatial attention (an untimed stream) and spikes, all of the spikes' map; makes a timed
    /// stream. `z = sat16((TA[t] * sca) >> z_shift)`, floor: z < 0 if and only if the product is below zero. As TA is minus
    /// the attention, these are the arguments above zero of the sigmoid, for which `G` is above one half: where the
    /// threshold is one half, their neurons fire and no others do.
    /// `G = table[clamp(z, -512, 511) + 512]`, `table_bits` wide, unsigned: table and z_shift choose what a step of z is.
    /// `Y[t] = spikes[t] ? G << y_shift : 0`.
    Gate(Gate),
    /// The same map at every timestep: an untimed stream becomes a timed one.
    Repeat,
    /// `sat16(a + b)` of two timed streams of one shape.
    Add,
    /// `count[c]` = number of spikes over T, H and W: shape (C, 1, 1), untimed.
    Count,
    /// `pooled[c] = requantise(sum of x over T, H, W)` as in [`Op::Conv`], the sum exact in s40. Reads a timed stream; makes
    /// an untimed one of shape (C, 1, 1).
    Pool {
        /// One entry per channel.
        requant: Vec<Requant>,
    },
    /// `logit[k] = bias[k] + sum_c weight[k,c] * x[c]`, s32. Reads counts, or an untimed stream of shape (C, 1, 1).
    Linear(Linear),
}

impl Op {
    /// Number of inputs.
    pub fn arity(&self) -> usize {
        match self {
            Op::Input { .. } => 0,
            Op::Gate(_) => 3,
            Op::Add => 2,
            _ => 1,
        }
    }
    /// What it is called in messages.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input { .. } => "input",
            Op::Conv(_) => "convolution",
            Op::Code { .. } => "code",
            Op::Lif { .. } => "LIF",
            Op::Statistics => "statistics",
            Op::TemporalAttention(_) => "temporal attention",
            Op::Gate(_) => "gate",
            Op::Repeat => "repeat",
            Op::Add => "addition",
            Op::Count => "count",
            Op::Pool { .. } => "pooling",
            Op::Linear(_) => "linear layer",
        }
    }
}

/// What happens to bits that are shifted out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// `round(v, s)`.
    HalfUp,
    /// `v >> s`.
    Floor,
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

/// A convolution; its maps are those of its node's input and value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conv {
    /// Kernel size K (square), 1..=8.
    pub k: usize,
    /// Stride, 1 or 2.
    pub stride: usize,
    /// Zero rows above (and columns left of) the map, at most K - 1. Rows below follow from the output size.
    pub pad: usize,
    /// Width of its weights in bits, 2..=8.
    pub weight_bits: u8,
    /// Weights, index `((o * in_c + i) * k + ky) * k + kx`, within [`super::weight_range`].
    #[serde(skip)]
    pub weights: Vec<i8>,
    /// One entry per output channel.
    pub requant: Vec<Requant>,
}

/// Constants of temporal attention, one entry per timestep, of the sign that [`Op::TemporalAttention`] says.
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

/// The gate's constants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// `z = sat16((TA * sca) >> z_shift)`, 0..=31.
    pub z_shift: u8,
    /// 1024 entries of `table_bits` bits, `table[z + 512]`.
    pub table: Vec<u16>,
    /// Width of a table entry, 8..=12; also the fraction bits of G.
    pub table_bits: u8,
    /// `Y = G << y_shift`; `table_bits + y_shift <= 15`.
    pub y_shift: u8,
}

/// A fully connected layer with **one** scale for all outputs (otherwise the integer argmax is wrong).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Linear {
    /// Width of its weights in bits, 2..=8.
    pub weight_bits: u8,
    /// Weights, index `k * in_c + c`, within [`super::weight_range`].
    #[serde(skip)]
    pub weights: Vec<i8>,
    /// Bias per output in its unit, s32.
    pub bias: Vec<i32>,
    /// Float value of one unit of the output (for reports).
    pub scale: f64,
}
