//! FPGA families, a folder each. Another one is a folder with a [`Family`] and a line in [`TABLE`]; another board of one
//! that is here is a TOML file, see `BOARDS.md`.

pub mod ecp5;
mod family;
mod open;
mod vendor;
pub mod vivado;

pub use family::{Family, Way};
pub use open::{clock, Constraints, Generator, OpenTools};
pub use vendor::{Project, VendorError, VendorTools};

use crate::board::Board;
use crate::estimate::Part;

/// All families.
pub static TABLE: [&dyn Family; 4] = [&ecp5::Ecp5, &vivado::ARTIX7, &vivado::KINTEXU, &vivado::VIRTEXUPLUS];

/// Their names in board files.
pub fn names() -> Vec<&'static str> {
    TABLE.iter().map(|family| family.name()).collect()
}

/// A family whose arrays are estimated as this part.
pub fn with(part: Part) -> Option<&'static dyn Family> {
    TABLE.into_iter().find(|family| family.part() == part)
}

/// The family of a board; every board that was read has one.
pub fn of(board: &Board) -> Option<&'static dyn Family> {
    TABLE.into_iter().find(|family| family.name() == board.device.family)
}
