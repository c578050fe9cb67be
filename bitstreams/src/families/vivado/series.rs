//! The families, and what the XDMA block wants otherwise on each.

use crate::board::{Board, Flow};
use crate::clock::ClockError;
use crate::estimate::Part;
use crate::families::family::Family;

/// A family of Vivado's.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    name: &'static str,
    title: &'static str,
    part: Part,
    /// Buffer of the reference clock.
    pub(super) buffer: &'static str,
    /// Whether the transceivers take the reference clock itself beside the block's copy, and a quad can be chosen.
    pub(super) own_clock: bool,
}

/// Xilinx Artix-7.
pub static ARTIX7: Series = Series {
    name: "artix7",
    title: "Xilinx Artix-7",
    part: Part::Xc7,
    buffer: "IBUFDS_GTE2",
    own_clock: false,
};

/// Xilinx Kintex UltraScale.
pub static KINTEXU: Series = Series {
    name: "kintexu",
    title: "Xilinx Kintex UltraScale",
    part: Part::Xcup,
    buffer: "IBUFDS_GTE3",
    own_clock: true,
};

/// Xilinx Virtex UltraScale+.
pub static VIRTEXUPLUS: Series = Series {
    name: "virtexuplus",
    title: "Xilinx Virtex UltraScale+",
    part: Part::Xcup,
    buffer: "IBUFDS_GTE4",
    own_clock: true,
};

/// The family of a board, where it is one of these.
pub(super) fn of(board: &Board) -> Option<&'static Series> {
    [&ARTIX7, &KINTEXU, &VIRTEXUPLUS].into_iter().find(|series| series.name == board.device.family)
}

impl Family for Series {
    fn name(&self) -> &'static str {
        self.name
    }
    fn title(&self) -> &'static str {
        self.title
    }
    fn flow(&self) -> Flow {
        Flow::Vendor
    }
    fn part(&self) -> Part {
        self.part
    }
    fn make(&self) -> &'static str {
        "run `spikegate synth`, and Vivado with the project that it writes"
    }
    fn refuses(&self, _: &Board) -> Option<(&'static str, String, String)> {
        None
    }
    fn clock(&self, board: &Board, mhz: Option<f64>) -> Result<f64, ClockError> {
        let fixed = board.core_mhz;
        // Not with NaN either.
        if mhz.is_none_or(|mhz| (mhz - fixed).abs() <= 1e-6) {
            return Ok(fixed);
        }
        Err(ClockError::Fixed { board: board.id.clone(), mhz: mhz.unwrap_or_default(), fixed })
    }
}
