//! The clock that a core gets on a board, or why it gets none: the same for estimates and for bitstreams.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use thiserror::Error;

use crate::families::ecp5::pll::PllError;
use crate::top::TopError;

/// A clock that a board does not have.
#[derive(Debug, Error, PartialEq)]
pub enum ClockError {
    /// The clock generator cannot make it.
    #[error(transparent)]
    Pll(#[from] PllError),
    /// The speed of the host's line cannot be made of it.
    #[error(transparent)]
    Line(#[from] TopError),
    /// It is the PCIe block's.
    #[error("--freq {mhz}: the core of board {board} runs on the clock of its PCIe block, {fixed} MHz")]
    Fixed {
        /// Board.
        board: String,
        /// What was asked for, in MHz.
        mhz: f64,
        /// The block's clock in MHz.
        fixed: f64,
    },
}

impl Failure for ClockError {
    fn kind(&self) -> Kind {
        match self {
            Self::Pll(source) => source.kind(),
            Self::Line(source) => source.kind(),
            Self::Fixed { .. } => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Pll(source) => source.help(),
            Self::Line(source) => source.help(),
            Self::Fixed { .. } => Some("leave --freq out".into()),
        }
    }
}
