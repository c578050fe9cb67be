//! Arguments of `spikegate eval`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

use super::{Preset, Sharding};

#[derive(Debug, Args)]
pub struct Eval {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Images with labels: IDX, CIFAR binary, PNG, JPEG or a folder of them (its test images).
    #[arg(long, value_name = "DATA")]
    pub input: PathBuf,
    /// How many, spread over the classes where the set is sorted; all without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub images: Option<u64>,
    /// Leave out pictures that cannot be read, and count them.
    #[arg(long)]
    pub skip_bad: bool,
    #[command(flatten)]
    pub against: Against,
    /// File of what spikes and codes look like to the hardware, as JSON: zeros by channel, bit and slot.
    #[arg(long, value_name = "FILE", conflicts_with = "shard")]
    pub statistics: Option<PathBuf>,
    /// Clock for images per second, in MHz; boards that the design was made for say their own.
    #[arg(long, value_name = "MHZ", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub freq: Option<u32>,
    /// Threads; one for every processor without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[command(flatten)]
    pub sharding: Sharding,
    /// File of the classes and logits of every image, - for standard output; none are written without it.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Form of that file; csv without it, json with --shard.
    #[arg(long = "results", value_enum, value_name = "FORM")]
    pub results: Option<EvalForm>,
}

/// Form of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EvalForm {
    /// Comma-separated values.
    Csv,
    /// One JSON object a line.
    Jsonl,
    /// A NumPy array, one row an image.
    Npy,
    /// All that was counted, and hashes of what was run, for `spikegate merge`.
    Json,
}

/// The float network to compare with.
#[derive(Debug, Args)]
pub struct Against {
    /// Compare with the float network on N images, layer by layer.
    #[arg(long, value_name = "N", requires = "model", value_parser = clap::value_parser!(u64).range(1..))]
    pub float: Option<u64>,
    /// Model file that the design was compiled from, for --float.
    #[arg(long, value_name = "MODEL", requires = "float")]
    pub model: Option<PathBuf>,
    /// Constants of a known recipe, as compile was given them.
    #[arg(long, requires = "float")]
    pub preset: Option<Preset>,
    /// The network in a file of several, as compile was given it.
    #[arg(long, value_name = "KEY", requires = "float")]
    pub weights: Option<String>,
    /// Whether neurons stand before the pooling, as compile was told.
    #[arg(long, value_name = "true|false", requires = "float")]
    pub last_lif: Option<bool>,
}

impl Against {
    /// The model and its constants.
    pub fn files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.model.iter().flat_map(|model| [model.clone(), model.with_extension("toml")])
    }

    /// What the importer is asked.
    pub fn request(&self) -> spikegate_compiler::import::Request<'_> {
        spikegate_compiler::import::Request {
            preset: self.preset.map(Into::into),
            weights: self.weights.as_deref(),
            last_lif: self.last_lif,
        }
    }
}
