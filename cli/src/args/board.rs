//! Arguments of `spikegate board`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

use super::clock::clock;

#[derive(Debug, Args)]
pub struct Board {
    /// Folder of the design.
    #[arg(long, value_name = "DIR")]
    pub design: PathBuf,
    /// As for `synth`; it must have a UART.
    #[arg(long, value_name = "BOARD")]
    pub board: String,
    /// Where host programs find the serial port: a link to a pseudo-terminal.
    #[arg(long, value_name = "PORT")]
    pub port: PathBuf,
    /// What is simulated.
    #[arg(long, value_enum, default_value_t = Form::Source)]
    pub form: Form,
    /// Clock of the core in MHz, as for `synth`; what is placed and routed has its own.
    #[arg(long, value_name = "MHZ", value_parser = clock)]
    pub freq: Option<f64>,
    /// Flip, lose or double one byte of N on the line.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub damage: u32,
    /// Lose 700 bytes each way from byte N on.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub cut: u32,
    /// Seed of the damage.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Seed of how late the memory's byte lanes are, on a board whose memory is connected.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub memory_seed: u32,
    /// Byte lanes of the memory that cannot be read, a bit each.
    #[arg(long, value_name = "MASK", default_value_t = 0)]
    pub memory_dead: u8,
    /// What lies in the memory at the start: for $readmemh, in words as wide as its port.
    #[arg(long, value_name = "FILE")]
    pub memory: Option<PathBuf>,
    /// End when the first host program closes the port.
    #[arg(long)]
    pub once: bool,
    /// Folder of the board, where `synth` had --out.
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
}

/// Forms of a board's design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// The Verilog.
    Source,
    /// The netlist of synthesis, as place and route gets it.
    Synthesis,
    /// The netlist that is placed and routed.
    Route,
}
