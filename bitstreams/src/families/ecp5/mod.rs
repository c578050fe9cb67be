//! Lattice ECP5: Yosys, nextpnr-ecp5 and ecppack, run here to the end.

mod carries;
mod constraints;
pub mod pll;
mod tools;

use super::family::{Family, Way};
use crate::board::Board;
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
    fn way(&self) -> Way<'_> {
        Way::Open(self)
    }
    fn synthesis(&self) -> &'static str {
        "synth_ecp5 -abc9"
    }
    fn cells(&self) -> Option<&'static str> {
        Some(include_str!("cells.v"))
    }
    fn part(&self) -> Part {
        Part::Ecp5
    }
    fn refuses(&self, board: &Board) -> Option<(&'static str, String, String)> {
        let size = board.device.size.as_deref();
        let got = size.map_or("missing".to_owned(), |size| format!("{size:?}"));
        let wrong =
            ("device.size", got, format!("nextpnr-ecp5's option for the device: {}", SIZES.join(", ")));
        (!size.is_some_and(|size| SIZES.contains(&size))).then_some(wrong)
    }
}
