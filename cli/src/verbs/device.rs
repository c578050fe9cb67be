//! Opens the device that a verb names.

use spikegate_compiler::emit::hardware;
use spikegate_contract::bundle::Design;
use spikegate_runtime::device::{Device, Recovered};
use spikegate_runtime::devices::open::{open, Address, StandsFor};
use spikegate_runtime::devices::verilator::{Options, Progress};
use spikegate_runtime::session::Faults;
use std::collections::BTreeMap;

use crate::failure::Result;
use crate::progress::Steps;

/// Opens a device; `design` is what `golden` and `verilator` stand for.
pub fn connect(address: &Address, design: Option<&Design>, steps: &Steps) -> Result<Box<dyn Device>> {
    let verilator = design.filter(|_| *address == Address::Verilator);
    let hardware = verilator.map(hardware::of).transpose()?;
    let verilog = hardware.as_ref().map(|h| h.verilog.as_str());
    let stands_for = design.map(|design| StandsFor { design, verilog });
    Ok(open(address, stands_for, &Options::default(), &mut |p| show(p, steps))?)
}

/// Shows how far a simulation is built.
pub fn show(progress: Progress, steps: &Steps) {
    match progress {
        Progress::Cached => steps.say("simulation from the cache"),
        Progress::Verilating => steps.say("Verilator"),
        Progress::Compiling { done, total } => {
            steps.say("C++ compiler");
            steps.count(done as u64, total as u64);
        }
        Progress::Linking => steps.say("linker"),
    }
}

/// Faults that session and device have got over, by name; only those that happened.
pub fn got_over(faults: Faults, recovered: Recovered) -> BTreeMap<&'static str, u64> {
    let Faults { received, refused, watchdog, memory, timeouts, engine, registers, resent } = faults;
    let Recovered { lost_interrupts, stale_packets, repeats } = recovered;
    let all = [
        ("damaged results", received),
        ("frames refused by the core", refused),
        ("watchdog trips", watchdog),
        ("transfers refused by the external memory", memory),
        ("timeouts", timeouts),
        ("engine errors", engine),
        ("registers not kept", registers),
        ("images sent again", resent),
        ("lost interrupts", lost_interrupts),
        ("stale packets", stale_packets),
        ("requests repeated", repeats),
    ];
    all.into_iter().filter(|&(_, n)| n > 0).collect()
}
