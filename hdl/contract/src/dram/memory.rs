//! A memory as a port meets it, in cycles of the core.

use super::bus::{Bus, Constants, Start, Ticks, Way, CYCLE};
use super::Dram;
use std::collections::VecDeque;

/// Words that a queue between two clocks holds, one way (`bitstreams/src/crossing`).
const QUEUE: u64 = 16;
/// Cycles of the clock that it goes to that a word takes through such a queue: two registers, half a cycle until the first of them
/// on the average, and the one in which it is taken.
const THROUGH: f64 = 2.5;

/// A burst read.
#[derive(Clone, Copy, Debug)]
struct Read {
    address: u64,
    left: u64,
    due: Ticks,
}

/// A transfer to be written.
#[derive(Clone, Copy, Debug)]
struct Write {
    address: u64,
    last: bool,
    due: Ticks,
}

/// A transfer whose place on the bus has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its direction.
    pub way: Way,
    /// It is its burst's last one: of a write the acknowledgement.
    pub last: bool,
}

/// A transfer whose place in the order is fixed.
#[derive(Clone, Copy, Debug)]
struct Command {
    way: Way,
    address: u64,
    last: bool,
    due: Ticks,
}

/// Between the clocks of core and memory.
#[derive(Clone, Debug, Default)]
struct Crossing {
    /// The first cycle of the core in which a transfer read could be next: it takes one a cycle.
    read_next: u64,
    /// When the last transfer was taken that made room behind a full queue.
    room: Ticks,
    /// When those of the transfers that come alone were taken that fill the queue.
    alone: VecDeque<u64>,
}

/// A memory as a port meets it.
#[derive(Clone, Debug)]
pub struct Memory {
    constants: Constants,
    bytes: u64,
    /// Transfers that the controller takes ahead of the bus, and with the queues before and behind it.
    ahead: u64,
    room: u64,
    /// From the bus to the core.
    back: Ticks,
    crossing: Option<Crossing>,
    reads: VecDeque<Read>,
    /// Transfers read that are under way.
    reading: u64,
    writes: VecDeque<Write>,
    /// Transfers written that are under way.
    writing: u64,
    /// The burst that has begun, or whose turn it was last.
    last: Way,
    begun: bool,
    queue: VecDeque<Command>,
    bus: Bus,
}

impl Memory {
    /// A memory at rest, behind a port of so many bytes.
    pub fn new(dram: &Dram, bytes: usize) -> Self {
        let crossing = dram.core_cycles.map(|_| Crossing::default());
        let (through, queue) = if crossing.is_some() { (THROUGH, QUEUE) } else { (0.0, 0) };
        let constants = Constants::new(dram, bytes, through);
        let bus = Bus::new(&constants);
        let (reads, writes) = Default::default();
        Self {
            constants,
            bytes: bytes as u64,
            ahead: dram.ahead,
            room: dram.ahead + queue,
            back: (through * CYCLE as f64) as Ticks,
            crossing,
            reads,
            reading: 0,
            writes,
            writing: 0,
            last: Way::Write,
            begun: false,
            queue: VecDeque::new(),
            bus,
        }
    }

    /// Cycles from a read address to its first data: of an open row, with nothing else under way.
    pub fn latency(&self) -> u64 {
        (self.constants.latency + self.back + CYCLE / 2) / CYCLE
    }

    /// Cycles from the last data of a write to its acknowledgement, likewise.
    pub fn acknowledge(&self) -> u64 {
        (self.constants.acknowledge + self.back + CYCLE / 2) / CYCLE
    }

    /// Transfers of a way that can be under way.
    pub fn room(&self) -> u64 {
        self.room
    }

    /// Nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.reads.is_empty() && self.reading == 0 && self.writing == 0
    }

    /// Whether a read address is taken: the one before it has given all of its transfers a place, or waits in a queue.
    pub fn takes_read(&self) -> bool {
        self.reads.len() as u64 <= self.room - self.ahead
    }

    /// Whether a write address is taken: likewise.
    pub fn takes_burst(&self) -> bool {
        self.writes.is_empty()
            || self.writes.iter().filter(|write| write.last).count() as u64 + self.ahead < self.room
    }

    /// Whether data to be written are taken.
    pub fn takes_write(&self) -> bool {
        self.writing < self.room
    }

    /// A read address is taken in cycle `now`.
    pub fn read(&mut self, now: u64, address: u64, transfers: u64) {
        let due = now * CYCLE + self.constants.latency;
        self.reads.push_back(Read { address, left: transfers, due });
        self.order();
    }

    /// A transfer to be written is taken in cycle `now`.
    pub fn write(&mut self, now: u64, address: u64, last: bool) {
        self.writing += 1;
        self.writes.push_back(Write { address, last, due: now * CYCLE + self.constants.acknowledge });
        self.order();
    }

    /// The cycle of the next transfer, of what is known; none where nothing is under way.
    pub fn next(&self) -> Option<u64> {
        self.start().map(|(_, _, cycle)| cycle)
    }

    /// The next transfer, if it comes in cycle `now` or was to come before. Between two clocks nobody is told of what a burst
    /// writes before its last.
    pub fn transfer(&mut self, now: u64) -> Option<Transfer> {
        loop {
            let (Command { way, address, last, .. }, start, _) =
                self.start().filter(|(.., cycle)| *cycle <= now)?;
            self.queue.pop_front();
            if let Some(crossing) = self.crossing.as_mut().filter(|_| way == Way::Read) {
                crossing.read_next = now + 1;
                if self.reading == self.room {
                    crossing.room = now * CYCLE;
                }
            }
            match way {
                Way::Read => self.reading -= 1,
                Way::Write => self.writing -= 1,
            }
            self.bus.take(&self.constants, (way, address), start);
            self.order();
            if self.crossing.is_none() || way == Way::Read || last {
                return Some(Transfer { way, last });
            }
        }
    }

    /// With nothing else under way: the cycle of a transfer that is due in one.
    pub fn alone(&mut self, way: Way, due: u64, address: u64) -> u64 {
        let asked = (due * CYCLE).saturating_sub(self.back);
        let (latency, room) = (self.latency(), self.room as usize);
        let Some(crossing) = self.crossing.as_mut().filter(|_| way == Way::Read) else {
            let start = self.bus.start(&self.constants, (way, address), asked);
            self.bus.take(&self.constants, (way, address), start);
            return (start.at + self.back).div_ceil(CYCLE);
        };
        // What follows the one before at once has been read ahead, as far as there was room.
        let follows = crossing.alone.back().is_some_and(|before| due < before + latency);
        if !follows {
            crossing.alone.clear();
        }
        let full = crossing.alone.len() == room;
        let left = if full { crossing.alone.pop_front() } else { None };
        let from = if follows { left.map_or(0, |cycle| cycle * CYCLE) } else { asked };
        let start = self.bus.start(&self.constants, (way, address), from);
        self.bus.take(&self.constants, (way, address), start);
        let cycle = (start.at + self.back).div_ceil(CYCLE).max(due);
        crossing.alone.push_back(cycle);
        cycle
    }

    /// The next transfer, when it has its place on the bus, and its cycle.
    fn start(&self) -> Option<(Command, Start, u64)> {
        let command = *self.queue.front()?;
        let start = self.bus.start(&self.constants, (command.way, command.address), command.due);
        let cycle = (start.at + self.back).div_ceil(CYCLE);
        let earliest = match (&self.crossing, command.way) {
            (Some(crossing), Way::Read) => crossing.read_next,
            _ => 0,
        };
        Some((command, start, cycle.max(earliest)))
    }

    /// Puts transfers into their order as far as that is fixed: a burst goes on, and where both ways have one, they take turns.
    fn order(&mut self) {
        while (self.queue.len() as u64) < self.ahead {
            let other = match self.last {
                Way::Read => Way::Write,
                Way::Write => Way::Read,
            };
            let ways = if self.begun { [self.last, other] } else { [other, self.last] };
            let Some(command) = ways.into_iter().find_map(|way| self.command(way)) else { return };
            (self.last, self.begun) = (command.way, !command.last);
            self.queue.push_back(command);
        }
    }

    /// Takes the next transfer of a way.
    fn command(&mut self, way: Way) -> Option<Command> {
        if way == Way::Write {
            let Write { address, last, due } = self.writes.pop_front()?;
            return Some(Command { way, address, last, due });
        }
        if self.reading == self.room {
            return None;
        }
        let room = self.crossing.as_ref().map_or(0, |crossing| crossing.room);
        let read = self.reads.front_mut()?;
        self.reading += 1;
        let command = Command { way, address: read.address, last: read.left == 1, due: read.due.max(room) };
        (read.left, read.address) = (read.left - 1, read.address + self.bytes);
        if command.last {
            self.reads.pop_front();
        }
        Some(command)
    }
}
