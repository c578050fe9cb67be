//! The families, and what the XDMA block wants otherwise on each.

use crate::estimate::Part;
use crate::families::family::{Family, Way};

/// A family of Vivado's.
#[derive(Clone, Copy, Debug)]
pub struct Series {
    name: &'static str,
    title: &'static str,
    part: Part,
    /// Yosys' commands, for estimates.
    synthesis: &'static str,
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
    synthesis: "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -abc9",
    buffer: "IBUFDS_GTE2",
    own_clock: false,
};

/// Xilinx Kintex UltraScale.
pub static KINTEXU: Series = Series {
    name: "kintexu",
    title: "Xilinx Kintex UltraScale",
    part: Part::Xcup,
    synthesis: "synth_xilinx -family xcup -flatten -noiopad -noclkbuf -abc9",
    buffer: "IBUFDS_GTE3",
    own_clock: true,
};

/// Xilinx Virtex UltraScale+.
pub static VIRTEXUPLUS: Series = Series {
    name: "virtexuplus",
    title: "Xilinx Virtex UltraScale+",
    part: Part::Xcup,
    synthesis: "synth_xilinx -family xcup -flatten -noiopad -noclkbuf -abc9",
    buffer: "IBUFDS_GTE4",
    own_clock: true,
};

impl Family for Series {
    fn name(&self) -> &'static str {
        self.name
    }
    fn title(&self) -> &'static str {
        self.title
    }
    fn way(&self) -> Way<'_> {
        Way::Vendor(self)
    }
    fn synthesis(&self) -> &'static str {
        self.synthesis
    }
    fn part(&self) -> Part {
        self.part
    }
}
