//! Arguments of `spikegate man`.

use clap::Args;
use std::path::PathBuf;

/// `man -l DIR/spikegate-compile.1` shows one of them.
#[derive(Debug, Args)]
pub struct Man {
    /// Folder of the pages, made where it is missing.
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
}
