//! `spikegate compile`: from a model to a design folder.

use serde::Serialize;
use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::estimate::{Estimator, Part};
use spikegate_bitstreams::shell;
use spikegate_compiler::emit::rusthdl;
use spikegate_compiler::report::{Number, Report, ResourceReport};
use spikegate_compiler::{graph, import, write, Labelled, Progress, Settings, Step};
use spikegate_contract::array::{ArrayConfig, PACKED_BITS};
use spikegate_testbench::data::{About, Split};
use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::array::{choose, Chosen};
use super::on_board::OnBoard;
use super::{images, inspect};
use crate::args::{Build, Compile, Emit};
use crate::failure::Result;
use crate::progress::Steps;
use crate::ui::{grouped, Ui};

/// Everything a compile needs.
pub struct Job<'a> {
    pub model: graph::Network,
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
    /// What it takes of a board, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_board: Option<OnBoard>,
    /// Data set that set the scales.
    pub calibration_data: About,
    /// Data set of the accuracy.
    pub evaluation_data: Option<About>,
}

/// Folder of the RustHDL crate in a design.
const RUSTHDL: &str = "rusthdl";

/// Steps of [`compile`]: the library's, and the images before and the files after.
pub const STEPS: usize = Step::ALL.len() + 2;

pub fn run(args: &Compile, ui: &Ui) -> Result<()> {
    let mut steps = Steps::new(ui, STEPS + 1);
    steps.next("read the model");
    let model = import::load_with(&args.source.model, &args.source.request())?;
    let Compile { build, calib, eval, output, .. } = args;
    let request = Job { model, build, calib, eval: eval.as_deref(), output };
    let done = compile(request, &mut steps)?;
    drop(steps);
    ui.result(&done, || {
        let on_board =
            done.on_board.as_ref().map_or(String::new(), |on_board| format!("{}\n", on_board.text()));
        format!("{}\n{on_board}{}", done.report.text(), inspect::assumed(&done.assumed))
    })?;
    if let Some(image) = &build.image {
        let bitstream = image.with_extension("bit");
        ui.note(&format!("{} is of the same Verilog: a board with it runs this design", bitstream.display()));
    }
    ui.note(&format!(
        "wrote {}; next: spikegate simulate {} --input DATA",
        done.output.display(),
        shell::path(&done.output)
    ));
    Ok(())
}

/// Reads the images, compiles, estimates and writes.
pub fn compile(request: Job<'_>, steps: &mut Steps) -> Result<Done> {
    let Job { model, build, calib, eval, output } = request;
    // Before the long work, what could fail at its end.
    let emit_rusthdl = build.emit.contains(&Emit::Rusthdl);
    let libraries = emit_rusthdl.then(|| rusthdl::libraries(None)).transpose()?;
    let board = build.board.as_deref().map(resolve).transpose()?;
    let chosen = choose(build, board.as_ref(), &model, |text| steps.note(text))?;
    let Chosen { array, memories, memory, prefix } = chosen;
    let mut settings = Settings {
        widths: build.weight_bits.options(),
        weight_budget: build.weight_budget,
        memories,
        memory,
        prefix,
        ..Settings::new(array)
    };
    let target = write::Target::open(output)?;

    steps.next("read the images");
    let shape = [model.input.c, model.input.h, model.input.w];
    let calibration = images::open(calib, Split::Calibration, "--calib", |text| steps.note(text))?;
    let pixels = images::calibration(&calibration, shape, build.calib_images, |text| steps.note(text))?;
    let open = |path: &Path| images::open(path, Split::Default, "--eval", |text| steps.note(text));
    let evaluation = eval.map(open).transpose()?;
    let taken = evaluation.as_ref().map(|set| -> Result<_> {
        let say = |text: &str| steps.note(text);
        let count = build.eval_images.unwrap_or(u64::MAX);
        let chosen = images::spread(set, shape, count, "--eval", say)?;
        let labels = images::labels(set, &chosen, model.classes(), "--eval", say)?;
        if labels.iter().any(Option::is_none) {
            steps.note("--eval: note: not every image has a label, so no accuracy is measured");
        }
        Ok((set.take(&chosen)?, labels))
    });
    let taken = taken.transpose()?;

    settings.evaluation = taken.as_ref().map(|(images, labels)| Labelled {
        images: images.iter().map(Cow::as_ref).collect(),
        labels: labels.clone(),
    });
    let mut design = spikegate_compiler::compile(&model, &pixels, &settings, steps)?;
    if let Some(share) = design.gate_on_the_edge {
        steps.note(&format!(
            "note: {:.0} % of the gate's arguments are so large that it saturates, and the threshold is its limit of one: \
             spikes of the first block hang on less than a step of 12 bits; compare the accuracies with --eval",
            100.0 * share
        ));
    }
    let array = &design.planned.array;
    let narrow = design.report.network.widths.iter().filter(|width| width.bits <= PACKED_BITS);
    let narrow: usize = narrow.map(|width| width.weights).sum();
    if narrow > 0 && !array.packed {
        steps.note(&format!(
            "note: {} weights have at most {PACKED_BITS} bits, and this array keeps a byte for each: with --packed it keeps two in one",
            grouped(narrow as u64)
        ));
    }
    design.report.resources = resources(array)?;
    let on_board = board.as_ref().map(|board| -> Result<_> {
        let on_board =
            OnBoard::new(board, array)?.running(board, &design.planned, model.timesteps, board.core_mhz);
        on_board.fits()?;
        Ok(on_board)
    });
    let on_board = on_board.transpose()?;

    steps.next("write");
    design.write_to(&target)?;
    if let Some(libraries) = libraries {
        let hardware = &design.hardware;
        rusthdl::write_crate(&output.join(RUSTHDL), array, hardware.config, hardware.build, &libraries)?;
    }
    Ok(Done {
        output: output.to_owned(),
        assumed: model.origin.assumed,
        report: design.report,
        on_board,
        calibration_data: calibration.about(),
        evaluation_data: evaluation.map(|set| set.about()),
    })
}

impl Progress for Steps {
    fn step(&mut self, step: Step) {
        self.next(&step.to_string());
    }

    fn count(&self, done: usize, total: usize) {
        Steps::count(self, done as u64, total as u64);
    }
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
