//! Memories of an array, and which blocks Yosys makes them of: memory by memory in [`table`].
//!
//! Both are exact, for depths that are no powers of two too. The shapes follow from [`ArrayConfig`]; the choice follows the cost rules of Yosys 0.70
//! (`memory_libmap`, with the descriptions `lattice/brams_16kd.txt` and `xilinx/brams_xc4v.txt` of the parts' memories):
//! the cheapest form wins, among flip-flops, distributed memory, and block memories in every width. UltraRAM is not among
//! them: Yosys takes it with `-uram` only, which no flow here asks for. Checked against the table's rows, against Yosys on
//! every shape that `tests/estimate.rs` lists, and on whole arrays in `tests/blocks.rs`.

use serde::Serialize;
use spikegate_contract::array::{ArrayConfig, SKIP_QUEUE};
use spikegate_contract::network::{GATE_ENTRIES, GATE_MAX_BITS, IMAGE_CODE_BITS, MAX_T};
use std::collections::BTreeMap;

use super::part::Part;

/// A number of equal memories with one read and one write port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// What they hold.
    pub name: &'static str,
    /// Memories.
    pub copies: usize,
    /// Bits of a word.
    pub width: usize,
    /// Words.
    pub depth: usize,
}

/// All memories of an array.
pub fn shapes(a: &ArrayConfig) -> Vec<Shape> {
    let shape = |name, copies, width, depth| Shape { name, copies, width, depth };
    let bit = usize::from;
    // With parity the words of most memories have a bit more.
    let kept = |name, copies, width: usize, depth| shape(name, copies, width + bit(a.parity), depth);
    let mut all = vec![
        shape(
            "image patches and attention codes",
            a.ci,
            IMAGE_CODE_BITS + bit(a.guards_codes()),
            a.code_depth,
        ),
        shape("spikes", a.ci, a.lanes + bit(a.guards_spikes()), a.spike_depth),
        shape("the residual stream", a.ci, 16 * a.lanes + bit(a.guards_streams()), a.stream_depth),
        kept("weights", a.ci * a.post, 8 * a.co / a.post, a.weight_depth),
        // Factor with shift, low and high half of the offset.
        kept("requantisation parameters", a.post, 22, a.param_depth),
        kept("requantisation parameters", a.post, 32, a.param_depth),
        kept("requantisation parameters", a.post, 16, a.param_depth),
        kept("constants of the temporal attention", 1, 24, 4 * MAX_T),
        kept("sigmoid tables", a.lanes, GATE_MAX_BITS as usize, GATE_ENTRIES),
        kept("instructions", 1, 32, a.instr_depth),
        kept("cycles of each instruction", 1, 32, a.instr_depth),
        kept("logits", 1, 32, a.class_depth),
    ];
    if a.spill_depth > 0 {
        all.push(kept("buffers of spilled maps", 2, 16 * a.spill_values(), a.spill_buffer()));
    }
    if a.skip_groups > 0 {
        all.push(shape("presence of spikes", a.ci * a.skip_groups, 1, a.presence_depth));
        // Two addresses, the channel groups that are there, a parity.
        for (copies, width) in [(2 * a.ci, 20), (a.ci, a.skip_groups), (a.ci, 1)] {
            all.push(shape("taps of zero-skipping", copies, width, SKIP_QUEUE));
        }
    }
    all
}

/// What one memory is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Flip-flops: no block takes so few bits.
    #[default]
    FlipFlops,
    /// Look-up tables used as memory.
    LookUpTables,
    /// Block memories.
    Block {
        /// Yosys' cell.
        cell: &'static str,
        /// Words of one.
        words: usize,
        /// Bits of a word of one.
        bits: usize,
    },
}

/// What a memory takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Blocks {
    /// What of.
    pub form: Form,
    /// Block memories of 18 kbit; one of 36 kbit counts as two.
    pub bram: u64,
    /// Cells that they are.
    pub cells: u64,
    /// Look-up tables used as memory.
    pub lut: u64,
    /// Bits of words that no block holds and that become flip-flops.
    pub ff: u64,
}

/// One line of an array's table of memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What they hold.
    pub name: &'static str,
    /// Words.
    pub words: usize,
    /// Bits of a word.
    pub bits: usize,
    /// Equal memories.
    pub copies: usize,
    /// What each of them takes.
    pub each: Blocks,
}

/// The memories of an array on a part.
pub fn table(part: Part, array: &ArrayConfig) -> Vec<Line> {
    let line = |s: Shape| {
        let Shape { name, copies, width: bits, depth: words } = s;
        Line { name, words, bits, copies, each: blocks(part, bits, words) }
    };
    shapes(array).into_iter().map(line).collect()
}

/// Block memories of a table by cell.
pub fn by_cell(table: &[Line]) -> BTreeMap<&'static str, u64> {
    let mut out = BTreeMap::new();
    for line in table {
        if let Form::Block { cell, .. } = line.each.form {
            *out.entry(cell).or_default() += line.copies as u64 * line.each.cells;
        }
    }
    out
}

/// A kind of memory cell, as Yosys' descriptions have it.
struct Cell {
    /// Name of a block memory once it is mapped; none of distributed memory.
    name: Option<&'static str>,
    /// Such cells that one becomes.
    parts: u64,
    /// Address bits at a width of one bit.
    address_bits: u32,
    /// Widths that a cell can have, each halving the words of the one before.
    widths: &'static [usize],
    /// Bits of a write-enable group, or 0 for one enable.
    byte: usize,
    /// Narrowest width: the write port is wider and needs its enables.
    narrowest: usize,
    /// Cost of a cell, and the part of it that shrinks with unused width.
    cost: f64,
    scaled: f64,
    /// What one cell is.
    bram: u64,
    lut: u64,
}

const WIDTHS: &[usize] = &[1, 2, 4, 9, 18, 36, 72];

const fn block(name: &'static str, address_bits: u32, widths: usize, cost: f64, bram: u64) -> Cell {
    let (widths, _) = WIDTHS.split_at(widths);
    let name = Some(name);
    Cell { name, parts: 1, address_bits, widths, byte: 9, narrowest: 0, cost, scaled: 0.0, bram, lut: 0 }
}

const fn distributed(address_bits: u32, widths: &'static [usize], cost: f64, scaled: f64, lut: u64) -> Cell {
    Cell { name: None, parts: 1, address_bits, widths, byte: 0, narrowest: 0, cost, scaled, bram: 0, lut }
}

/// Block memories of 18 and 36 kbit, with two ports that both read and write, or with one of each and twice the width.
const fn xilinx(half: &'static str, full: &'static str) -> [Cell; 4] {
    [
        block(half, 14, 5, 129.0, 1),
        block(full, 15, 6, 257.0, 2),
        block(half, 14, 6, 129.0, 1),
        block(full, 15, 7, 257.0, 2),
    ]
}

/// Distributed and block memories of a part.
fn cells(part: Part) -> [&'static [Cell]; 2] {
    const ECP5: [&[Cell]; 2] = [
        // TRELLIS_DPR16X4.
        &[distributed(4, &[4], 4.0, 0.0, 4)],
        // With two ports of up to 18 bits, or one to read and one of 36 bits to write.
        &[block("DP16KD", 14, 5, 128.0, 1), Cell { narrowest: 9, ..block("DP16KD", 14, 6, 128.0, 1) }],
    ];
    const SERIES7: [Cell; 4] = xilinx("RAMB18E1", "RAMB36E1");
    const ULTRASCALE: &[Cell] = &xilinx("RAMB18E2", "RAMB36E2");
    const BLOCKS7: &[Cell] = &{
        let [a, b, c, d] = SERIES7;
        // Two of 36 kbit, one behind the other.
        [a, b, Cell { parts: 2, ..block("RAMB36E1", 16, 4, 513.0, 4) }, c, d]
    };
    const XC7: [&[Cell]; 2] = [
        &[
            distributed(5, &[4], 8.0, 8.0, 8),
            distributed(6, &[2], 8.0, 8.0, 8),
            distributed(7, &[1], 8.0, 8.0, 8),
            distributed(5, &[6], 8.0, 7.0, 4),
            distributed(6, &[3], 8.0, 7.0, 4),
        ],
        BLOCKS7,
    ];
    const XCUP: [&[Cell]; 2] = [
        &[
            distributed(5, &[8], 16.0, 16.0, 16),
            distributed(6, &[4], 16.0, 16.0, 16),
            distributed(7, &[2], 16.0, 16.0, 16),
            distributed(8, &[1], 16.0, 16.0, 16),
            distributed(5, &[14], 16.0, 16.0, 8),
            distributed(6, &[7], 16.0, 16.0, 8),
        ],
        ULTRASCALE,
    ];
    match part {
        Part::Ecp5 => ECP5,
        Part::Xc7 => XC7,
        Part::Xcup => XCUP,
    }
}

impl Cell {
    /// Cost and blocks of the best width for `width` bits by `depth` words; none where no width is allowed.
    fn best(&self, width: usize, depth: usize) -> Option<(f64, Blocks)> {
        let mut best: Option<(f64, Blocks)> = None;
        for (step, &unit) in self.widths.iter().enumerate() {
            if unit < self.narrowest {
                continue;
            }
            let byte = if self.byte == 0 { unit } else { self.byte.min(unit) };
            let rows = depth.div_ceil(1 << (self.address_bits - step as u32));
            let count = (rows * width.next_multiple_of(byte)).div_ceil(unit);
            let mux = (rows - 1) * width;
            let demux = if rows == 1 { 0 } else { rows };
            // One read port of its own counts 2.
            let cost = (self.cost - self.scaled) * count as f64
                + self.scaled * (rows * width) as f64 / unit as f64
                + 0.5 * (mux + demux) as f64
                + 2.0;
            // Yosys keeps the best cost as a whole number.
            if best.is_none_or(|(least, _)| cost < least.trunc()) {
                let words = 1 << (self.address_bits - step as u32);
                let form =
                    self.name.map_or(Form::LookUpTables, |cell| Form::Block { cell, words, bits: unit });
                let (bram, lut) = (self.bram * count as u64, self.lut * count as u64);
                let blocks = Blocks { form, bram, lut, ff: 0, cells: self.parts * count as u64 };
                best = Some((cost, blocks));
            }
        }
        best
    }
}

/// What Yosys makes of one memory of `width` bits by `depth` words.
pub fn blocks(part: Part, width: usize, depth: usize) -> Blocks {
    let bits = (width * depth) as u64;
    let mut least = bits as f64;
    let mut chosen = Blocks { ff: bits, ..Blocks::default() };
    for kind in cells(part) {
        // Of a kind the first of the cheapest.
        let all = kind.iter().filter_map(|cell| cell.best(width, depth));
        let best = all.reduce(|a, b| if b.0 < a.0 { b } else { a });
        if let Some((cost, blocks)) = best.filter(|(cost, _)| *cost < least) {
            (least, chosen) = (cost.trunc(), blocks);
        }
    }
    chosen
}

/// What all memories of an array take, by a part's blocks.
pub fn total(part: Part, array: &ArrayConfig) -> Total {
    table(part, array).into_iter().fold(Total::default(), |sum, line| {
        let (b, n) = (line.each, line.copies as u64);
        Total { bram: sum.bram + n * b.bram, lut: sum.lut + n * b.lut, ff: sum.ff + n * b.ff }
    })
}

/// Sums over the memories of an array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Block memories of 18 kbit.
    pub bram: u64,
    /// Look-up tables used as memory.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
}

/// What the memories that take the most blocks hold, and how many blocks they take.
pub fn largest(part: Part, array: &ArrayConfig) -> (&'static str, u64) {
    let all = table(part, array).into_iter().map(|line| (line.name, line.copies as u64 * line.each.bram));
    all.max_by_key(|&(_, n)| n).unwrap_or_default()
}
