//! Numbers of a report, which all say where they come from.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Computed from shapes and the array.
    Estimate,
    /// Counted in a synthesised netlist.
    Synthesis,
    /// Counted in a placed and routed netlist.
    Route,
    /// Counted in a simulation of the hardware.
    Simulation,
    /// Measured by running the networks in software or on a board.
    Measured,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Source::Estimate => "estimate",
            Source::Synthesis => "synthesis",
            Source::Route => "route",
            Source::Simulation => "simulation",
            Source::Measured => "measured",
        })
    }
}

/// A number and its source.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number<T> {
    /// The number.
    pub value: T,
    /// Its source.
    pub source: Source,
}

impl<T> Number<T> {
    /// A number that was computed from shapes and the array.
    pub fn estimate(value: T) -> Self {
        Self { value, source: Source::Estimate }
    }
    /// A number that was measured.
    pub fn measured(value: T) -> Self {
        Self { value, source: Source::Measured }
    }
}
