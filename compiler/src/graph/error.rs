//! Why a network does not fit together.

use super::{MapShape, Padding, Value};
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;

/// A part of a network that does not fit the rest.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A number outside the range the operations allow.
    #[error("{what} is {got}, expected {expected}")]
    OutOfRange {
        /// The quantity, e.g. `the leak shift`.
        what: String,
        /// Its allowed values.
        expected: String,
        /// Its value.
        got: String,
    },
    /// A weight or vector with the wrong extents.
    #[error("`{node}` {what}: expected {expected:?}, got {got:?}")]
    Shape {
        /// Name of the node.
        node: String,
        /// Which of its arrays.
        what: &'static str,
        /// Extents that fit what the node reads.
        expected: Vec<usize>,
        /// Extents it has.
        got: Vec<usize>,
    },
    /// An operation on a tensor that it is not defined on.
    #[error("`{node}` reads `{source_name}`, {got}; expected {expected}")]
    Reads {
        /// Name of the node.
        node: String,
        /// What it reads.
        source_name: String,
        /// What that is.
        got: Value,
        /// What the operation is defined on.
        expected: &'static str,
    },
    /// A convolution that leaves no output pixel, or steps over the whole map.
    #[error(
        "`{node}`: a {kernel}x{kernel} kernel with stride {stride} does not fit its {input} input: the feature map \
         vanishes"
    )]
    MapVanishes {
        /// Name of the node.
        node: String,
        /// Kernel side.
        kernel: usize,
        /// Stride.
        stride: usize,
        /// Input map.
        input: MapShape,
    },
    /// A sum of maps of different extents: a block whose output cannot be added to its input, and that has no projection.
    #[error("`{node}` adds {first} and {second}: a block without a projection (no downsample) needs equal extents")]
    UnequalSummands {
        /// Name of the node.
        node: String,
        /// First map.
        first: MapShape,
        /// Second map.
        second: MapShape,
    },
    /// Padding other than 'same'.
    #[error("`{node}`: padding is {got:?}, {kernel}x{kernel} convolutions have {expected:?} here")]
    Padding {
        /// Name of the node.
        node: String,
        /// Kernel side.
        kernel: usize,
        /// 'Same' padding.
        expected: Padding,
        /// What was given.
        got: Padding,
    },
    /// NaN or infinity, or a negative variance.
    #[error("`{node}` {what}[{index}] is {value}, expected {expected}")]
    BadNumber {
        /// Name of the node.
        node: String,
        /// Which of its arrays.
        what: &'static str,
        /// Flat index.
        index: usize,
        /// The number.
        value: f32,
        /// What it should have been.
        expected: &'static str,
    },
    /// One timestep leaves the encoder's temporal attention without hidden units.
    #[error(
        "T = 1: the encoder's temporal attention has T/2 = 0 hidden units at one timestep, so its gate would be \
         constant"
    )]
    OneTimestep,
}

/// A [`GraphError::OutOfRange`].
pub(super) fn out_of_range(what: &str, expected: &str, got: impl ToString) -> GraphError {
    GraphError::OutOfRange { what: what.to_owned(), expected: expected.to_owned(), got: got.to_string() }
}

impl Failure for GraphError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::MapVanishes { .. } => Some("use a larger image, a smaller kernel or fewer strides".into()),
            Self::UnequalSummands { .. } => Some("check the strides, or export its `downsample.*`".into()),
            Self::OneTimestep => Some("train with T of at least 2".into()),
            Self::OutOfRange { .. }
            | Self::Shape { .. }
            | Self::Reads { .. }
            | Self::Padding { .. }
            | Self::BadNumber { .. } => None,
        }
    }
}
