//! The external memory that cycles are predicted for: an even one, as a simulation of the core alone has it, or a board's.

use std::collections::VecDeque;

use spikegate_contract::array::{ArrayConfig, Moved};
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::dram::{Dram, Memory, Transfer, Way};
use spikegate_contract::instr::{Instr, Opcode};

/// An external memory.
#[derive(Clone, Copy, Debug)]
pub enum External<'a> {
    /// Every transfer comes as soon as latency and bandwidth allow it: exact for a simulation with such a memory.
    Even(&'a MemoryModel),
    /// A board's, with refreshes, rows and turns: what its bench has measured.
    Board(&'a Dram),
}

/// A board's memory and what lies where in it.
pub(super) struct Board {
    memory: Memory,
    /// Whether they are a map's, of the bursts that are read.
    reads: VecDeque<bool>,
    /// When transfers that a move has written leave for the bus.
    leave: VecDeque<u64>,
    weights: u64,
    weight_bytes: u64,
    burst_bytes: u64,
    ring: u64,
    transfer_bytes: u64,
}

/// What has come of the transfers of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// A burst of weights has been read.
    Weights,
    /// A burst of a map has been read.
    Map,
    /// A burst is written.
    Written,
}

impl Board {
    /// At rest, with the weights behind so many transfers of moved maps.
    pub fn new(dram: &Dram, array: &ArrayConfig, moved: usize) -> Self {
        let bytes = array.memory_bits / 8;
        let (reads, leave) = Default::default();
        let ring = if array.spill_depth > 0 { array.spill_depth as u64 } else { 1 };
        let burst_bytes = if array.spill_depth > 0 { array.spill_bytes() as u64 } else { 0 };
        Self {
            memory: Memory::new(dram, bytes),
            reads,
            leave,
            weights: array.weights_base(moved) as u64,
            weight_bytes: array.weight_bytes() as u64,
            burst_bytes,
            ring,
            transfer_bytes: bytes as u64,
        }
    }

    pub fn latency(&self) -> u64 {
        self.memory.latency()
    }

    pub fn is_idle(&self) -> bool {
        self.memory.is_idle()
    }

    pub fn takes_read(&self) -> bool {
        self.memory.takes_read()
    }

    pub fn takes_write(&self) -> bool {
        self.memory.takes_write()
    }

    /// The cycle of the next transfer, if one is under way.
    pub fn next(&self) -> Option<u64> {
        self.memory.next()
    }

    /// The transfer of a cycle, and what it completes.
    pub fn transfer(&mut self, now: u64) -> Option<Done> {
        let Transfer { way, last } = self.memory.transfer(now)?;
        match way {
            _ if !last => None,
            Way::Write => Some(Done::Written),
            Way::Read if self.reads.pop_front()? => Some(Done::Map),
            Way::Read => Some(Done::Weights),
        }
    }

    /// The weight word of a number is asked for.
    pub fn read_weights(&mut self, now: u64, word: u64, transfers: u64) {
        self.reads.push_back(false);
        self.memory.read(now, self.weights + word * self.weight_bytes, transfers);
    }

    /// The burst of a number of spilled maps is asked for.
    pub fn read_map(&mut self, now: u64, burst: u64, transfers: u64) {
        self.reads.push_back(true);
        self.memory.read(now, burst % self.ring * self.burst_bytes, transfers);
    }

    /// A transfer of the burst of a number goes, with so many behind it.
    pub fn write_map(&mut self, now: u64, burst: u64, transfers: u64, left: u64) {
        let address = burst % self.ring * self.burst_bytes + (transfers - 1 - left) * self.transfer_bytes;
        self.memory.write(now, address, left == 0);
    }

    /// The cycle in which a move's transfer comes that could come in `cycle`.
    pub fn moves_in(&mut self, cycle: u64, transfer: u64) -> u64 {
        self.memory.alone(Way::Read, cycle, transfer * self.transfer_bytes)
    }

    /// The cycle in which a move's transfer is taken that is on offer from `cycle` on.
    pub fn moves_out(&mut self, cycle: u64, transfer: u64) -> u64 {
        let full = self.leave.len() as u64 == self.memory.room();
        let room = if full { self.leave.pop_front().map_or(0, |leaves| leaves + 1) } else { 0 };
        let taken = cycle.max(room);
        let address = transfer * self.transfer_bytes;
        self.leave.push_back(self.memory.alone(Way::Write, taken + self.memory.acknowledge(), address));
        taken
    }

    /// The cycle in which all that a move has written is acknowledged.
    pub fn acknowledged(&self) -> Option<u64> {
        self.leave.back().copied()
    }
}

/// Transfers in front of the weights: what instructions move ends there.
pub(super) fn moved(instructions: &[Instr], array: &ArrayConfig) -> usize {
    let moves = instructions.iter().filter(|i| i.op == Opcode::Move as u32);
    let end = moves.map(|i| {
        let each = Moved::try_from(i.source).map_or(1, |map| array.moved_transfers(map));
        i.first_transfer() + (i.groups_in * i.weight_group) as usize + i.length as usize * each
    });
    end.max().map_or(0, |end| end.saturating_sub(array.moves_base()))
}
