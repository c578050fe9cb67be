//! Measured rows: what Yosys made of arrays.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use thiserror::Error;

use super::part::Part;

/// First line of the table.
pub const HEADER: &str = "part,lanes,ci,co,post,sum_bits,code_depth,spike_depth,stream_depth,weight_depth,\
param_depth,instr_depth,class_depth,memory_bits,spill_depth,skip_groups,presence_depth,batch,moves,parity,packed,\
lut,ff,bram,dsp";

/// What synthesis made of one array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Family.
    pub part: Part,
    /// Array.
    pub array: ArrayConfig,
    /// What it takes.
    pub counts: Counts,
}

/// Blocks of an FPGA.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// Look-up tables, those used as memory included; of a carry cell of the ECP5 two.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Block memories of 18 kbit; one of 36 kbit counts as two.
    pub bram: u64,
    /// Multiplier blocks.
    pub dsp: u64,
}

impl Counts {
    /// Look-up tables, flip-flops, block memories, multipliers.
    pub fn list(&self) -> [u64; 4] {
        [self.lut, self.ff, self.bram, self.dsp]
    }
}

/// What place and route made of one array on an ECP5.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    /// Speed grade.
    pub grade: String,
    /// Lane operations per cycle.
    pub lane_ops: u32,
    /// Seed.
    pub seed: u32,
    /// Fastest clock.
    pub fmax_mhz: f64,
}

/// First line of the table of routes.
pub const ROUTES_HEADER: &str = "grade,lane_ops,seed,fmax_mhz";

/// A table that cannot be read.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line} of an estimator's table: {what}")]
pub struct TableError {
    /// Line, from 1 on.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

/// Reads a table of resources.
///
/// # Errors
/// A line that is none of [`HEADER`]'s form.
pub fn read(text: &str) -> Result<Vec<Row>, TableError> {
    lines(text, HEADER, row)
}

/// Reads a table of routes.
///
/// # Errors
/// A line that is none of [`ROUTES_HEADER`]'s form.
pub fn routes(text: &str) -> Result<Vec<Route>, TableError> {
    lines(text, ROUTES_HEADER, |line| {
        let words: Vec<&str> = line.split(',').collect();
        let &[grade, lane_ops, seed, fmax] = words.as_slice() else {
            return Err(format!("{} values, expected 4", words.len()));
        };
        let whole = |word: &str| word.parse().map_err(|e| format!("{word}: {e}"));
        let fmax_mhz: f64 = fmax.parse().map_err(|e| format!("{fmax}: {e}"))?;
        if !(1.0..=1000.0).contains(&fmax_mhz) {
            return Err(format!("{fmax} MHz, expected 1 to 1000"));
        }
        Ok(Route { grade: grade.to_owned(), lane_ops: whole(lane_ops)?, seed: whole(seed)?, fmax_mhz })
    })
}

fn lines<T>(text: &str, header: &str, read: fn(&str) -> Result<T, String>) -> Result<Vec<T>, TableError> {
    let error = |line: usize, what: String| TableError { line: line + 1, what };
    let mut lines = text.lines().enumerate().filter(|(_, l)| !l.starts_with('#'));
    match lines.next() {
        Some((_, first)) if first == header => {}
        other => return Err(error(other.map_or(0, |(n, _)| n), format!("expected {header}"))),
    }
    lines.map(|(n, line)| read(line).map_err(|what| error(n, what))).collect()
}

/// Numbers behind the part.
const NUMBERS: usize = 24;

fn row(line: &str) -> Result<Row, String> {
    let mut words = line.split(',');
    let part = words.next().and_then(Part::named).ok_or("the part is not known")?;
    let numbers: Result<Vec<u64>, _> = words.map(str::parse).collect();
    let numbers = numbers.map_err(|e| e.to_string())?;
    let Some((&[l, ci, co, r, sum, code, spike, stream, weight, param, instr, class], rest)) =
        numbers.split_first_chunk()
    else {
        return Err(format!("{} numbers, expected {NUMBERS}", numbers.len()));
    };
    let &[port, ring, groups, presence, batch, moves, parity, packed, lut, ff, bram, dsp] = rest else {
        return Err(format!("{} numbers, expected {NUMBERS}", numbers.len()));
    };
    let n = |x: u64| x as usize;
    let array = ArrayConfig::new(n(l), 1, n(ci), n(co)).and_then(|a| a.with_post(n(r)));
    let array = ArrayConfig {
        sum_bits: n(sum),
        code_depth: n(code),
        spike_depth: n(spike),
        stream_depth: n(stream),
        weight_depth: n(weight),
        param_depth: n(param),
        instr_depth: n(instr),
        class_depth: n(class),
        memory_bits: n(port),
        spill_depth: n(ring),
        skip_groups: n(groups),
        presence_depth: n(presence),
        batch: n(batch),
        moves: moves != 0,
        parity: parity != 0,
        packed: packed != 0,
        ..array.map_err(|e| e.to_string())?
    };
    Ok(Row { part, array, counts: Counts { lut, ff, bram, dsp } })
}

/// One line of a table.
pub fn line(row: &Row) -> String {
    let (a, c) = (&row.array, &row.counts);
    let sizes = [a.lanes, a.ci, a.co, a.post, a.sum_bits, a.code_depth, a.spike_depth, a.stream_depth];
    let sizes = sizes.into_iter().chain([a.weight_depth, a.param_depth, a.instr_depth, a.class_depth]);
    let sizes = sizes.chain([a.memory_bits, a.spill_depth, a.skip_groups, a.presence_depth, a.batch]);
    let sizes = sizes.chain([a.moves, a.parity, a.packed].map(usize::from));
    let numbers = sizes.map(|n| n as u64).chain([c.lut, c.ff, c.bram, c.dsp]);
    std::iter::once(row.part.name().to_owned())
        .chain(numbers.map(|n| n.to_string()))
        .collect::<Vec<_>>()
        .join(",")
}

impl Failure for TableError {
    fn kind(&self) -> Kind {
        Kind::Bug
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        Some("write it with the example `characterise`".into())
    }
}
