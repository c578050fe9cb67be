//! The `spikegate` command line: one file per verb under `verbs`, which only parse, show progress and print.
//! Results go to stdout, everything else to stderr.

mod args;
mod failure;
mod plot;
mod progress;
mod ui;
mod verbs;

use clap::Parser;
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
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
    match verbs::run(&cli.command, &ui) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", failure::render(&error));
            ExitCode::from(failure::exit_code(&error))
        }
    }
}
