//! An array on a board: its memories, block by block, whether it fits, and a program's cycles with the board's memory.

use serde::{Deserialize, Serialize};
use spikegate_bitstreams::board::{Board, Port};
use spikegate_bitstreams::crossing::Clocking;
use spikegate_bitstreams::estimate::memory::{by_cell, Form, Line};
use spikegate_bitstreams::estimate::table::Counts;
use spikegate_bitstreams::estimate::{Estimator, Room, BLOCKS};
use spikegate_bitstreams::families::{self, Family};
use spikegate_compiler::plan::{predict_with, External, Planned};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::figure::Number;
use std::collections::BTreeMap;

use crate::failure::{Result, VerbError};
use crate::ui::{grouped, table};

/// What an array takes of a board.
#[derive(Debug, Serialize)]
pub struct OnBoard {
    board: String,
    /// Its memories.
    memories: Vec<Line>,
    /// Block memories by cell.
    cells: BTreeMap<&'static str, u64>,
    /// Block memories of 18 kbit, one of 36 kbit as two.
    bram: u64,
    /// Everything that it takes, by estimate; block memories and multipliers are exact.
    counts: Option<Counts>,
    /// What is left for the core on the board.
    room: Counts,
    /// Bytes of the external memory that the programs use, and that the board has.
    #[serde(skip_serializing_if = "Option::is_none")]
    external: Option<[u64; 2]>,
    /// An image's cycles with the board's memory, where the program uses one and the board has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with_memory: Option<WithMemory>,
}

/// Cycles with the external memory of a board.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct WithMemory {
    board: String,
    /// Of an image, rounded up.
    cycles: Number<u64>,
    /// What they are counted with.
    model: String,
}

impl WithMemory {
    /// Of a plan's program on a core with a clock of so many MHz; none where it uses no external memory, or where the board has none
    /// for its port.
    pub fn of(board: &Board, planned: &Planned, timesteps: usize, mhz: f64) -> Option<Self> {
        let port = board.port(false).or_else(|| board.port(true));
        let port = port.filter(|port| port.bits == planned.array.memory_bits)?;
        let (timing, even) = (board.timing(mhz), port.model());
        let memory = timing.as_ref().map_or(External::Even(&even), External::Board);
        let cycles: u64 = predict_with(planned, timesteps, memory)?.iter().sum();
        let cycles = Number::estimate(cycles.div_ceil(planned.plan.batch as u64));
        Some(Self { board: board.id.clone(), cycles, model: memory_model(board, port, mhz) })
    }

    /// A line for people.
    pub fn text(&self) -> String {
        let Self { board, cycles, model } = self;
        format!("{} with the memory of {board} ({}; {model})", grouped(cycles.value), cycles.source)
    }
}

/// What cycles with a board's memory behind a port are counted with, for a core with a clock of so many MHz.
pub fn memory_model(board: &Board, port: Port, mhz: f64) -> String {
    let connected = board.timing(mhz).and_then(|_| board.controller());
    if let Some(controller) = connected {
        let clocks = match controller.clocking(mhz) {
            Clocking::Shared => format!("on one clock of {mhz} MHz"),
            Clocking::Crossed => format!("core at {mhz} MHz, memory at {} MHz", controller.clock_mhz),
        };
        return format!(
            "board memory model: refreshes, rows and turns as measured in simulation for {}; {clocks}",
            board.id
        );
    }
    format!(
        "a plain estimate, as {} connects no memory: a latency of {} cycles, {} bytes a cycle",
        board.id, port.latency, port.bytes_per_cycle
    )
}

/// The FPGA family of a board.
pub fn family(board: &Board) -> Result<&'static dyn Family> {
    let unknown = || VerbError::input(format!("board {} is of no known FPGA family", board.id));
    Ok(families::of(board).ok_or_else(unknown)?)
}

impl OnBoard {
    pub fn new(board: &Board, array: &ArrayConfig) -> Result<Self> {
        let family = family(board)?;
        let memories = family.memories(array);
        Ok(Self {
            board: board.id.clone(),
            cells: by_cell(&memories),
            bram: memories.iter().map(bram).sum(),
            memories,
            counts: Estimator::builtin()?.counts(family.part(), array),
            room: Room::of(board, family.part()).counts,
            external: None,
            with_memory: None,
        })
    }

    /// With what programs use of the board's memory, and their cycles with it on a core with a clock of so many MHz.
    pub fn running(self, board: &Board, planned: &Planned, timesteps: usize, mhz: f64) -> Self {
        let capacity = board.capacity(planned.array.memory_bits);
        let external = capacity.map(|capacity| [planned.external, capacity]);
        Self { external, with_memory: WithMemory::of(board, planned, timesteps, mhz), ..self }
    }

    /// An error where something that is counted exactly does not fit.
    pub fn fits(&self) -> Result<()> {
        let Some((what, needed, available)) = self.lacking() else { return Ok(()) };
        let largest = self.memories.iter().max_by_key(|line| bram(line)).filter(|_| what == BLOCKS[2]);
        let of = largest.map_or(String::new(), |line| format!(" ({} of them for {})", bram(line), line.name));
        let error = VerbError::check(format!(
            "the array does not fit {}: it needs {needed} {what}, {} more than the {available} there are{of}",
            self.board,
            needed - available
        ));
        Err(error.help("take a smaller array: `spikegate explore` shows those that fit").into())
    }

    fn lacking(&self) -> Option<(&'static str, u64, u64)> {
        let dsp = self.counts.map_or(0, |counts| counts.dsp);
        let [used, capacity] = self.external.unwrap_or_default().map(|bytes| bytes.div_ceil(1 << 20));
        let all = [
            (BLOCKS[2], self.bram, self.room.bram),
            (BLOCKS[3], dsp, self.room.dsp),
            ("MiB of external memory", used, capacity),
        ];
        all.into_iter().find(|(_, needed, available)| needed > available)
    }

    /// For people.
    pub fn text(&self) -> String {
        let rows = self.memories.iter().map(|line| {
            let each = match line.each.form {
                Form::FlipFlops => format!("{} flip-flops", line.each.ff),
                Form::LookUpTables => format!("{} look-up tables", line.each.lut),
                Form::Block { cell, words, bits } => {
                    format!("{} {cell} of {} x {bits}", line.each.cells, grouped(words as u64))
                }
            };
            let shape = format!("{} x {}", grouped(line.words as u64), line.bits);
            vec![line.name.to_owned(), shape, line.copies.to_string(), each, grouped(bram(line))]
        });
        let mut out = table(
            &[&format!("memories on {}", self.board), "words x bits", "copies", "each", "18 kbit"],
            rows,
        );
        let cells: Vec<String> =
            self.cells.iter().map(|(cell, n)| format!("{} {cell}", grouped(*n))).collect();
        let (bram, room) = (grouped(self.bram), grouped(self.room.bram));
        out += &format!("\nblock memories  {bram} of {room} of 18 kbit: {}\n", cells.join(", "));
        if let Some(counts) = &self.counts {
            let of = |n: u64, room: u64| format!("{} of {}", grouped(n), grouped(room));
            let (c, r) = (counts, &self.room);
            out += &format!(
                "multipliers     {}\nlook-up tables  {} (estimate; a tenth is left free)\nflip-flops      {} (estimate; the same)\n",
                of(c.dsp, r.dsp),
                of(c.lut, r.lut),
                of(c.ff, r.ff)
            );
        }
        if let Some([used, capacity]) = self.external.map(|bytes| bytes.map(|n| n.div_ceil(1 << 20))) {
            out += &format!("external memory {} of {} MiB\n", grouped(used), grouped(capacity));
        }
        if let Some(with_memory) = &self.with_memory {
            out += &format!("cycles          {}\n", with_memory.text());
        }
        out
    }
}

fn bram(line: &Line) -> u64 {
    line.copies as u64 * line.each.bram
}
