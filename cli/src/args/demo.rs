//! Arguments of `spikegate demo`.

use clap::Args;
use std::path::PathBuf;

use super::Build;

#[derive(Debug, Args)]
pub struct Demo {
    /// Folder with Fashion-MNIST as IDX files.
    #[arg(long, value_name = "DATA", default_value = "/usr/share/datasets/fashion-mnist")]
    pub data: PathBuf,
    #[command(flatten)]
    pub build: Build,
    /// Images to simulate.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    pub images: u64,
    /// Folder of the design.
    #[arg(short, long = "output", value_name = "DIR", default_value = "out/demo")]
    pub output: PathBuf,
}
