//! Arguments: a file for each verb, and those that several take: `build`, `clock`, `source`.

mod board;
mod bring_up;
mod build;
mod card;
mod clock;
mod compile;
mod demo;
mod eval;
mod explore;
mod info;
mod inspect;
mod merge;
mod program;
mod report;
mod run;
mod shard;
mod simulate;
mod source;
mod sweep;
mod synth;
mod weights;

pub use board::{Board, Form};
pub use bring_up::BringUp;
pub use build::{ArraySize, Build, Emit};
pub use card::Card;
pub use compile::Compile;
pub use demo::Demo;
pub use eval::{Against, Eval, EvalForm};
pub use explore::Explore;
pub use info::Info;
pub use inspect::Inspect;
pub use merge::Merge;
pub use program::Program;
pub use report::Report;
pub use run::{ResultForm, Run, Values};
pub use shard::{Sharding, Which};
pub use simulate::{Simulate, TraceLevel};
pub use source::{Preset, Source};
pub use sweep::{Scales, Sweep};
pub use synth::Synth;
pub use weights::{kilobytes, WeightBits};

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;

/// Trained Gated-Attention-Coding spiking networks on FPGAs.
///
/// Exit codes: 0 done, 1 a check failed, 2 wrong usage or input, 3 a tool or device is missing, 4 a bug of this program.
#[derive(Debug, Parser)]
#[command(name = "spikegate", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Whether `--format json` is among the arguments, right or wrong.
pub fn asks_for_json(arguments: impl Iterator<Item = OsString>) -> bool {
    let words: Vec<OsString> = arguments.take_while(|word| word != "--").collect();
    words.windows(2).any(|two| two[0] == "--format" && two[1] == "json")
        || words.iter().any(|word| word == "--format=json")
}

/// Flags of every verb.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print results only: no progress, no log.
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Log what is done (-v), or everything (-vv), to stderr.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Form of the results on stdout, and of an error on stderr.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Form of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show layers, shapes, neurons, parameters and synaptic operations of a model; writes nothing.
    Inspect(Inspect),
    /// Quantise a model, plan it onto an array, and write Verilog, program and report.
    Compile(Compile),
    /// Find the arrays that make the most of a board for a model, by estimate, in seconds.
    Explore(Explore),
    /// Run a compiled design in Verilator and compare it with the golden model, value for value.
    Simulate(Simulate),
    /// Judge a compiled design on a data set, in software: accuracy, firing rates, operations, energy.
    Eval(Eval),
    /// Judge a model at several weight widths on a data set, in software, before one is compiled.
    Sweep(Sweep),
    /// Join the results of the shards of a run of simulate, eval or sweep: the same as one run without shards.
    Merge(Merge),
    /// Classify images on a device.
    Run(Run),
    /// Show what a device says it is.
    Info(Info),
    /// Test a device step by step: identity, registers, program, images.
    BringUp(BringUp),
    /// Serve a PCIe card in software: an XDMA engine with the design's core, on a vfio-user socket.
    Card(Card),
    /// Serve a board in software: its pins in Verilator, its serial port for `run --device uart:PORT`.
    Board(Board),
    /// Make a board's bitstream of a compiled design, or a project for the vendor's tool.
    Synth(Synth),
    /// Load a bitstream into a board with openFPGALoader.
    Program(Program),
    /// List the boards.
    Boards,
    /// Show the report of a compiled design.
    Report(Report),
    /// Do all of it with the shipped model and real images.
    Demo(Demo),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
