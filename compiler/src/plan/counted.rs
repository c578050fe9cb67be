//! Which words of moved maps count in the balance of what is written to the external memory and read from it: every word once
//! when it is written, and once when it is read for the last time. A flip of the memory before that is in what is read then.

use std::collections::btree_map::{BTreeMap, Entry};
use std::ops::Range;

use spikegate_contract::instr::Instr;

use super::error::PlanError;

/// One move of rows of a map: the number of its instruction, first transfer of the map outside, segments and rows.
#[derive(Clone, Debug)]
pub(super) struct MovedRows {
    pub instr: usize,
    pub at: usize,
    pub outward: bool,
    pub segments: Range<usize>,
    pub rows: Range<usize>,
    pub width: usize,
}

/// First transfer of the map, segment and row.
type Row = (usize, usize, usize);

impl MovedRows {
    fn each(&self) -> impl Iterator<Item = Row> + '_ {
        self.segments.clone().flat_map(move |s| self.rows.clone().map(move |row| (self.at, s, row)))
    }
}

/// A row of a segment between being written and written again: the moves that have written and read it.
#[derive(Clone, Debug)]
struct Life {
    /// None where the host has written it, as the image.
    writer: Option<usize>,
    readers: Vec<usize>,
}

/// Writes into the moves how many words at the end of their segments do not count. Where the rows of a move that count would
/// not come first, no row of the move counts, and so none that has to do with it.
///
/// # Errors
/// So it is with a row of the image, all of which counts when the host writes it.
pub(super) fn count(moves: &[MovedRows], instructions: &mut [Instr]) -> Result<(), PlanError> {
    let lives = lives(moves);
    let mut counted: Vec<Range<usize>> = moves.iter().map(|moved| moved.rows.clone()).collect();
    for (row, life) in &lives {
        // What is read again, or by nobody, lies at the end.
        let again = life.readers.split_last().map_or(life.writer.as_slice(), |(_, again)| again);
        for of in again {
            counted[*of].end = counted[*of].end.min(row.2);
        }
    }
    let balanced = |(row, life): &(Row, &Life), counted: &[Range<usize>]| {
        let counts = |of: usize| counted[of].contains(&row.2);
        let reads = life.readers.iter().filter(|reader| counts(**reader)).count();
        reads == usize::from(life.writer.is_none_or(counts))
    };
    let mut settled = false;
    while !std::mem::replace(&mut settled, true) {
        for (row, life) in &lives {
            if balanced(&(*row, life), &counted) {
                continue;
            }
            if life.writer.is_none() {
                return Err(PlanError::Unsupported {
                    node: "image".to_owned(),
                    got: format!("row {} of its patches is read {} times", row.2, life.readers.len()),
                    expected: "rows that are read once, by an array with parity",
                    todo: "plan without parity".to_owned(),
                });
            }
            settled = false;
            life.readers.iter().chain(&life.writer).for_each(|of| counted[*of] = 0..0);
        }
    }
    for (moved, counted) in moves.iter().zip(counted) {
        instructions[moved.instr].source_time = ((moved.rows.len() - counted.len()) * moved.width) as u32;
    }
    Ok(())
}

/// The lives of all rows, in no order.
fn lives(moves: &[MovedRows]) -> Vec<(Row, Life)> {
    let mut over = Vec::new();
    let mut now: BTreeMap<Row, Life> = BTreeMap::new();
    for (number, moved) in moves.iter().enumerate() {
        for row in moved.each() {
            match now.entry(row) {
                Entry::Occupied(mut life) if moved.outward => {
                    let written = Life { writer: Some(number), readers: Vec::new() };
                    over.push((row, life.insert(written)));
                }
                Entry::Occupied(mut life) => life.get_mut().readers.push(number),
                Entry::Vacant(place) => {
                    let (writer, readers) =
                        if moved.outward { (Some(number), Vec::new()) } else { (None, vec![number]) };
                    place.insert(Life { writer, readers });
                }
            }
        }
    }
    over.extend(now);
    over
}
