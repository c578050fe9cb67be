//! Pass 6: cycles, where they depend on the external memory or on the spikes.
//!
//! An output group waits until its tile of weights is there, see [`super::ring`]. With zero-skipping it also waits until the
//! sums of the group before have ended: only then is their tile free.
//!
//! Pixels of layers that add spilled maps, or make them, wait too: until all of the pixel's residuals are there, and until
//! there is room for all of its stream.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::PlannedStep;
use spikegate_contract::instr::{Instr, Opcode, DUMP_KEEPS, DUMP_SPILLED};
use spikegate_contract::tensor::Tensor;

use super::cycles::{cycles, group_cycles, pixel_cycles, Overheads};
use super::external::{moved, External};
use super::move_cycles;
use super::planned::Planned;
use super::port::{Need, Port};
use super::ring::weight_words;
use super::sequence::Sequence;
use super::skip::{Gate, Walk};
use super::tile::Tile;

/// Gives every step the cycles that it takes with a memory of this timing, skipping nothing; `streams` is whether
/// weights come from it.
pub(super) fn time(
    sequence: &mut Sequence,
    array: &ArrayConfig,
    t: usize,
    memory: External<'_>,
    streams: bool,
) {
    let all = image(&sequence.instructions, &sequence.steps, array, t, Some((memory, streams)), &[]);
    for (step, cycles) in sequence.steps.iter_mut().zip(all) {
        step.cycles = cycles;
    }
}

/// Predicted cycles of every step of the plain or the tracing program for an image with these tensors.
pub fn predict(planned: &Planned, trace: bool, t: usize, tensors: &[Tensor]) -> Vec<u64> {
    let (instructions, steps) = match trace {
        true => (&planned.trace_instructions, &planned.plan.trace_steps),
        false => (&planned.instructions, &planned.plan.steps),
    };
    if steps.iter().all(|s| s.skips.is_none()) {
        return steps.iter().map(|s| s.cycles).collect();
    }
    let memory = planned.plan.memory();
    let memory = memory.as_ref().map(|m| (External::Even(m), planned.plan.weight_stream.is_some()));
    image(instructions, steps, &planned.array, t, memory, tensors)
}

/// Predicted cycles of every step of the plain program with another external memory than the plan's, skipping nothing; none
/// where the program uses none.
pub fn predict_with(planned: &Planned, t: usize, memory: External<'_>) -> Option<Vec<u64>> {
    let Planned { instructions, plan, array, .. } = planned;
    plan.memory()?;
    let streams = plan.weight_stream.is_some();
    Some(image(instructions, &plan.steps, array, t, Some((memory, streams)), &[]))
}

/// Cycles of every step, which may be the first of the instructions; `memory` is the memory that the program uses, and whether
/// weights come from it; `tensors` has the spikes of the steps that skip zeros (one that is not there is served whole).
pub(super) fn image(
    instructions: &[Instr],
    steps: &[PlannedStep],
    array: &ArrayConfig,
    t: usize,
    memory: Option<(External<'_>, bool)>,
    tensors: &[Tensor],
) -> Vec<u64> {
    let over = Overheads::of(array);
    let streams = memory.is_some_and(|(_, streams)| streams);
    let convs = instructions.iter().filter(|i| streams && i.op == Opcode::Conv as u32);
    let words = convs.map(weight_words).sum();
    let mut port = memory.map(|(external, _)| Port::new(array, external, words, moved(instructions, array)));
    // Cycle of the next instruction's fetch; requests begin in cycle 0.
    let mut now = 0;
    let mut out = Vec::new();
    for (instr, step) in instructions.iter().zip(steps) {
        if let Some(port) = port.as_mut().filter(|_| instr.op == Opcode::Move as u32) {
            let next = move_cycles::next_fetch(instr, array, now + over.fetch, port);
            out.push(next - now);
            now = next;
            continue;
        }
        if instr.op != Opcode::Conv as u32 {
            let took = cycles(instr, array, t).total;
            now += took;
            if let Some(port) = port.as_mut().filter(|_| instr.op != Opcode::Temporal as u32) {
                // The host decides how long these take; they end when nothing more can come.
                now = now.max(port.settle());
                if instr.op == Opcode::Dump as u32 && instr.images & DUMP_SPILLED != 0 {
                    port.dump(instr.images & DUMP_KEEPS != 0);
                    now = port.settle();
                }
            }
            out.push(took);
            continue;
        }
        let accept = now + over.fetch + over.start - 1;
        let tile = if streams { Tile::from(instr).words() as u64 } else { 0 };
        let spikes = step.skips.as_ref().and_then(|name| tensors.iter().find(|t| &t.name == name));
        let last = match (spikes, &mut port) {
            (Some(spikes), port) => {
                let walk = Walk::new(instr, array, spikes);
                walk.run(instr, accept, Gate::new(instr, array, tile, port.as_mut()))
            }
            (None, Some(port)) if Need::of(instr, array).has_maps() => {
                issue_pixels(instr, array, accept, tile, port)
            }
            (None, Some(port)) => issue(instr, accept, tile, port),
            (None, None) => {
                let flush = array.flush_cycles(instr.drain_period as usize) as u64;
                now + cycles(instr, array, t).total - flush - 1
            }
        };
        let next = last + array.flush_cycles(instr.drain_period as usize) as u64 + 1;
        out.push(next - now);
        now = next;
    }
    out
}

/// Cycle of the last issue of a convolution whose first pixel could be taken in cycle `accept`.
fn issue(i: &Instr, mut accept: u64, tile: u64, port: &mut Port) -> u64 {
    let (first, rest) = group_cycles(i);
    let mut last = None;
    for _ in 0..=i.groups_out {
        accept = port.take(accept, tile, &Need::default());
        let drained = last.map_or(0, |l| l + u64::from(i.drain_period));
        accept = (accept + first).max(drained) + rest;
        if tile > 0 {
            port.frees(accept);
        }
        last = Some(accept);
    }
    accept
}

/// As [`issue`], of a convolution whose pixels also wait for spilled maps.
fn issue_pixels(i: &Instr, array: &ArrayConfig, mut accept: u64, tile: u64, port: &mut Port) -> u64 {
    let need = Need::of(i, array);
    let pixels: Vec<u64> = pixel_cycles(i).collect();
    let mut drained = 0;
    for _ in 0..=i.groups_out {
        for image in 0..=i.images {
            for (number, &cycles) in pixels.iter().enumerate() {
                let opened = if image == 0 && number == 0 { tile } else { 0 };
                accept = port.take(accept, opened, &need);
                for _ in 0..=i.time_passes {
                    accept = (accept + cycles).max(drained);
                    drained = accept + u64::from(i.drain_period);
                    port.sum(accept, &need);
                }
            }
        }
        if tile > 0 {
            port.frees(accept);
        }
    }
    accept
}
