//! How a board's memory answers behind its controller: its constants, and what a core's port meets with them.
//!
//! A controller takes the port's bursts one after the other, reads and writes in turns, and gives each of their transfers a place
//! on one bus. That place is in port time: of a read the cycle in which its data come, of a write the cycle in which it could be
//! acknowledged. A transfer waits for the one before it, for the rows that have to be opened, for the bus to turn round, and
//! for refreshes, which close all rows and leave the bus turned to reads. When in an image the first refresh comes, nobody
//! knows: half an interval after its beginning.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Constants of a memory, in cycles of the port that they are of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dram {
    /// From a read address to its first data: of an open row, with nothing else under way.
    pub latency: u64,
    /// From the last data of a write to its acknowledgement, likewise.
    pub acknowledge: u64,
    /// Bytes a cycle that are read of one row between two refreshes.
    pub read: f64,
    /// The same written.
    pub write: f64,
    /// From one refresh to the next.
    pub refresh_every: u64,
    /// That a refresh takes; opening a row again comes on top.
    pub refresh_cycles: u64,
    /// That a write takes longer behind a read.
    pub turn_to_write: u64,
    /// From the acknowledgement of a write to the first data read behind it, at least.
    pub turn_to_read: u64,
    /// Bytes of a row, behind which the next bank follows.
    pub row_bytes: u64,
    /// Banks, each with a row that is open or none.
    pub banks: u64,
    /// That a transfer takes longer whose row must be opened.
    pub row_miss: u64,
    /// That a transfer takes longer in another bank than the one before it, in an open row.
    pub bank_change: u64,
    /// Transfers, of reads and of writes each, that the controller takes ahead of the bus.
    pub ahead: u64,
}

/// Transfers that a queue between two clocks holds, one way (`bitstreams/src/crossing`).
const QUEUE: u64 = 16;
/// Cycles of the clock that it goes to that a word takes through such a queue: two registers, half a cycle until the first of them
/// on the average, and the one in which it is taken.
const THROUGH: f64 = 2.5;

impl Dram {
    /// As a core at `core_mhz` meets a memory whose constants are in cycles of its controller's clock, `memory_mhz`: behind a queue
    /// each way, in cycles of the core, to the nearest whole one.
    pub fn crossed(&self, core_mhz: f64, memory_mhz: f64) -> Self {
        let cycles = core_mhz / memory_mhz;
        let in_core = |count: u64| (count as f64 * cycles).round() as u64;
        let there_and_back = |count: u64| ((count as f64 + THROUGH) * cycles + THROUGH).round() as u64;
        Self {
            latency: there_and_back(self.latency),
            acknowledge: there_and_back(self.acknowledge),
            read: self.read / cycles,
            write: self.write / cycles,
            refresh_every: in_core(self.refresh_every).max(1),
            refresh_cycles: in_core(self.refresh_cycles),
            turn_to_write: in_core(self.turn_to_write),
            turn_to_read: in_core(self.turn_to_read),
            row_bytes: self.row_bytes,
            banks: self.banks,
            row_miss: in_core(self.row_miss),
            bank_change: in_core(self.bank_change),
            ahead: self.ahead + QUEUE,
        }
    }
}

/// Direction of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the core.
    Read,
    /// To the memory.
    Write,
}

/// A burst read.
#[derive(Clone, Copy, Debug)]
struct Read {
    address: u64,
    left: u64,
    due: u64,
}

/// A transfer to be written.
#[derive(Clone, Copy, Debug)]
struct Write {
    address: u64,
    last: bool,
    due: u64,
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
    due: u64,
}

/// A memory as a port meets it.
#[derive(Clone, Debug)]
pub struct Memory {
    constants: Dram,
    bytes: u64,
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

/// The bus behind the controller.
#[derive(Clone, Debug)]
struct Bus {
    /// When the next transfer may come: a cycle, and thousandths of one.
    free: (u64, u64),
    way: Way,
    /// Of the last write.
    written: u64,
    bank: usize,
    rows: Vec<Option<u64>>,
    /// When the next refresh is due.
    refresh: u64,
}

/// When a transfer comes, and when the refresh behind it is due.
#[derive(Clone, Copy, Debug)]
struct Start {
    cycle: u64,
    refresh: u64,
}

impl Memory {
    /// A memory at rest, behind a port of so many bytes.
    pub fn new(constants: &Dram, bytes: usize) -> Self {
        let bus = Bus {
            free: (0, 0),
            way: Way::Read,
            written: 0,
            bank: 0,
            rows: vec![None; constants.banks as usize],
            refresh: constants.refresh_every / 2,
        };
        let (reads, writes) = Default::default();
        Self {
            constants: *constants,
            bytes: bytes as u64,
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

    /// Nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.reads.is_empty() && self.reading == 0 && self.writing == 0
    }

    /// Whether a read address is taken: the one before it has given all of its transfers a place.
    pub fn takes_read(&self) -> bool {
        self.reads.is_empty()
    }

    /// Whether a write address is taken: likewise.
    pub fn takes_burst(&self) -> bool {
        self.writes.is_empty()
    }

    /// Whether data to be written are taken.
    pub fn takes_write(&self) -> bool {
        self.writing < self.constants.ahead
    }

    /// A read address is taken in cycle `now`.
    pub fn read(&mut self, now: u64, address: u64, transfers: u64) {
        self.reads.push_back(Read { address, left: transfers, due: now + self.constants.latency });
        self.order();
    }

    /// A transfer to be written is taken in cycle `now`.
    pub fn write(&mut self, now: u64, address: u64, last: bool) {
        self.writing += 1;
        self.writes.push_back(Write { address, last, due: now + self.constants.acknowledge });
        self.order();
    }

    /// The cycle of the next transfer, of what is known; none where nothing is under way.
    pub fn next(&self) -> Option<u64> {
        self.start().map(|(_, start)| start.cycle)
    }

    /// The next transfer, if it comes in cycle `now` or was to come before.
    pub fn transfer(&mut self, now: u64) -> Option<Transfer> {
        let (Command { way, address, last, .. }, start) =
            self.start().filter(|(_, start)| start.cycle <= now)?;
        self.queue.pop_front();
        match way {
            Way::Read => self.reading -= 1,
            Way::Write => self.writing -= 1,
        }
        self.bus.take(&self.constants, self.bytes, (way, address), start);
        self.order();
        Some(Transfer { way, last })
    }

    /// With nothing else under way: the cycle of a transfer that is due in one.
    pub fn alone(&mut self, way: Way, due: u64, address: u64) -> u64 {
        let start = self.bus.start(&self.constants, (way, address), due);
        self.bus.take(&self.constants, self.bytes, (way, address), start);
        start.cycle
    }

    /// The next transfer, and when it comes.
    fn start(&self) -> Option<(Command, Start)> {
        let command = *self.queue.front()?;
        Some((command, self.bus.start(&self.constants, (command.way, command.address), command.due)))
    }

    /// Puts transfers into their order as far as that is fixed: a burst goes on, and where both ways have one, they take turns.
    fn order(&mut self) {
        while (self.queue.len() as u64) < self.constants.ahead {
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
        if self.reading == self.constants.ahead {
            return None;
        }
        let read = self.reads.front_mut()?;
        self.reading += 1;
        let command = Command { way, address: read.address, last: read.left == 1, due: read.due };
        (read.left, read.address) = (read.left - 1, read.address + self.bytes);
        if command.last {
            self.reads.pop_front();
        }
        Some(command)
    }
}

impl Bus {
    /// When a transfer that is due in a cycle comes.
    fn start(&self, constants: &Dram, (way, address): (Way, u64), due: u64) -> Start {
        let mut cycle = due.max(self.free.0 + u64::from(self.free.1 > 0));
        match (self.way, way) {
            (Way::Read, Way::Write) => cycle = cycle.max(due + constants.turn_to_write),
            (Way::Write, Way::Read) => cycle = cycle.max(self.written + constants.turn_to_read),
            _ => {}
        }
        let (free, mut refresh) = (cycle, self.refresh);
        // Those that nobody waited for are over.
        refresh += cycle.saturating_sub(refresh) / constants.refresh_every * constants.refresh_every;
        while refresh <= cycle {
            cycle = cycle.max(refresh + constants.refresh_cycles);
            refresh += constants.refresh_every;
        }
        if refresh != self.refresh {
            let turns = way == Way::Write && cycle > free;
            cycle += constants.row_miss + if turns { constants.turn_to_write } else { 0 };
            return Start { cycle, refresh };
        }
        let (bank, row) = place(constants, address);
        cycle += match self.rows[bank] {
            open if open != Some(row) => constants.row_miss,
            _ if bank != self.bank => constants.bank_change,
            _ => 0,
        };
        Start { cycle, refresh }
    }

    /// A transfer comes when [`Bus::start`] says.
    fn take(&mut self, constants: &Dram, bytes: u64, (way, address): (Way, u64), start: Start) {
        let Start { cycle, refresh } = start;
        if refresh != self.refresh {
            self.rows.fill(None);
            self.refresh = refresh;
        }
        let (bank, row) = place(constants, address);
        (self.way, self.bank, self.rows[bank]) = (way, bank, Some(row));
        let rate = match way {
            Way::Read => constants.read,
            Way::Write => constants.write,
        };
        if way == Way::Write {
            self.written = cycle;
        }
        let waited = cycle > self.free.0 + u64::from(self.free.1 > 0);
        let (from, part) = if waited { (cycle, 0) } else { self.free };
        let part = part + ((1000.0 * bytes as f64 / rate).round() as u64).max(1000);
        self.free = (from + part / 1000, part % 1000);
    }
}

/// Bank and row of a place.
fn place(constants: &Dram, address: u64) -> (usize, u64) {
    let page = address / constants.row_bytes;
    ((page % constants.banks) as usize, page / constants.banks)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAM: Dram = Dram {
        latency: 20,
        acknowledge: 8,
        read: 8.0,
        write: 4.0,
        refresh_every: 1000,
        refresh_cycles: 50,
        turn_to_write: 10,
        turn_to_read: 15,
        row_bytes: 1024,
        row_miss: 6,
        banks: 4,
        bank_change: 2,
        ahead: 4,
    };

    /// Cycles of the transfers of reads and writes, from what is given until all is done.
    fn cycles(memory: &mut Memory) -> Vec<u64> {
        let mut all = Vec::new();
        while let Some(next) = memory.next() {
            assert_eq!(memory.transfer(next - 1), None);
            assert!(memory.transfer(next).is_some());
            all.push(next);
        }
        all
    }

    #[test]
    fn rows_are_opened_and_banks_changed() {
        let mut memory = Memory::new(&DRAM, 16);
        memory.read(0, 1008, 2);
        assert_eq!(cycles(&mut memory), [26, 34], "each in a bank of its own");
        memory.read(100, 0, 2);
        assert_eq!(cycles(&mut memory), [122, 124]);
        memory.read(200, 4096, 1);
        assert_eq!(cycles(&mut memory), [226], "another row of the same bank");
    }

    #[test]
    fn the_bus_turns_round_and_ways_take_turns() {
        let mut memory = Memory::new(&DRAM, 16);
        memory.write(0, 0, true);
        assert_eq!(cycles(&mut memory), [24], "behind reads from the beginning, in a closed row");
        memory.write(100, 0, false);
        memory.write(101, 16, true);
        memory.read(100, 32, 1);
        assert_eq!(cycles(&mut memory), [108, 112, 127], "a burst is not interrupted");
        memory.read(200, 0, 2);
        memory.write(200, 16, true);
        memory.read(201, 0, 1);
        assert_eq!(cycles(&mut memory), [220, 222, 224, 239], "in turns");
    }

    #[test]
    fn refreshes_close_rows_and_hold_transfers_up() {
        let mut memory = Memory::new(&DRAM, 16);
        memory.read(0, 0, 1);
        assert_eq!(cycles(&mut memory), [26]);
        memory.read(481, 0, 1);
        assert_eq!(cycles(&mut memory), [556], "the first refresh is due in cycle 500");
        memory.write(1485, 0, true);
        assert_eq!(cycles(&mut memory), [1566], "and turns the bus to reads");
        memory.read(9000, 0, 1);
        assert_eq!(cycles(&mut memory), [9026], "those that nobody waits for are over");
    }

    #[test]
    fn a_core_at_half_the_clock_waits_half_the_cycles_and_the_queues() {
        let slow = DRAM.crossed(50.0, 100.0);
        let want = Dram {
            latency: 14, // (20 + 2.5) / 2 + 2.5
            acknowledge: 8,
            read: 16.0,
            write: 8.0,
            refresh_every: 500,
            refresh_cycles: 25,
            turn_to_write: 5,
            turn_to_read: 8,
            row_miss: 3,
            bank_change: 1,
            ahead: 20,
            ..DRAM
        };
        assert_eq!(slow, want);
        let mut memory = Memory::new(&DRAM.crossed(25.0, 100.0), 16);
        memory.read(0, 0, 3);
        assert_eq!(cycles(&mut memory), [10, 11, 12], "a transfer a cycle is all that the port has");
    }

    #[test]
    fn so_much_is_taken_ahead() {
        let mut memory = Memory::new(&DRAM, 16);
        memory.read(0, 0, 3);
        assert!(memory.takes_read());
        memory.read(1, 64, 3);
        assert!(!memory.takes_read() && memory.takes_write());
        (0..4).for_each(|n| memory.write(n, 0, n == 3));
        assert!(!memory.takes_write());
        cycles(&mut memory);
        assert!(memory.takes_read() && memory.takes_write() && memory.is_idle());
    }
}
