//! Compares each image's results with the golden model, and its cycles with the plan.

use anyhow::Result;
use serde::Serialize;
use spikegate_compiler::plan::{predict, Planned};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::PlannedStep;
use spikegate_contract::graph;
use spikegate_contract::network::Network;
use spikegate_contract::tensor::{names, Tensor};
use spikegate_runtime::session::Inference;
use spikegate_testbench::compare::{compare, Comparison, Divergence};
use spikegate_testbench::data::About;
use spikegate_testbench::trace::{decode_image, dumped};
use std::fmt;

use super::simulate::Done;
use crate::args::TraceLevel;

/// Name under which the class is compared.
const CLASS: &str = "class";

/// The first difference of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Mismatch {
    /// Image in the data set, from 0.
    pub image: u64,
    /// Where.
    pub divergence: Divergence,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {}: {}", self.image, self.divergence)
    }
}

/// Cycles of one instruction.
#[derive(Clone, Debug, Serialize)]
pub struct LayerCycles {
    /// Layer.
    pub name: String,
    /// Predicted; for a layer that skips zeros the mean over the images.
    pub predicted: u64,
    /// Simulated in the same way, or the first count that was not as predicted; none for the step that sends the
    /// result.
    pub simulated: Option<u64>,
}

/// Predicted and simulated cycles of one instruction, summed over images.
#[derive(Clone, Default)]
struct Count {
    predicted: u64,
    simulated: u64,
    images: u64,
    /// The first pair that was not equal.
    differs: Option<(u64, u64)>,
}

impl Count {
    fn layer(&self, step: &PlannedStep) -> LayerCycles {
        let mean = |sum: u64| (sum + self.images / 2) / self.images.max(1);
        let (predicted, simulated) = match self.differs {
            Some(pair) => pair,
            None if self.images == 0 => (step.cycles, 0),
            None => (mean(self.predicted), mean(self.simulated)),
        };
        LayerCycles { name: step.name.clone(), predicted, simulated: (self.images > 0).then_some(simulated) }
    }
}

/// Everything compared so far.
pub struct Checker<'a> {
    network: graph::Network,
    planned: &'a Planned,
    first: u64,
    labels: &'a [Option<u16>],
    trace: TraceLevel,
    /// Results by image: whether the class is the label.
    right: Vec<bool>,
    sum: Comparison,
    mismatch: Option<Mismatch>,
    /// Of the program that runs.
    counts: Vec<Count>,
    /// Whether all programs took the predicted cycles.
    cycles_equal: bool,
}

impl<'a> Checker<'a> {
    /// `first` is the data set's index of image 0, whose label is `labels[0]`.
    pub fn new(network: &Network, planned: &'a Planned, first: u64, labels: &'a [Option<u16>]) -> Self {
        Self {
            network: network.into(),
            planned,
            first,
            labels,
            trace: TraceLevel::None,
            right: vec![false; labels.len()],
            sum: Comparison::default(),
            mismatch: None,
            counts: Vec::new(),
            cycles_equal: true,
        }
    }

    /// A program begins, with image 0 again.
    pub fn begin(&mut self, trace: TraceLevel) {
        self.trace = trace;
        self.counts = vec![Count::default(); self.program().len()];
    }

    /// Steps of the program that runs.
    fn program(&self) -> &'a [PlannedStep] {
        match self.trace {
            TraceLevel::None => &self.planned.plan.steps,
            _ => &self.planned.plan.trace_steps,
        }
    }

    /// Takes the result of the next image.
    ///
    /// # Errors
    /// The golden model refuses the network or the image, or a trace is not as planned.
    pub fn image(&mut self, array: &ArrayConfig, pixels: &[u8], inference: Inference) -> Result<()> {
        let mut golden: Vec<Tensor> = Vec::new();
        let outcome = spikegate_golden::run(&self.network, pixels, &mut golden)?;
        let predicted =
            predict(self.planned, self.trace != TraceLevel::None, self.network.timesteps, &golden);
        let counted: Vec<u64> = inference.cycles.iter().map(|&c| c.into()).collect();
        for ((count, predicted), cycles) in self.counts.iter_mut().zip(predicted).zip(counted) {
            count.predicted += predicted;
            count.simulated += cycles;
            count.images += 1;
            if cycles != predicted {
                self.cycles_equal = false;
                count.differs.get_or_insert((predicted, cycles));
            }
        }
        let (plan, place) = (&self.planned.plan, inference.place);
        let (mut got, mut expected) = match self.trace {
            TraceLevel::None => (Vec::new(), Vec::new()),
            _ => (
                decode_image(plan, &self.network, array, &inference.dumps, place)?,
                dumped(plan, &self.network, place),
            ),
        };
        if self.trace == TraceLevel::Spikes {
            let is = |name: &str| {
                self.network
                    .find(name)
                    .is_some_and(|id| self.network.node(id).out.form == graph::Form::Spikes)
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
            let image = self.first + u64::from(inference.sequence);
            self.mismatch = Some(Mismatch { image, divergence });
        }
        self.sum.add(comparison);
        let index = inference.sequence as usize;
        if let (Some(right), Some(Some(label))) = (self.right.get_mut(index), self.labels.get(index)) {
            *right = u32::from(*label) == inference.class;
        }
        Ok(())
    }

    /// The result; the layers are those of the program that ran last.
    pub fn done(self, speed: f64, data: About) -> Done {
        let layers: Vec<LayerCycles> =
            self.counts.iter().zip(self.program()).map(|(count, step)| count.layer(step)).collect();
        // Without a full batch nobody has told the cycles of its last images' heads.
        let cycles: u64 = layers.iter().map(|l| l.simulated.unwrap_or(l.predicted)).sum();
        let labelled = self.labels.iter().all(Option::is_some);
        Done {
            images: self.labels.len(),
            right: labelled.then(|| self.right.iter().filter(|&&r| r).count()),
            values: self.sum.values,
            equal: self.sum.is_equal(),
            first_mismatch: self.mismatch,
            cycles_equal: self.cycles_equal,
            cycles: cycles.div_ceil(self.planned.plan.batch as u64),
            layers,
            data,
            speed,
        }
    }
}
