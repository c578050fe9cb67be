//! What the rest of this crate asks of an FPGA family.

use crate::board::{Board, Flow};
use crate::estimate::Part;
use crate::tools::Tool;

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
    /// Programs of its flow that are run here, in order; none where the user runs them.
    fn tools(&self) -> &'static [Tool];
    /// What comes after `spikegate synth`, for a user without a bitstream.
    fn make(&self) -> &'static str;
    /// What a board of this family lacks: the key, and what it should be.
    fn lacks(&self, board: &Board) -> Option<(&'static str, &'static str)>;
    /// Pins and clocks in the form that the family's tools read.
    fn constraints(&self, board: &Board) -> String;
}
