//! A program before it is encoded: instructions with their steps, dumps and weights.

use std::ops::Range;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{DumpEntry, PlannedStep};
use spikegate_contract::instr::Instr;
use spikegate_contract::network::{Layer, Network};

use super::cycles::cycles;
use super::error::PlanError;
use super::layer::Weights;
use super::step::Operand;

/// One program.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    pub instructions: Vec<Instr>,
    pub steps: Vec<PlannedStep>,
    pub dumps: Vec<DumpEntry>,
    /// For every convolution among the instructions.
    pub weights: Vec<Weights>,
    /// The first instruction of every step, where it computes one image.
    pub begins: Vec<usize>,
}

impl Sequence {
    /// Appends an instruction, with the cycles that it takes.
    ///
    /// # Errors
    /// A number that its field cannot hold.
    pub fn append(
        &mut self,
        instr: Instr,
        mut step: PlannedStep,
        array: &ArrayConfig,
        t: usize,
    ) -> Result<(), PlanError> {
        instr.encode().map_err(|source| PlanError::Field { node: step.name.clone(), source })?;
        let cycles = cycles(&instr, array, t);
        (step.cycles, step.issue_cycles) = (cycles.total, cycles.issue);
        self.instructions.push(instr);
        self.steps.push(step);
        Ok(())
    }

    /// Cycles of all steps.
    pub fn cycles(&self) -> u64 {
        self.steps.iter().map(|step| step.cycles).sum()
    }
}

/// A step of this name that computes nothing of a network.
pub(super) fn plain(name: &str) -> PlannedStep {
    PlannedStep {
        name: name.to_owned(),
        cycles: 0,
        issue_cycles: 0,
        dense_ops: 0,
        inside_ops: 0,
        spiking: false,
        fills_array: false,
        skips: None,
    }
}

/// A step of some output rows of a layer for so many images.
pub(super) fn computing(
    net: &Network,
    array: &ArrayConfig,
    layer: &Layer<'_>,
    operand: Operand,
    images: u64,
    rows: Range<usize>,
) -> PlannedStep {
    let values = operand.bits_per_value(net.timesteps) * images;
    PlannedStep {
        dense_ops: layer.dense_ops() / layer.out_hw()[0] as u64 * rows.len() as u64 * values,
        inside_ops: inside_ops(layer, rows) * values,
        spiking: matches!(operand, Operand::Spikes { .. }),
        fills_array: layer.in_c().is_multiple_of(array.ci) && layer.out_c().is_multiple_of(array.co),
        ..plain(layer.name)
    }
}

/// Operations of one evaluation on taps inside the map.
fn inside_ops(layer: &Layer<'_>, rows: Range<usize>) -> u64 {
    let in_hw = layer.in_hw();
    let taps = |axis: usize, positions: Range<usize>| -> u64 {
        let inside = |at: usize, tap: usize| {
            (at * layer.stride + tap).checked_sub(layer.pad).is_some_and(|v| v < in_hw[axis])
        };
        positions.map(|at| (0..layer.k).filter(|&tap| inside(at, tap)).count() as u64).sum()
    };
    taps(0, rows) * taps(1, 0..layer.out_hw()[1]) * (layer.in_c() * layer.out_c()) as u64
}
