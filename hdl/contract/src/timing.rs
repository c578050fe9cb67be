//! When what is valid: the pipeline's stages by name, each with its cycle, once.
//!
//! Delays of the hardware, cycles of the planner and the tables of `hdl/README.md` all come from [`STAGES`]. A stage is a
//! constant in the module of what its cycles are counted from: `beat::BIASED` is 5, "the sum plus b, five cycles behind
//! the beat".

use crate::array::ArrayConfig;
use crate::instr;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// What cycles are counted from, as the tables call it.
    pub from: &'static str,
    /// Cycles behind it.
    pub cycle: usize,
    /// Further cycles, which the array decides; empty where there are none.
    pub further: &'static str,
    /// What is valid then.
    pub valid: &'static str,
    /// What goes through the stages.
    pub of: Flow,
}

/// What goes through a row of stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// An operand word, its sum and what comes of it.
    Word,
    /// A tap, with zero-skipping.
    Tap,
}

macro_rules! stages {
    ($($(#[$doc:meta])* $from:ident $mark:literal of $flow:ident {
        $($name:ident = $cycle:expr $(, plus $further:literal)? => $valid:literal;)*
    })*) => {
        $(
            $(#[$doc])*
            pub mod $from {
                $(#[doc = $valid] pub const $name: usize = $cycle;)*
            }
        )*
        /// All stages, in the order of the pipeline.
        pub const STAGES: &[Stage] = &[$($(
            Stage {
                from: $mark,
                cycle: $from::$name,
                further: concat!($($further)?),
                valid: $valid,
                of: Flow::$flow,
            },
        )*)*];
    };
}

stages! {
    /// Cycles from a word's issue: its address leaves the window unit (with zero-skipping: its slot serves it).
    issue "i" of Word {
        ADDRESS = 0 => "operand address, plane, twice, negative, last";
        WORD = ADDRESS + 1 => "memory words; weight address";
        HELD = WORD + 1 => "memory words, held; masks of the operand bits; weights";
        BITS = HELD + 1 => "operand bits; weights, held";
        PAIRS = BITS + 1 => "pair sums of masked weights, the tree's first level (registered)";
    }
    /// Cycles from the adder tree's last level, the one before `c`.
    last_level "c-1" of Word {
        SIGNS = 0 => "`negative` inverts the tree's last level";
    }
    /// Cycles from `c = i + array_latency`, in which the accumulator adds a word.
    sum "c" of Word {
        ADDED = 0 => "tree sum; accumulator plus tree sum; `last` delayed to here captures it";
        CAPTURED = ADDED + 1 => "captured sums; first beat token (q = channel index within the group / R, sweep)";
    }
    /// Cycles from a beat, which selects a channel of the capture: `b >= c + 1`.
    beat "b" of Word {
        TOKEN = 0 => "beat token, address of the parameters";
        SELECTED = TOKEN + 1 => "selected sums acc per lane of post lane r, parameters m, b, s, real";
        COMBINED = SELECTED + 1 => "lane sums: combined planes, or the sum of all lanes, in every lane; or acc unchanged";
        RESIDUAL = COMBINED + 1 => "offset of the residual";
        PRODUCT = COMBINED + 2 => "product by m";
        POPPED = RESIDUAL + 1 => "a spilled residual is popped";
        BIASED = PRODUCT + 1 => "plus b; for the head this is the logit";
        FREED = POPPED + 1 => "the place of a popped residual is free";
        SHIFTED = BIASED + 1 => "shifted";
        VALUE = SHIFTED + 1 => "y per lane, saturated s16; residual read and selected";
        ENTRY = VALUE + 1 => "x per lane = sat16(y + residual) enters the LIF; code (Xq, Z1) is written; sca selected for the gate";
        STEM = ENTRY + 3 => "gate: offset of the stem's spikes";
        MASKED = ENTRY + 6 => "gate: the stem's spikes mask what the table says";
        GATED = MASKED + 1 => "gate: Y per lane";
        GATED_ENTRY = GATED + 1 => "gate: Y enters the LIF";
    }
    /// Cycles from an entry into the neurons: `x = b + 8`, behind the gate `b + 16`.
    entry "x" of Word {
        SPIKE = 1, plus "l" => "spike of lane l";
        WRITE = 1, plus "L" => "write back: spikes, stream, counts; a spilled stream is pushed";
        AGAIN = 3, plus "L" => "the same channel may enter again; a spilled stream is in its buffer";
    }
    /// Cycles from a tap of the window unit, with zero-skipping.
    tap "i" of Tap {
        WALKED = 0 => "tap, in the window unit";
        PRESENCE = WALKED + 1 => "presence; the tap enters the lists";
        HEAD = PRESENCE + 2 => "at the head of an empty list; the sum is complete if it was its last tap";
    }
    /// Cycles from a slot's serving a word, with zero-skipping: the same as those from an issue.
    served "s" of Tap {
        WORD = 0 => "a slot serves a word: as cycle i of the table above";
    }
}

/// Cycles from an instruction's fetch to its start.
pub fn fetch_cycles() -> usize {
    instr::words() + 2
}

/// Cycles from a convolution's start to its first issue: pixel, window.
pub const FIRST_ISSUE: usize = 3;

/// Cycles of temporal attention per timestep: two constants fetched, two serial products of 24 steps, rounding.
pub const TEMPORAL_STEP: usize = 54;

/// Cycles from the last write back of a layer, which may be one behind the gate, to its end.
const LANDED: usize = 3;

impl ArrayConfig {
    /// Cycles from the issue of an address to the accumulator holding its contribution: up to the tree's first level, the
    /// rest of the tree, accumulate.
    pub fn array_latency(&self) -> usize {
        issue::PAIRS + self.tree_registers()
    }
    /// Cycles from a beat to its write back.
    pub fn write_back_cycles(&self, gate: bool) -> usize {
        let enters = if gate { beat::GATED_ENTRY } else { beat::ENTRY };
        enters + entry::WRITE + self.lanes
    }
    /// Cycles from the last issue of a layer to its end, when every write has landed.
    pub fn flush_cycles(&self, drain_period: usize) -> usize {
        self.array_latency() + drain_period + self.write_back_cycles(true) + LANDED
    }
    /// Cycles from a beat to its spilled stream being in the buffer for the external memory.
    pub fn spilled_cycles(&self, gate: bool) -> usize {
        self.write_back_cycles(gate) + entry::AGAIN - entry::WRITE
    }
    /// Fewest cycles between two time passes of one channel, so that its membrane is back in time: the LIF
    /// pipeline has one stage per lane, and the state memory is written and read once.
    pub fn lif_turnaround(&self) -> usize {
        self.lanes + entry::AGAIN
    }
}

/// Stages as the rows of a table in Markdown, a row per cycle.
fn rows<'a>(stages: impl IntoIterator<Item = &'a Stage>) -> Vec<String> {
    let mut rows: Vec<(String, String)> = vec![];
    for stage in stages {
        let cycle = if stage.cycle == 0 { String::new() } else { format!("+{}", stage.cycle) };
        let further = if stage.further.is_empty() { String::new() } else { format!("+{}", stage.further) };
        let at = stage.from.to_owned() + &cycle + &further;
        match rows.iter_mut().find(|row| row.0 == at) {
            Some(row) => row.1 += &format!("; {}", stage.valid),
            None => rows.push((at, stage.valid.to_owned())),
        }
    }
    rows.into_iter().map(|(at, valid)| format!("| {at} | {valid} |")).collect()
}

/// The stages of a word, from its issue to the write back of what comes of it; then those of a tap with zero-skipping.
pub fn tables() -> [Vec<String>; 2] {
    [Flow::Word, Flow::Tap].map(|flow| rows(STAGES.iter().filter(|s| s.of == flow)))
}
