//! `spikegate compile`: from a model to a design folder.

use anyhow::{Context, Result};
use serde::Serialize;
use spikegate_bitstreams::estimate::{Estimator, Part};
use spikegate_bitstreams::shell;
use spikegate_compiler::emit::bundle::{files, Design};
use spikegate_compiler::emit::{hardware, rusthdl};
use spikegate_compiler::plan::{plan_with, plan_within, Planned, Request};
use spikegate_compiler::quantise::{
    evaluate, gate_on_the_edge, quantise, Evaluation, Options, DEFAULT_SPIKE_IMAGES,
};
use spikegate_compiler::report::{Number, Report, ResourceReport};
use spikegate_compiler::{calibrate, graph, import, write};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{sha256, MemoryModel};
use spikegate_contract::graph as integer;
use spikegate_contract::network::Network;
use spikegate_testbench::data::{About, Split};
use std::path::{Path, PathBuf};

use super::{images, inspect};
use crate::args::{ArraySize, Build, Compile, Emit, Source};
use crate::progress::Steps;
use crate::ui::Ui;

/// A model file, read.
pub struct Model {
    pub network: graph::Network,
    /// SHA-256 of the file.
    pub hash: String,
}

/// Everything a compile needs.
pub struct Job<'a> {
    pub model: Model,
    pub build: &'a Build,
    pub calib: &'a Path,
    pub eval: Option<&'a Path>,
    pub output: &'a Path,
}

/// What a compile prints.
#[derive(Serialize)]
pub struct Done {
    /// Folder of the design.
    pub output: PathBuf,
    /// What was taken for granted when the model was read.
    pub assumed: Vec<graph::Assumption>,
    /// Its report.
    pub report: Report,
    /// Data set that set the scales.
    pub calibration_data: About,
    /// Data set of the accuracy.
    pub evaluation_data: Option<About>,
}

/// Folder of the RustHDL crate in a design.
const RUSTHDL: &str = "rusthdl";

/// Steps of [`compile`].
pub const STEPS: usize = 6;

pub fn run(args: &Compile, ui: &Ui) -> Result<()> {
    let mut steps = Steps::new(ui, STEPS + 1);
    steps.next("read the model");
    let model = read(&args.source)?;
    let Compile { build, calib, eval, output, .. } = args;
    let request = Job { model, build, calib, eval: eval.as_deref(), output };
    let done = compile(request, &mut steps)?;
    drop(steps);
    ui.result(&done, || format!("{}\n{}", done.report.text(), inspect::assumed(&done.assumed)))?;
    ui.note(&format!(
        "wrote {}; next: spikegate simulate {} --input DATA",
        done.output.display(),
        shell::path(&done.output)
    ));
    Ok(())
}

/// Reads a model file.
pub fn read(source: &Source) -> Result<Model> {
    let path = &source.model;
    let network = import::load_with(path, &source.request())?;
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(Model { network, hash: sha256(&bytes) })
}

/// Quantises, measures, plans, generates and writes.
pub fn compile(request: Job<'_>, steps: &mut Steps) -> Result<Done> {
    let Job { model, build, calib, eval, output } = request;
    // Before the long work, what could fail at its end.
    let emit_rusthdl = build.emit.contains(&Emit::Rusthdl);
    let libraries = emit_rusthdl.then(|| rusthdl::libraries(None)).transpose()?;
    let float = &model.network;
    let shape = [float.input.c, float.input.h, float.input.w];
    let target = write::Target::open(output)?;

    steps.next("calibrate");
    let set = images::open(calib, Split::Calibration, "--calib", |text| steps.note(text))?;
    let pixels = images::calibration(&set, shape, build.calib_images, |text| steps.note(text))?;
    let calibration = calibrate::calibrate(float, &pixels)?;
    let calibration_hash = sha256(&pixels.concat());

    steps.next("quantise");
    let options = Options { weight_bits: build.weight_bits(), ..Options::default() };
    let integer = quantise(float, &calibration, &options)?;
    if let Some(share) = gate_on_the_edge(float, &calibration) {
        steps.note(&format!(
            "note: {:.0} % of the gate's arguments are so large that it saturates, and the threshold is its limit of one: \
             spikes of the first block hang on less than a step of 12 bits; compare the accuracies with --eval",
            100.0 * share
        ));
    }

    steps.next("measure accuracy");
    let evaluation = eval.map(|path| measure(float, &integer, path, build.eval_images, steps)).transpose()?;
    let (evaluation, evaluation_data) = evaluation.unzip();

    steps.next("plan");
    // The planner still reads the chain of layers.
    let integer = integer.to_chain().context("the network is no chain of blocks")?;
    let ArraySize { lanes, pixels, ci, co } = build.array;
    let mut array = ArrayConfig::new(lanes, pixels, ci, co)?;
    if let Some(post) = build.post {
        array = array.with_post(post)?;
    }
    if let Some(bits) = build.memory {
        array = array.with_memory(bits)?;
    }
    if let Some(groups) = build.skip {
        array = array.with_skipping(groups)?;
    }
    array = array.with_batch(build.batch)?;
    let memory = MemoryModel {
        latency: build.memory_latency,
        bytes_per_1000_cycles: build.memory_bandwidth.unwrap_or(0),
    };
    if build.spill {
        array = array.with_spilling()?;
    }
    let planned = match build.on_chip {
        Some(bits) => plan_within(&integer, &array, &memory, bits)?,
        None => plan_with(&integer, Request::New(&array), &memory)?,
    };
    let mut report = Report::new(&integer, &planned);
    report.resources = resources(&planned.array)?;
    if let Some(evaluation) = &evaluation {
        report.set_accuracy(evaluation);
    }

    steps.next("generate the Verilog");
    let hardware::Hardware { config, build, verilog } = hardware::generate(&planned.array)?;

    steps.next("write");
    let (model_hash, network) = (&model.hash, &integer);
    write_design(&target, network, &planned, &verilog, &report, model_hash, &calibration_hash)?;
    if let Some(libraries) = libraries {
        rusthdl::write_crate(&output.join(RUSTHDL), &planned.array, config, build, &libraries)?;
    }
    let assumed = model.network.origin.assumed.clone();
    Ok(Done { output: output.to_owned(), assumed, report, calibration_data: set.about(), evaluation_data })
}

/// Estimated use of every FPGA family.
fn resources(array: &ArrayConfig) -> Result<Vec<ResourceReport>> {
    let estimator = Estimator::builtin()?;
    let of = |part: Part| {
        let counts = estimator.counts(part, array)?;
        let clock =
            |grade: &String| Some((grade.clone(), Number::estimate(estimator.fmax(part, grade, array)?)));
        Some(ResourceReport {
            part: part.name().to_owned(),
            lut: Number::estimate(counts.lut),
            ff: Number::estimate(counts.ff),
            bram: Number::estimate(counts.bram),
            dsp: Number::estimate(counts.dsp),
            fmax_mhz: estimator.grades().iter().filter_map(clock).collect(),
        })
    };
    Ok(Part::ALL.into_iter().filter_map(of).collect())
}

fn measure(
    float: &graph::Network,
    integer: &integer::Network,
    path: &Path,
    count: Option<u64>,
    steps: &Steps,
) -> Result<(Evaluation, About)> {
    let say = |text: &str| steps.note(text);
    let set = images::open(path, Split::Default, "--eval", say)?;
    let wanted = (0, count.unwrap_or(u64::MAX));
    let (range, labels) = images::labelled(&set, integer.input_shape(), integer.classes(), wanted, say)?;
    if labels.iter().any(Option::is_none) {
        steps.note("--eval: note: not every image has a label, so no accuracy is measured");
    }
    let pixels = set.take(&range.collect::<Vec<_>>())?;
    let total = pixels.len() as u64;
    let done = |n: usize| steps.count(n as u64, total);
    Ok((evaluate(float, integer, &pixels, &labels, DEFAULT_SPIKE_IMAGES, &done)?, set.about()))
}

fn write_design(
    target: &write::Target,
    network: &Network,
    planned: &Planned,
    verilog: &str,
    report: &Report,
    model_hash: &str,
    calibration_hash: &str,
) -> Result<()> {
    let design = Design { network, planned, verilog, report, model_hash, calibration_hash };
    Ok(target.write(&files(&design)?)?)
}
