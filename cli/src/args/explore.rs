//! Arguments of `spikegate explore`.

use clap::Args;
use std::path::PathBuf;

use super::clock::clock;
use super::Source;

#[derive(Debug, Args)]
pub struct Explore {
    #[command(flatten)]
    pub source: Source,
    /// As for `synth`.
    #[arg(long, value_name = "BOARD")]
    pub board: String,
    /// Images that set the scales, as for `compile`; shapes are enough for an estimate.
    #[arg(long, value_name = "DATA")]
    pub calib: Option<PathBuf>,
    /// Calibration images.
    #[arg(long, value_name = "N", requires = "calib", default_value_t = spikegate_compiler::calibrate::DEFAULT_IMAGES as u64, value_parser = clap::value_parser!(u64).range(1..))]
    pub calib_images: u64,
    /// Weight width in bits.
    #[arg(long, value_name = "BITS", default_value = "8", value_parser = ["8", "4"])]
    pub weight_bits: String,
    /// Clock of the core; the board's without it.
    #[arg(long, value_name = "MHZ", value_parser = clock)]
    pub freq: Option<f64>,
    /// File for a plot (SVG): images a second over the share of the board that is used.
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
}
