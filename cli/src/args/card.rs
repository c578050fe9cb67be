//! Arguments of `spikegate card`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Card {
    /// Folder of the design whose core is on the card.
    #[arg(long, value_name = "DIR")]
    pub design: PathBuf,
    /// Where drivers connect.
    #[arg(long, value_name = "SOCKET")]
    pub socket: PathBuf,
    /// The golden model instead of the Verilated core.
    #[arg(long)]
    pub fast: bool,
    /// End when the first driver closes the card.
    #[arg(long)]
    pub once: bool,
}
