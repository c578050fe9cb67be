//! FPGA families, a folder each. Another one is a folder with a [`Family`] and a line in [`TABLE`]; another board of one
//! that is here is a TOML file, see `BOARDS.md`.

pub mod ecp5;
mod family;
pub mod vivado;

pub use family::Family;

use crate::board::Board;

/// All families.
pub static TABLE: [&dyn Family; 4] = [&ecp5::Ecp5, &vivado::ARTIX7, &vivado::KINTEXU, &vivado::VIRTEXUPLUS];

/// Their names in board files.
pub fn names() -> Vec<&'static str> {
    TABLE.iter().map(|family| family.name()).collect()
}

/// The family of a board; every board that was read has one.
pub fn of(board: &Board) -> Option<&'static dyn Family> {
    TABLE.into_iter().find(|family| family.name() == board.device.family)
}
