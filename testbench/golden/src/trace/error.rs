//! A dump that cannot be decoded.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use thiserror::Error;

/// A dump that does not have the form that the plan promises.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum TraceError {
    /// Another number of packets.
    #[error("the trace has {got} dumps, the plan promises {expected}")]
    Count {
        /// Packets received.
        got: usize,
        /// Dumps planned.
        expected: usize,
    },
    /// A wrong word in a packet.
    #[error("dump of {tensor}: {field} is {got:#x}, expected {expected:#x}")]
    Word {
        /// Tensor.
        tensor: String,
        /// Which word.
        field: &'static str,
        /// Found.
        got: u64,
        /// Expected.
        expected: u64,
    },
    /// A spike where no timestep is.
    #[error("dump of {tensor}: word {word} has spikes {bits:#x} beyond the last timestep")]
    Stray {
        /// Tensor.
        tensor: String,
        /// Word.
        word: usize,
        /// Bits.
        bits: u32,
    },
    /// A value wider than the memory that it comes from.
    #[error("dump of {tensor}: word {word} is {value:#x}, more than {bits} bits")]
    Wide {
        /// Tensor.
        tensor: String,
        /// Word.
        word: usize,
        /// The word.
        value: u32,
        /// Bits of a word of this form.
        bits: usize,
    },
    /// A plan or array configuration that nothing can be decoded with.
    #[error("dump of {tensor}: {what}")]
    Plan {
        /// Tensor.
        tensor: String,
        /// What is wrong.
        what: &'static str,
    },
    /// [`encode`](super::encode) lacks a tensor of the plan, or it has another shape.
    #[error("no tensor {tensor} of the planned shape")]
    Missing {
        /// Tensor.
        tensor: String,
    },
}

impl Failure for TraceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Plan { .. } => Kind::Input,
            Self::Missing { .. } => Kind::Bug,
            _ => Kind::Check,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Count { .. } | Self::Plan { .. } => Some("compile the model again".into()),
            Self::Word { .. } | Self::Stray { .. } | Self::Wide { .. } | Self::Missing { .. } => None,
        }
    }
}
