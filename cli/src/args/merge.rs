//! Arguments of `spikegate merge`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Merge {
    /// Files that the shards of one run have written, in any order.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// File of the whole, the same as one run without --shard writes; - for standard output.
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}
