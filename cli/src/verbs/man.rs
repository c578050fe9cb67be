//! `spikegate man`: the manual's pages.

use clap::CommandFactory;
use clap_mangen::Man;
use serde::Serialize;
use spikegate_bitstreams::output;
use std::path::PathBuf;

use crate::args;
use crate::failure::{Result, VerbError};
use crate::ui::Ui;

#[derive(Serialize)]
struct Done {
    pages: Vec<PathBuf>,
}

pub fn run(args: &args::Man, ui: &Ui) -> Result<()> {
    let folder = &args.output;
    let failed = |e| VerbError::input(format!("cannot make the folder {}", folder.display())).because(e);
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut all = args::Cli::command();
    // Verbs get the flags of all.
    all.build();
    let verbs = all.get_subcommands().filter(|verb| verb.get_name() != "help").cloned();
    let verbs = verbs.map(|verb| {
        let name = format!("spikegate-{}", verb.get_name());
        // The page is headed by what `man` is asked for, its synopsis by what is typed.
        (name, verb)
    });
    let mut done = Done { pages: Vec::new() };
    for (name, command) in std::iter::once(("spikegate".to_owned(), all.clone())).chain(verbs) {
        let mut page = Vec::new();
        let title = name.to_uppercase();
        Man::new(command)
            .title(title)
            .render(&mut page)
            .map_err(|e| VerbError::check("a page cannot be made").because(e))?;
        let path = folder.join(format!("{name}.1"));
        output::write(&path, &page)?;
        done.pages.push(path);
    }
    ui.result(&done, || format!("{} pages in {}", done.pages.len(), folder.display()))
}
