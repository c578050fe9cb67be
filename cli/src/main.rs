//! The `spikegate` command line: one file per verb under `verbs`, which only parse, show progress and print.
//! Results go to stdout, everything else to stderr.

mod args;
mod bug;
mod failure;
mod interrupt;
mod page;
mod plot;
mod progress;
mod ui;
mod verbs;
mod versioned;

use clap::Parser;
use spikegate_contract::failure::Kind;
use std::io::IsTerminal;
use std::process::ExitCode;
use tracing_subscriber::filter::LevelFilter;

fn main() -> ExitCode {
    // Before the arguments are known to be right, as they may be wrong.
    let json = args::asks_for_json(std::env::args_os());
    bug::report_panics(json);
    interrupt::clean_up();
    let cli = match args::Cli::try_parse() {
        Err(error) if json && error.use_stderr() => {
            let message = error.to_string();
            let message = message.trim().trim_start_matches("error: ").to_owned();
            let report = failure::Report { kind: Kind::Input, message, causes: Vec::new(), help: None };
            ui::complain(&report, json);
            return ExitCode::from(failure::exit_code(Kind::Input));
        }
        // The words that were wrong are in it, and a shell's pattern may have found them.
        Err(error) if error.use_stderr() => {
            ui::say(&error.render().to_string(), false);
            return ExitCode::from(failure::exit_code(Kind::Input));
        }
        Err(error) => error.exit(),
        Ok(cli) => cli,
    };
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
        None => ExitCode::from(failure::exit_code(Kind::Bug)),
        Some(Ok(())) => ExitCode::SUCCESS,
        Some(Err(failed)) if failed.is_reader_left() => ExitCode::SUCCESS,
        Some(Err(failed)) => {
            ui::complain(&failed.report(), ui.json());
            ExitCode::from(failed.exit_code())
        }
    }
}
