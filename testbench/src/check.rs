//! The check of a device: every value of every image against the golden model, every cycle against the plan.
//!
//! Cycles of steps that skip zeros depend on the image, and the planner knows how ([`Predict`]); it is handed in, so that
//! what checks does not depend on what is checked.
//!
//! ```
//! use spikegate_compiler::{build, plan, Settings};
//! use spikegate_contract::{array::ArrayConfig, bundle::Design, tensor::Tensor};
//! use spikegate_golden::random::{image, network, tiny, Rng};
//! use spikegate_runtime::{devices::golden::Golden, session::Program};
//! use spikegate_testbench::check::{check, Level};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let rng = &mut Rng(1);
//! # let shape = tiny(rng);
//! # let home = tempfile::tempdir()?;
//! # let folder = home.path();
//! # build(network(rng, &shape), &Settings::new(ArrayConfig::new(4, 1, 4, 4)?), &mut ())?.write(folder)?;
//! let design = Design::open(folder)?;
//! let planned = plan::of(&design)?;
//! let predict = |program, golden: &[Tensor]| {
//!     plan::predict(&planned, program == Program::Trace, design.network.timesteps, golden)
//! };
//! # let images = [image(rng, design.network.input_shape())];
//! let device = Golden::open(&design)?; // or Verilated, or one that `spikegate_runtime::devices::open` opens
//! let (found, _device) = check(device, &design, &images, Level::All, &predict, &mut |_, _| ())?;
//! assert!(found.is_right(), "{:?}", found.first_mismatch);
//! # Ok(()) }
//! ```

use serde::Serialize;
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{Design, PlannedStep};
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::network::Form;
use spikegate_contract::tensor::{names, Tensor};
use spikegate_golden::trace::{decode_image, dumped, TraceError};
use spikegate_golden::GoldenError;
use spikegate_runtime::device::Device;
use spikegate_runtime::session::{Inference, Program, Session, SessionError};
use std::borrow::Cow;
use std::fmt;

use crate::compare::{compare, Comparison, Divergence};

/// Name under which the class is compared.
const CLASS: &str = "class";

/// How much of a run is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Classes and logits.
    Classes,
    /// All spikes too.
    Spikes,
    /// Every tensor.
    All,
}

/// The cycles that every step of a program should take for an image, given all of its tensors.
pub type Predict<'a> = dyn Fn(Program, &[Tensor]) -> Vec<u64> + 'a;

/// The first difference of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Mismatch {
    /// Image, from 0.
    pub image: u64,
    /// Where.
    pub divergence: Divergence,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {}: {}", self.image, self.divergence)
    }
}

/// Cycles of one step.
#[derive(Clone, Debug, Serialize)]
pub struct LayerCycles {
    /// Layer.
    pub name: String,
    /// Predicted; for a layer that skips zeros the mean over the images.
    pub predicted: u64,
    /// Counted in the same way, or the first count that was not as predicted; none for the step that sends the
    /// result.
    pub simulated: Option<u64>,
}

/// What a check has found.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// Images run.
    pub images: usize,
    /// Class of every image, as the device says.
    #[serde(skip)]
    pub classes: Vec<u32>,
    /// Tensor values compared with the golden model, classes and logits included.
    pub values: u64,
    /// Whether all values are equal.
    pub equal: bool,
    /// The first that is not.
    pub first_mismatch: Option<Mismatch>,
    /// Whether all steps of all programs took the predicted cycles.
    pub cycles_equal: bool,
    /// Cycles of one image.
    pub cycles: u64,
    /// Predicted and counted cycles per step of the plain program.
    pub layers: Vec<LayerCycles>,
}

impl Found {
    /// Whether every value and every cycle is as it should be.
    pub fn is_right(&self) -> bool {
        self.equal && self.cycles_equal
    }
}

/// A check that came to no end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// The device, or what it sends.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The golden model refuses the network or an image.
    #[error(transparent)]
    Golden(#[from] GoldenError),
    /// A trace that is not as planned.
    #[error(transparent)]
    Trace(#[from] TraceError),
}

/// Runs images on a device and compares; gives the device back. With more than classes to compare, all images run through
/// the tracing program, and then as many through the plain one as tell its cycles: one batch, or all where the cycles depend
/// on the image. `progress` is told the images done, of how many.
///
/// # Errors
/// See [`CheckError`]. Values and cycles that differ are no errors: they are found.
pub fn check<D: Device, I: AsRef<[u8]>>(
    device: D,
    design: &Design,
    images: &[I],
    level: Level,
    predict: &Predict<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Found, D), CheckError> {
    let mut checker = Checker::new(design, images.len(), level, predict);
    let skips = design.plan.steps.iter().any(|s| s.skips.is_some());
    let enough = if skips || level == Level::Classes { images.len() } else { design.plan.batch };
    let mut device = device;
    if level != Level::Classes {
        device = checker.run(device, Program::Trace, images, progress)?;
    }
    // Last, as the figures are those of the plain program: the tracing one has more steps.
    device = checker.run(device, Program::Plain, &images[..enough.min(images.len())], progress)?;
    Ok((checker.found(), device))
}

/// Predicted and counted cycles of one step, summed over images.
#[derive(Clone, Default)]
struct Count {
    predicted: u64,
    counted: u64,
    images: u64,
    /// The first pair that was not equal.
    differs: Option<(u64, u64)>,
}

impl Count {
    fn layer(&self, step: &PlannedStep) -> LayerCycles {
        let mean = |sum: u64| (sum + self.images / 2) / self.images.max(1);
        let (predicted, counted) = match self.differs {
            Some(pair) => pair,
            None if self.images == 0 => (step.cycles, 0),
            None => (mean(self.predicted), mean(self.counted)),
        };
        LayerCycles { name: step.name.clone(), predicted, simulated: (self.images > 0).then_some(counted) }
    }
}

/// Everything compared so far.
struct Checker<'a> {
    design: &'a Design,
    level: Level,
    predict: &'a Predict<'a>,
    classes: Vec<u32>,
    sum: Comparison,
    mismatch: Option<Mismatch>,
    /// Of the program that runs.
    counts: Vec<Count>,
    /// Whether all programs took the predicted cycles.
    cycles_equal: bool,
}

impl<'a> Checker<'a> {
    fn new(design: &'a Design, images: usize, level: Level, predict: &'a Predict<'a>) -> Self {
        Self {
            design,
            level,
            predict,
            classes: vec![0; images],
            sum: Comparison::default(),
            mismatch: None,
            counts: Vec::new(),
            cycles_equal: true,
        }
    }

    /// Runs images through one of the programs.
    fn run<D: Device, I: AsRef<[u8]>>(
        &mut self,
        device: D,
        program: Program,
        images: &[I],
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<D, CheckError> {
        let plan = &self.design.plan;
        let steps = if program == Program::Trace { &plan.trace_steps } else { &plan.steps };
        self.counts = vec![Count::default(); steps.len()];
        let mut session = Session::open(device, self.design, program)?;
        let array = session.array().clone();
        session.infer_each(images, |inference| {
            let index = inference.sequence as usize;
            self.image(&array, program, images[index].as_ref(), inference)?;
            progress(index + 1, images.len());
            Ok::<(), CheckError>(())
        })?;
        Ok(session.into_device())
    }

    /// Takes the result of an image.
    fn image(
        &mut self,
        array: &ArrayConfig,
        program: Program,
        pixels: &[u8],
        inference: Inference,
    ) -> Result<(), CheckError> {
        let mut golden: Vec<Tensor> = Vec::new();
        let outcome = spikegate_golden::run(&self.design.network, pixels, &mut golden)?;
        self.cycles(&inference.cycles, (self.predict)(program, &golden));
        let (plan, place) = (&self.design.plan, inference.place);
        let (mut got, mut expected) = match program {
            Program::Plain => (Vec::new(), Vec::new()),
            Program::Trace => (
                decode_image(plan, &self.design.network, array, &inference.dumps, place)?,
                dumped(plan, &self.design.network, place),
            ),
        };
        if self.level == Level::Spikes {
            let is = |name: &str| {
                let node = self.design.network.find(name).map(|id| self.design.network.node(id));
                node.is_some_and(|node| node.out.form == Form::Spikes)
            };
            expected.retain(|name| is(name));
            got.retain(|t| is(&t.name));
        }
        let logits: Vec<i64> = inference.logits.iter().map(|&l| l.into()).collect();
        got.push(Tensor { name: names::LOGITS.to_owned(), dims: [1, logits.len(), 1, 1], data: logits });
        let class = |class: usize| Tensor { name: CLASS.to_owned(), dims: [1; 4], data: vec![class as i64] };
        golden.push(class(outcome.class));
        got.push(class(inference.class as usize));
        expected.extend([names::LOGITS, CLASS]);
        golden.retain(|t| expected.contains(&t.name.as_str()));
        let comparison = compare(&golden, &got);
        if let (None, Some(divergence)) = (&self.mismatch, comparison.first.clone()) {
            self.mismatch = Some(Mismatch { image: inference.sequence.into(), divergence });
        }
        self.sum.add(comparison);
        if let Some(class) = self.classes.get_mut(inference.sequence as usize) {
            *class = inference.class;
        }
        Ok(())
    }

    fn cycles(&mut self, counted: &[u32], predicted: Vec<u64>) {
        for ((count, predicted), &counted) in self.counts.iter_mut().zip(predicted).zip(counted) {
            let counted = u64::from(counted);
            count.predicted += predicted;
            count.counted += counted;
            count.images += 1;
            if counted != predicted {
                self.cycles_equal = false;
                count.differs.get_or_insert((predicted, counted));
            }
        }
    }

    /// The result, after the plain program.
    fn found(self) -> Found {
        let plan = &self.design.plan;
        let layers: Vec<LayerCycles> =
            self.counts.iter().zip(&plan.steps).map(|(count, step)| count.layer(step)).collect();
        // Without a full batch nobody has told the cycles of its last images' heads.
        let cycles: u64 = layers.iter().map(|l| l.simulated.unwrap_or(l.predicted)).sum();
        Found {
            images: self.classes.len(),
            classes: self.classes,
            values: self.sum.values,
            equal: self.sum.is_equal(),
            first_mismatch: self.mismatch,
            cycles_equal: self.cycles_equal,
            cycles: cycles.div_ceil(plan.batch as u64),
            layers,
        }
    }
}

impl Failure for CheckError {
    fn kind(&self) -> Kind {
        match self {
            Self::Session(source) => source.kind(),
            Self::Golden(source) => source.kind(),
            Self::Trace(source) => source.kind(),
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Session(source) => source.help(),
            Self::Golden(source) => source.help(),
            Self::Trace(source) => source.help(),
        }
    }
}
