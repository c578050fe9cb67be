//! Weights that stream from the external memory: their order, their place in the ring, and the cycles with them.
//!
//! An image uses the weights of one output group (a tile) after the other. The hardware requests their words ahead,
//! in that order, into the weight memory used as a ring; a group waits until its tile is there.

use spikegate_contract::array::{ArrayConfig, MEMORY_LATENCY, MEMORY_REQUESTS};
use spikegate_contract::instr::{Instr, Opcode};
use spikegate_contract::network::Network;

use super::cycles::{cycles, group_cycles, Overheads};
use super::memory::{groups, virtual_channels};
use super::sequence::Sequence;
use super::PlanError;

/// Words that the ring needs: two tiles, one in use and the next, of the largest size.
pub(super) fn depth(net: &Network, array: &ArrayConfig) -> usize {
    let stem = groups(virtual_channels(net), array.ci);
    let convs = net.convs();
    let tiles = convs.iter().skip(1).map(|c| c.k * c.k * groups(c.in_c, array.ci));
    2 * tiles.chain([stem]).max().unwrap_or(1)
}

/// Gives every convolution its place in the ring, and every step the cycles that it takes with the ideal memory: the
/// first transfer [`MEMORY_LATENCY`] cycles after its request is taken, then one per cycle.
pub(super) fn place(sequence: &mut Sequence, array: &ArrayConfig, t: usize) -> Result<(), PlanError> {
    let over = Overheads::of(array);
    let mut position = 0;
    let mut memory = Memory::new(array);
    // Cycle of the next instruction's fetch; requests begin in cycle 0.
    let mut now = 0;
    for (instr, step) in sequence.instructions.iter_mut().zip(&mut sequence.steps) {
        if instr.op != Opcode::Conv as u32 {
            // Nothing counts the cycles of a dump, in which the ring fills up.
            let took = if instr.op == Opcode::Dump as u32 { 1 << 32 } else { cycles(instr, array, t).total };
            now += took;
            continue;
        }
        instr.weight_base = (position % array.weight_depth) as u32;
        position += instr.weight_group as usize * (instr.groups_out as usize + 1);
        let last = issue(instr, now + over.fetch + over.start - 1, &mut memory);
        let next = last + array.flush_cycles(instr.drain_period as usize) as u64 + 1;
        step.cycles = next - now;
        now = next;
        instr.encode().map_err(|source| PlanError::Field { layer: step.name.clone(), source })?;
    }
    Ok(())
}

/// Cycle of the last issue of a convolution whose first pixel could be taken in cycle `accept`.
fn issue(i: &Instr, mut accept: u64, memory: &mut Memory) -> u64 {
    let (first, rest) = group_cycles(i);
    let mut last = None;
    for _ in 0..=i.groups_out {
        accept = accept.max(memory.tile_ready(i.weight_group as usize));
        memory.claim(accept, i.weight_group as usize);
        let drained = last.map_or(0, |l| l + u64::from(i.drain_period));
        accept = (accept + first).max(drained) + rest;
        last = Some(accept);
    }
    accept
}

/// The external memory and the unit that requests from it.
struct Memory {
    depth: usize,
    beats: u64,
    /// Cycle in which the last transfer of each word comes.
    arrived: Vec<u64>,
    /// Cycle in which the last request was taken.
    requested: u64,
    /// First word of each tile claimed, and the cycle of the claim.
    claims: Vec<(usize, u64)>,
    /// The first claim that may still be needed.
    oldest: usize,
    claimed: usize,
}

impl Memory {
    fn new(array: &ArrayConfig) -> Self {
        Self {
            depth: array.weight_depth,
            beats: array.weight_beats() as u64,
            arrived: Vec::new(),
            requested: 0,
            claims: Vec::new(),
            oldest: 0,
            claimed: 0,
        }
    }

    /// First cycle in which the next tile of `words` words is there.
    fn tile_ready(&mut self, words: usize) -> u64 {
        while self.arrived.len() < self.claimed + words {
            self.request();
        }
        self.arrived[self.claimed + words - 1] + 1
    }

    fn claim(&mut self, cycle: u64, words: usize) {
        self.claims.push((self.claimed, cycle));
        self.claimed += words;
    }

    /// The next word: requested when the one before is, when there is room for it and when not too many are under way.
    fn request(&mut self) {
        let word = self.arrived.len();
        let mut cycle = if word == 0 { 0 } else { self.requested + 1 };
        if let Some(earlier) = word.checked_sub(MEMORY_REQUESTS) {
            cycle = cycle.max(self.arrived[earlier] + 1);
        }
        if word >= self.depth {
            while self.claims[self.oldest].0 + self.depth <= word {
                self.oldest += 1;
            }
            cycle = cycle.max(self.claims[self.oldest].1 + 1);
        }
        self.requested = cycle;
        let first = (cycle + MEMORY_LATENCY).max(self.arrived.last().map_or(0, |l| l + 1));
        self.arrived.push(first + self.beats - 1);
    }
}
