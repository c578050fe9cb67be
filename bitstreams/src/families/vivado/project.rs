//! The vendor's flow: a Vivado project for a PCIe board, to be run by the user.
//!
//! | file in the board's folder | what |
//! | --- | --- |
//! | `build.tcl` | `vivado -mode batch -source build.tcl` makes `spikegate.bit`, and fails where the timing is not met |
//! | `board.xdc`, `early.xdc` | pins, clock, properties; transceivers, read before the PCIe block's own constraints |
//! | `board_top.v`, `stream_width.v`, `spikegate.v` | the sources |

use std::borrow::Cow;
use thiserror::Error;

use super::series;
use super::{constraints, link::Link, script, top};
use crate::board::{Board, Host};
use crate::clock::ClockError;
use crate::families::family::Family;
use crate::files::{hash, FileError};
use crate::held::Held;
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::failure::{Failure, Kind};

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
    /// The project of a design (its Verilog with the top module `spikegate`, and its array) for a board; `mhz` is the
    /// clock that the user asked for.
    ///
    /// # Errors
    /// The board has another flow or no memory for the design, or another clock was asked for.
    pub fn new(
        board: &Board,
        verilog: &str,
        array: &ArrayConfig,
        mhz: Option<f64>,
    ) -> Result<Self, VendorError> {
        let Host::Pcie { lanes, generation, axi_bits, device_id, location, quad, channels } = &board.host
        else {
            return Err(VendorError::Board { board: board.id.clone() });
        };
        let series = series::of(board).ok_or_else(|| VendorError::Board { board: board.id.clone() })?;
        series.clock(board, mhz)?;
        if array.memory_bits > 0 {
            return Err(VendorError::Memory { board: board.id.clone(), bits: array.memory_bits });
        }
        let link = Link {
            series,
            lanes: *lanes,
            generation: *generation,
            axi_bits: *axi_bits,
            device_id: *device_id,
            location,
            quad: quad.as_ref(),
            channels,
        };
        let mut files = vec![
            ("spikegate.v".to_owned(), verilog.to_owned()),
            ("stream_width.v".to_owned(), spikegate_hdl::stream_width(*axi_bits as usize / 32)?),
            ("board_top.v".to_owned(), top::verilog(board, &link)),
            ("board.xdc".to_owned(), constraints::xdc(board)),
        ];
        if !channels.is_empty() {
            files.push(("early.xdc".to_owned(), script::early_xdc(&link)));
        }
        let names: Vec<String> = files.iter().map(|(name, _)| name.clone()).collect();
        let stamp = hash(verilog.as_bytes());
        files.push(("build.tcl".to_owned(), script::tcl(board, &link, &names, &stamp)));
        Ok(Self { files })
    }

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
