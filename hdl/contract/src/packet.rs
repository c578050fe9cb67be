//! Packets on the two AXI4-Streams: 32-bit words, little-endian. Each travels in a frame, see [`crate::frame`].
//!
//! To the core:
//!
//! | packet | words |
//! | --- | --- |
//! | load | header(`LOAD`, target, slot), first address, entries, then `words_per_entry(target)` words per entry |
//! | image | header(`IMAGE`, 0, 0), sequence number, then C*H*W pixels u8 in (c, y, x) order, four to a word, first pixel in the low byte |
//! | patches | header(`IMAGE`, [`Target::Memory`], high part of the first transfer), sequence number, low part (20 bits), transfers, then [`words_per_patch_transfer`] words for each: an image for the external memory, see [`crate::image`] |
//!
//! From the core:
//!
//! | packet | words |
//! | --- | --- |
//! | result | header(`RESULT`, 0, words that follow), sequence number, class, number of logits, logits s32, number of instructions executed, cycles of each |
//! | dump | header(`DUMP`, source, 0), sequence number, index of the instruction, words that follow, data |
//!
//! Dump data: for each word address of the region, for each slot: code memory one word (9 bits, zero
//! extended), spike memory one word (`lanes` bits), stream memory one word
//! per lane (16 bits, zero extended). Encoder scalars: sum low 32 bits, sum high 8 bits (zero extended), max
//! (16 bits), then `TA` for t in 0..T (16 bits), each one word.
//!
//! A program for batches takes up several images and sends as many results, in order; each has the instructions executed
//! so far, those of the whole batch included. A dump of all images has the first one's sequence number.

use crate::array::{ArrayConfig, Moved};

/// Type byte of a packet that loads a memory.
pub const LOAD: u8 = 0x01;
/// Type byte of an image.
pub const IMAGE: u8 = 0x02;
/// Type byte of a result.
pub const RESULT: u8 = 0x81;
/// Type byte of a trace dump.
pub const DUMP: u8 = 0x82;

/// Memory that a load packet writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Target {
    /// Instruction memory: one word per entry.
    Instructions = 0,
    /// Requantisation parameters of post lane `slot`: three words per entry, see [`param_words`].
    Params = 1,
    /// Weights that post lane `r` applies to slot `s`; the header's low half is `s | r << 8`. An entry holds the
    /// lane's `co / post` output channels of the group, byte q is channel `q * post + r`, in `ceil(co / post / 4)` words.
    Weights = 2,
    /// Sigmoid table: one word per entry.
    Gate = 3,
    /// Attention constants: one word (s24) per entry; address `4 * t + {0 mean_pos, 1 mean_neg, 2 max_pos, 3 max_neg}`.
    Attention = 4,
    /// Global registers, see [`crate::globals`].
    Globals = 5,
    /// External memory: one transfer of its port per entry. The transfer's number is `slot << 20 | address`.
    Memory = 6,
}

/// The header word.
pub fn header(kind: u8, target: u8, low: u16) -> u32 {
    u32::from(kind) << 24 | u32::from(target) << 16 | u32::from(low)
}

/// Words of one parameter entry: `[m | s << 16 | real << 31, b low, b high]`; `b` includes the rounding half.
/// `real` is set for channels that exist; the others, which fill up the last group, are left out of statistics.
pub fn param_words(m: i16, b_with_half: i64, s: u8, real: bool) -> [u32; 3] {
    let low = u32::from(m as u16) | u32::from(s) << 16 | u32::from(real) << 31;
    [low, b_with_half as u32, (b_with_half >> 32) as u32 & 0xffff]
}

/// Low half of the header of a weight packet.
pub fn weight_slot(slot: usize, lane: usize) -> u16 {
    (slot | lane << 8) as u16
}

/// Words per transfer of an image's patches: those that the slots' bytes fill. What is above them in the external memory nothing
/// reads.
pub fn words_per_patch_transfer(array: &ArrayConfig) -> usize {
    array.moved_slots(Moved::Codes).div_ceil(4)
}

/// Words per entry of a target.
pub fn words_per_entry(target: Target, array: &ArrayConfig) -> usize {
    match target {
        Target::Params => 3,
        Target::Weights => (array.co / array.post).div_ceil(4),
        Target::Memory => array.memory_bits / 32,
        _ => 1,
    }
}
