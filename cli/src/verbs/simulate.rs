//! `spikegate simulate`: the Verilog in Verilator against the golden model.

use anyhow::{bail, ensure, Result};
use serde::Serialize;
use spikegate_bitstreams::shell;
use spikegate_compiler::emit::{bundle, hardware};
use spikegate_compiler::plan::{plan, Request};
use spikegate_compiler::report::{Report, Source};
use spikegate_compiler::write;
use spikegate_contract::bundle::{files, Design, Plan};
use spikegate_runtime::devices::verilator::{Options, Verilated};
use spikegate_runtime::session::{Program, Session};
use spikegate_testbench::data::{About, Split};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::path::Path;

use super::check::{Checker, LayerCycles, Mismatch};
use super::device::show;
use super::images;
use crate::args::{Simulate, TraceLevel};
use crate::failure::CheckFailed;
use crate::progress::Steps;
use crate::ui::{grouped, table, Ui};

/// What a simulation prints.
#[derive(Serialize)]
pub struct Done {
    /// Images run.
    pub images: usize,
    /// Images whose label the hardware found; none without labels.
    pub right: Option<usize>,
    /// Tensor values compared with the golden model, classes and logits included.
    pub values: u64,
    /// Whether all values are equal.
    pub equal: bool,
    /// The first that is not.
    pub first_mismatch: Option<Mismatch>,
    /// Whether all layers took the predicted cycles.
    pub cycles_equal: bool,
    /// Cycles of one image.
    pub cycles: u64,
    /// Predicted and simulated cycles per instruction.
    pub layers: Vec<LayerCycles>,
    /// The data set.
    pub data: About,
    /// Simulated cycles per second of this machine.
    #[serde(skip)]
    pub speed: f64,
}

/// Steps of [`simulate`].
pub const STEPS: usize = 2;

pub fn run(args: &Simulate, ui: &Ui) -> Result<()> {
    let mut steps = Steps::new(ui, STEPS);
    let done = simulate(args, &mut steps)?;
    drop(steps);
    ui.result(&done, || done.text())?;
    ui.note(&format!("{} cycles per second", grouped(done.speed as u64)));
    done.verdict(&args.dir)
}

impl Done {
    /// The result for people.
    pub fn text(&self) -> String {
        let timed = self.layers.iter().filter(|l| l.predicted > 0);
        let rows = timed.map(|l| {
            let verdict = if l.simulated == Some(l.predicted) { "" } else { "DIFFERENT" };
            let simulated = l.simulated.map_or("-".to_owned(), grouped);
            vec![l.name.clone(), grouped(l.predicted), simulated, verdict.to_owned()]
        });
        let mut out = table(&["layer", "predicted", "simulated", ""], rows);
        // Writing to a string cannot fail.
        let _ = writeln!(out, "\ncycles per image   {} (simulation)", grouped(self.cycles));
        if let Some(right) = self.right {
            let _ = writeln!(out, "right classes      {right} of {}", self.images);
        }
        let word = if self.equal { "all equal" } else { "NOT EQUAL" };
        let _ = writeln!(
            out,
            "golden model       {word}: {} values of {} images compared",
            grouped(self.values),
            self.images
        );
        if let Some(first) = &self.first_mismatch {
            let _ = writeln!(out, "\nMISMATCH golden vs verilator\n  {first}");
        }
        out
    }

    /// An error unless everything is equal.
    pub fn verdict(&self, dir: &Path) -> Result<()> {
        let (dir, word) = (dir.display(), shell::path(dir));
        if let Some(first) = &self.first_mismatch {
            let rerun = format!("spikegate simulate {word} --first {} --images 1 --trace all", first.image);
            let what =
                format!("{dir}: the hardware differs from the golden model; look closer with `{rerun}`");
            return Err(CheckFailed(what).into());
        }
        if !self.cycles_equal {
            let what = "the hardware does not take the predicted cycles in every program";
            return Err(CheckFailed(format!("{dir}: {what}; see the table of layers")).into());
        }
        Ok(())
    }
}

/// Builds the core, runs the images and compares; updates the report when everything is equal.
pub fn simulate(args: &Simulate, steps: &mut Steps) -> Result<Done> {
    let dir = &args.dir;
    let design = &Design::open(dir)?;
    let network = &design.network;
    // The design's own plan is what the hardware is held to; planning again gives the instructions to it.
    let mut planned = plan(network, Request::Existing(&design.manifest.array))?;
    let names = |plan: &Plan| -> Vec<String> {
        plan.steps.iter().chain(&plan.trace_steps).map(|step| step.name.clone()).collect()
    };
    if names(&planned.plan) != names(&design.plan) {
        bail!("{}: {} is not the plan of this network: compile the model again", dir.display(), files::PLAN);
    }
    planned.plan = design.plan.clone();
    let say = |text: &str| steps.note(text);
    let set = images::open(&args.input, Split::Default, "--input", say)?;
    let (classes, wanted) = (network.head.bias.len(), (args.first, args.images));
    let (range, labels) = images::labelled(&set, network.input.shape, classes, wanted, say)?;
    let pixels = set.take(&range.collect::<Vec<_>>())?;

    steps.next("build the simulation");
    let mut core = build(args, design, steps)?;
    if let Some(memory) = planned.plan.memory() {
        core.set_memory(memory.into());
    }
    if let Some(path) = &args.wave {
        core.start_wave(path)?;
    }

    steps.next("simulate");
    let started = std::time::Instant::now();
    let begin = core.cycles();
    let mut checker = Checker::new(network, &planned, args.first, &labels);
    if args.trace != TraceLevel::None {
        core = run_images(core, design, args.trace, &pixels, &mut checker, steps)?;
        // The tracing program has more instructions, so the figures come from the plain one. One image, or one batch,
        // tells them, unless they depend on the image's zeros.
        let skips = planned.plan.steps.iter().any(|s| s.skips.is_some());
        let enough = if skips { pixels.len() } else { planned.plan.batch };
        let tell = &pixels[..enough.min(pixels.len())];
        core = run_images(core, design, TraceLevel::None, tell, &mut checker, steps)?;
    } else {
        core = run_images(core, design, TraceLevel::None, &pixels, &mut checker, steps)?;
    }
    let speed = (core.cycles() - begin) as f64 / started.elapsed().as_secs_f64().max(1e-9);
    if args.wave.is_some() {
        core.stop_wave()?;
    }
    let done = checker.done(speed, set.about());
    if done.equal && done.cycles_equal {
        update_report(design, &done)?;
    }
    Ok(done)
}

/// Runs images through one of the programs.
fn run_images(
    core: Verilated,
    design: &Design,
    trace: TraceLevel,
    pixels: &[Cow<'_, [u8]>],
    checker: &mut Checker<'_>,
    steps: &Steps,
) -> Result<Verilated> {
    let program = if trace == TraceLevel::None { Program::Plain } else { Program::Trace };
    let mut session = Session::open(core, design, program)?;
    let array = session.array().clone();
    checker.begin(trace);
    session.infer_each(pixels, |inference| {
        let index = inference.sequence as usize;
        checker.image(&array, &pixels[index], inference)?;
        steps.count(index as u64 + 1, pixels.len() as u64);
        anyhow::Ok(())
    })?;
    Ok(session.into_device())
}

fn build(args: &Simulate, design: &Design, steps: &Steps) -> Result<Verilated> {
    let options = Options { waves: args.wave.is_some(), ..Options::default() };
    let hardware = hardware::of(design)?;
    let name = design.dir.display().to_string();
    Ok(Verilated::open(&name, &hardware.verilog, &options, &mut |p| show(p, steps))?)
}

/// Puts the counted cycles into `report.json`, and its hash into the manifest, which comes last.
fn update_report(design: &Design, done: &Done) -> Result<()> {
    let Design { dir, manifest, .. } = design;
    let mut report: Report = design.report()?;
    let counted: Vec<u64> = done.layers.iter().map(|l| l.simulated.unwrap_or(l.predicted)).collect();
    report.count_cycles(&counted, Source::Simulation);
    let files = bundle::with_report(manifest, &report)?;
    let now = Design::open(dir)?.manifest;
    ensure!(
        now == *manifest,
        "{}: another design was written there meanwhile; simulate again",
        dir.display()
    );
    Ok(write::Target::open(dir)?.write(&files)?)
}
