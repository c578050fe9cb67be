//! Arguments of `spikegate completions`.

use clap::Args;
use clap_complete::Shell;

/// For bash, `spikegate completions bash > ~/.local/share/bash-completion/completions/spikegate`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL", value_enum)]
    pub shell: Shell,
}
