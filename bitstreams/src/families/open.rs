//! What the open flow asks of a family: its programs, and what they are told.
//!
//! For every family Yosys synthesises and a nextpnr places and routes, which share most of their options; the rest is
//! here. [`crate::flow`] runs them.

use std::fmt::Debug;
use std::path::Path;

use serde_json::Value;

use crate::board::Board;
use crate::clock::ClockError;
use crate::controller::Controller;
use crate::crossing::Clocking;
use crate::netlist::NetlistError;
use crate::tools::Tool;
use crate::top;

/// A clock generator.
#[derive(Clone, Debug, PartialEq)]
pub struct Generator {
    /// Clock of the core in MHz.
    pub mhz: f64,
    /// The module `board_pll`: `clkin` to `clkout`, `locked` when the output is stable.
    pub verilog: String,
}

/// A file that place and route reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraints {
    /// Name of it in the board's folder.
    pub name: &'static str,
    /// Pins and oscillator.
    pub text: String,
}

/// The programs of the open flow for a family.
pub trait OpenTools: Debug + Sync {
    /// Place and route: a nextpnr.
    fn place(&self) -> &'static Tool;
    /// What makes a bitstream of a placed and routed design.
    fn pack(&self) -> &'static Tool;
    /// The clock generator that makes `mhz` of a board's oscillator, or comes near.
    ///
    /// # Errors
    /// Nothing comes near.
    fn generator(&self, board: &Board, mhz: f64) -> Result<Generator, ClockError>;
    /// The constraints of a board, and of the memory that its top connects to the design.
    fn constraints(&self, board: &Board, memory: Option<&Controller>) -> Constraints;
    /// Makes the netlist of synthesis what place and route should see; `path` names it in messages.
    ///
    /// # Errors
    /// It is no netlist.
    fn mend(&self, path: &Path, netlist: &mut Value) -> Result<(), NetlistError>;
    /// The nextpnr's own options: the device, the file of constraints, and the file for the routed design.
    fn place_args(&self, board: &Board, constraints: &str, routed: &str) -> Vec<String>;
    /// Arguments that make a bitstream of the routed design.
    fn pack_args(&self, routed: &str, bitstream: &str) -> Vec<String>;
    /// What the nextpnr's report calls look-up tables, flip-flops, block memories and multipliers.
    fn blocks(&self) -> [&'static str; 4];
}

/// The clock of a design, in MHz what is asked for or the board's own, and the cycles of a bit on the host's line. Where it is
/// that of the memory's controller, the PHY makes it, and there is no generator.
///
/// # Errors
/// The board cannot make it.
pub fn clock(
    tools: &dyn OpenTools,
    board: &Board,
    memory: Option<&Controller>,
    mhz: Option<f64>,
) -> Result<(Generator, u32), ClockError> {
    let mhz = mhz.unwrap_or(board.core_mhz);
    let generator = match memory.map(|controller| controller.clocking(mhz)) {
        Some(Clocking::Shared) => Generator { mhz, verilog: String::new() },
        _ => tools.generator(board, mhz)?,
    };
    let divider = top::divider(board, generator.mhz)?;
    Ok((generator, divider))
}
