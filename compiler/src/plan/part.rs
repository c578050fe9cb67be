//! The program of a part: some instructions of the whole program, with what brings the memories and the weight stream there before
//! them, and what brings the maps out that the next part begins with behind them.
//!
//! | instructions | what for |
//! | --- | --- |
//! | moves | maps that lie on chip; and the weight stream is as far ahead as the ring allows |
//! | a page | where the program comes in pages, the rest of the one that the part begins in |
//! | a sum | where a convolution comes before the part in the whole program: its last output group on one pixel, so that its weights are freed as many cycles before |
//! | the part's own | at their places in the pages |
//! | moves, head, result | maps that lie on chip; a head of whatever is there: the core sends its cycles with a result |
//!
//! Weights begin with the first of these that needs any, and go on to those of the next parts: what is fetched ahead depends on
//! them. Only those that are fetched are loaded.

use std::ops::Range;

use spikegate_contract::array::{ArrayConfig, MEMORY_REQUESTS};
use spikegate_contract::bundle::{Counted, DumpEntry, Left, MemoryModel, PlannedStep};
use spikegate_contract::globals;
use spikegate_contract::instr::{self, Instr, Opcode};
use spikegate_contract::network::Network;
use spikegate_contract::packet::{header, words_per_entry, Target, LOAD};

use super::error::{Memory, PlanError};
use super::external::External;
use super::handed::{Handed, Place};
use super::packets::{load, load_memory, load_pages};
use super::pages;
use super::ring;
use super::sequence::{plain, Sequence};
use super::time::image;

/// A program that is divided.
pub(super) struct Whole<'a> {
    pub net: &'a Network,
    pub array: &'a ArrayConfig,
    pub memory: MemoryModel,
    pub sequence: &'a Sequence,
    /// Its steps with their cycles.
    pub steps: &'a [PlannedStep],
    pub dumps: &'a [DumpEntry],
    pub packets: &'a [Vec<u32>],
}

/// The program of a part.
pub(super) struct Program {
    pub packets: Vec<Vec<u32>>,
    pub steps: Vec<PlannedStep>,
    pub dumps: Vec<DumpEntry>,
    pub counted: Counted,
}

/// The part with some of the network's steps. It begins with maps at these transfers of the external memory, whose bytes are beside
/// them, and leaves others at theirs, or the result; there is room for a page from transfer `page` on.
///
/// # Errors
/// A number that an instruction cannot hold, or cycles that are not those of the whole program.
pub(super) fn part(
    whole: &Whole<'_>,
    (begin, end): (usize, usize),
    (begins_with, loads): (&[(Handed, usize)], &[Left]),
    leaves: Option<&[(Handed, usize)]>,
    page: usize,
) -> Result<Program, PlanError> {
    let Whole { array, sequence, .. } = *whole;
    let (all, begins) = (&sequence.instructions, &sequence.begins);
    // The first part begins with what there is before the first step.
    let first = if begin == 0 { 0 } else { begins[begin] };
    let own = first..begins.get(end).copied().unwrap_or(all.len());
    let paged = all.first().is_some_and(pages::loads);
    let convolution = |i: &&Instr| i.op == Opcode::Conv as u32;
    let run_up = first.checked_sub(1).map(|at| &all[at]).filter(convolution).map(sum);
    let from = first - run_up.iter().len();
    let mut before = moves(whole, begins_with, false);
    if first > 0 && paged {
        before.push(pages::from(all, array, from));
    }
    if before.is_empty() && first > 0 && all[first].op == Opcode::Move as u32 {
        // Done twice it is the same.
        before.push(all[first]);
    }

    // The run-up and the part's own lie at their places in the pages, what is behind them in a page of its own.
    let mut there = Sequence::default();
    run_up.iter().for_each(|&instr| push(&mut there, instr, plain("run up")));
    own.clone().for_each(|at| push(&mut there, all[at], whole.steps[at].clone()));
    let mut behind = leaves.map_or(Vec::new(), |leaves| moves(whole, leaves, true));
    if leaves.is_some() {
        // The head, and what sends the result.
        behind.extend(&all[all.len() - 2..]);
        if paged {
            let length = (behind.len() * instr::words()) as u32;
            let instr = Instr { source_base: 0, length, ..all[0].at_transfer(page) };
            push(&mut there, instr, plain("load program"));
        }
    }
    let at_places = there.instructions.len();
    for instr in behind {
        push(&mut there, instr, plain(if instr.op == Opcode::Finish as u32 { "finish" } else { "leave" }));
    }
    let used = ring::place(&mut there, array)?;
    let earlier: usize = all[..first].iter().filter(convolution).map(ring::weight_words).sum();
    let words = earlier - run_up.as_ref().map_or(0, ring::weight_words);
    let words = words..words + used;

    let counted = Counted { whole: own.clone(), before: before.len() + run_up.iter().len() };
    let cycles = predicted(whole, &before, run_up, &own)?;
    let mut steps: Vec<PlannedStep> = before.iter().map(|_| plain("begin")).collect();
    steps.extend(there.steps);
    steps.iter_mut().zip(cycles).for_each(|(step, cycles)| step.cycles = cycles);
    let mine = whole.dumps.iter().filter(|dump| own.contains(&dump.instruction));
    let number = |dump: &DumpEntry| dump.instruction - first + counted.before;
    let dumps = mine.map(|dump| DumpEntry { instruction: number(dump), ..dump.clone() }).collect();

    let mut packets = Vec::new();
    for map in loads {
        load_memory(&mut packets, array, map.address as usize, &map.bytes);
    }
    let (at_their_places, behind) = there.instructions.split_at(at_places);
    let mut code = encoded(&before)?;
    let mut needed = 0;
    if paged {
        // Of the first page the instruction that moves it in is there.
        let (on_chip, in_pages) = at_their_places.split_at(usize::from(first == 0));
        code.extend(encoded(on_chip)?);
        let place = all[0].first_transfer() + (from + on_chip.len() - 1) * instr::words();
        load_pages(&mut packets, array, place, &encoded(in_pages)?);
        load_pages(&mut packets, array, page, &encoded(behind)?);
        needed = behind.len() * instr::words();
    } else {
        code.extend(encoded(&there.instructions)?);
    }
    needed = needed.max(code.len());
    if needed > array.instr_depth {
        let (memory, available) = (Memory::Instruction, array.instr_depth);
        return Err(PlanError::TooSmall { memory, needed, available });
    }
    weights_and_others(whole, words, &mut packets);
    load(&mut packets, array, Target::Instructions, 0, &code);
    Ok(Program { packets, steps, dumps, counted })
}

fn push(sequence: &mut Sequence, instr: Instr, step: PlannedStep) {
    sequence.instructions.push(instr);
    sequence.steps.push(step);
}

/// Moves maps on chip, or out.
fn moves(whole: &Whole<'_>, maps: &[(Handed, usize)], out: bool) -> Vec<Instr> {
    let on_chip = maps.iter().filter_map(|(map, first)| match map.at {
        Place::OnChip(word) => Some(map.moves(whole.net, whole.array, word, *first, out)),
        Place::Outside(_) => None,
    });
    on_chip.collect()
}

fn encoded(instructions: &[Instr]) -> Result<Vec<u32>, PlanError> {
    let field = |source| PlanError::Field { node: "a part of the program".to_owned(), source };
    let words =
        instructions.iter().map(|instr| instr.encode().map_err(field)).collect::<Result<Vec<_>, _>>()?;
    Ok(words.concat())
}

/// A sum of a convolution's last output group which writes nothing: its weights are taken and freed as at the convolution's end.
fn sum(i: &Instr) -> Instr {
    Instr {
        groups_out: 0,
        out_h: 0,
        out_w: 0,
        spike_on: 0,
        stream_on: 0,
        code_mode: 0,
        residual_on: 0,
        statistics: 0,
        gate: 0,
        count: 0,
        result: 0,
        release: 0,
        image: 0,
        ..*i
    }
}

/// Cycles of what stands before a part and of its own instructions.
///
/// # Errors
/// The latter are not those of the whole program.
fn predicted(
    whole: &Whole<'_>,
    before: &[Instr],
    run_up: Option<Instr>,
    own: &Range<usize>,
) -> Result<Vec<u64>, PlanError> {
    let Whole { net, array, memory, sequence, steps, .. } = *whole;
    let rest = &sequence.instructions[own.start..];
    let instructions: Vec<Instr> = before.iter().copied().chain(run_up).chain(rest.iter().copied()).collect();
    let others = instructions.len() - rest.len();
    let own = &steps[own.clone()];
    let timed: Vec<PlannedStep> = (0..others).map(|_| plain("")).chain(own.iter().cloned()).collect();
    let external = Some((External::Even(&memory), true));
    let cycles = image(&instructions, &timed, array, net.timesteps, external, &[]);
    let pairs = cycles[others..].iter().zip(own);
    match pairs.into_iter().find(|(cycles, step)| **cycles != step.cycles) {
        None => Ok(cycles),
        Some((cycles, step)) => Err(PlanError::Layers {
            what: format!("`{}` would take {cycles} cycles instead of {}", step.name, step.cycles),
            todo: "divide it into another number of parts".to_owned(),
        }),
    }
}

/// The packets of the whole program but instructions, pages and weights that are not fetched: the program uses those words, and the
/// stream goes on behind them to the end.
fn weights_and_others(whole: &Whole<'_>, words: Range<usize>, packets: &mut Vec<Vec<u32>>) {
    let array = whole.array;
    let kind = |target: Target| header(LOAD, target as u8, 0);
    let target = |packet: &[u32]| packet[0] & header(0xff, 0xff, 0);
    let (base, count) = (globals::address("stream_base"), globals::address("stream_words"));
    let globals = whole.packets.iter().find(|packet| target(packet) == kind(Target::Globals));
    let base_bytes = globals.map_or(0, |packet| packet[3 + base] as usize);
    let beat = array.memory_bits / 8;
    let transfer = |word: usize| (base_bytes + word * array.weight_bytes()) / beat;
    let fetched = transfer(words.start)..transfer(words.end + array.weight_depth + MEMORY_REQUESTS);
    let per_entry = words_per_entry(Target::Memory, array);
    for packet in whole.packets {
        if target(packet) == kind(Target::Instructions) {
            continue;
        }
        if target(packet) == kind(Target::Memory) {
            let first = ((packet[0] & 0xffff) << 20) as usize | packet[1] as usize;
            let behind = first + (packet.len() - 3) / per_entry;
            if first >= fetched.end || behind <= fetched.start {
                continue;
            }
        }
        let mut packet = packet.clone();
        if target(&packet) == kind(Target::Globals) {
            packet[3 + base] += (words.start * array.weight_bytes()) as u32;
            packet[3 + count] -= words.start as u32;
        }
        packets.push(packet);
    }
}
