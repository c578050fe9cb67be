//! Lattice ECP5: Yosys, nextpnr-ecp5 and ecppack, run here to the end.

mod constraints;
mod flow;
pub mod pll;

pub use flow::{FlowError, Job, Options, Planned};

pub(crate) use flow::{CARRIES, CELLS_TEXT, SYNTH};

use super::family::Family;
use crate::board::{Board, Flow};
use crate::clock::ClockError;
use crate::estimate::Part;

/// The family.
#[derive(Clone, Copy, Debug)]
pub struct Ecp5;

/// Its name in board files.
const NAME: &str = "ecp5";

/// Devices by nextpnr-ecp5's options for them, without dashes.
const SIZES: [&str; 10] =
    ["12k", "25k", "45k", "85k", "um-25k", "um-45k", "um-85k", "um5g-25k", "um5g-45k", "um5g-85k"];

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
    fn make(&self) -> &'static str {
        "run `spikegate synth` first"
    }
    fn refuses(&self, board: &Board) -> Option<(&'static str, String, String)> {
        let size = board.device.size.as_deref();
        let got = size.map_or("missing".to_owned(), |size| format!("{size:?}"));
        let wrong =
            ("device.size", got, format!("nextpnr-ecp5's option for the device: {}", SIZES.join(", ")));
        (!size.is_some_and(|size| SIZES.contains(&size))).then_some(wrong)
    }
    fn clock(&self, board: &Board, mhz: Option<f64>) -> Result<f64, ClockError> {
        Ok(flow::clock(board, mhz)?.0.output_mhz)
    }
}
