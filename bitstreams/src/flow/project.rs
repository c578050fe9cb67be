//! The vendor's flow: a project.

use crate::board::Board;
use crate::families::{self, Project, VendorError, Way};
use spikegate_contract::array::ArrayConfig;

/// The project of a design (its Verilog with the top module `spikegate`, and its array) for a board; `mhz` is the clock
/// that the user asked for.
///
/// # Errors
/// The board has another flow or no memory for the design, or another clock was asked for.
pub fn project(
    board: &Board,
    verilog: &str,
    array: &ArrayConfig,
    mhz: Option<f64>,
) -> Result<Project, VendorError> {
    let Some(Way::Vendor(vendor)) = families::of(board).map(|family| family.way()) else {
        return Err(VendorError::Board { board: board.id.clone() });
    };
    vendor.clock(board, mhz)?;
    vendor.project(board, verilog, array)
}
