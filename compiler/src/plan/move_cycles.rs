//! Cycles of a move of a map, exactly: the port is its own, and every transfer waits for the one before it.
//!
//! See `hdl/src/memory/mover`: bursts are asked for one a cycle, as long as fewer than eight are without an answer. Inward a
//! transfer is written when it comes. Outward it is read one a cycle into a buffer of eight, and on offer four cycles
//! later, once its burst has been asked for.

use std::collections::VecDeque;

use spikegate_contract::array::{ArrayConfig, Moved, MOVE_BUFFER, MOVE_BURST, MOVE_BURSTS};
use spikegate_contract::instr::{Instr, MOVE_OUT};

use super::port::Port;

/// Transfers of a burst at most, which ends at a multiple of as many.
const BURST: u64 = MOVE_BURST as u64;
/// From the cycle that reads a transfer from the slots to the first that offers it.
const OFFER: u64 = 4;

/// The cycle of the fetch behind a move whose first cycle after its start is `start`.
pub(super) fn next_fetch(i: &Instr, array: &ArrayConfig, start: u64, port: &mut Port) -> u64 {
    port.until(start);
    let begins = port.settle() + 1;
    let bursts = bursts(i, array);
    let last =
        if i.image & MOVE_OUT == 0 { inward(bursts, begins, port) } else { outward(bursts, begins, port) };
    // The answer is seen a cycle later, and then the move is done.
    port.until(last + 2);
    last + 2
}

/// First transfer and number of transfers of every burst.
fn bursts(i: &Instr, array: &ArrayConfig) -> impl Iterator<Item = (u64, u64)> {
    // An instruction word takes a transfer.
    let each = Moved::try_from(i.source).map_or(1, |map| array.moved_transfers(map));
    let transfers = u64::from(i.length) * each as u64;
    let (base, group) = (i.first_transfer() as u64, u64::from(i.weight_group));
    (0..=u64::from(i.groups_in)).flat_map(move |g| {
        let (first, end) = (base + g * group, base + g * group + transfers);
        let next = move |at: u64| (at / BURST + 1) * BURST;
        let starts = std::iter::successors(Some(first), move |&at| Some(next(at)).filter(|&at| at < end));
        starts.map(move |at| (at, next(at).min(end) - at))
    })
}

/// The last cycles of a kind, as many as may be open; what waits for the oldest of them to be over.
struct Open(VecDeque<u64>, usize);

impl Open {
    fn of(most: usize) -> Self {
        Self(VecDeque::new(), most)
    }
    /// From when on there can be one more.
    fn free(&mut self) -> u64 {
        match self.0.len() == self.1 {
            true => self.0.pop_front().map_or(0, |cycle| cycle + 1),
            false => 0,
        }
    }
    fn add(&mut self, ends: u64) {
        self.0.push_back(ends);
    }
}

/// The cycle of the last transfer of a move that asks for its first burst in cycle `begins`.
fn inward(bursts: impl Iterator<Item = (u64, u64)>, begins: u64, port: &mut Port) -> u64 {
    let mut open = Open::of(MOVE_BURSTS);
    let (mut asks, mut last) = (begins, begins);
    for (first, transfers) in bursts {
        let asked = asks.max(open.free());
        asks = asked + 1;
        last = last.max(asked + port.latency().max(1));
        for n in 0..transfers {
            last = port.read_from(last, first + n);
        }
        open.add(last - 1);
    }
    last - 1
}

/// The cycle of the last acknowledgement of a move that asks for its first burst, and reads its first word, in cycle `begins`.
fn outward(bursts: impl Iterator<Item = (u64, u64)>, begins: u64, port: &mut Port) -> u64 {
    let (mut open, mut buffer) = (Open::of(MOVE_BURSTS), Open::of(MOVE_BUFFER));
    let (mut asks, mut reads, mut writes, mut last) = (begins, begins, begins, begins);
    for (first, transfers) in bursts {
        let asked = asks.max(open.free());
        asks = asked + 1;
        writes = writes.max(asked);
        for n in 0..transfers {
            let read = reads.max(buffer.free());
            reads = read + 1;
            writes = port.write_from(writes.max(read + OFFER), first + n);
            buffer.add(writes - 1);
        }
        last = port.acknowledged(writes);
        open.add(last);
    }
    last
}
