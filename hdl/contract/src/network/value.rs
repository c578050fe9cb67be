//! What a node's tensor holds.

use serde::{Deserialize, Serialize};

/// The form of a tensor. A map has index order (t, c, y, x), see [`crate::tensor::Tensor`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Value {
    /// Channels, height, width.
    pub shape: [usize; 3],
    /// One map for every timestep; otherwise one for the image.
    pub timed: bool,
    /// What each value is.
    pub form: Form,
    /// Fraction bits, for reports; no arithmetic uses them. `None` where a value is no fixed-point number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frac_bits: Option<i32>,
}

/// What a value is, and what hardware reads: codes and spikes are read plane by plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A number of few bits.
    Code {
        /// Bits, the sign included; 1..=16.
        bits: u8,
        /// Two's complement.
        signed: bool,
    },
    /// 0 or 1.
    Spikes,
    /// s16: a current, a membrane stream, an attention.
    Stream,
    /// Two values: a sum of s16 values in s40, and their maximum in s16.
    Statistics,
    /// Number of spikes of a channel over T, H and W, at most `largest`.
    Counts {
        /// T * H * W of the counted map.
        largest: u32,
    },
    /// s32.
    Logits,
}

impl Form {
    /// Smallest and largest value.
    pub fn range(self) -> (i64, i64) {
        let signed = |bits: u8| (-(1i64 << (bits - 1)), (1i64 << (bits - 1)) - 1);
        match self {
            Form::Code { bits, signed: true } => signed(bits),
            Form::Code { bits, signed: false } => (0, (1i64 << bits) - 1),
            Form::Spikes => (0, 1),
            Form::Stream => signed(16),
            Form::Statistics => signed(40),
            Form::Counts { largest } => (0, largest.into()),
            Form::Logits => signed(32),
        }
    }
}

impl Value {
    /// A map of the image, the same in every timestep.
    pub fn still(shape: [usize; 3], form: Form) -> Self {
        Self { shape, timed: false, form, frac_bits: None }
    }
    /// A map for every timestep.
    pub fn timed(shape: [usize; 3], form: Form) -> Self {
        Self { shape, timed: true, form, frac_bits: None }
    }
    /// The same with fraction bits.
    pub fn with_frac_bits(self, bits: i32) -> Self {
        Self { frac_bits: Some(bits), ..self }
    }
    /// Values of one map.
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }
    /// Whether an extent is zero.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
