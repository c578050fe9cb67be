//! What the rest of this crate asks of an FPGA family.

use std::fmt::Debug;

use super::open::{self, OpenTools};
use super::vendor::VendorTools;
use crate::board::{Board, Flow};
use crate::clock::ClockError;
use crate::estimate::{memory, Part};
use spikegate_contract::array::ArrayConfig;

/// How the bitstreams of a family are made.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// With programs that are run here to the end.
    Open(&'a dyn OpenTools),
    /// With the vendor's tool, which the user runs.
    Vendor(&'a dyn VendorTools),
}

/// An FPGA family: what its boards must have, what arrays cost on it, and how its bitstreams are made.
pub trait Family: Debug + Sync {
    /// `device.family` in a board file.
    fn name(&self) -> &'static str;
    /// What people call it.
    fn title(&self) -> &'static str;
    /// How its bitstreams are made.
    fn way(&self) -> Way<'_>;
    /// Commands of Yosys that synthesise sources that were read, without the module to begin with: those of the flow, and
    /// of the arrays that the estimates rest on.
    fn synthesis(&self) -> &'static str;
    /// Leaf cells of the core in a form for the family, where the core's own are not the best.
    fn cells(&self) -> Option<&'static str> {
        None
    }
    /// What arrays are estimated as: cells, block memories and multipliers are this part's.
    fn part(&self) -> Part;
    /// The memories of an array, one by one, and the blocks of this family that each is made of.
    fn memories(&self, array: &ArrayConfig) -> Vec<memory::Line> {
        memory::table(self.part(), array)
    }
    /// What is wrong with a board of this family: the key, what it is, and what it should be.
    fn refuses(&self, _: &Board) -> Option<(&'static str, String, String)> {
        None
    }

    /// The flow, as board files repeat it.
    fn flow(&self) -> Flow {
        match self.way() {
            Way::Open(_) => Flow::Open,
            Way::Vendor(_) => Flow::Vendor,
        }
    }
    /// What is to be done for a bitstream.
    fn make(&self) -> String {
        match self.way() {
            Way::Open(_) => "run `spikegate synth` first".to_owned(),
            Way::Vendor(vendor) => {
                format!("run `spikegate synth`, and {} with the project that it writes", vendor.tool())
            }
        }
    }
    /// Clock of the core in MHz where `mhz` is asked for, the board's own without it.
    ///
    /// # Errors
    /// The board does not have it.
    fn clock(&self, board: &Board, mhz: Option<f64>) -> Result<f64, ClockError> {
        match self.way() {
            Way::Open(tools) => Ok(open::clock(tools, board, None, mhz)?.0.mhz),
            Way::Vendor(vendor) => vendor.clock(board, mhz),
        }
    }
}
