//! Arguments of `spikegate boards`.

use clap::Args;

#[derive(Debug, Args)]
pub struct Boards {
    /// The board to show: a name from the list, or a board file ending in .toml.
    #[arg(value_name = "BOARD")]
    pub board: Option<String>,
}
