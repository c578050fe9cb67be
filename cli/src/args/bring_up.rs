//! Arguments of `spikegate bring-up`.

use clap::Args;
use spikegate_runtime::devices::{table, Address};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct BringUp {
    /// Folder of the design.
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
    #[arg(long, value_name = "DEVICE", help = table::examples(), long_help = table::help())]
    pub device: Address,
}
