//! Arguments of `spikegate inspect`.

use clap::Args;

use super::Source;

#[derive(Debug, Args)]
pub struct Inspect {
    #[command(flatten)]
    pub source: Source,
}
