//! Arguments of `spikegate synth`.

use clap::Args;
use std::path::PathBuf;

use super::clock::clock;

#[derive(Debug, Args)]
pub struct Synth {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// Board: a name from `spikegate boards`, or a board file ending in .toml.
    #[arg(long, value_name = "BOARD")]
    pub board: String,
    /// Seeds of place and route to try until the timing is met.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub seeds: u32,
    /// Clock of the core; the board's without it.
    #[arg(long, value_name = "MHZ", value_parser = clock)]
    pub freq: Option<f64>,
    /// Show the commands and run nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Folder of the results; DIR/boards/BOARD without it.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Keep the bitstream beside this file as well, with what it was made of, for `program --image`.
    #[arg(long, value_name = "NAME.toml")]
    pub image: Option<PathBuf>,
}
