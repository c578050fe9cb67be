//! Arguments of `spikegate program`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Program {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// As for `synth`.
    #[arg(long, value_name = "BOARD")]
    pub board: String,
    /// Write the board's flash memory, so that the bitstream is there after power-on.
    #[arg(long)]
    pub flash: bool,
    /// openFPGALoader's name of the cable, for boards without one.
    #[arg(long, value_name = "CABLE")]
    pub cable: Option<String>,
    /// Folder of the bitstream, where `synth` had --out.
    #[arg(long, value_name = "DIR")]
    pub from: Option<PathBuf>,
    /// A bitstream that is kept, such as those under bitstreams/BOARD; it must have been made of this design's Verilog.
    #[arg(long, value_name = "NAME.toml", conflicts_with = "from")]
    pub image: Option<PathBuf>,
}
