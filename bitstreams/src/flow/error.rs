//! A bitstream that could not be made.

use std::borrow::Cow;
use thiserror::Error;

use crate::clock::ClockError;
use crate::files::FileError;
use crate::netlist::NetlistError;
use crate::report::{Clock, ReportError, Seed};
use crate::tools::ToolError;
use crate::top::TopError;
use spikegate_contract::failure::{Failure, Kind};

/// A bitstream that could not be made.
#[derive(Debug, Error)]
pub enum FlowError {
    /// The board has another flow.
    #[error("board {board} has the vendor's flow")]
    Board {
        /// Board.
        board: String,
    },
    /// The design does not fit the board's top.
    #[error(transparent)]
    Top(#[from] TopError),
    /// The clock cannot be made.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// A tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A module that does not follow our rules: a fault in this program.
    #[error("the UART bridge cannot be written: {0}")]
    Bridge(#[from] spikegate_hdl::lang::verilog::LintError),
    /// More than the device holds.
    #[error("the design needs {used} {what}, {board} has {available}")]
    TooLarge {
        /// Board.
        board: String,
        /// Kind of block.
        what: String,
        /// Needed, at least.
        used: u64,
        /// There are.
        available: u64,
        /// Arguments of `compile` for the largest smaller array that fits by estimate.
        smaller: Option<String>,
    },
    /// The netlist cannot be read.
    #[error(transparent)]
    Netlist(#[from] NetlistError),
    /// The clock is too fast.
    #[error(
        "no seed of {} meets {wanted} MHz on {board}; the best is {best:.2} MHz with seed {seed}, worst path {path}",
        tried.len()
    )]
    Timing {
        /// Board.
        board: String,
        /// Wanted clock in MHz.
        wanted: f64,
        /// Best result in MHz.
        best: f64,
        /// Its seed.
        seed: u32,
        /// Its slowest path.
        path: String,
        /// All seeds.
        tried: Vec<Seed>,
    },
    /// A clock beside the core's is too fast.
    #[error(
        "no seed of {seeds} meets {} MHz of the clock {} on {board}; the best is {:.2} MHz with seed {seed}",
        clock.mhz, clock.name, clock.fmax_mhz
    )]
    OtherClock {
        /// Board.
        board: String,
        /// The clock, with the best result.
        clock: Clock,
        /// Its seed.
        seed: u32,
        /// All that were tried.
        seeds: u32,
    },
    /// The tool worked towards another clock.
    #[error(
        "place and route worked towards {got} MHz, expected {wanted} MHz: the constraint did not reach it"
    )]
    Constraint {
        /// Wanted clock in MHz.
        wanted: f64,
        /// What it worked towards, in MHz.
        got: f64,
    },
}

/// What to do about a design that is too large; `smaller` are arguments of `compile`.
fn advice(smaller: Option<&str>) -> String {
    smaller.map_or("compile the model for a smaller array (--array)".to_owned(), |arguments| {
        format!("compile the model for {arguments}, which fits by estimate")
    })
}

impl Failure for FlowError {
    fn kind(&self) -> Kind {
        match self {
            Self::Top(source) => source.kind(),
            Self::Clock(source) => source.kind(),
            Self::Tool(source) => source.kind(),
            Self::File(source) => source.kind(),
            Self::Report(source) => source.kind(),
            Self::Netlist(source) => source.kind(),
            Self::Bridge(..) => Kind::Bug,
            Self::TooLarge { .. } | Self::Timing { .. } | Self::OtherClock { .. } => Kind::Check,
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Board { .. } => Some("leave its bitstream to the vendor's tool".into()),
            Self::Top(source) => source.help(),
            Self::Clock(source) => source.help(),
            Self::Tool(source) => source.help(),
            Self::File(source) => source.help(),
            Self::Report(source) => source.help(),
            Self::Bridge(..) => Some("report this".into()),
            Self::TooLarge { smaller, .. } => {
                Some(format!("{}, or choose a larger board", advice(smaller.as_deref())).into())
            }
            Self::Netlist(source) => source.help(),
            Self::Timing { best, .. } => {
                Some(format!("ask for --freq {} or less, or for more --seeds", best.floor()).into())
            }
            Self::OtherClock { .. } => Some(
                "its frequency is fixed: try more --seeds, or compile the model for a smaller array".into(),
            ),
            Self::Constraint { .. } => Some("compare the port names of board_top.v and board.lpf".into()),
        }
    }
}
