//! What a simulation has found, as it is printed.

use serde::{Deserialize, Serialize};
use spikegate_bitstreams::board::Board;
use spikegate_compiler::plan::Planned;
use spikegate_compiler::report::{is_move, Source, MOVES};
use spikegate_contract::bundle::MemoryModel;
use spikegate_testbench::check::{Checked, Found};
use std::fmt::Write as _;

use super::images::Set;
use super::on_board::WithMemory;
use super::recorded;
use crate::failure::{Result, VerbError};
use crate::ui::{grouped, table};

/// What a simulation prints.
#[derive(Serialize)]
pub struct Done {
    /// Images whose label the hardware found; none without labels.
    pub right: Option<usize>,
    /// What was compared; images are counted as in the data set.
    #[serde(flatten)]
    pub found: Found,
    /// The data set.
    pub data: Set,
    /// The external memory.
    #[serde(flatten)]
    pub external: External,
}

/// The external memory of a program.
#[derive(Clone, Serialize, Deserialize)]
pub struct External {
    /// The memory that was simulated, where the program uses one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryModel>,
    /// An image's cycles with the memory of the board that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_memory: Option<WithMemory>,
}

impl External {
    /// Of a program, and a board whose core has the board's clock.
    pub fn of(planned: &Planned, board: Option<&Board>, timesteps: usize) -> Self {
        let with_memory = board.and_then(|board| WithMemory::of(board, planned, timesteps, board.core_mhz));
        Self { memory: planned.plan.memory(), with_memory }
    }
}

/// Cycles of a layer.
struct Row<'a> {
    name: &'a str,
    predicted: u64,
    /// None where an instruction was not counted.
    simulated: Option<u64>,
    /// Every instruction takes the predicted cycles.
    equal: bool,
}

impl Done {
    /// Of what was seen of images of a data set, with this external memory.
    pub fn new(checked: &Checked, data: Set, external: External) -> Self {
        let right = checked.images().map(|seen| Some(u32::from(seen.label?) == seen.class));
        let right = right.collect::<Option<Vec<bool>>>();
        let right = right.map(|right| right.into_iter().filter(|&right| right).count());
        Self { right, found: checked.found(), data, external }
    }

    /// One row for every instruction that is timed; where layers run in stripes one for all of a layer, and one for all moves.
    fn rows(&self) -> Vec<Row<'_>> {
        let layers = &self.found.layers;
        let striped = layers.iter().any(|l| is_move(&l.name));
        let mut rows: Vec<Row<'_>> = Vec::new();
        for l in layers.iter().filter(|l| l.predicted > 0) {
            let name = if is_move(&l.name) { MOVES } else { &l.name };
            let equal = l.simulated.is_none_or(|simulated| simulated == l.predicted);
            match rows.iter_mut().find(|row| striped && row.name == name) {
                Some(row) => {
                    row.predicted += l.predicted;
                    row.simulated = row.simulated.zip(l.simulated).map(|(all, one)| all + one);
                    row.equal &= equal;
                }
                None => rows.push(Row { name, predicted: l.predicted, simulated: l.simulated, equal }),
            }
        }
        rows
    }

    /// The result for people.
    pub fn text(&self) -> String {
        if self.found.images == 0 {
            return recorded::NO_IMAGES.to_owned();
        }
        let rows = self.rows().into_iter().map(|row| {
            let verdict = if row.equal { "" } else { "DIFFERENT" };
            let simulated = row.simulated.map_or("-".to_owned(), grouped);
            vec![row.name.to_owned(), grouped(row.predicted), simulated, verdict.to_owned()]
        });
        let mut out = table(&["layer", "predicted", "simulated", ""], rows);
        // Writing to a string cannot fail.
        // Of a part that ran no image through the plain program nobody has counted them.
        let counted = self.found.layers.iter().any(|layer| layer.simulated.is_some());
        let source = if counted { Source::Simulation } else { Source::Estimate };
        let memory = self.external.memory.map_or(String::new(), |memory| format!(", {}", memory.name()));
        let _ = writeln!(out, "\ncycles per image   {} ({source}{memory})", grouped(self.found.cycles));
        if let Some(with_memory) = &self.external.with_memory {
            let _ = writeln!(out, "                   {}", with_memory.text());
        }
        if let Some(right) = self.right {
            let _ = writeln!(out, "right classes      {right} of {}", self.found.images);
        }
        let word = if self.found.equal { "all equal" } else { "NOT EQUAL" };
        let _ = writeln!(
            out,
            "golden model       {word}: {} values of {} images compared",
            grouped(self.found.values),
            self.found.images
        );
        if let Some(first) = &self.found.first_mismatch {
            let _ = writeln!(out, "\nMISMATCH golden vs verilator\n  {first}");
        }
        out
    }

    /// An error unless everything is equal. `dir` is the design's folder as a word of a command line.
    pub fn verdict(&self, name: &str, dir: &str) -> Result<()> {
        if let Some(first) = &self.found.first_mismatch {
            let rerun = format!("spikegate simulate {dir} --first {} --images 1 --trace all", first.image);
            let error = VerbError::check(format!("{name}: the hardware differs from the golden model"));
            return Err(error.help(format!("look closer with `{rerun}`")).into());
        }
        if !self.found.cycles_equal {
            let what = "the hardware does not take the predicted cycles in every program";
            return Err(VerbError::check(format!("{name}: {what}")).help("see the table of layers").into());
        }
        Ok(())
    }
}
