//! `spikegate simulate`: the Verilog in Verilator against the golden model.

use serde_json::json;
use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::output::Output;
use spikegate_bitstreams::shell;
use spikegate_compiler::emit::{bundle, hardware};
use spikegate_compiler::plan::{self, Planned};
use spikegate_compiler::report::{Report, Source};
use spikegate_contract::bundle::Design;
use spikegate_contract::tensor::Tensor;
use spikegate_runtime::device::DeviceError;
use spikegate_runtime::devices::verilator::{Options, Verilated};
use spikegate_runtime::session::Program;
use spikegate_testbench::check::{check_part, Checked, Found, Images};
use spikegate_testbench::data::Split;
use spikegate_testbench::shard::{Part, Record, Shard};
use std::io;
use std::path::Path;

use super::device::show;
use super::images::{self, Set};
use super::layers::Layers;
use super::recorded;
use super::simulated::{Done, External};
use crate::args::Simulate;
use crate::failure::{Failed, Result};
use crate::progress::Steps;
use crate::ui::{grouped, Ui};

/// Steps of [`simulate`].
pub const STEPS: usize = 2;

pub fn run(args: &Simulate, ui: &Ui) -> Result<()> {
    let shard = args.sharding.part()?;
    if let Some(note) = args.sharding.doubt().filter(|_| args.layers.is_none()) {
        ui.note(note);
    }
    let mut steps = Steps::new(ui, STEPS);
    let (simulated, wave) = simulate(args, shard, &mut steps)?;
    drop(steps);
    let Simulated { done, speed, taken } = simulated;
    ui.result_unless(taken, &done, || done.text())?;
    if let Some(speed) = speed {
        ui.note(&format!("{} cycles per second", grouped(speed)));
    }
    done.verdict(&args.dir.display().to_string(), &shell::path(&args.dir))?;
    wave
}

/// A simulation that came to its end.
pub struct Simulated {
    pub done: Done,
    /// Simulated cycles per second of this machine; none where there was no image.
    pub speed: Option<u64>,
    /// Whether standard output has what every image gave.
    taken: bool,
}

/// Builds the core, runs the images of a part and compares; updates the report when everything is equal, if it can, unless
/// others run at the same time. Beside the result, whether the waveform that is asked for is complete.
pub fn simulate(args: &Simulate, shard: Shard, steps: &mut Steps) -> Result<(Simulated, Result<()>)> {
    let board = args.board.as_deref().map(resolve).transpose()?;
    let design = &Design::open(&args.dir)?;
    let network = &design.network;
    let planned = plan::of(design)?;
    let say = |text: &str| steps.note(text);
    let set = images::open(&args.input, Split::Default, "--input", say)?;
    let chosen = images::range(&set, network.input_shape(), (args.first, args.images), "--input", say)?;
    let labels = images::labels(&set, &chosen, network.classes(), "--input", say)?;
    // Images that share a pass over the weights stay together: their cycles are those of the pass.
    let range = shard.range(chosen.len(), design.plan.batch);
    if let Some(text) = args.sharding.said(shard, range.len(), chosen.len()) {
        say(&text);
    }
    let pixels = set.take(&chosen[range.clone()])?;
    let inputs = || design.files().chain(set.files().map(Path::to_owned));
    let output = args.output.as_deref().map(|path| Output::new(Some(path), inputs())).transpose()?;
    let others = inputs().chain(args.output.clone());
    let wave = args.wave.as_deref().map(|path| Output::new(Some(path), others)).transpose()?;
    let images = Images {
        pixels: &pixels,
        labels: &labels[range.clone()],
        first: args.first + range.start as u64,
        run: args.first,
    };
    let layers = args.layers.map(|layers| Layers::of(layers.part()?, args, design, &images)).transpose()?;
    if let Some(layers) = &layers {
        say(&layers.said(&design.plan));
    }
    let run = Run { args, design, planned: &planned };
    let (checked, speed, wave) = if range.is_empty() {
        (Checked::nothing(design, args.trace.into()), None, Ok(()))
    } else if let Some(layers) = &layers {
        let check = |core, count: Count<'_>| Ok(layers.check(core, &design.plan, &images, count)?);
        run.in_verilator(None, steps, check)?
    } else {
        let predict = |program, golden: &[Tensor]| {
            plan::predict(&planned, program == Program::Trace, network.timesteps, golden)
        };
        let check = |core, count: Count<'_>| {
            Ok(check_part(core, design, &images, args.trace.into(), &predict, count)?)
        };
        run.in_verilator(wave, steps, check)?
    };
    let external = External::of(&planned, board.as_ref(), network.timesteps);
    let done = Done::new(&checked, Set::Opened(set.about()), external.clone());
    if done.found.is_right() && args.sharding.shard.is_none() && layers.is_none() {
        // The design may be another's, or on a medium that nothing is written to.
        if let Err(error) = update_report(design, &done.found) {
            let report = error.report();
            let why = report.causes.iter().fold(report.message, |text, cause| format!("{text}: {cause}"));
            steps.note(&format!("note: the counted cycles are not in the design's report: {why}"));
        }
    }
    let taken = output.as_ref().is_some_and(Output::is_stdout);
    if let Some(output) = output {
        let manifest = &design.manifest;
        let run = json!({
            "spikegate": recorded::VERSION,
            "network": network.name,
            "program_hash": manifest.program_hash,
            "trace_hash": manifest.trace_hash,
            "verilog_hash": manifest.verilog_hash,
            "data": set.identity()?,
            "first": args.first,
            "trace": args.trace.name(),
            "external": external,
        });
        let images = Part::new(&range, chosen.len());
        let shard = layers.as_ref().map_or(shard, |layers| layers.shard);
        let layers = layers.map(|layers| layers.range(&design.plan));
        let verb = "simulate".into();
        recorded::write(output, &Record { verb, shard, images, layers, run, results: checked })?;
    }
    Ok((Simulated { done, speed, taken }, wave))
}

/// Told the images done, of how many.
type Count<'a> = &'a mut dyn FnMut(usize, usize);

/// What runs.
struct Run<'a> {
    args: &'a Simulate,
    design: &'a Design,
    planned: &'a Planned,
}

impl Run<'_> {
    /// Runs a check in Verilator: what was seen, cycles per second, and whether the waveform is complete.
    fn in_verilator(
        &self,
        wave: Option<Output>,
        steps: &mut Steps,
        check: impl FnOnce(Verilated, Count<'_>) -> Result<(Checked, Verilated)>,
    ) -> Result<(Checked, Option<u64>, Result<()>)> {
        let partial = wave.as_ref().map(Output::by_name).transpose()?;
        steps.next("build the simulation");
        let mut core = build(self.args, self.design, steps)?;
        if let Some(memory) = self.planned.plan.memory() {
            core.set_memory(memory.into());
        }
        if let (Some(to), Some(partial)) = (&wave, partial) {
            core.start_wave(partial).map_err(|e| no_wave(to, e))?;
        }

        steps.next("simulate");
        let started = std::time::Instant::now();
        let begin = core.cycles();
        let count = &mut |done, total| steps.count(done as u64, total as u64);
        let (checked, mut core) = match check(core, count) {
            Ok(checked) => checked,
            Err(error) => {
                // What shows how the core got there.
                if let (Some(to), Some(path)) = (wave, &self.args.wave) {
                    if to.keep().is_ok() {
                        steps.note(&format!("the waveform up to there is in {}", path.display()));
                    }
                }
                return Err(error);
            }
        };
        let speed = (core.cycles() - begin) as f64 / started.elapsed().as_secs_f64().max(1e-9);
        let wave = wave.map_or(Ok(()), |to| match core.stop_wave() {
            Ok(()) => Ok(to.keep()?),
            Err(error) => Err(no_wave(&to, error)),
        });
        Ok((checked, Some(speed as u64), wave))
    }
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
