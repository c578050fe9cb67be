//! One file per verb; `against`, `array`, `device`, `evaluated`, `explored`, `images`, `on_board`, `recorded`, `results`,
//! `simulated` and `swept` help them.

mod against;
mod array;
mod board;
mod boards;
mod bring_up;
mod card;
mod compile;
mod completions;
mod demo;
mod device;
mod eval;
mod evaluated;
mod explore;
mod explored;
mod images;
mod info;
mod inspect;
mod layers;
mod man;
mod merge;
mod on_board;
mod program;
mod recorded;
mod report;
mod results;
mod run;
mod simulate;
mod simulated;
mod sweep;
mod swept;
mod synth;
mod verify;

use crate::args::Command;
use crate::failure::Result;
use crate::ui::Ui;

/// Runs a verb.
pub fn run(command: &Command, ui: &Ui) -> Result<()> {
    match command {
        Command::Inspect(args) => inspect::run(args, ui),
        Command::Compile(args) => compile::run(args, ui),
        Command::Explore(args) => explore::run(args, ui),
        Command::Simulate(args) => simulate::run(args, ui),
        Command::Sweep(args) => sweep::run(args, ui),
        Command::Merge(args) => merge::run(args, ui),
        Command::Run(args) => run::run(args, ui),
        Command::Eval(args) => eval::run(args, ui),
        Command::Info(args) => info::run(args, ui),
        Command::BringUp(args) => bring_up::run(args, ui),
        Command::Card(args) => card::run(args, ui),
        Command::Board(args) => board::run(args, ui),
        Command::Synth(args) => synth::run(args, ui),
        Command::Program(args) => program::run(args, ui),
        Command::Boards(args) => boards::run(args, ui),
        Command::Report(args) => report::run(args, ui),
        Command::Verify(args) => verify::run(args, ui),
        Command::Demo(args) => demo::run(args, ui),
        Command::Completions(args) => completions::run(args, ui),
        Command::Man(args) => man::run(args, ui),
    }
}
