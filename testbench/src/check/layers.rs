//! The check of some layers of one image: a part's tensors and cycles, and what it leaves for the next part.

use spikegate_contract::bundle::{Counted, LayerPart, Plan};
use spikegate_contract::tensor::Tensor;
use spikegate_golden::Outcome;
use spikegate_runtime::devices::verilator::Verilated;
use spikegate_runtime::session::{Inference, Program, Session};

use super::{compared, uncounted, CheckError, Checked, Images, Level, Pass, Seen};
use crate::compare::{Comparison, Divergence};

/// Runs the layers of a part for the first of the images, through the tracing program and through the plain one. Compared are the
/// tensors that it makes, what it leaves for the next part, and the cycles of its instructions with those of the `whole` plan.
/// Golden's tensors and outcome are the image's.
///
/// Class, logits and label are those of the part that ends with the program; others have none.
///
/// # Errors
/// See [`CheckError`]. Values and cycles that differ are no errors: they are found.
pub fn check_layers<I: AsRef<[u8]>>(
    core: Verilated,
    part: &LayerPart,
    whole: &Plan,
    images: &Images<'_, I>,
    (tensors, outcome): (&[Tensor], &Outcome),
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(Checked, Verilated), CheckError> {
    let mut core = core;
    let mut passes = Vec::new();
    for (done, program) in [Program::Trace, Program::Plain].into_iter().enumerate() {
        let pass;
        (pass, core) = run(core, part, whole, program, images, (tensors, outcome))?;
        passes.push(pass);
        progress(done + 1, 2);
    }
    let plain = passes.remove(1);
    Ok((Checked { batch: whole.batch as u64, trace: passes.pop(), plain }, core))
}

fn run<I: AsRef<[u8]>>(
    core: Verilated,
    part: &LayerPart,
    whole: &Plan,
    program: Program,
    images: &Images<'_, I>,
    (tensors, outcome): (&[Tensor], &Outcome),
) -> Result<(Pass, Verilated), CheckError> {
    let (Counted { whole: own, before }, steps) = match program {
        Program::Plain => (&part.plain, &whole.steps),
        Program::Trace => (&part.trace, &whole.trace_steps),
    };
    let mut pass = Pass { images: Vec::new(), steps: uncounted(&steps[own.clone()]) };
    let Some(pixels) = images.pixels.first() else { return Ok((pass, core)) };
    let mut session = Session::open(core, &part.design, program)?;
    let array = session.array().clone();
    let inference = session.infer(pixels.as_ref())?;
    let mut core = session.into_device();
    let counted = inference.cycles.iter().skip(*before).take(own.len());
    let mut cycles = 0;
    for (step, &counted) in pass.steps.iter_mut().zip(counted) {
        step.count(step.planned, counted.into());
        cycles += u64::from(counted);
    }
    let is_last = part.leaves.is_none();
    let golden = (tensors.to_vec(), is_last.then_some(outcome.class));
    let mut comparison = compared(&part.design, Level::All, &array, program, golden, &inference)?;
    leaves(&mut core, part, &mut comparison);
    let Inference { class, logits, .. } = inference;
    pass.images.push(Seen {
        image: images.first,
        label: images.labels.first().copied().flatten().filter(|_| is_last),
        class: if is_last { class } else { 0 },
        logits: if is_last { logits } else { Vec::new() },
        cycles,
        values: comparison.values,
        differences: comparison.differences,
        first: comparison.first,
    });
    Ok((pass, core))
}

/// Compares what the part leaves in the external memory with what the next one begins with.
fn leaves(core: &mut Verilated, part: &LayerPart, comparison: &mut Comparison) {
    for left in part.leaves.iter().flatten() {
        let differ = left.differences(&core.outside(left.address, left.bytes.len()));
        if differ > 0 {
            let (tensor, of) = (left.tensor.clone(), left.bytes.len() as u64);
            comparison.note(differ, Divergence::Left { tensor, bytes: differ, of });
        }
    }
}
