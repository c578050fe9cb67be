//! Weights that stream from the external memory: their order, their place in the ring, and the cycles with them.
//!
//! An image, or all images of a batch, use the weights of one output group (a tile) after the other. The hardware requests their words ahead,
//! in that order, into the weight memory used as a ring; a group waits until its tile is there. With zero-skipping it
//! also waits until the sums of the group before have ended, since taking up a tile frees the one before.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{MemoryModel, PlannedStep, WeightStream};
use spikegate_contract::instr::{Instr, Opcode};
use spikegate_contract::network::Network;
use spikegate_contract::tensor::Tensor;

use super::cycles::{cycles, group_cycles, Overheads};
use super::fetcher::Fetcher;
use super::memory::{groups, virtual_channels};
use super::sequence::Sequence;
use super::skip::{Gate, Walk};
use super::{PlanError, Planned};

/// Words that the ring needs: two tiles, one in use and the next, of the largest size.
pub(super) fn depth(net: &Network, array: &ArrayConfig) -> usize {
    let stem = groups(virtual_channels(net), array.ci);
    let convs = net.convs();
    let tiles = convs.iter().skip(1).map(|c| c.k * c.k * groups(c.in_c, array.ci));
    2 * tiles.chain([stem]).max().unwrap_or(1)
}

/// Gives every convolution its place in the ring, and every step the cycles that it takes with a memory of this timing,
/// skipping nothing. Returns the weight words of a run of the program.
pub(super) fn place(
    sequence: &mut Sequence,
    array: &ArrayConfig,
    t: usize,
    memory: &MemoryModel,
) -> Result<usize, PlanError> {
    let mut position = 0;
    for (instr, step) in sequence.instructions.iter_mut().zip(&sequence.steps) {
        if instr.op == Opcode::Conv as u32 {
            instr.weight_base = (position % array.weight_depth) as u32;
            position += instr.weight_group as usize * (instr.groups_out as usize + 1);
            instr.encode().map_err(|source| PlanError::Field { layer: step.name.clone(), source })?;
        }
    }
    let all = image(&sequence.instructions, &sequence.steps, array, t, Some(memory), &[]);
    for (step, cycles) in sequence.steps.iter_mut().zip(all) {
        step.cycles = cycles;
    }
    Ok(position)
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
    let memory = planned.plan.weight_stream.as_ref().map(|w: &WeightStream| &w.memory);
    image(instructions, steps, &planned.array, t, memory, tensors)
}

/// Cycles of every step; `memory` is the memory from which the weights stream, if they do, `tensors` has the spikes of
/// the steps that skip zeros (one that is not there is served whole).
fn image(
    instructions: &[Instr],
    steps: &[PlannedStep],
    array: &ArrayConfig,
    t: usize,
    memory: Option<&MemoryModel>,
    tensors: &[Tensor],
) -> Vec<u64> {
    let over = Overheads::of(array);
    let mut fetcher = memory.map(|m| Fetcher::new(array, m));
    // Cycle of the next instruction's fetch; requests begin in cycle 0.
    let mut now = 0;
    let mut out = Vec::new();
    for (instr, step) in instructions.iter().zip(steps) {
        if instr.op != Opcode::Conv as u32 {
            let took = cycles(instr, array, t).total;
            // The host decides how long the others take; they end when the ring is full.
            now += if instr.op == Opcode::Temporal as u32 { took } else { 1 << 32 };
            out.push(took);
            continue;
        }
        let accept = now + over.fetch + over.start - 1;
        let spikes = step.skips.as_ref().and_then(|name| tensors.iter().find(|t| &t.name == name));
        let last = match (spikes, &mut fetcher) {
            (Some(spikes), fetcher) => {
                let walk = Walk::new(instr, array, spikes);
                walk.run(instr, accept, Gate::new(array, fetcher.as_mut()))
            }
            (None, Some(fetcher)) => issue(instr, accept, fetcher),
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
fn issue(i: &Instr, mut accept: u64, fetcher: &mut Fetcher) -> u64 {
    let (first, rest) = group_cycles(i);
    let mut last = None;
    for _ in 0..=i.groups_out {
        accept = accept.max(fetcher.tile_ready(i.weight_group as usize));
        fetcher.claim(accept, i.weight_group as usize);
        let drained = last.map_or(0, |l| l + u64::from(i.drain_period));
        accept = (accept + first).max(drained) + rest;
        last = Some(accept);
    }
    accept
}
