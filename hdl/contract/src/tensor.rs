//! Named integer tensors: what a golden trace records and what a hardware trace is decoded into.

use serde::{Deserialize, Serialize};

/// An integer tensor with index order (t, c, y, x); unused axes have size 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tensor {
    /// Name, see [`names`].
    pub name: String,
    /// Sizes of (timestep, channel, y, x).
    pub dims: [usize; 4],
    /// Values, `dims.product()` of them.
    pub data: Vec<i64>,
}

impl Tensor {
    /// A tensor of zeros.
    pub fn zeros(name: impl Into<String>, dims: [usize; 4]) -> Self {
        Self { name: name.into(), dims, data: vec![0; dims.iter().product()] }
    }
    /// The one place that flattens a tensor index.
    pub fn index(&self, t: usize, c: usize, y: usize, x: usize) -> usize {
        ((t * self.dims[1] + c) * self.dims[2] + y) * self.dims[3] + x
    }
    /// The inverse of [`Tensor::index`].
    pub fn coordinates(&self, index: usize) -> [usize; 4] {
        let [_, c, h, w] = self.dims;
        [index / (c * h * w), index / (h * w) % c, index / w % h, index % w]
    }
    /// Value at an index.
    pub fn at(&self, t: usize, c: usize, y: usize, x: usize) -> i64 {
        self.data[self.index(t, c, y, x)]
    }
}

/// Names of the tensors of a trace, in execution order. Block tensors are prefixed by the block's name.
pub mod names {
    /// X, s16, (1, C, H, W).
    pub const STEM_X: &str = "stem.x";
    /// Xq, s8, (1, C, H, W).
    pub const STEM_XQ: &str = "stem.xq";
    /// Stem spikes S, (T, C, H, W).
    pub const STEM_SPIKES: &str = "stem.spikes";
    /// Sum and maximum of X: (1, 2, 1, 1).
    pub const STATISTICS: &str = "encoder.statistics";
    /// TA, minus the temporal attention, s16, (T, 1, 1, 1).
    pub const TA: &str = "encoder.ta";
    /// Z1, u8, (1, C, H, W).
    pub const Z1: &str = "encoder.z1";
    /// sca, s16, (1, C, H, W).
    pub const SCA: &str = "encoder.sca";
    /// Y, s16, (T, C, H, W).
    pub const GATE_Y: &str = "gate.y";
    /// Spikes of the LIF on Y, (T, C, H, W).
    pub const GATE_SPIKES: &str = "gate.spikes";
    /// Suffix after a block's name: spikes after conv1, (T, C, H, W).
    pub const SPIKES1: &str = "conv1.spikes";
    /// Suffix: requantised projection shortcut, s16, (T, C, H, W).
    pub const SHORTCUT: &str = "shortcut";
    /// Suffix: residual stream that leaves the block, s16, (T, C, H, W).
    pub const STREAM: &str = "stream";
    /// Suffix: spikes of the LIF on that stream, (T, C, H, W).
    pub const SPIKES: &str = "spikes";
    /// Spike counts per channel, (1, C, 1, 1).
    pub const COUNTS: &str = "head.counts";
    /// Without the last LIF: requantised sums of the stream per channel, s16, (1, C, 1, 1).
    pub const POOLED: &str = "head.pooled";
    /// Logits, s32, (1, classes, 1, 1).
    pub const LOGITS: &str = "head.logits";
}
