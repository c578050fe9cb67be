//! Arguments of `spikegate run`.

use clap::{Args, ValueEnum};
use spikegate_runtime::devices::{table, Address};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Run {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    #[arg(long, value_name = "DEVICE", help = table::examples(), long_help = table::help())]
    pub device: Address,
    /// Images: IDX, CIFAR binary, PNG, JPEG or a folder of them (its test images); - reads u8 in (c, y, x) order from
    /// standard input.
    #[arg(long, value_name = "DATA")]
    pub input: PathBuf,
    /// How many; all without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub images: Option<u64>,
    /// The first, counted from 0.
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub first: u64,
    /// File of the results; standard output without it, or with -.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Form of the results.
    #[arg(long = "results", value_enum, value_name = "FORM", default_value_t = ResultForm::Csv)]
    pub results: ResultForm,
    /// What is written of each image, behind its class, its label (empty where it has none) and its cycles; the array holds
    /// this alone.
    #[arg(long, value_enum, default_value_t = Values::Logits)]
    pub values: Values,
    /// Compare every class and logit with the golden model; the first difference ends the run.
    #[arg(long)]
    pub check: bool,
}

/// Form of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResultForm {
    /// Comma-separated values.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// A NumPy array, one row an image.
    Npy,
}

/// What of a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Values {
    /// Nothing more.
    Classes,
    /// Logits, s32.
    Logits,
    /// Spikes of the last layer by channel, over all timesteps and pixels. The results do not carry them: the tracing
    /// program runs, which sends every tensor and takes longer.
    Spikes,
}
