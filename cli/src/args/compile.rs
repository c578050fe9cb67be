//! Arguments of `spikegate compile`.

use clap::Args;
use std::path::PathBuf;

use super::{Build, Source};

#[derive(Debug, Args)]
pub struct Compile {
    #[command(flatten)]
    pub source: Source,
    #[command(flatten)]
    pub build: Build,
    /// Images that set the scales: IDX, CIFAR, PNG, JPEG or a folder of them (its training images), spread evenly over the
    /// classes; of sets without labels, which are no pictures, it is the first images.
    #[arg(long, value_name = "DATA")]
    pub calib: PathBuf,
    /// Labelled images to measure accuracy on (a folder's test images).
    #[arg(long, value_name = "DATA")]
    pub eval: Option<PathBuf>,
    /// Folder of the design.
    #[arg(short, long = "output", value_name = "DIR")]
    pub output: PathBuf,
}
