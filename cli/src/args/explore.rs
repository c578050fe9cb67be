//! Arguments of `spikegate explore`.

use clap::{ArgGroup, Args};
use std::path::PathBuf;

use super::clock::clock;
use super::{ArraySize, Source, WeightBits};

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("on").required(true)))]
pub struct Explore {
    #[command(flatten)]
    pub source: Source,
    /// As for `synth`.
    #[arg(long, value_name = "BOARD", group = "on")]
    pub board: Option<String>,
    /// Several of them, one after the other.
    #[arg(long, value_name = "BOARD,...", value_delimiter = ',', group = "on", conflicts_with = "plot")]
    pub boards: Vec<String>,
    /// Arrays to try, as for `compile --array`, with every number of post lanes (default: up to 8 lanes and 64 x 64
    /// channels).
    #[arg(long, value_name = "L,PX,CI,CO", num_args = 1..)]
    pub arrays: Vec<ArraySize>,
    /// Also arrays with the board's memory where its top does not connect it: for a top of your own.
    #[arg(long)]
    pub own_top: bool,
    /// Show every array that fits: as CSV, or as JSON with --format json.
    #[arg(long)]
    pub all: bool,
    /// Images that set the scales, as for `compile`; shapes are enough for an estimate.
    #[arg(long, value_name = "DATA")]
    pub calib: Option<PathBuf>,
    /// Calibration images.
    #[arg(long, value_name = "N", requires = "calib", default_value_t = spikegate_compiler::calibrate::DEFAULT_IMAGES as u64, value_parser = clap::value_parser!(u64).range(1..))]
    pub calib_images: u64,
    /// Bits of a weight, 2 to 8, and of layers by name where they differ: `4,head=8`, `8,layer3.1.conv2=4`. A name stands for
    /// all layers below it, such as `layer3`.
    #[arg(long, value_name = "BITS[,LAYER=BITS]", default_value = "8")]
    pub weight_bits: WeightBits,
    /// Arrays with memories that tell when a bit of them has flipped, and what that takes.
    #[arg(long)]
    pub parity: bool,
    /// Clock of the core; the board's without it.
    #[arg(long, value_name = "MHZ", value_parser = clock)]
    pub freq: Option<f64>,
    /// File for a plot (SVG): images a second that the array computes over the share of the board that is used.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}
