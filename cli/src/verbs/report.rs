//! `spikegate report`: the report of a design, with the bitstreams that were made of it.

use serde::Serialize;
use spikegate_bitstreams::report::{Implementation, IMPLEMENTATION};
use spikegate_compiler::report::Report as Contents;
use spikegate_contract::bundle::Design;
use std::path::{Path, PathBuf};

use crate::args::Report;
use crate::failure::{Result, VerbError};
use crate::ui::Ui;

/// The design's report, and one entry per board.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    design: Contents,
    boards: Vec<Implementation>,
}

pub fn run(args: &Report, ui: &Ui) -> Result<()> {
    let design = Design::open(&args.dir)?;
    let (boards, old): (Vec<_>, Vec<_>) =
        implementations(&args.dir)?.into_iter().partition(|i| i.verilog_hash == design.manifest.verilog_hash);
    for board in old {
        ui.note(&format!("the bitstream for {} was made of another design; it is left out", board.board));
    }
    let whole = Whole { design: design.report()?, boards };
    ui.result(&whole, || {
        let mut text = whole.design.text();
        for board in &whole.boards {
            text.push_str("\n\n");
            text.push_str(&board.text());
        }
        text
    })
}

/// What was made of the design in `dir`, by name of the board's folder.
pub fn implementations(dir: &Path) -> Result<Vec<Implementation>> {
    let folder = dir.join("boards");
    if !folder.is_dir() {
        return Ok(vec![]);
    }
    let said = |e| VerbError::input(format!("cannot list {}", folder.display())).because(e);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(said)? {
        paths.push(entry.map_err(said)?.path().join(IMPLEMENTATION));
    }
    paths.sort();
    let read = |path: &PathBuf| Ok(Implementation::read(path).map_err(|error| *error)?);
    paths.iter().filter(|p| p.exists()).map(read).collect()
}
