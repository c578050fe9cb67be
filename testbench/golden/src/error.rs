//! Everything that can be wrong with a network or an image.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;

/// Why a network was not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GoldenError {
    /// A part of the network is missing, of the wrong length or out of its range.
    #[error("{layer}: {what} is {got}, expected {expected}")]
    Invalid {
        /// Layer, or `network`.
        layer: String,
        /// Which property.
        what: String,
        /// Its value.
        got: i128,
        /// What it must be.
        expected: String,
    },
    /// The image has another size than the network's input.
    #[error("the image has {got} pixel values, the network takes {expected}")]
    Pixels {
        /// Values given.
        got: usize,
        /// Channels x height x width.
        expected: usize,
    },
    /// A sum left the 32 bits that the hardware has for it.
    #[error("{layer}: the sum {value} of channel {channel} leaves 32 bits")]
    Accumulator {
        /// Layer.
        layer: String,
        /// Output channel.
        channel: usize,
        /// The exact sum, or the largest possible one.
        value: i64,
    },
}

impl Failure for GoldenError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Accumulator { .. } => Some("scale the weights down".into()),
            Self::Invalid { .. } | Self::Pixels { .. } => None,
        }
    }
}
