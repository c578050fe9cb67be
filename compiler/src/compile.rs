//! The whole way: from a float network and calibration images, or from an integer network, to a [`Design`].
//!
//! ```
//! use spikegate_compiler::{compile, import, Design, Settings};
//! use spikegate_contract::array::ArrayConfig;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let network = import::load("../testbench/reference/random_k4.safetensors".as_ref())?;
//! // Pixels u8 in (c, y, x) order; of a trained network, images of its training set.
//! let images: Vec<Vec<u8>> = (0..2).map(|n| vec![64 + n; network.input.len()]).collect();
//! let settings = Settings::new(ArrayConfig::new(4, 1, 8, 4)?);
//! let design: Design = compile(&network, &images, &settings, &mut ())?;
//! println!("{} cycles per image", design.report.cycles.value);
//! # let home = tempfile::tempdir()?;
//! # let folder = home.path().join("design");
//! design.write(&folder)?;
//! # spikegate_contract::bundle::Design::open(&folder)?;
//! # Ok(()) }
//! ```

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{sha256, MemoryModel};
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::network::Network;
use std::borrow::Cow;
use std::fmt;

use crate::calibrate::{calibrate, CalibrateError};
use crate::emit::bundle::Design;
use crate::emit::hardware::{self, HardwareError};
use crate::existing::{plan_enlarged, plan_existing, ExistingError};
use crate::graph;
use crate::plan::{plan_with, plan_within, PlanError, Request};
use crate::quantise::{
    evaluate, gate_on_the_edge, mixed, EvaluateError, Options, QuantiseError, Quantised, DEFAULT_SPIKE_IMAGES,
};
use crate::report::Report;

/// What is made, and what it is measured on.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// Bits of weights and gate.
    pub widths: Options,
    /// Bytes that all weights may take together: the widths of [`Settings::widths`] do not count then, see
    /// [`crate::quantise::mixed`].
    pub weight_budget: Option<u64>,
    /// Sizes and options of the array.
    pub array: ArrayConfig,
    /// What becomes of its memories.
    pub memories: Memories,
    /// The external memory that the cycles are predicted for, where the array has a port.
    pub memory: MemoryModel,
    /// Name of the top module, with which the names of all others begin.
    pub prefix: String,
    /// Images on which the integer network is compared with the float network.
    pub evaluation: Option<Labelled<'a>>,
}

/// What becomes of an array's memories.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Memories {
    /// They grow to the next power of two that holds the network.
    #[default]
    Grow,
    /// The same with at most so many bits of memory on chip: residual maps that do not fit leave it, and what is larger
    /// all the same is refused.
    Within(u64),
    /// They stay, and so does everything else of the array: it exists. It computes so many images at a time, as many as
    /// it is built for without a number.
    Keep(Option<usize>),
    /// They grow, and so do the accumulators, of an array that exists: the new one also holds what the old one held.
    Enlarge(Option<usize>),
}

impl Settings<'_> {
    /// 8-bit weights and gate, the default memory, no limit, the usual prefix and no evaluation.
    pub fn new(array: ArrayConfig) -> Self {
        let (widths, memory, memories) = Default::default();
        let prefix = spikegate_hdl::TOP.to_owned();
        Self { widths, weight_budget: None, array, memories, memory, prefix, evaluation: None }
    }
}

/// Images with labels.
#[derive(Clone, Debug, Default)]
pub struct Labelled<'a> {
    /// Pixels u8 in (c, y, x) order.
    pub images: Vec<&'a [u8]>,
    /// One entry per image; accuracies need all of them.
    pub labels: Vec<Option<u16>>,
}

/// A part of a compile, in the order in which they come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ranges of the float network.
    Calibrate,
    /// To integers.
    Quantise,
    /// Both networks on images, where there are any to evaluate on.
    Evaluate,
    /// Onto the array.
    Plan,
    /// Verilog.
    Generate,
}

impl Step {
    /// All of them.
    pub const ALL: [Step; 5] = [Step::Calibrate, Step::Quantise, Step::Evaluate, Step::Plan, Step::Generate];
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Calibrate => "calibrate",
            Step::Quantise => "quantise",
            Step::Evaluate => "measure accuracy",
            Step::Plan => "plan",
            Step::Generate => "generate the Verilog",
        })
    }
}

/// Who is told how far a compile is. `()` is nobody.
pub trait Progress: Sync {
    /// A step begins.
    fn step(&mut self, step: Step) {
        let _ = step;
    }
    /// It has done `done` of `total` parts; called from many threads.
    fn count(&self, done: usize, total: usize) {
        let _ = (done, total);
    }
}

impl Progress for () {}

/// Why there is no design.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompileError {
    /// The float network does not run over the images.
    #[error(transparent)]
    Calibrate(#[from] CalibrateError),
    /// It has no integer form.
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    /// The networks cannot be compared.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// The integer network does not suit the array.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// It does not suit an array that exists.
    #[error(transparent)]
    Existing(#[from] ExistingError),
    /// The hardware cannot be written.
    #[error(transparent)]
    Hardware(#[from] HardwareError),
}

/// Calibrates and quantises a float network, compares both forms where the settings say on what, and builds the design.
/// `images` set the scales: pixels u8 in (c, y, x) order.
///
/// # Errors
/// See [`CompileError`]: each step's own.
pub fn compile<I: AsRef<[u8]> + Sync>(
    float: &graph::Network,
    images: &[I],
    settings: &Settings<'_>,
    progress: &mut dyn Progress,
) -> Result<Design, CompileError> {
    progress.step(Step::Calibrate);
    let calibration = calibrate(float, images)?;
    progress.step(Step::Quantise);
    let done = |done: usize, all: usize| progress.count(done, all);
    let widths = match settings.weight_budget {
        Some(budget) => &mixed(float, &calibration, &settings.widths, budget, images, &done)?,
        None => &settings.widths,
    };
    let integer = Quantised::new(float, &calibration, widths)?.compensated(images, &done)?;
    progress.step(Step::Evaluate);
    let measure = |on: &Labelled<'_>| {
        let done = |n: usize| progress.count(n, on.images.len());
        evaluate(float, &integer, &on.images, &on.labels, DEFAULT_SPIKE_IMAGES, &done)
    };
    let evaluation = settings.evaluation.as_ref().map(measure).transpose()?;
    let mut design = build(integer, settings, progress)?;
    if let Some(evaluation) = &evaluation {
        design.report.set_accuracy(evaluation);
    }
    let pixels: Vec<&[u8]> = images.iter().map(AsRef::as_ref).collect();
    design.calibration_hash = sha256(&pixels.concat());
    design.model_hash = float.origin.sha256.clone();
    design.gate_on_the_edge = gate_on_the_edge(float, &calibration);
    Ok(design)
}

/// Plans an integer network onto the array and generates the hardware. Widths and evaluation of the settings are not for
/// it.
///
/// # Errors
/// [`CompileError::Plan`], [`CompileError::Existing`], [`CompileError::Hardware`].
pub fn build(
    network: Network,
    settings: &Settings<'_>,
    progress: &mut dyn Progress,
) -> Result<Design, CompileError> {
    let Settings { array, memory, .. } = settings;
    progress.step(Step::Plan);
    let planned = match settings.memories {
        Memories::Grow => plan_with(&network, Request::New(array), memory)?,
        Memories::Within(bits) => plan_within(&network, array, memory, bits)?,
        Memories::Keep(images) => plan_existing(&network, array, memory, images)?,
        Memories::Enlarge(images) => plan_enlarged(&network, array, memory, images)?,
    };
    let report = Report::new(&network, &planned);
    progress.step(Step::Generate);
    let hardware = hardware::generate_as(&planned.array, &settings.prefix)?;
    let (model_hash, calibration_hash) = Default::default();
    Ok(Design { network, planned, hardware, report, model_hash, calibration_hash, gate_on_the_edge: None })
}

impl Failure for CompileError {
    fn kind(&self) -> Kind {
        match self {
            Self::Calibrate(source) => source.kind(),
            Self::Quantise(source) => source.kind(),
            Self::Evaluate(source) => source.kind(),
            Self::Plan(source) => source.kind(),
            Self::Existing(source) => source.kind(),
            Self::Hardware(source) => source.kind(),
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Calibrate(source) => source.help(),
            Self::Quantise(source) => source.help(),
            Self::Evaluate(source) => source.help(),
            Self::Plan(source) => source.help(),
            Self::Existing(source) => source.help(),
            Self::Hardware(source) => source.help(),
        }
    }
}
