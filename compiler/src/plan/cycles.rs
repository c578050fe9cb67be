//! Cycles of an instruction, exactly, from its fields.
//!
//! The array takes one operand word per cycle. A capture (one output group, image, pixel and time pass) issues
//! `taps inside the map * input groups * planes` words; its last issue comes at least `drain_period` cycles after
//! the last issue of the capture before, because the post lanes drain one capture at a time.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{Instr, Opcode, CONTINUES};
use spikegate_contract::timing;

/// Cycles around the issue of a layer, fixed by the control unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overheads {
    /// Fetch of the instruction and its decoding.
    pub fetch: u64,
    /// From the decoded instruction to the first issue.
    pub start: u64,
    /// Temporal attention: fixed part, fetch not included.
    pub temporal: u64,
    /// Temporal attention: additional cycles per timestep.
    pub temporal_step: u64,
}

impl Overheads {
    /// The overheads of the generated control unit.
    pub fn of(_array: &ArrayConfig) -> Overheads {
        Overheads {
            fetch: timing::fetch_cycles() as u64,
            start: timing::FIRST_ISSUE as u64,
            temporal: 0,
            temporal_step: timing::TEMPORAL_STEP as u64,
        }
    }
}

/// Cycles of one instruction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cycles {
    /// From its fetch to the next fetch; 0 where the host decides (dump, finish, take).
    pub total: u64,
    /// Cycles that issue an operand word.
    pub issue: u64,
}

/// Cycles of one instruction of a network with `t` timesteps.
pub fn cycles(i: &Instr, array: &ArrayConfig, t: usize) -> Cycles {
    let over = Overheads::of(array);
    if i.op == Opcode::Conv as u32 {
        let (issue, waited) = issue_cycles(i);
        let total = over.fetch + over.start + waited + array.flush_cycles(i.drain_period as usize) as u64;
        Cycles { total, issue }
    } else if i.op == Opcode::Temporal as u32 {
        Cycles { total: over.fetch + over.temporal + over.temporal_step * t as u64, issue: 0 }
    } else {
        Cycles::default()
    }
}

/// Issue cycles of a convolution, and cycles from its first to its last issue with the waits for the post lanes.
fn issue_cycles(i: &Instr) -> (u64, u64) {
    let rows = taps(i.out_h, |y| rows_in_map(y, i), i);
    let columns = taps(i.out_w, |x| columns_in_map(x, i), i);
    let words = u64::from(i.groups_in + 1) * u64::from(i.planes + 1);
    let captures = u64::from(i.groups_out + 1) * u64::from(i.images + 1) * u64::from(i.time_passes + 1);
    let (mut issue, mut waited) = (0, 0);
    for (row_taps, row_count) in rows.iter().enumerate() {
        for (column_taps, column_count) in columns.iter().enumerate() {
            let n = (row_taps * column_taps) as u64 * words;
            let count = row_count * column_count * captures;
            issue += n * count;
            waited += n.max(u64::from(i.drain_period)) * count;
        }
    }
    let first = (rows_in_map(0, i) * columns_in_map(0, i)) as u64 * words;
    (issue, waited - first.max(u64::from(i.drain_period)) + first)
}

/// Cycles of the captures of one output group: issued by the first one, and from its last issue to the group's last.
pub(super) fn group_cycles(i: &Instr) -> (u64, u64) {
    let one = Instr { groups_out: 0, ..*i };
    let words = u64::from(i.groups_in + 1) * u64::from(i.planes + 1);
    let first = (rows_in_map(0, i) * columns_in_map(0, i)) as u64 * words;
    (first, issue_cycles(&one).1 - first)
}

/// Cycles that a sum of every pixel of an output group issues, in order.
pub(super) fn pixel_cycles(i: &Instr) -> impl Iterator<Item = u64> + '_ {
    let words = u64::from(i.groups_in + 1) * u64::from(i.planes + 1);
    let rows = (0..=i.out_h).map(|y| rows_in_map(y, i) as u64);
    rows.flat_map(move |row| (0..=i.out_w).map(move |x| row * columns_in_map(x, i) as u64 * words))
}

/// How many of `out + 1` output positions have 0, 1, 2, ... taps inside the operand.
fn taps(out: u32, in_map: impl Fn(u32) -> usize, i: &Instr) -> Vec<u64> {
    let mut count = vec![0; i.kernel as usize + 2];
    for at in 0..=out {
        count[in_map(at)] += 1;
    }
    count
}

/// Rows of the window of output row `y` that lie inside the operand.
fn rows_in_map(y: u32, i: &Instr) -> usize {
    in_map(y, i.in_h, if i.image & CONTINUES != 0 { 0 } else { i.pad }, i)
}

/// Columns of the window of output column `x` that lie inside the operand.
fn columns_in_map(x: u32, i: &Instr) -> usize {
    in_map(x, i.in_w, i.pad, i)
}

/// Taps of output position `at` that lie inside an input of `size` that begins behind so much padding.
fn in_map(at: u32, size: u32, pad: u32, i: &Instr) -> usize {
    let start = i64::from(at * i.stride) - i64::from(pad);
    let end = (start + i64::from(i.kernel) + 1).min(i64::from(size));
    (end - start.max(0)).max(0) as usize
}
