//! Arguments of `spikegate verify`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Verify {
    /// Folder of a compiled design.
    pub dir: PathBuf,
}
