//! `spikegate simulate --layers`: some of the layers of one image.

use spikegate_compiler::plan;
use spikegate_contract::bundle::{Design, LayerPart, Plan};
use spikegate_contract::tensor::Tensor;
use spikegate_runtime::devices::verilator::Verilated;
use spikegate_testbench::check::{check_layers, CheckError, Checked, Images};
use spikegate_testbench::shard::{Part, Shard};

use crate::args::{Simulate, TraceLevel};
use crate::failure::{Result, VerbError};

/// A part of the layers, and the image.
pub struct Layers {
    pub shard: Shard,
    part: LayerPart,
    tensors: Vec<Tensor>,
    outcome: spikegate_golden::Outcome,
}

impl Layers {
    /// Of a run of one image.
    ///
    /// # Errors
    /// More images, or less to compare than everything; a design whose program cannot be divided.
    pub fn of<I: AsRef<[u8]>>(
        shard: Shard,
        args: &Simulate,
        design: &Design,
        images: &Images<'_, I>,
    ) -> Result<Self> {
        let [image] = images.pixels else {
            let what = format!("--layers divides the run of one image, these are {}", images.pixels.len());
            return Err(VerbError::input(what).help("add --images 1, and --first for another one").into());
        };
        if args.trace != TraceLevel::All {
            let what = "--layers compares all that a part makes, as the next begins with what is right";
            return Err(VerbError::input(what).help("add --trace all").into());
        }
        let mut tensors: Vec<Tensor> = Vec::new();
        let outcome = spikegate_golden::run(&design.network, image.as_ref(), &mut tensors)?;
        let part = plan::divide(design, (shard.index(), shard.of()), &tensors)?;
        Ok(Self { shard, part, tensors, outcome })
    }

    /// Its instructions of the plain program.
    pub fn range(&self, plan: &Plan) -> Part {
        Part::new(&self.part.plain.whole, plan.steps.len())
    }

    /// What is said of it.
    pub fn said(&self, plan: &Plan) -> String {
        let Part { from, to, of } = self.range(plan);
        let computes = plan.steps[from..to].iter().find(|step| step.issue_cycles > 0);
        let begins = computes.map_or("", |step| &step.name);
        format!("layers {}: instructions {from} to {to} of {of}, from {begins} on", self.shard)
    }

    /// Runs and compares.
    ///
    /// # Errors
    /// As [`check_layers`].
    pub fn check<I: AsRef<[u8]>>(
        &self,
        core: Verilated,
        whole: &Plan,
        images: &Images<'_, I>,
        count: &mut dyn FnMut(usize, usize),
    ) -> Result<(Checked, Verilated), CheckError> {
        check_layers(core, &self.part, whole, images, (&self.tensors, &self.outcome), count)
    }
}
