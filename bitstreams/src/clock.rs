//! The clock that a core gets on a board, or why it gets none: the same for estimates and for bitstreams.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use thiserror::Error;

use crate::top::TopError;

/// A frequency that a clock generator cannot make.
#[derive(Debug, Error, PartialEq)]
pub enum PllError {
    /// Outside of the limits.
    #[error("the {what} of the clock generator is {got} MHz, expected {low} to {high} MHz")]
    Range {
        /// Which frequency.
        what: &'static str,
        /// What was asked for.
        got: f64,
        /// Lowest.
        low: f64,
        /// Highest.
        high: f64,
    },
    /// No setting comes near.
    #[error("the clock generator cannot make {wanted} MHz from {input} MHz, the nearest is {nearest} MHz")]
    Far {
        /// What was asked for.
        wanted: f64,
        /// Input.
        input: f64,
        /// Nearest output.
        nearest: f64,
    },
}

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

impl Failure for PllError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Range { .. } => Some("ask for another --freq".into()),
            Self::Far { nearest, .. } => Some(format!("ask for --freq {nearest}").into()),
        }
    }
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
