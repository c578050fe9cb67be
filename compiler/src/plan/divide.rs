//! A run of one image in parts, each of which computes some of the layers.
//!
//! A part begins with the maps that the layers before it leave, taken from a model of the network: they lie in the external memory,
//! or are moved from there to where they lie on chip. It ends when its layers are done, and leaves the maps with which the next
//! part begins. Its instructions are those of the whole program and take as many cycles: before them stands what leaves the
//! weight stream as the whole program has it there.

use spikegate_contract::array::MOVE_BURST;
use spikegate_contract::bundle::{Design, LayerPart, Left, MemoryModel, Plan, PlannedStep};
use spikegate_contract::network::{Network, NodeId};
use spikegate_contract::tensor::Tensor;

use super::error::PlanError;
use super::handed::{handed, Handed, Place};
use super::part::{part, Program, Whole};
use super::passes::{Fused, Outline, Timing};

/// Part `index` of `of`, counted from 1, of the run of an image with these tensors. Parts are alike in cycles as far as there are
/// places to cut the program.
///
/// # Errors
/// The design's program cannot be divided, or not into as many parts; a plan that is not its network's; a tensor that is missing.
pub fn divide(design: &Design, (index, of): (u32, u32), tensors: &[Tensor]) -> Result<LayerPart, PlanError> {
    let (array, net, plan) = (&design.manifest.array, &design.network, &design.plan);
    let memory = can_be_divided(design)?;
    let fused = Fused::of(net)?;
    let outline = fused.outline(array.clone(), false, &memory, 1, Timing::None)?;
    let names = |steps: &[PlannedStep]| steps.iter().map(|step| step.name.clone()).collect::<Vec<_>>();
    let same = |own: &Plan| [names(&own.steps), names(&own.trace_steps)];
    if same(&outline.plan) != same(plan) {
        return Err(PlanError::Other { dir: design.dir.clone() });
    }
    let maps = |cut: usize| handed(net, &fused.steps, &outline.layout, cut);
    let (begin, end) = bounds(&fused, &outline, plan, (index, of), &|cut| maps(cut).is_some())?;

    // Maps on chip get places behind all that the programs use, and behind them there is room for a page.
    let beat = array.memory_bits / 8;
    let area = (outline.external as usize).div_ceil(beat);
    let placed = |maps: Vec<Handed>| {
        let mut free = area;
        let mut all = Vec::new();
        for map in maps {
            let first = match map.at {
                Place::Outside(at) => array.moves_base() + at,
                Place::OnChip(_) => free.next_multiple_of(MOVE_BURST),
            };
            if let Place::OnChip(_) = map.at {
                free = first + map.transfers(net, array);
            }
            all.push((map, first));
        }
        (all, free.next_multiple_of(MOVE_BURST))
    };
    let lie = |maps: &[(Handed, usize)]| {
        let left = |&(map, first): &(Handed, usize)| {
            let [bytes, holds] = map.bytes(net, array, tensor(net, map.node, tensors)?);
            let tensor = net.node(map.node).name.clone();
            Ok(Left { tensor, address: (first * beat) as u32, bytes, holds })
        };
        maps.iter().map(left).collect::<Result<Vec<_>, PlanError>>()
    };
    let (begins_with, behind) = placed(if begin > 0 { maps(begin).unwrap_or_default() } else { Vec::new() });
    let leaves = (end < fused.steps.len()).then(|| placed(maps(end).unwrap_or_default()));
    let page = leaves.as_ref().map_or(behind, |(_, end)| behind.max(*end));
    let leaves = leaves.map(|(maps, _)| maps);
    let loads = lie(&begins_with)?;
    let program = |sequence, steps, dumps, packets| {
        let whole = Whole { net, array, memory, sequence, steps, dumps, packets };
        part(&whole, (begin, end), (&begins_with, &loads), leaves.as_deref(), page)
    };
    let plain = program(&outline.normal, &plan.steps, &[], &design.program)?;
    let trace = program(&outline.trace, &plan.trace_steps, &plan.dumps, &design.trace)?;
    let leaves = leaves.map(|maps| lie(&maps)).transpose()?;
    Ok(assembled(design, plain, trace, leaves))
}

/// The memory that the cycles of a design's program hold for.
///
/// # Errors
/// What it is that does not let the program be divided.
fn can_be_divided(design: &Design) -> Result<MemoryModel, PlanError> {
    let refused = |what: &str, todo: &str| PlanError::Layers { what: what.to_owned(), todo: todo.to_owned() };
    let stripes = "compile it with an external memory and --stripes";
    let array = &design.manifest.array;
    if !array.moves {
        return Err(refused("its array cannot move maps", stripes));
    }
    if array.parity {
        let what = "with parity all that is written to the external memory must be read again";
        return Err(refused(what, "compile it without --parity"));
    }
    let stream = design.plan.weight_stream.ok_or_else(|| refused("its weights stay on chip", stripes))?;
    Ok(stream.memory)
}

/// The first step of a part and that behind its last.
///
/// # Errors
/// There are not as many parts.
fn bounds(
    fused: &Fused<'_>,
    outline: &Outline,
    plan: &Plan,
    (index, of): (u32, u32),
    cuts: &dyn Fn(usize) -> bool,
) -> Result<(usize, usize), PlanError> {
    let steps = fused.steps.len();
    let inner: Vec<usize> = (1..steps).filter(|&cut| cuts(cut)).collect();
    let most = inner.len() + 1;
    let all = std::iter::once(0).chain(inner.iter().copied()).chain([steps]).collect();
    let chosen = choose(all, &cycles(outline, &plan.steps), of as usize);
    let index = index as usize;
    match chosen.as_deref().and_then(|bounds| bounds.get(index.checked_sub(1)?..=index)) {
        Some(&[begin, end]) => Ok((begin, end)),
        _ => {
            let behind = |cut: usize| plan.steps[outline.normal.begins[cut]..].iter();
            let begins =
                |cut: usize| behind(cut).find(|step| step.issue_cycles > 0).map_or("", |step| &step.name);
            let places: Vec<&str> = inner.into_iter().map(begins).collect();
            Err(PlanError::Layers {
                what: format!("part {index} of {of}: it can be cut before {}", places.join(", ")),
                todo: format!("divide it into {most} parts at most"),
            })
        }
    }
}

fn tensor<'a>(net: &Network, node: NodeId, tensors: &'a [Tensor]) -> Result<&'a Tensor, PlanError> {
    let (name, dims) = (&net.node(node).name, net.dims(&net.node(node).out));
    let found = tensors.iter().find(|tensor| tensor.name == *name && tensor.dims == dims);
    found.ok_or_else(|| PlanError::Layers {
        what: format!("there is no tensor `{name}` of sizes {dims:?} to begin with"),
        todo: "record all tensors of the model".to_owned(),
    })
}

fn assembled(design: &Design, plain: Program, trace: Program, leaves: Option<Vec<Left>>) -> LayerPart {
    let mut own = design.clone();
    own.plan =
        Plan { steps: plain.steps, trace_steps: trace.steps, dumps: trace.dumps, ..design.plan.clone() };
    (own.program, own.trace) = (plain.packets, trace.packets);
    LayerPart { design: own, plain: plain.counted, trace: trace.counted, leaves }
}

/// Cycles of every step of the network in the plain program.
fn cycles(outline: &Outline, planned: &[PlannedStep]) -> Vec<u64> {
    let begins = &outline.normal.begins;
    let ends = begins.iter().skip(1).copied().chain([planned.len()]);
    let sum = |(begin, end): (&usize, usize)| planned[*begin..end].iter().map(|step| step.cycles).sum();
    begins.iter().zip(ends).map(sum).collect()
}

/// Of the bounds of all parts that there could be those of so many: the two neighbours that are the least together become one,
/// again and again. None where there are not as many.
fn choose(mut bounds: Vec<usize>, cycles: &[u64], of: usize) -> Option<Vec<usize>> {
    while bounds.len() > of + 1 {
        let joined = |at: &usize| cycles[bounds[at - 1]..bounds[at + 1]].iter().sum::<u64>();
        let least = (1..bounds.len() - 1).min_by_key(joined)?;
        bounds.remove(least);
    }
    (bounds.len() == of + 1).then_some(bounds)
}

#[cfg(test)]
mod tests {
    use super::choose;

    #[test]
    fn parts_are_alike() {
        let cycles = [5, 1, 1, 5, 4, 2];
        let all: Vec<usize> = (0..=6).collect();
        assert_eq!(choose(all.clone(), &cycles, 6), Some(all.clone()));
        assert_eq!(choose(all.clone(), &cycles, 4), Some(vec![0, 1, 3, 4, 6]));
        assert_eq!(choose(all.clone(), &cycles, 3), Some(vec![0, 3, 4, 6]));
        assert_eq!(choose(all.clone(), &cycles, 1), Some(vec![0, 6]));
        assert_eq!(choose(all, &cycles, 7), None);
        assert_eq!(choose(vec![0, 2, 6], &cycles, 2), Some(vec![0, 2, 6]));
    }
}
