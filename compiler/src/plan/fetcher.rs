//! The external memory as the planner counts with it, and the unit that requests weight words from it.

use spikegate_contract::array::{ArrayConfig, MEMORY_REQUESTS};
use spikegate_contract::bundle::MemoryModel;

/// Tiles of one image, requested ahead into the weight memory as a ring.
pub(super) struct Fetcher {
    depth: usize,
    beats: u64,
    latency: u64,
    /// Cycles per transfer, a fraction of at least 1.
    interval: (u64, u64),
    /// When the bandwidth allows the next transfer: a cycle, and the numerator of a further part of one.
    free: (u64, u64),
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

impl Fetcher {
    /// Requests begin in cycle 0.
    pub fn new(array: &ArrayConfig, model: &MemoryModel) -> Self {
        Self {
            depth: array.weight_depth,
            beats: array.weight_beats() as u64,
            latency: model.latency,
            interval: model.interval(array.memory_bits / 8),
            free: (0, 0),
            arrived: Vec::new(),
            requested: 0,
            claims: Vec::new(),
            oldest: 0,
            claimed: 0,
        }
    }

    /// First cycle in which the next tile of `words` words is there.
    pub fn tile_ready(&mut self, words: usize) -> u64 {
        while self.arrived.len() < self.claimed + words {
            self.request();
        }
        self.arrived[self.claimed + words - 1] + 1
    }

    /// Takes the next tile up in a cycle; the one before is free from then on.
    pub fn claim(&mut self, cycle: u64, words: usize) {
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
        // One transfer after the other: never before its time, and no more in a row than the bandwidth allows.
        let mut at = cycle + self.latency;
        for _ in 0..self.beats {
            let (cycle, part) = self.free;
            let first = cycle + u64::from(part > 0);
            // A bus that was idle has saved nothing up.
            let from = if at > first { (at, 0) } else { self.free };
            at = at.max(first);
            let (numerator, denominator) = self.interval;
            let part = from.1 + numerator;
            self.free = (from.0 + part / denominator, part % denominator);
        }
        self.arrived.push(at);
    }
}
