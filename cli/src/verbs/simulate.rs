//! `spikegate simulate`: the Verilog in Verilator against the golden model.

use serde::Serialize;
use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::output::Output;
use spikegate_bitstreams::shell;
use spikegate_compiler::emit::{bundle, hardware};
use spikegate_compiler::plan;
use spikegate_compiler::report::{is_move, Report, Source, MOVES};
use spikegate_contract::bundle::{Design, MemoryModel};
use spikegate_contract::tensor::Tensor;
use spikegate_runtime::device::DeviceError;
use spikegate_runtime::devices::verilator::{Options, Verilated};
use spikegate_runtime::session::Program;
use spikegate_testbench::check::{check, Found};
use spikegate_testbench::data::{About, Split};
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use super::device::show;
use super::images;
use super::on_board::WithMemory;
use crate::args::Simulate;
use crate::failure::{Failed, Result, VerbError};
use crate::progress::Steps;
use crate::ui::{grouped, table, Ui};

/// What a simulation prints.
#[derive(Serialize)]
pub struct Done {
    /// Images whose label the hardware found; none without labels.
    pub right: Option<usize>,
    /// What was compared; images are counted as in the data set.
    #[serde(flatten)]
    pub found: Found,
    /// The data set.
    pub data: About,
    /// The memory that was simulated, where the program uses one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<MemoryModel>,
    /// An image's cycles with the memory of the board that was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_memory: Option<WithMemory>,
    /// Simulated cycles per second of this machine.
    #[serde(skip)]
    pub speed: f64,
}

/// Steps of [`simulate`].
pub const STEPS: usize = 2;

pub fn run(args: &Simulate, ui: &Ui) -> Result<()> {
    let mut steps = Steps::new(ui, STEPS);
    let (done, wave) = simulate(args, &mut steps)?;
    drop(steps);
    ui.result(&done, || done.text())?;
    ui.note(&format!("{} cycles per second", grouped(done.speed as u64)));
    done.verdict(&args.dir)?;
    wave
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
    /// One row for every instruction that is timed; where layers run in stripes one for all of a layer, and one for all moves.
    fn rows(&self) -> Vec<Row<'_>> {
        let layers = &self.found.layers;
        let striped = layers.iter().any(|l| is_move(&l.name));
        let mut rows: Vec<Row<'_>> = Vec::new();
        for l in layers.iter().filter(|l| l.predicted > 0) {
            let name = if is_move(&l.name) { MOVES } else { &l.name };
            let equal = l.simulated == Some(l.predicted);
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
        let rows = self.rows().into_iter().map(|row| {
            let verdict = if row.equal { "" } else { "DIFFERENT" };
            let simulated = row.simulated.map_or("-".to_owned(), grouped);
            vec![row.name.to_owned(), grouped(row.predicted), simulated, verdict.to_owned()]
        });
        let mut out = table(&["layer", "predicted", "simulated", ""], rows);
        // Writing to a string cannot fail.
        let memory = self.memory.map_or(String::new(), |memory| format!(", {}", memory.name()));
        let _ = writeln!(out, "\ncycles per image   {} (simulation{memory})", grouped(self.found.cycles));
        if let Some(with_memory) = &self.with_memory {
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

    /// An error unless everything is equal.
    pub fn verdict(&self, dir: &Path) -> Result<()> {
        let (dir, word) = (dir.display(), shell::path(dir));
        if let Some(first) = &self.found.first_mismatch {
            let rerun = format!("spikegate simulate {word} --first {} --images 1 --trace all", first.image);
            let error = VerbError::check(format!("{dir}: the hardware differs from the golden model"));
            return Err(error.help(format!("look closer with `{rerun}`")).into());
        }
        if !self.found.cycles_equal {
            let what = "the hardware does not take the predicted cycles in every program";
            return Err(VerbError::check(format!("{dir}: {what}")).help("see the table of layers").into());
        }
        Ok(())
    }
}

/// Builds the core, runs the images and compares; updates the report when everything is equal, if it can. Beside the result,
/// whether the waveform that is asked for is complete.
pub fn simulate(args: &Simulate, steps: &mut Steps) -> Result<(Done, Result<()>)> {
    let board = args.board.as_deref().map(resolve).transpose()?;
    let design = &Design::open(&args.dir)?;
    let network = &design.network;
    let planned = plan::of(design)?;
    let say = |text: &str| steps.note(text);
    let set = images::open(&args.input, Split::Default, "--input", say)?;
    let chosen = images::range(&set, network.input_shape(), (args.first, args.images), "--input", say)?;
    let labels = images::labels(&set, &chosen, network.classes(), "--input", say)?;
    let pixels = set.take(&chosen)?;
    let inputs = design.files().chain(set.files().map(Path::to_owned));
    let wave = args.wave.as_deref().map(|path| Output::new(Some(path), inputs)).transpose()?;
    let partial = wave.as_ref().map(Output::by_name).transpose()?;

    steps.next("build the simulation");
    let mut core = build(args, design, steps)?;
    if let Some(memory) = planned.plan.memory() {
        core.set_memory(memory.into());
    }
    if let (Some(to), Some(partial)) = (&wave, partial) {
        core.start_wave(partial).map_err(|e| no_wave(to, e))?;
    }

    steps.next("simulate");
    let started = std::time::Instant::now();
    let begin = core.cycles();
    let predict = |program, golden: &[Tensor]| {
        plan::predict(&planned, program == Program::Trace, network.timesteps, golden)
    };
    let count = &mut |done, total| steps.count(done as u64, total as u64);
    let checked = check(core, design, &pixels, args.trace.into(), &predict, count);
    let (mut found, mut core) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            // What shows how the core got there.
            if let (Some(to), Some(path)) = (wave, &args.wave) {
                if to.keep().is_ok() {
                    steps.note(&format!("the waveform up to there is in {}", path.display()));
                }
            }
            return Err(error.into());
        }
    };
    let speed = (core.cycles() - begin) as f64 / started.elapsed().as_secs_f64().max(1e-9);
    let wave = wave.map_or(Ok(()), |to| match core.stop_wave() {
        Ok(()) => Ok(to.keep()?),
        Err(error) => Err(no_wave(&to, error)),
    });
    if let Some(mismatch) = &mut found.first_mismatch {
        mismatch.image += args.first;
    }
    if found.is_right() {
        // The design may be another's, or on a medium that nothing is written to.
        if let Err(error) = update_report(design, &found) {
            let report = error.report();
            let why = report.causes.iter().fold(report.message, |text, cause| format!("{text}: {cause}"));
            steps.note(&format!("note: the counted cycles are not in the design's report: {why}"));
        }
    }
    let pairs = labels.iter().zip(&found.classes);
    let right = pairs.filter(|(label, &class)| label.map(u32::from) == Some(class)).count();
    let right = labels.iter().all(Option::is_some).then_some(right);
    let with_memory = board.and_then(|board| WithMemory::of(&board, &planned, network.timesteps));
    Ok((Done { right, found, data: set.about(), memory: planned.plan.memory(), with_memory, speed }, wave))
}

/// A waveform that is not complete, by the name that it would have.
fn no_wave(to: &Output, error: DeviceError) -> Failed {
    match error {
        DeviceError::Wave { message, .. } => to.failed(io::Error::other(message)).into(),
        other => other.into(),
    }
}

fn build(args: &Simulate, design: &Design, steps: &Steps) -> Result<Verilated> {
    let options = Options { waves: args.wave.is_some(), ..Options::default() };
    let hardware = hardware::of(design)?;
    let name = design.dir.display().to_string();
    Ok(Verilated::open(&name, &hardware.verilog, &options, &mut |p| show(p, steps))?)
}

/// Puts the counted cycles into the design's report.
fn update_report(design: &Design, found: &Found) -> Result<()> {
    let mut report: Report = design.report()?;
    let counted: Vec<u64> = found.layers.iter().map(|l| l.simulated.unwrap_or(l.predicted)).collect();
    report.count_cycles(&counted, Source::Simulation);
    Ok(bundle::replace_report(design, &report)?)
}
