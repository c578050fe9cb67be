//! `spikegate report`: the report of a design.

use anyhow::Result;
use spikegate_compiler::report::Report as Contents;
use spikegate_contract::bundle::{files, read_json, read_manifest};

use crate::args::Report;
use crate::ui::Ui;

pub fn run(args: &Report, ui: &Ui) -> Result<()> {
    // Its version says whether this program may read the other files.
    read_manifest(&args.dir)?;
    let report: Contents = read_json(&args.dir.join(files::REPORT))?;
    ui.result(&report, || report.text())
}
