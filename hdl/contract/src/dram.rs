//! How a board's memory answers behind its controller: its constants, and what a core's port meets with them.
//!
//! A controller takes the port's bursts one after the other, reads and writes in turns, and gives each of their transfers a place
//! on one bus. That place is in port time: of a read the cycle in which its data come, of a write the cycle in which it could be
//! acknowledged. A transfer waits for the one before it, for the rows that have to be opened, for the bus to turn round, and
//! for refreshes, which close all rows and leave the bus turned to reads. When in an image the first refresh comes, nobody
//! knows: half an interval after its beginning.
//!
//! A core on another clock meets it behind a queue each way. There the places on the bus are at the memory's cycles, addresses wait in
//! the queues, and transfers come to the core a few cycles later, one a cycle at most.

mod bus;
mod memory;

pub use bus::Way;
pub use memory::{Memory, Transfer};

use serde::{Deserialize, Serialize};

/// Constants of a memory, in cycles of its controller.
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
    /// Cycles of the core in one of the controller's, where these are two clocks.
    #[serde(skip)]
    pub core_cycles: Option<f64>,
}

impl Dram {
    /// The same memory, met by a core at `core_mhz` while its controller runs at `memory_mhz`.
    pub fn crossed(&self, core_mhz: f64, memory_mhz: f64) -> Self {
        Self { core_cycles: Some(core_mhz / memory_mhz), ..*self }
    }
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
        core_cycles: None,
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

    /// The same times as at one clock, at half the cycles, and what the queues take.
    #[test]
    fn a_core_at_half_the_clock_waits_half_the_cycles_and_the_queues() {
        let mut memory = Memory::new(&DRAM.crossed(50.0, 100.0), 16);
        assert_eq!((memory.latency(), memory.acknowledge()), (14, 8), "(20 + 2.5) / 2 + 2.5");
        memory.read(0, 1008, 1);
        assert_eq!(cycles(&mut memory), [17], "and a row opened in 3");
        memory.read(100, 1008, 3);
        assert_eq!(cycles(&mut memory), [114, 118, 119], "a bank in 3");
        memory.write(200, 0, true);
        assert_eq!(cycles(&mut memory), [214], "5 to turn");
        let mut memory = Memory::new(&DRAM.crossed(25.0, 100.0), 16);
        memory.read(0, 0, 4);
        assert_eq!(cycles(&mut memory), [10, 11, 12, 13], "two come in a cycle of the core");
    }

    /// What the core takes slower than the memory gives it has been read ahead, as far as there is room.
    #[test]
    fn queues_hide_what_a_slow_core_would_wait_for() {
        let mut memory = Memory::new(&DRAM.crossed(10.0, 100.0), 16);
        let first = memory.alone(Way::Read, 10, 0);
        let all: Vec<u64> = (1..100).map(|n| memory.alone(Way::Read, first + n, 16 * n)).collect();
        assert!(all.iter().zip(1..).all(|(cycle, n)| *cycle == first + n), "{all:?}");
    }

    #[test]
    fn addresses_wait_in_the_queues() {
        let mut memory = Memory::new(&DRAM.crossed(50.0, 100.0), 16);
        let taken =
            (0..40).take_while(|n| memory.takes_read().then(|| memory.read(*n, 0, 4)).is_some()).count();
        assert_eq!(taken, 18, "one has its places, one stands at the controller, sixteen are in the queue");
        cycles(&mut memory);
        assert!(memory.is_idle());
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
