//! Compares each image's results with the golden model, and its cycles with the plan.

use anyhow::Result;
use serde::Serialize;
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{Plan, PlannedStep};
use spikegate_contract::network::Network;
use spikegate_contract::tensor::{names, Tensor};
use spikegate_runtime::session::Inference;
use spikegate_testbench::compare::{compare, Comparison, Divergence};
use spikegate_testbench::trace::decode;
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
    /// Predicted.
    pub predicted: u64,
    /// Simulated, or the first count that was not as predicted.
    pub simulated: Option<u64>,
}

/// Everything compared so far.
pub struct Checker<'a> {
    network: &'a Network,
    plan: &'a Plan,
    trace: TraceLevel,
    first: u64,
    labels: &'a [Option<u16>],
    images: usize,
    right: usize,
    sum: Comparison,
    mismatch: Option<Mismatch>,
    layers: Vec<LayerCycles>,
}

impl<'a> Checker<'a> {
    /// `first` is the data set's index of image 0, whose label is `labels[0]`.
    pub fn new(
        network: &'a Network,
        plan: &'a Plan,
        trace: TraceLevel,
        first: u64,
        labels: &'a [Option<u16>],
    ) -> Self {
        let steps: &[PlannedStep] = if trace == TraceLevel::None { &plan.steps } else { &plan.trace_steps };
        let layer =
            |s: &PlannedStep| LayerCycles { name: s.name.clone(), predicted: s.cycles, simulated: None };
        let (sum, layers) = (Comparison::default(), steps.iter().map(layer).collect());
        Self { network, plan, trace, first, labels, images: 0, right: 0, sum, mismatch: None, layers }
    }

    /// Takes the result of the next image.
    ///
    /// # Errors
    /// The golden model refuses the network or the image, or a trace is not as planned.
    pub fn image(&mut self, array: &ArrayConfig, pixels: &[u8], inference: Inference) -> Result<()> {
        let mut golden: Vec<Tensor> = Vec::new();
        let outcome = spikegate_golden::run(self.network, pixels, &mut golden)?;
        let mut got = match self.trace {
            TraceLevel::None => Vec::new(),
            _ => decode(self.plan, array, &inference.dumps)?,
        };
        let logits: Vec<i64> = inference.logits.iter().map(|&l| l.into()).collect();
        got.retain(|t| t.name != names::LOGITS);
        got.push(Tensor { name: names::LOGITS.to_owned(), dims: [1, logits.len(), 1, 1], data: logits });
        let class = |class: usize| Tensor { name: CLASS.to_owned(), dims: [1; 4], data: vec![class as i64] };
        golden.push(class(outcome.class));
        got.push(class(inference.class as usize));
        let level = self.trace;
        golden.retain(|t| match level {
            TraceLevel::All => true,
            TraceLevel::Spikes if t.name.ends_with("spikes") => true,
            _ => t.name == names::LOGITS || t.name == CLASS,
        });
        let comparison = compare(&golden, &got, false);
        if let (None, Some(divergence)) = (&self.mismatch, comparison.first.clone()) {
            let image = self.first + u64::from(inference.sequence);
            self.mismatch = Some(Mismatch { image, divergence });
        }
        self.sum.add(comparison);
        let label = self.labels.get(self.images).copied().flatten();
        self.right += usize::from(label.is_some_and(|l| u32::from(l) == inference.class));
        self.images += 1;
        for (layer, &cycles) in self.layers.iter_mut().zip(&inference.cycles) {
            if layer.simulated.is_none_or(|s| s == layer.predicted) {
                layer.simulated = Some(cycles.into());
            }
        }
        Ok(())
    }

    /// The result. Simulated cycles of steps whose length the host decides are left out.
    pub fn done(self, speed: f64) -> Done {
        let layers: Vec<LayerCycles> = self.layers.into_iter().filter(|l| l.predicted > 0).collect();
        let labelled = self.labels.iter().all(Option::is_some);
        Done {
            images: self.images,
            right: labelled.then_some(self.right),
            values: self.sum.values,
            equal: self.sum.is_equal(),
            first_mismatch: self.mismatch,
            cycles_equal: layers.iter().all(|l| l.simulated == Some(l.predicted)),
            cycles: layers.iter().filter_map(|l| l.simulated).sum(),
            layers,
            speed,
        }
    }
}
