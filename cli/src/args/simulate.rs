//! Arguments of `spikegate simulate`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

use super::{Sharding, Which};

#[derive(Clone, Debug, Args)]
pub struct Simulate {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Images: IDX, CIFAR binary, PNG, JPEG or a folder of them (its test images).
    #[arg(long, value_name = "DATA")]
    pub input: PathBuf,
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub images: u64,
    /// The first, counted from 0.
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub first: u64,
    /// Write a waveform of the whole run; large and slow, so use it with few images.
    #[arg(long, value_name = "FILE.fst", conflicts_with = "shard")]
    pub wave: Option<PathBuf>,
    /// Also predict the cycles with the memory of this board, as for `synth`.
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,
    /// Tensors that are compared besides classes and logits.
    #[arg(long, value_enum, default_value_t = TraceLevel::None)]
    pub trace: TraceLevel,
    #[command(flatten)]
    pub sharding: Sharding,
    /// Run the I-th of N parts of the layers of one image, with --trace all, for `spikegate merge`; `slurm` as for --shard. A
    /// part begins with what the golden model says that the layers before it leave. For designs with --stripes.
    #[arg(long, value_name = "I/N|slurm", requires = "output", conflicts_with_all = ["shard", "wave"])]
    pub layers: Option<Which>,
    /// File of what every image gave, and hashes of what was run, as JSON for `spikegate merge`; - for standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// How much of a run is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TraceLevel {
    /// Classes and logits.
    None,
    /// All spikes.
    Spikes,
    /// Every tensor.
    All,
}

impl TraceLevel {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Spikes => "spikes",
            Self::All => "all",
        }
    }
}

impl From<TraceLevel> for spikegate_testbench::check::Level {
    fn from(level: TraceLevel) -> Self {
        match level {
            TraceLevel::None => Self::Classes,
            TraceLevel::Spikes => Self::Spikes,
            TraceLevel::All => Self::All,
        }
    }
}
