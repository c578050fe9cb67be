//! Arguments of `spikegate report`.

use clap::Args;
use std::path::PathBuf;

use super::Against;

#[derive(Debug, Args)]
pub struct Report {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    /// As for `synth`: shows the memories on it, block by block.
    #[arg(long, value_name = "BOARD")]
    pub board: Option<String>,
    /// File for the report as one page for a browser, with the network, its layers and roofline in pictures; standard output
    /// with -. It needs nothing else, no network and no script.
    #[arg(long, value_name = "FILE", conflicts_with = "board")]
    pub html: Option<PathBuf>,
    /// Images that the page shows firing, spikes, streams and accuracy of, as for `simulate`: the golden model runs them.
    #[arg(long, value_name = "DATA", requires = "html")]
    pub input: Option<PathBuf>,
    /// The image that the page looks into, counted from 0.
    #[arg(long, value_name = "N", requires = "input", default_value_t = 0)]
    pub image: u64,
    /// How many images to evaluate, spread over the classes; all without it.
    #[arg(long, value_name = "N", requires = "input", value_parser = clap::value_parser!(u64).range(1..))]
    pub images: Option<u64>,
    #[command(flatten)]
    pub against: Against,
}
