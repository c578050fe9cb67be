//! Lattice ECP5: Yosys, nextpnr-ecp5 and ecppack, run here to the end.

mod constraints;
mod flow;
pub mod pll;

pub use flow::{FlowError, Job, Options, Planned};

pub(crate) use flow::CELLS_TEXT;

use super::family::Family;
use crate::board::{Board, Flow};
use crate::estimate::Part;
use crate::tools::Tool;

/// The family.
#[derive(Clone, Copy, Debug)]
pub struct Ecp5;

/// Its name in board files.
const NAME: &str = "ecp5";

impl Family for Ecp5 {
    fn name(&self) -> &'static str {
        NAME
    }
    fn title(&self) -> &'static str {
        "Lattice ECP5"
    }
    fn flow(&self) -> Flow {
        Flow::Open
    }
    fn part(&self) -> Part {
        flow::PART
    }
    fn tools(&self) -> &'static [Tool] {
        &flow::TOOLS
    }
    fn make(&self) -> &'static str {
        "run `spikegate synth` first"
    }
    fn lacks(&self, board: &Board) -> Option<(&'static str, &'static str)> {
        let size = ("device.size", "nextpnr-ecp5's option for the device, such as 85k");
        board.device.size.is_none().then_some(size)
    }
    fn constraints(&self, board: &Board) -> String {
        constraints::lpf(board)
    }
}
