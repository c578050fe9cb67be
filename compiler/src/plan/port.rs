//! The external memory as the planner counts with it, and the units that read and write it, cycle by cycle.
//!
//! Three units share the port: one requests weight words ahead of the output groups that use them, one writes spilled
//! maps, and one requests those ahead of the pixels that add them. An output group or a pixel is taken up when what it
//! needs is there. See `hdl/src/memory`.

use std::collections::VecDeque;

use spikegate_contract::array::{ArrayConfig, MEMORY_REQUESTS};
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::instr::{Instr, RESIDUAL_SPILLED, STREAM_SPILLED};
use spikegate_contract::timing::beat;

use super::external::{Board, Done, External};

/// What every pixel of a convolution needs from the port, and gives to it; nothing where its maps stay on chip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Need {
    /// Bursts of residuals.
    pops: u64,
    /// Bursts of its stream.
    pushes: u64,
    /// From a sum's last issue to the last beat of its first sweep.
    beats: u64,
    /// Sweeps over a sum, and from one to the next.
    sweeps: u64,
    sweep_period: u64,
    /// From a beat to its values in the buffer.
    to_buffer: u64,
}

impl Need {
    /// Of a convolution.
    pub fn of(i: &Instr, array: &ArrayConfig) -> Need {
        let spills = |bit| u64::from(i.image & bit != 0);
        let bursts = u64::from(i.time_passes + i.sweeps + 1);
        Need {
            pops: spills(RESIDUAL_SPILLED) * bursts,
            pushes: spills(STREAM_SPILLED) * bursts,
            beats: (array.array_latency() + array.beats(i.narrow == 1)) as u64,
            sweeps: u64::from(i.sweeps) + 1,
            sweep_period: i.sweep_period.into(),
            to_buffer: array.spilled_cycles(i.gate == 1) as u64,
        }
    }

    /// Whether the pixel has to do with spilled maps.
    pub fn has_maps(&self) -> bool {
        self.pops + self.pushes > 0
    }
}

/// A burst read: for the maps or the weights, transfers left, earliest cycle of the first.
struct Read {
    map: bool,
    transfers: u64,
    due: u64,
}

/// Memory and units; counters are those of the hardware, in words and bursts of an image or batch.
pub(super) struct Port {
    /// The cycle that comes next, and what the units hold when it begins.
    now: u64,
    latency: u64,
    /// Cycles per transfer, a fraction of at least 1; none: each direction has a transfer in every cycle.
    interval: Option<(u64, u64)>,
    /// When the bandwidth allows the next transfer: a cycle, and the numerator of a further part of one.
    free: (u64, u64),
    read_last: bool,
    reads: VecDeque<Read>,
    /// Cycles in which the memory acknowledges a burst.
    acknowledgements: VecDeque<u64>,
    map_requested_last: bool,
    weights: Weights,
    maps: Maps,
    /// A board's memory, where that counts instead of latency and interval.
    board: Option<Board>,
}

#[derive(Default)]
struct Weights {
    depth: u64,
    transfers: u64,
    /// Words of the image or batch.
    all: u64,
    requested: u64,
    arrived: u64,
    claimed: u64,
    retired: u64,
    /// Cycles from which words are seen as free, and how many of all have been.
    frees: VecDeque<(u64, u64)>,
}

#[derive(Default)]
struct Maps {
    capacity: u64,
    transfers: u64,
    // Out.
    room_claimed: u64,
    filled: u64,
    begun: u64,
    drained: u64,
    committed: u64,
    /// Transfers left of the burst that leaves.
    sending: u64,
    /// Cycles from which a further burst is seen as complete.
    fills: VecDeque<u64>,
    // And back.
    requested: u64,
    arrived: u64,
    claimed: u64,
    popped: u64,
    /// Cycles from which the room of a further burst is seen as free.
    pops: VecDeque<u64>,
}

impl Port {
    /// Before cycle 0 of an image or batch that uses so many weight words of the memory, behind so many transfers of moved
    /// maps.
    pub fn new(array: &ArrayConfig, external: External<'_>, weight_words: usize, moved: usize) -> Self {
        let (model, board) = match external {
            External::Even(model) => (*model, None),
            External::Board(dram) => (MemoryModel::default(), Some(Board::new(dram, array, moved))),
        };
        let spills = array.spill_depth > 0;
        let mut maps = Maps::default();
        if spills {
            maps.capacity = (array.spill_buffer() / array.spill_words()) as u64;
            maps.transfers = array.spill_transfers() as u64;
        }
        Self {
            now: 0,
            latency: model.latency,
            interval: (model.bytes_per_1000_cycles > 0).then(|| model.interval(array.memory_bits / 8)),
            free: (0, 0),
            read_last: false,
            reads: VecDeque::new(),
            acknowledgements: VecDeque::new(),
            map_requested_last: false,
            weights: Weights {
                depth: array.weight_depth as u64,
                transfers: array.weight_beats() as u64,
                all: weight_words as u64,
                ..Weights::default()
            },
            maps,
            board,
        }
    }

    /// First cycle from `cycle` on in which a pixel can be taken up, which it is. It opens an output group with so many
    /// weight words, or none.
    pub fn take(&mut self, cycle: u64, tile: u64, need: &Need) -> u64 {
        self.until(cycle);
        while !self.has(tile, need) && !self.is_settled() {
            self.advance();
        }
        self.claim(tile, need)
    }

    /// Takes a pixel up in a cycle if what it needs is there.
    pub fn takes(&mut self, cycle: u64, tile: u64, need: &Need) -> bool {
        self.until(cycle);
        let has = self.has(tile, need);
        if has {
            self.claim(tile, need);
        }
        has
    }

    /// The output group taken up last needs its words no more: its last one is issued in this cycle.
    pub fn frees(&mut self, cycle: u64) {
        self.weights.frees.push_back((cycle + 1, self.weights.claimed));
    }

    /// A sum of a pixel taken up ends, which is later than all before it: its last word is issued in this cycle.
    pub fn sum(&mut self, last: u64, need: &Need) {
        for sweep in 0..need.sweeps {
            let token = last + need.beats + sweep * need.sweep_period;
            self.maps.pops.extend((need.pops > 0).then_some(token + beat::FREED as u64));
            self.maps.fills.extend((need.pushes > 0).then_some(token + need.to_buffer));
        }
    }

    /// The first cycle in which nothing is under way and nothing can be requested.
    pub fn settle(&mut self) -> u64 {
        while !self.is_settled() {
            self.advance();
        }
        self.now
    }

    /// The map in the memory is dumped: it comes once more, or is gone.
    pub fn dump(&mut self, keeps: bool) {
        let maps = &mut self.maps;
        self.map_requested_last |= keeps || maps.committed > maps.requested;
        self.read_last = true;
        if !keeps {
            (maps.requested, maps.arrived) = (maps.committed, maps.committed);
            (maps.claimed, maps.popped) = (maps.committed, maps.committed);
        }
    }

    /// Cycles from a request to its first transfer.
    pub fn latency(&self) -> u64 {
        self.board.as_ref().map_or(self.latency, Board::latency)
    }

    /// With nothing else under way: the transfer of a number comes in the first cycle from `cycle` on. Gives the cycle behind
    /// it.
    pub fn read_from(&mut self, cycle: u64, transfer: u64) -> u64 {
        if let Some(board) = &mut self.board {
            return board.moves_in(cycle, transfer) + 1;
        }
        let now = cycle.max(self.free());
        self.spend(now);
        self.read_last = true;
        now + 1
    }

    /// As [`Port::read_from`], of a transfer that goes.
    pub fn write_from(&mut self, cycle: u64, transfer: u64) -> u64 {
        if let Some(board) = &mut self.board {
            return board.moves_out(cycle, transfer) + 1;
        }
        let shared = self.interval.is_some();
        let now = if shared { cycle.max(self.free()) } else { cycle };
        if shared {
            self.spend(now);
        }
        self.read_last = false;
        now + 1
    }

    /// When the burst is acknowledged whose last transfer has gone in the cycle before `cycle`.
    pub fn acknowledged(&self, cycle: u64) -> u64 {
        let board = self.board.as_ref().and_then(Board::acknowledged);
        board.unwrap_or(cycle - 1 + self.latency.max(1))
    }

    fn has(&self, tile: u64, need: &Need) -> bool {
        let (weights, maps) = (&self.weights, &self.maps);
        weights.arrived >= weights.claimed + tile
            && maps.arrived >= maps.claimed + need.pops
            && (need.pushes == 0 || maps.room_claimed + need.pushes <= maps.drained + maps.capacity)
    }

    fn claim(&mut self, tile: u64, need: &Need) -> u64 {
        let cycle = self.now;
        self.step();
        self.weights.claimed += tile;
        self.maps.claimed += need.pops;
        self.maps.room_claimed += need.pushes;
        cycle
    }

    fn wants_weights(&self) -> bool {
        let w = &self.weights;
        w.requested < w.all
            && w.requested < w.retired + w.depth
            && w.requested < w.arrived + MEMORY_REQUESTS as u64
    }

    fn wants_map(&self) -> bool {
        let m = &self.maps;
        m.requested < m.committed && m.requested < m.popped + m.capacity
    }

    /// No unit does anything in this cycle, whatever the memory does.
    fn is_quiet(&self) -> bool {
        !self.wants_weights()
            && !self.wants_map()
            && self.maps.sending == 0
            && self.maps.filled == self.maps.begun
    }

    fn is_settled(&self) -> bool {
        self.is_quiet()
            && self.reads.is_empty()
            && self.weights.frees.is_empty()
            && self.acknowledgements.is_empty()
            && self.maps.fills.is_empty()
            && self.maps.pops.is_empty()
            && self.board.as_ref().is_none_or(Board::is_idle)
    }

    /// The first cycle from now on in which anything happens; none where nothing is under way or wanted. How long the
    /// memory takes is no matter of ours: waiting for it costs one look.
    fn next(&self) -> Option<u64> {
        let maps = &self.maps;
        let begins = maps.sending == 0 && maps.filled > maps.begun;
        let asks = self.board.as_ref().is_none_or(Board::takes_read);
        let at_once = asks && (self.wants_weights() || self.wants_map()) || begins;
        let (read, write) = match &self.board {
            Some(board) => (board.next(), (maps.sending > 0 && board.takes_write()).then_some(0)),
            None => {
                let free = self.free();
                let read = self.reads.front().map(|read| read.due.max(free));
                (read, (maps.sending > 0).then_some(if self.interval.is_some() { free } else { 0 }))
            }
        };
        let queues = [&self.acknowledgements, &maps.fills, &maps.pops];
        let queued = queues.into_iter().filter_map(|queue| queue.front().copied());
        let queued = queued.chain(self.weights.frees.front().map(|free| free.0));
        let cycle = queued.chain(at_once.then_some(0)).chain(read).chain(write).min()?;
        Some(cycle.max(self.now))
    }

    /// Goes on to a cycle.
    pub fn until(&mut self, cycle: u64) {
        while self.now < cycle {
            match self.next() {
                Some(next) if next < cycle => {
                    self.now = next;
                    self.step();
                }
                _ => self.now = cycle,
            }
        }
    }

    /// The next cycle in which anything happens is over.
    fn advance(&mut self) {
        self.now = self.next().unwrap_or(self.now);
        self.step();
    }

    /// The first cycle with room for a transfer.
    fn free(&self) -> u64 {
        self.free.0 + u64::from(self.free.1 > 0)
    }

    /// One cycle. What it changes is seen from the next one on.
    fn step(&mut self) {
        let now = self.now;
        self.now += 1;
        let reached = |queue: &mut VecDeque<u64>| {
            let first = queue.front().is_some_and(|cycle| *cycle <= now);
            first && queue.pop_front().is_some()
        };
        while let Some((_, all)) = self.weights.frees.pop_front_if(|free| free.0 <= now) {
            self.weights.retired = all;
        }
        while reached(&mut self.maps.fills) {
            self.maps.filled += 1;
        }
        while reached(&mut self.maps.pops) {
            self.maps.popped += 1;
        }

        if let Some(mut board) = self.board.take() {
            self.step_board(&mut board, now);
            self.board = Some(board);
            return;
        }

        // What the memory allows, and what the units want.
        let free = now >= self.free();
        let mut reads = free && self.reads.front().is_some_and(|read| read.due <= now);
        let mut writes = self.maps.sending > 0;
        if self.interval.is_some() {
            writes &= free && (!reads || self.read_last);
            reads &= !writes;
        }
        let acknowledges = reached(&mut self.acknowledgements);
        let (weights, map) = (self.wants_weights(), self.wants_map());

        if reads {
            self.spend(now);
            self.read_last = true;
            self.read();
        }
        if weights || map {
            let (map, _, transfers) = self.request(weights, map);
            self.reads.push_back(Read { map, transfers, due: now + self.latency });
        }
        if writes {
            if self.interval.is_some() {
                self.spend(now);
            }
            self.read_last = false;
            self.maps.sending -= 1;
            if self.maps.sending == 0 {
                self.maps.drained += 1;
                self.acknowledgements.push_back(now + self.latency.max(1));
            }
        }
        self.begin();
        self.maps.committed += u64::from(acknowledges);
    }

    /// The rest of a cycle with a board's memory.
    fn step_board(&mut self, board: &mut Board, now: u64) {
        let done = board.transfer(now);
        let (weights, map) = (self.wants_weights(), self.wants_map());
        if board.takes_read() && (weights || map) {
            match self.request(weights, map) {
                (true, burst, transfers) => board.read_map(now, burst, transfers),
                (false, word, transfers) => board.read_weights(now, word, transfers),
            }
        }
        let maps = &mut self.maps;
        if maps.sending > 0 && board.takes_write() {
            maps.sending -= 1;
            board.write_map(now, maps.begun - 1, maps.transfers, maps.sending);
            maps.drained += u64::from(maps.sending == 0);
        }
        self.begin();
        match done {
            Some(Done::Weights) => self.weights.arrived += 1,
            Some(Done::Map) => self.maps.arrived += 1,
            Some(Done::Written) => self.maps.committed += 1,
            None => {}
        }
    }

    /// A unit that wants to asks for a burst: whether it is a map's, its number, its transfers.
    fn request(&mut self, weights: bool, map: bool) -> (bool, u64, u64) {
        self.map_requested_last = map && !(weights && self.map_requested_last);
        let (requested, transfers) = match self.map_requested_last {
            true => (&mut self.maps.requested, self.maps.transfers),
            false => (&mut self.weights.requested, self.weights.transfers),
        };
        *requested += 1;
        (self.map_requested_last, *requested - 1, transfers)
    }

    /// The next burst follows at once.
    fn begin(&mut self) {
        if self.maps.sending == 0 && self.maps.filled > self.maps.begun {
            self.maps.begun += 1;
            self.maps.sending = self.maps.transfers;
        }
    }

    fn read(&mut self) {
        let Some(read) = self.reads.front_mut() else { return };
        read.transfers -= 1;
        if read.transfers > 0 {
            return;
        }
        match read.map {
            true => self.maps.arrived += 1,
            false => self.weights.arrived += 1,
        }
        self.reads.pop_front();
    }

    /// One transfer after the other: no more in a row than the bandwidth allows. A bus that was idle has saved nothing up.
    fn spend(&mut self, now: u64) {
        let idle = now > self.free();
        let (cycle, part) = if idle { (now, 0) } else { self.free };
        let (numerator, denominator) = self.interval.unwrap_or((1, 1));
        let part = part + numerator;
        self.free = (cycle + part / denominator, part % denominator);
    }
}

#[cfg(test)]
mod tests;
