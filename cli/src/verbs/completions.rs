//! `spikegate completions`: a script for a shell.

use clap::CommandFactory;
use clap_complete::generate;
use serde::Serialize;

use crate::args::{Cli, Completions};
use crate::failure::Result;
use crate::ui::Ui;

#[derive(Serialize)]
struct Done {
    shell: String,
    script: String,
}

pub fn run(args: &Completions, ui: &Ui) -> Result<()> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), "spikegate", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let done = Done { shell: args.shell.to_string(), script };
    ui.result(&done, || done.script.clone())
}
