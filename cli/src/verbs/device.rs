//! Opens the device that a verb names.

use spikegate_runtime::device::Device;
use spikegate_runtime::devices::open::{open, Address, OpenError};
use spikegate_runtime::devices::verilator::{Options, Progress};
use std::path::Path;

use crate::progress::Steps;

/// Opens a device; `design` is what `golden` and `verilator` stand for.
pub fn connect(
    address: &Address,
    design: Option<&Path>,
    steps: &Steps,
) -> Result<Box<dyn Device>, OpenError> {
    let mut progress = |p: Progress| match p {
        Progress::Cached => steps.say("simulation from the cache"),
        Progress::Verilating => steps.say("Verilator"),
        Progress::Compiling { done, total } => {
            steps.say("C++ compiler");
            steps.count(done as u64, total as u64);
        }
        Progress::Linking => steps.say("linker"),
    };
    open(address, design, &Options::default(), &mut progress)
}
