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

mod checked;
mod layers;

pub use checked::{Checked, Found, LayerCycles, Mismatch, Pass, Seen, StepCycles};
pub use layers::check_layers;

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

use crate::compare::{compare, Comparison};

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

/// Images of a run that are checked, which may be a part of those of the run.
pub struct Images<'a, I> {
    /// Pixels of each, u8 in (c, y, x) order.
    pub pixels: &'a [I],
    /// One entry per image; none where the data say none.
    pub labels: &'a [Option<u16>],
    /// Number of the first of them.
    pub first: u64,
    /// Number of the run's first.
    pub run: u64,
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

/// Runs images on a device and compares, as [`check_part`] with all of them; gives the device back.
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
    let images = Images { pixels: images, labels: &[], first: 0, run: 0 };
    let (checked, device) = check_part(device, design, &images, level, predict, progress)?;
    Ok((checked.found(), device))
}

/// Runs images on a device and compares; gives the device back. With more than classes to compare, all images run through
/// the tracing program, and then those of them through the plain one that tell its cycles: the first batch of the run, or all
/// where the cycles depend on the image. `progress` is told the images done, of how many.
///
/// # Errors
/// See [`CheckError`]. Values and cycles that differ are no errors: they are found.
pub fn check_part<D: Device, I: AsRef<[u8]>>(
    device: D,
    design: &Design,
    images: &Images<'_, I>,
    level: Level,
    predict: &Predict<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Checked, D), CheckError> {
    let plan = &design.plan;
    let skips = plan.steps.iter().any(|s| s.skips.is_some());
    let enough = if skips || level == Level::Classes { usize::MAX } else { plan.batch };
    let before = images.first.saturating_sub(images.run) as usize;
    let plain = enough.saturating_sub(before).min(images.pixels.len());
    let checker = Checker { design, level, predict };
    let mut device = device;
    let mut trace = None;
    if level != Level::Classes {
        let pass;
        (pass, device) = checker.run(device, Program::Trace, images, images.pixels.len(), progress)?;
        trace = Some(pass);
    }
    // Last, as the figures are those of the plain program: the tracing one has more steps.
    let (plain, device) = checker.run(device, Program::Plain, images, plain, progress)?;
    Ok((Checked { batch: plan.batch as u64, trace, plain }, device))
}

impl Checked {
    /// Of no image of a design.
    pub fn nothing(design: &Design, level: Level) -> Self {
        let pass = |steps: &[PlannedStep]| Pass { images: Vec::new(), steps: uncounted(steps) };
        let plan = &design.plan;
        let trace = (level != Level::Classes).then(|| pass(&plan.trace_steps));
        Self { batch: plan.batch as u64, trace, plain: pass(&plan.steps) }
    }
}

fn uncounted(steps: &[PlannedStep]) -> Vec<StepCycles> {
    steps.iter().map(|step| StepCycles::new(&step.name, step.cycles)).collect()
}

/// Compares what the device gave with golden's tensors of the image; with the class too, and the logits, if there is one.
fn compared(
    design: &Design,
    level: Level,
    array: &ArrayConfig,
    program: Program,
    (mut golden, class): (Vec<Tensor>, Option<usize>),
    inference: &Inference,
) -> Result<Comparison, CheckError> {
    let (plan, network, place) = (&design.plan, &design.network, inference.place);
    let (mut got, mut expected) = match program {
        Program::Plain => (Vec::new(), Vec::new()),
        Program::Trace => {
            (decode_image(plan, network, array, &inference.dumps, place)?, dumped(plan, network, place))
        }
    };
    if level == Level::Spikes {
        let is = |name: &str| {
            let node = network.find(name).map(|id| network.node(id));
            node.is_some_and(|node| node.out.form == Form::Spikes)
        };
        expected.retain(|name| is(name));
        got.retain(|t| is(&t.name));
    }
    if let Some(class) = class {
        let logits: Vec<i64> = inference.logits.iter().map(|&l| l.into()).collect();
        got.push(Tensor { name: names::LOGITS.to_owned(), dims: [1, logits.len(), 1, 1], data: logits });
        let tensor = |class: usize| Tensor { name: CLASS.to_owned(), dims: [1; 4], data: vec![class as i64] };
        golden.push(tensor(class));
        got.push(tensor(inference.class as usize));
        expected.extend([names::LOGITS, CLASS]);
    }
    golden.retain(|t| expected.contains(&t.name.as_str()));
    Ok(compare(&golden, &got))
}

/// What images are compared with.
struct Checker<'a> {
    design: &'a Design,
    level: Level,
    predict: &'a Predict<'a>,
}

impl Checker<'_> {
    /// Runs the first `count` of the images through one of the programs.
    fn run<D: Device, I: AsRef<[u8]>>(
        &self,
        device: D,
        program: Program,
        images: &Images<'_, I>,
        count: usize,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<(Pass, D), CheckError> {
        let plan = &self.design.plan;
        let steps = if program == Program::Trace { &plan.trace_steps } else { &plan.steps };
        let mut pass = Pass { images: Vec::new(), steps: uncounted(steps) };
        if count == 0 {
            return Ok((pass, device));
        }
        let pixels = &images.pixels[..count];
        let mut session = Session::open(device, self.design, program)?;
        let array = session.array().clone();
        session.infer_each(pixels, |inference| {
            let index = inference.sequence as usize;
            let label = images.labels.get(index).copied().flatten();
            let seen = self.image(&array, program, pixels[index].as_ref(), inference, &mut pass.steps)?;
            pass.images.push(Seen { image: images.first + index as u64, label, ..seen });
            progress(index + 1, count);
            Ok::<(), CheckError>(())
        })?;
        Ok((pass, session.into_device()))
    }

    /// Compares the result of an image, whose number and label are still to come.
    fn image(
        &self,
        array: &ArrayConfig,
        program: Program,
        pixels: &[u8],
        inference: Inference,
        steps: &mut [StepCycles],
    ) -> Result<Seen, CheckError> {
        let mut golden: Vec<Tensor> = Vec::new();
        let outcome = spikegate_golden::run(&self.design.network, pixels, &mut golden)?;
        let predicted = (self.predict)(program, &golden);
        for ((step, predicted), &counted) in steps.iter_mut().zip(predicted).zip(&inference.cycles) {
            step.count(predicted, counted.into());
        }
        let comparison =
            compared(self.design, self.level, array, program, (golden, Some(outcome.class)), &inference)?;
        Ok(Seen {
            image: 0,
            label: None,
            class: inference.class,
            cycles: inference.cycles.iter().map(|&n| u64::from(n)).sum(),
            values: comparison.values,
            differences: comparison.differences,
            first: comparison.first,
            logits: inference.logits,
        })
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
