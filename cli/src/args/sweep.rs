//! Arguments of `spikegate sweep`.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

use super::{kilobytes, Sharding, Source, WeightBits};

#[derive(Debug, Args)]
pub struct Sweep {
    #[command(flatten)]
    pub source: Source,
    /// Images that set the scales, as for compile.
    #[arg(long, value_name = "DATA")]
    pub calib: PathBuf,
    /// Labelled images to judge on (a folder's test images).
    #[arg(long, value_name = "DATA")]
    pub input: PathBuf,
    /// How many, spread over the classes where the set is sorted; all without it. The float network runs on each of them once.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub images: Option<u64>,
    /// Widths of weights, each as for compile.
    #[arg(long, value_name = "BITS[,LAYER=BITS]", num_args = 1.., default_values = ["8", "4"])]
    pub weight_bits: Vec<WeightBits>,
    /// Budgets of kB for the weights, each as for compile, judged beside the widths.
    #[arg(long, value_name = "KB", num_args = 1.., value_parser = kilobytes)]
    pub weight_budget: Vec<u64>,
    /// Which weights of a convolution share a unit.
    #[arg(long, value_enum, value_name = "FORM", num_args = 1.., default_values = ["channel"])]
    pub scales: Vec<Scales>,
    /// Numbers of calibration images.
    #[arg(long, value_name = "N", num_args = 1.., default_values_t = [spikegate_compiler::calibrate::DEFAULT_IMAGES as u64], value_parser = clap::value_parser!(u64).range(1..))]
    pub calib_images: Vec<u64>,
    /// How many selections of calibration images, which have none in common.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub selections: u16,
    /// Threads; one for every processor without it.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    #[command(flatten)]
    pub sharding: Sharding,
    /// File of what every image gave, and hashes of what was run, as JSON for `spikegate merge`; - for standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Which weights of a convolution share a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scales {
    /// Those of an output channel, as compile does it.
    Channel,
    /// All of a layer.
    Layer,
}

impl Scales {
    /// As on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Layer => "layer",
        }
    }
}
