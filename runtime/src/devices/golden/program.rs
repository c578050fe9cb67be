//! A program of the design, and what each image of a batch reports of it.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{first_word, PlannedStep};

/// Name of the planner's step that sends the result.
const FINISH: &str = "finish";

/// The part of a run that one image of its batch reports.
#[derive(Debug)]
pub(super) struct Share {
    /// Instructions before its result.
    pub(super) instructions: usize,
    /// Cycles and operand operations since the result before.
    pub(super) cycles: u64,
    pub(super) sops: u64,
}

impl Share {
    /// Of every image, in order.
    fn all(steps: &[PlannedStep], array: &ArrayConfig) -> Vec<Self> {
        let mut begin = 0;
        let ends = steps.iter().enumerate().filter(|(_, s)| s.name == FINISH).map(|(at, _)| at);
        ends.map(|instructions| {
            let own = &steps[begin..instructions];
            begin = instructions;
            let issued: u64 = own.iter().map(|s| s.issue_cycles).sum();
            let sops = issued * (array.lanes * array.ci * array.co) as u64;
            Self { instructions, cycles: own.iter().map(|s| s.cycles).sum(), sops }
        })
        .collect()
    }
}

/// A program of the design.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) packets: Vec<Vec<u32>>,
    /// What a driver that has loaded it declares.
    pub(super) hash: u32,
    /// Cycles of each instruction but the last, which sends the last result.
    pub(super) cycles: Vec<u32>,
    /// What each image of a batch reports.
    pub(super) shares: Vec<Share>,
    /// Whether it sends dumps.
    pub(super) traces: bool,
}

impl Program {
    pub(super) fn new(
        packets: &[Vec<u32>],
        hash: &str,
        steps: &[PlannedStep],
        array: &ArrayConfig,
        traces: bool,
    ) -> Self {
        let shares = Share::all(steps, array);
        let before_last = shares.last().map_or(0, |s| s.instructions);
        let cycles = steps.iter().take(before_last).map(|s| s.cycles as u32).collect();
        Self { packets: packets.to_vec(), hash: first_word(hash), cycles, shares, traces }
    }
}
