//! What arrays are estimated as: families whose synthesis makes the same of them.

use serde::{Deserialize, Serialize};

/// FPGA families that arrays have been synthesised for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Lattice ECP5.
    Ecp5,
    /// Xilinx 7 series.
    Xc7,
    /// Xilinx UltraScale and UltraScale+.
    Xcup,
}

impl Part {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Ecp5, Self::Xc7, Self::Xcup];

    /// Name in the table, Yosys' name of the family.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ecp5 => "ecp5",
            Self::Xc7 => "xc7",
            Self::Xcup => "xcup",
        }
    }

    /// The part of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// Block memories of 18 kbit in one of the part's.
    pub fn halves(self) -> u64 {
        match self {
            Self::Ecp5 => 1,
            Self::Xc7 | Self::Xcup => 2,
        }
    }
}
