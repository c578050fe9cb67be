//! `spikegate merge`: the results of shards as those of one run.

use serde::Serialize;
use spikegate_bitstreams::output::Output;
use spikegate_testbench::check::Checked;
use spikegate_testbench::evaluate::require_some;
use spikegate_testbench::shard::{merge, MergeError, Record, Written};

use super::evaluated::{self, Judged};
use super::images::Set;
use super::swept::{self, Swept};
use super::{recorded, simulated};
use crate::args::Merge;
use crate::failure::{Failed, Result};
use crate::ui::Ui;

pub fn run(args: &Merge, ui: &Ui) -> Result<()> {
    let output = args.output.as_deref().map(|path| Output::new(Some(path), &args.files)).transpose()?;
    let files = args.files.iter().map(|path| Written::open(path)).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = files.first() else { return Ok(()) };
    match first.head().verb.as_str() {
        "simulate" => {
            let whole = merge::<Checked>(&files)?;
            let taken = keep(&whole, output)?;
            let data = Set::Recorded(recorded::part(&whole.run, "data")?);
            let external = recorded::part(&whole.run, "external")?;
            let done = simulated::Done::new(&whole.results, data, external);
            ui.result_unless(taken, &done, || done.text())?;
            done.verdict(&recorded::part::<String>(&whole.run, "network")?, "DIR")
        }
        "eval" => {
            let whole = merge::<Judged>(&files)?;
            require_some(&whole.results.tally)?;
            let taken = keep(&whole, output)?;
            let data = Set::Recorded(recorded::part(&whole.run, "data")?);
            let done = evaluated::Done::new(recorded::part(&whole.run, "network")?, data, &whole.results);
            ui.result_unless(taken, &done, || done.text())
        }
        "sweep" => {
            let whole = merge::<Swept>(&files)?;
            let taken = keep(&whole, output)?;
            let set = |name| Ok::<_, Failed>(Set::Recorded(recorded::part(&whole.run, name)?));
            let (calibration, data) = (set("calibration_data")?, set("data")?);
            let network = recorded::part(&whole.run, "network")?;
            let done = swept::Done::new(network, calibration, data, &whole.results);
            ui.result_unless(taken, &done, || done.text())
        }
        other => {
            let what = format!("`spikegate {other}` has no shards");
            Err(MergeError::Damaged { path: first.path().to_owned(), what }.into())
        }
    }
}

/// Writes the whole; whether standard output has it.
fn keep<R: Serialize>(whole: &Record<R>, output: Option<Output>) -> Result<bool> {
    let taken = output.as_ref().is_some_and(Output::is_stdout);
    output.map_or(Ok(()), |output| recorded::write(output, whole))?;
    Ok(taken)
}
