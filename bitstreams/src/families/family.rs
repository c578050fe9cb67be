//! What the rest of this crate asks of an FPGA family.

use crate::board::{Board, Flow};
use crate::clock::ClockError;
use crate::estimate::{memory, Part};
use spikegate_contract::array::ArrayConfig;

/// An FPGA family: what its boards must have, what arrays cost on it, and how its bitstreams are made.
pub trait Family: Sync {
    /// `device.family` in a board file.
    fn name(&self) -> &'static str;
    /// What people call it.
    fn title(&self) -> &'static str;
    /// How its bitstreams are made, which a board file repeats.
    fn flow(&self) -> Flow;
    /// What arrays are estimated as: cells, block memories and multipliers are this part's.
    fn part(&self) -> Part;
    /// The memories of an array, one by one, and the blocks of this family that each is made of.
    fn memories(&self, array: &ArrayConfig) -> Vec<memory::Line> {
        memory::table(self.part(), array)
    }
    /// What comes after `spikegate synth`, for a user without a bitstream.
    fn make(&self) -> &'static str;
    /// What is wrong with a board of this family: the key, what it is, and what it should be.
    fn refuses(&self, board: &Board) -> Option<(&'static str, String, String)>;
    /// Clock of the core in MHz where `mhz` is asked for, the board's own without it.
    ///
    /// # Errors
    /// The board does not have it.
    fn clock(&self, board: &Board, mhz: Option<f64>) -> Result<f64, ClockError>;
}
