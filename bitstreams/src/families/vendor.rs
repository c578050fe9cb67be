//! What the vendor's flow asks of a family: a project for a tool that the user runs.

use std::borrow::Cow;
use std::fmt::Debug;
use thiserror::Error;

use crate::board::Board;
use crate::clock::ClockError;
use crate::files::FileError;
use crate::held::Held;
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::failure::{Failure, Kind};

/// The vendor's tool.
pub trait VendorTools: Debug + Sync {
    /// What it is called.
    fn tool(&self) -> &'static str;
    /// The command that makes the bitstream, in the project's folder.
    fn command(&self) -> &'static str;
    /// Clock of the core in MHz where `mhz` is asked for, the board's own without it.
    ///
    /// # Errors
    /// The board does not have it.
    fn clock(&self, board: &Board, mhz: Option<f64>) -> Result<f64, ClockError>;
    /// The project of a design (its Verilog with the top module `spikegate`, and its array) for a board.
    ///
    /// # Errors
    /// The board has another flow or no memory for the design.
    fn project(&self, board: &Board, verilog: &str, array: &ArrayConfig) -> Result<Project, VendorError>;
}

/// A project that cannot be made.
#[derive(Debug, Error)]
pub enum VendorError {
    /// The board has another flow.
    #[error("board {board} has the open flow")]
    Board {
        /// Board.
        board: String,
    },
    /// The clock is another one.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The design wants an external memory.
    #[error(
        "the design has a memory port of {bits} bits, but the project for board {board} connects no memory"
    )]
    Memory {
        /// Board.
        board: String,
        /// Port.
        bits: usize,
    },
    /// A module that does not follow our rules: a fault in this program.
    #[error("the stream stages cannot be written: {0}")]
    Stages(#[from] spikegate_hdl::lang::verilog::LintError),
}

/// The files of a project.
#[derive(Clone, Debug)]
pub struct Project {
    /// Name and text of each file.
    pub files: Vec<(String, String)>,
}

impl Project {
    /// Writes the project; files that are as they should be are left alone.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Held) -> Result<(), FileError> {
        self.files.iter().try_for_each(|(name, text)| folder.write(name, text.as_bytes()))
    }
}

impl Failure for VendorError {
    fn kind(&self) -> Kind {
        match self {
            Self::Clock(source) => source.kind(),
            Self::Stages(..) => Kind::Bug,
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Board { .. } => Some("the vendor's flow is for boards with PCIe".into()),
            Self::Clock(source) => source.help(),
            Self::Memory { .. } => Some("compile the model without --memory".into()),
            Self::Stages(..) => Some("report this".into()),
        }
    }
}
