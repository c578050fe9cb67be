//! What a check has seen of each image, and what that comes to.
//!
//! Sums are those of whole numbers, so that two parts of a run make the same whole as the run.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

use crate::compare::Divergence;
use crate::shard::Results;

/// What was seen of some images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// Images that share a pass over the weights.
    pub batch: u64,
    /// The tracing program; none where it did not run.
    pub trace: Option<Pass>,
    /// The plain one.
    pub plain: Pass,
}

/// A program over some images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pass {
    /// Images in their order.
    pub images: Vec<Seen>,
    /// Its steps.
    pub steps: Vec<StepCycles>,
}

/// An image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seen {
    /// Its number.
    pub image: u64,
    /// Its label.
    pub label: Option<u16>,
    /// Class of the device.
    pub class: u32,
    /// Logits of the device.
    pub logits: Vec<i32>,
    /// Cycles that the device has counted for it.
    pub cycles: u64,
    /// Values compared.
    pub values: u64,
    /// Values that differ.
    pub differences: u64,
    /// The first of them.
    pub first: Option<Divergence>,
}

/// Cycles of one step, summed over images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepCycles {
    /// Its name.
    pub name: String,
    /// As planned for one image.
    pub planned: u64,
    /// Predicted for all images.
    pub predicted: u64,
    /// Counted for all images.
    pub counted: u64,
    /// Images that it was counted for.
    pub images: u64,
    /// The first pair of predicted and counted that was not equal.
    pub differs: Option<(u64, u64)>,
}

/// The first difference of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Mismatch {
    /// Number of the image.
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

impl StepCycles {
    /// Of no image.
    pub(super) fn new(name: &str, planned: u64) -> Self {
        Self { name: name.to_owned(), planned, predicted: 0, counted: 0, images: 0, differs: None }
    }

    /// Of one more image.
    pub(super) fn count(&mut self, predicted: u64, counted: u64) {
        self.predicted += predicted;
        self.counted += counted;
        self.images += 1;
        if counted != predicted {
            self.differs.get_or_insert((predicted, counted));
        }
    }

    fn join(&mut self, next: &Self) {
        self.predicted += next.predicted;
        self.counted += next.counted;
        self.images += next.images;
        self.differs = self.differs.or(next.differs);
    }

    fn layer(&self) -> LayerCycles {
        let mean = |sum: u64| (sum + self.images / 2) / self.images.max(1);
        let (predicted, counted) = match self.differs {
            Some(pair) => pair,
            None if self.images == 0 => (self.planned, 0),
            None => (mean(self.predicted), mean(self.counted)),
        };
        LayerCycles { name: self.name.clone(), predicted, simulated: (self.images > 0).then_some(counted) }
    }
}

impl Pass {
    fn join(&mut self, next: Self) -> Result<(), [String; 3]> {
        let planned = |steps: &[StepCycles]| {
            steps.iter().map(|step| format!("{}: {}", step.name, step.planned)).collect::<Vec<_>>().join(", ")
        };
        if planned(&self.steps) != planned(&next.steps) {
            return Err(["the program".to_owned(), planned(&next.steps), planned(&self.steps)]);
        }
        self.images.extend(next.images);
        self.steps.iter_mut().zip(&next.steps).for_each(|(own, next)| own.join(next));
        Ok(())
    }
}

impl Pass {
    /// With the steps that follow, of the same images.
    fn follow(&mut self, next: Self) -> Result<(), [String; 3]> {
        let numbers = |pass: &Self| {
            pass.images.iter().map(|seen| seen.image.to_string()).collect::<Vec<_>>().join(", ")
        };
        if numbers(self) != numbers(&next) {
            return Err(["the images".to_owned(), numbers(&next), numbers(self)]);
        }
        self.images.iter_mut().zip(next.images).for_each(|(own, next)| own.follow(next));
        self.steps.extend(next.steps);
        Ok(())
    }
}

impl Seen {
    /// With what the steps that follow gave of it.
    fn follow(&mut self, next: Self) {
        self.cycles += next.cycles;
        self.values += next.values;
        self.differences += next.differences;
        self.first = self.first.take().or(next.first);
        (self.label, self.class, self.logits) = (next.label, next.class, next.logits);
    }
}

impl Checked {
    /// Images that any program ran, in their order. A class is the plain program's where that ran too.
    pub fn images(&self) -> impl Iterator<Item = &Seen> {
        let passes = self.trace.iter().chain([&self.plain]);
        let by_number: BTreeMap<u64, &Seen> =
            passes.flat_map(|pass| &pass.images).map(|seen| (seen.image, seen)).collect();
        by_number.into_values()
    }

    /// What it comes to.
    pub fn found(&self) -> Found {
        let passes = || self.trace.iter().chain([&self.plain]);
        let seen = || passes().flat_map(|pass| &pass.images);
        let classes: Vec<u32> = self.images().map(|seen| seen.class).collect();
        let layers: Vec<LayerCycles> = self.plain.steps.iter().map(StepCycles::layer).collect();
        // Without a full batch nobody has told the cycles of its last images' heads.
        let cycles: u64 = layers.iter().map(|l| l.simulated.unwrap_or(l.predicted)).sum();
        let values = seen().map(|seen| seen.values).sum();
        let first = seen().find_map(|seen| Some((seen.image, seen.first.clone()?)));
        Found {
            images: classes.len(),
            classes,
            values,
            equal: values > 0 && seen().all(|seen| seen.differences == 0),
            first_mismatch: first.map(|(image, divergence)| Mismatch { image, divergence }),
            cycles_equal: passes().flat_map(|pass| &pass.steps).all(|step| step.differs.is_none()),
            cycles: cycles.div_ceil(self.batch.max(1)),
            layers,
        }
    }
}

impl Checked {
    /// Joins both programs' passes with those of another check.
    fn both(
        &mut self,
        next: Self,
        join: fn(&mut Pass, Pass) -> Result<(), [String; 3]>,
    ) -> Result<(), [String; 3]> {
        let programs =
            |checked: &Self| format!("{} with batches of {}", checked.trace.is_some(), checked.batch);
        if programs(self) != programs(&next) {
            return Err(["whether it was traced".to_owned(), programs(&next), programs(self)]);
        }
        if let Some((own, next)) = self.trace.as_mut().zip(next.trace) {
            join(own, next)?;
        }
        join(&mut self.plain, next.plain)
    }
}

impl Results for Checked {
    fn join(&mut self, next: Self) -> Result<(), [String; 3]> {
        self.both(next, Pass::join)
    }

    fn follow(&mut self, next: Self) -> Result<(), [String; 3]> {
        self.both(next, Pass::follow)
    }
}
