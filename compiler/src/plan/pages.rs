//! A program that is larger than the instruction memory runs in pages, which come from the external memory.
//!
//! The memory begins with an instruction that moves the first page in behind it. The last of every page but the last moves the
//! next one to the same place, over itself, and the program goes on with that.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::instr::{self, Instr, Opcode, Source};

use super::error::{Memory, PlanError};
use super::sequence::{plain, Sequence};

/// Words of an instruction memory for so many instructions in pages: it also counts the cycles of each, as many as it has words.
pub(super) fn depth(instructions: usize) -> usize {
    let fits = |depth: &usize| {
        let room = depth / instr::words() - 1;
        instructions + instructions.div_ceil(room - 1) < *depth
    };
    (LEAST.ilog2()..usize::BITS).map(|bits| 1 << bits).find(fits).unwrap_or(usize::MAX)
}

/// The smallest memory with pages: 512 words are a block memory, and a page then is 28 instructions.
const LEAST: usize = 512;

/// Instructions of a page: what the memory holds beside the one that stays.
fn room(array: &ArrayConfig) -> usize {
    (array.instr_depth / instr::words()).saturating_sub(1)
}

/// Whether an instruction moves a page in.
pub(super) fn loads(i: &Instr) -> bool {
    (i.op, i.source) == (Opcode::Move as u32, Source::Image as u32)
}

/// Of a program in pages: moves the page in that an instruction other than the first is in, from it on, to its place.
pub(super) fn from(instructions: &[Instr], array: &ArrayConfig, number: usize) -> Instr {
    let (words, room, behind) = (instr::words(), room(array), instructions.len() - 1);
    let (page, at) = ((number - 1) / room, (number - 1) % room);
    let length = (behind - page * room).min(room) - at;
    let first = &instructions[0];
    Instr {
        source_base: ((1 + at) * words) as u32,
        length: (length * words) as u32,
        ..first.at_transfer(first.first_transfer() + (number - 1) * words)
    }
}

/// Makes pages of a program that does not fit, in the external memory from a transfer on. Returns the transfers that they take:
/// one for every word.
///
/// # Errors
/// The memory holds no page, or a number that an instruction cannot hold.
pub(super) fn paged(
    sequence: &mut Sequence,
    array: &ArrayConfig,
    t: usize,
    base: usize,
) -> Result<usize, PlanError> {
    let (words, all) = (instr::words(), sequence.instructions.len());
    let room = room(array);
    if !array.moves || all <= room + 1 {
        return Ok(0);
    }
    if room < 2 {
        let (needed, available) = (3 * words, array.instr_depth);
        return Err(PlanError::TooSmall { memory: Memory::Instruction, needed, available });
    }
    let mut paged = Sequence::default();
    let mut places = Vec::new();
    let (instructions, steps) =
        (std::mem::take(&mut sequence.instructions), std::mem::take(&mut sequence.steps));
    for (number, (instr, step)) in instructions.into_iter().zip(steps).enumerate() {
        let at = paged.instructions.len();
        // The last place of a page; the last instruction of all may have it.
        if at.is_multiple_of(room) && (at == 0 || number + 1 < all) {
            paged.append(
                Instr { op: Opcode::Move as u32, ..Instr::default() },
                plain("load program"),
                array,
                t,
            )?;
        }
        places.push(paged.instructions.len());
        paged.instructions.push(instr);
        paged.steps.push(step);
    }
    let behind = paged.instructions.len() - 1;
    for (page, at) in (0..behind).step_by(room).enumerate() {
        paged.instructions[at] = Instr {
            op: Opcode::Move as u32,
            source: Source::Image as u32,
            source_base: words as u32,
            length: (room.min(behind - at) * words) as u32,
            ..Instr::default()
        }
        .at_transfer(base + page * room * words);
    }
    for dump in &mut sequence.dumps {
        dump.instruction = places[dump.instruction];
    }
    for begin in &mut sequence.begins {
        *begin = places[*begin];
    }
    (sequence.instructions, sequence.steps) = (paged.instructions, paged.steps);
    Ok(behind * words)
}
