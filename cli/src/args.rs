//! Arguments: a file for each verb, and those that several take: `build`, `clock`, `source`.

mod board;
mod boards;
mod bring_up;
mod build;
mod card;
mod clock;
mod compile;
mod completions;
mod demo;
mod eval;
mod explore;
mod info;
mod inspect;
mod man;
mod merge;
mod program;
mod report;
mod run;
mod shard;
mod simulate;
mod source;
mod sweep;
mod synth;
mod verify;
mod weights;

pub use board::{Board, Form};
pub use boards::Boards;
pub use bring_up::BringUp;
pub use build::{ArraySize, Build, Emit};
pub use card::Card;
pub use compile::Compile;
pub use completions::Completions;
pub use demo::Demo;
pub use eval::{Against, Eval, EvalForm};
pub use explore::Explore;
pub use info::Info;
pub use inspect::Inspect;
pub use man::Man;
pub use merge::Merge;
pub use program::Program;
pub use report::Report;
pub use run::{ResultForm, Run, Values};
pub use shard::{Sharding, Which};
pub use simulate::{Simulate, TraceLevel};
pub use source::{Preset, Source};
pub use sweep::{Scales, Sweep};
pub use synth::Synth;
pub use verify::Verify;
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
#[command(next_help_heading = "Options of every command")]
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
    #[command(after_help = "Example:\n  spikegate inspect model.pth --preset cifar")]
    Inspect(Inspect),
    /// Quantise a model, plan it onto an array, and write Verilog, program and report.
    #[command(
        after_help = "Example:\n  spikegate compile model.pth --preset cifar --array 4,1,16,16 --calib data/train -o design"
    )]
    Compile(Compile),
    /// Find the arrays that make the most of a board for a model, by estimate, in seconds.
    #[command(after_help = "Example:\n  spikegate explore model.pth --preset cifar --board acorn-cle215")]
    Explore(Explore),
    /// Run a compiled design in Verilator and compare it with the golden model, value for value.
    #[command(after_help = "Example:\n  spikegate simulate design --input data/test --images 2 --trace all")]
    Simulate(Simulate),
    /// Judge a compiled design on a data set, in software: accuracy, firing rates, operations, energy.
    #[command(after_help = "Example:\n  spikegate eval design --input data/test")]
    Eval(Eval),
    /// Judge a model at several weight widths on a data set, in software, before one is compiled.
    #[command(
        after_help = "Example:\n  spikegate sweep model.pth --preset cifar --calib data/train --input data/test --weight-bits 8 4 3"
    )]
    Sweep(Sweep),
    /// Join the results of the shards of a run of simulate, eval or sweep: the same as one run without shards.
    #[command(after_help = "Example:\n  spikegate merge part-1.json part-2.json -o all.json")]
    Merge(Merge),
    /// Classify images on a device.
    #[command(
        after_help = "Example:\n  spikegate run design --device uart:/dev/ttyUSB0 --input data/test --images 10"
    )]
    Run(Run),
    /// Show what a device says it is.
    #[command(after_help = "Example:\n  spikegate info --device uart:/dev/ttyUSB0")]
    Info(Info),
    /// Test a device step by step: identity, registers, program, images.
    #[command(after_help = "Example:\n  spikegate bring-up design --device uart:/dev/ttyUSB0")]
    BringUp(BringUp),
    /// Serve a PCIe card in software: an XDMA engine with the design's core, on a vfio-user socket.
    #[command(after_help = "Example:\n  spikegate card --design design --socket card.sock")]
    Card(Card),
    /// Serve a board in software: its pins in Verilator, its serial port for `run --device uart:PORT`.
    #[command(after_help = "Example:\n  spikegate board --design design --board ulx3s-85f --port port")]
    Board(Board),
    /// Make a board's bitstream of a compiled design, or a project for the vendor's tool.
    #[command(after_help = "Example:\n  spikegate synth design --board ulx3s-85f")]
    Synth(Synth),
    /// Load a bitstream into a board with openFPGALoader.
    #[command(after_help = "Example:\n  spikegate program design --board ulx3s-85f")]
    Program(Program),
    /// List the boards, or show one of them.
    #[command(after_help = "Example:\n  spikegate boards ecpix-5-85f")]
    Boards(Boards),
    /// Show the report of a compiled design.
    #[command(after_help = "Example:\n  spikegate report design --html report.html")]
    Report(Report),
    /// Say which files of a compiled design are whole, and whether they belong together.
    #[command(after_help = "Example:\n  spikegate verify design")]
    Verify(Verify),
    /// Do all of it with the shipped model and real images.
    #[command(after_help = "Example:\n  spikegate demo")]
    Demo(Demo),
    /// Print what a shell needs to complete this program's arguments.
    #[command(after_help = "Example:\n  spikegate completions bash")]
    Completions(Completions),
    /// Write the manual's pages, one a verb.
    #[command(after_help = "Example:\n  spikegate man -o man1")]
    Man(Man),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn arguments_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_verbs_example_is_one() {
        for verb in Cli::command().get_subcommands() {
            let said = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = said.lines().nth(1).unwrap_or_default().trim();
            let parsed = Cli::try_parse_from(example.split_whitespace());
            assert!(parsed.is_ok(), "{}: {example}: {:?}", verb.get_name(), parsed.err());
            assert!(example.starts_with(&format!("spikegate {}", verb.get_name())), "{example}");
        }
    }
}
