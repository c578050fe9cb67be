//! `spikegate man`: the manual's pages.

use clap::CommandFactory;
use serde::Serialize;
use std::path::Path;

use crate::args::{Cli, Man};
use crate::failure::{Result, VerbError};
use crate::ui::Ui;

#[derive(Serialize)]
struct Done<'a> {
    folder: &'a Path,
}

pub fn run(args: &Man, ui: &Ui) -> Result<()> {
    let folder = args.output.as_path();
    let made =
        std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    made.map_err(|e| {
        let error = VerbError::input(format!("cannot write the pages to the folder {}", folder.display()));
        error.because(e).help("give a folder, or one that is not there yet")
    })?;
    ui.result(&Done { folder }, || format!("wrote a page for each verb to {}", folder.display()))
}
