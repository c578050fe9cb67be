//! One file per verb; `check` and `images` help them.

mod check;
mod compile;
mod demo;
mod images;
mod inspect;
mod report;
mod simulate;

use anyhow::Result;

use crate::args::Command;
use crate::ui::Ui;

/// Runs a verb.
pub fn run(command: &Command, ui: &Ui) -> Result<()> {
    match command {
        Command::Inspect(args) => inspect::run(args, ui),
        Command::Compile(args) => compile::run(args, ui),
        Command::Simulate(args) => simulate::run(args, ui),
        Command::Report(args) => report::run(args, ui),
        Command::Demo(args) => demo::run(args, ui),
    }
}
