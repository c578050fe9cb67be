//! Memories of an array, and which blocks Yosys makes them of.
//!
//! Both are exact. The shapes follow from [`ArrayConfig`]; the choice follows the cost rules of Yosys 0.70
//! (`memory_libmap`, with the descriptions `lattice/brams_16kd.txt` and `xilinx/brams_xc4v.txt` of the parts' memories):
//! the cheapest form wins, among flip-flops, distributed memory, and block memories in every width. Checked against the
//! table's rows, and against Yosys on every shape that `tests/estimate.rs` lists.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::{GATE_ENTRIES, GATE_MAX_BITS, IMAGE_CODE_BITS, MAX_T};

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

/// All memories of an array without zero-skipping.
pub fn shapes(a: &ArrayConfig) -> Vec<Shape> {
    let shape = |name, copies, width, depth| Shape { name, copies, width, depth };
    vec![
        shape("image patches and attention codes", a.ci, IMAGE_CODE_BITS, a.code_depth),
        shape("spikes", a.ci, a.lanes, a.spike_depth),
        shape("the residual stream", a.ci, 16 * a.lanes, a.stream_depth),
        shape("weights", a.ci * a.post, 8 * a.co / a.post, a.weight_depth),
        // Factor with shift, low and high half of the offset.
        shape("requantisation parameters", a.post, 22, a.param_depth),
        shape("requantisation parameters", a.post, 32, a.param_depth),
        shape("requantisation parameters", a.post, 16, a.param_depth),
        shape("constants of the temporal attention", 1, 24, 4 * MAX_T),
        shape("sigmoid tables", a.lanes, GATE_MAX_BITS as usize, GATE_ENTRIES),
        shape("instructions", 1, 32, a.instr_depth),
        shape("cycles of each instruction", 1, 32, a.instr_depth),
        shape("logits", 1, 32, a.class_depth),
    ]
}

/// What a memory is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Blocks {
    /// Block memories of 18 kbit; one of 36 kbit counts as two.
    pub bram: u64,
    /// Cells that they are.
    pub cells: u64,
    /// Look-up tables used as memory.
    pub lut: u64,
    /// Bits of words that no block holds and that become flip-flops.
    pub ff: u64,
}

/// A kind of memory cell, as Yosys' descriptions have it.
struct Cell {
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

const fn block(address_bits: u32, widths: usize, narrowest: usize, cost: f64, bram: u64) -> Cell {
    let (widths, _) = WIDTHS.split_at(widths);
    Cell { address_bits, widths, byte: 9, narrowest, cost, scaled: 0.0, bram, lut: 0 }
}

const fn distributed(address_bits: u32, widths: &'static [usize], cost: f64, scaled: f64, lut: u64) -> Cell {
    Cell { address_bits, widths, byte: 0, narrowest: 0, cost, scaled, bram: 0, lut }
}

/// Distributed and block memories of a part.
fn cells(part: Part) -> [&'static [Cell]; 2] {
    const ECP5: [&[Cell]; 2] = [
        // TRELLIS_DPR16X4.
        &[distributed(4, &[4], 4.0, 0.0, 4)],
        // DP16KD, and its form with a write port of 36 bits.
        &[block(14, 5, 0, 128.0, 1), block(14, 6, 9, 128.0, 1)],
    ];
    // One of 18 or 36 kbit, with two ports that both read and write, or with one of each and twice the width.
    const BLOCKS: &[Cell] = &[
        block(14, 5, 0, 129.0, 1),
        block(15, 6, 0, 257.0, 2),
        block(14, 6, 0, 129.0, 1),
        block(15, 7, 0, 257.0, 2),
    ];
    const XC7: [&[Cell]; 2] = [
        &[
            distributed(5, &[4], 8.0, 8.0, 8),
            distributed(6, &[2], 8.0, 8.0, 8),
            distributed(7, &[1], 8.0, 8.0, 8),
            distributed(5, &[6], 8.0, 7.0, 4),
            distributed(6, &[3], 8.0, 7.0, 4),
        ],
        BLOCKS,
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
        BLOCKS,
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
                let cells = count as u64;
                let blocks = Blocks { bram: self.bram * cells, lut: self.lut * cells, ff: 0, cells };
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

/// What all memories of an array are made of.
pub fn total(part: Part, array: &ArrayConfig) -> Blocks {
    shapes(array).into_iter().fold(Blocks::default(), |sum, s| {
        let (b, n) = (blocks(part, s.width, s.depth), s.copies as u64);
        Blocks {
            bram: sum.bram + n * b.bram,
            cells: sum.cells + n * b.cells,
            lut: sum.lut + n * b.lut,
            ff: sum.ff + n * b.ff,
        }
    })
}

/// What the memories that take the most blocks hold, and how many blocks they take.
pub fn largest(part: Part, array: &ArrayConfig) -> (&'static str, u64) {
    let all =
        shapes(array).into_iter().map(|s| (s.name, s.copies as u64 * blocks(part, s.width, s.depth).bram));
    all.max_by_key(|&(_, n)| n).unwrap_or_default()
}
