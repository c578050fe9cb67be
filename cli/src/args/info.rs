//! Arguments of `spikegate info`.

use clap::Args;
use spikegate_runtime::devices::{table, Address};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Info {
    #[arg(long, value_name = "DEVICE", help = table::examples(), long_help = table::help())]
    pub device: Address,
    /// Folder of the design, for devices that stand for one: golden and verilator.
    #[arg(value_name = "DIR")]
    pub design: Option<PathBuf>,
}
