//! The `spikegate` command line: one file per verb under `verbs`, which only parse, show progress and print.
//! Results go to stdout, everything else to stderr.

mod args;
mod bug;
mod failure;
mod interrupt;
mod plot;
mod progress;
mod ui;
mod verbs;

use clap::Parser;
use spikegate_bitstreams::output::ReaderLeft;
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    bug::report_panics();
    interrupt::clean_up();
    let cli = args::Cli::parse();
    let level = match (cli.global.quiet, cli.global.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .without_time()
        .with_target(false)
        .init();
    let ui = ui::Ui::new(&cli.global);
    match bug::guard(|| verbs::run(&cli.command, &ui)) {
        None => ExitCode::from(bug::EXIT),
        Some(Ok(())) => ExitCode::SUCCESS,
        // As in `spikegate run ... | head`.
        Some(Err(error)) if error.chain().any(ReaderLeft::is_cause_of) => ExitCode::SUCCESS,
        Some(Err(error)) => {
            ui::complain(&failure::render(&error));
            ExitCode::from(failure::exit_code(&error))
        }
    }
}
