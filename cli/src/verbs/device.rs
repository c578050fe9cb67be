//! Opens the device that a verb names.

use spikegate_compiler::emit::hardware;
use spikegate_contract::bundle::Design;
use spikegate_contract::failure::Failure;
use spikegate_runtime::device::{Device, Recovered};
use spikegate_runtime::devices::verilator::{Options, Progress};
use spikegate_runtime::devices::{open, Address, StandsFor};
use spikegate_runtime::session::{Faults, Program, Session};
use std::collections::BTreeMap;

use crate::failure::Result;
use crate::progress::Steps;

/// Opens a device; `design` is what a device without hardware of its own stands for.
pub fn connect(address: &Address, design: Option<&Design>, steps: &Steps) -> Result<Box<dyn Device>> {
    let progress = &mut |p| show(p, steps);
    let Some(design) = design else { return Ok(open(address, None, &Options::default(), progress)?) };
    let verilog = || match hardware::of(design) {
        Ok(made) => Ok(made.verilog),
        Err(e) => Err(Box::new(e) as Box<dyn Failure>),
    };
    let stands_for = StandsFor { design, verilog: &verilog };
    Ok(open(address, Some(stands_for), &Options::default(), progress)?)
}

/// Loads a design's program, and says beforehand how long that takes where it takes its time.
pub fn load<D: Device>(device: D, design: &Design, program: Program, steps: &Steps) -> Result<Session<D>> {
    let packets = match program {
        Program::Plain => &design.program,
        Program::Trace => &design.trace,
    };
    let bytes = packets.iter().map(|packet| 4 * packet.len() as u64).sum::<u64>();
    if let Some(seconds) = device.link_rate().map(|rate| bytes / rate.max(1)).filter(|s| *s > PATIENCE) {
        let megabytes = bytes as f64 / 1e6;
        steps.note(&format!(
            "loading {megabytes:.1} MB over this link takes {} min {} s at least, or less where the board's memory has them already",
            seconds / 60,
            seconds % 60
        ));
    }
    steps.say("load the program");
    Ok(Session::open_watched(device, design, program, &mut |loading| steps.count(loading.words, loading.of))?)
}

/// Seconds that need no word beforehand.
const PATIENCE: u64 = 5;

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
    let Faults { received, refused, watchdog, memory, parity, timeouts, engine, registers, resent } = faults;
    let Recovered { lost_interrupts, stale_packets, repeats } = recovered;
    let all = [
        ("damaged results", received),
        ("frames refused by the core", refused),
        ("watchdog trips", watchdog),
        ("transfers refused by the external memory", memory),
        ("bits that flipped in a memory of the core", parity),
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
