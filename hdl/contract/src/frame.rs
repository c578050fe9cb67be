//! Frames: what a packet travels in, on both streams, so that loss, repetition, truncation and damage are seen.
//!
//! | word | meaning |
//! | --- | --- |
//! | 0 | number of the frame: 0 after a reset, then one more each, in either direction by itself |
//! | 1 | words of the packet, at least 1 |
//! | 2.. | the packet, see [`crate::packet`] |
//! | last | [`crc`] of all words before; `tlast` is here and only here |
//!
//! The core takes frames in order and without a gap. It counts a frame only when it was whole, so after a damaged or
//! lost one it refuses all that follow until a soft reset, and the driver starts again from there. The words of a
//! packet are used as they arrive; an image is computed only when its frame has ended well.

use std::borrow::Cow;
use thiserror::Error;

use crate::failure::{Failure, Kind};

/// Words of a frame besides the packet.
pub const EXTRA: usize = 3;

/// Why a frame is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Shorter than the shortest frame, or another length than word 1 says.
    #[error("the frame has {got} words, expected {expected}")]
    Length {
        /// Words received.
        got: usize,
        /// Words that it should have.
        expected: usize,
    },
    /// Damaged.
    #[error("the frame's CRC32 is {got:#010x}, its words give {expected:#010x}")]
    Crc {
        /// The last word.
        got: u32,
        /// CRC32 of the others.
        expected: u32,
    },
    /// Lost, repeated, or from before a reset.
    #[error("the frame has number {got}, expected {expected}")]
    Number {
        /// Number received.
        got: u32,
        /// Number that is next.
        expected: u32,
    },
}

/// CRC32 (IEEE 802.3, reflected) of words in little-endian byte order.
pub fn crc(words: &[u32]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    words.iter().for_each(|w| hasher.update(&w.to_le_bytes()));
    hasher.finalize()
}

/// The frame of a packet.
pub fn seal(number: u32, packet: &[u32]) -> Vec<u32> {
    let mut frame = Vec::with_capacity(packet.len() + EXTRA);
    frame.extend([number, packet.len() as u32]);
    frame.extend(packet);
    frame.push(crc(&frame));
    frame
}

/// The packet of the frame that is next.
///
/// # Errors
/// It is damaged, or another one.
pub fn open(number: u32, frame: &[u32]) -> Result<&[u32], FrameError> {
    let got = frame.len();
    let [had, words, packet @ .., last] = frame else {
        return Err(FrameError::Length { got, expected: EXTRA + 1 });
    };
    let expected = crc(&frame[..got - 1]);
    if packet.len() != *words as usize || packet.is_empty() {
        return Err(FrameError::Length { got, expected: (*words as usize).max(1).saturating_add(EXTRA) });
    }
    if *last != expected {
        return Err(FrameError::Crc { got: *last, expected });
    }
    if *had != number {
        return Err(FrameError::Number { got: *had, expected: number });
    }
    Ok(packet)
}

impl Failure for FrameError {
    fn kind(&self) -> Kind {
        Kind::Check
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_crc_is_the_usual_one() {
        // The check value of CRC-32 is that of the nine bytes "123456789"; these are the first eight.
        assert_eq!(crc(&[0x3433_3231, 0x3837_3635]), 0x9ae0_daaf);
        assert_eq!(crc(&[]), 0);
    }

    #[test]
    fn every_change_of_a_frame_is_seen() {
        let frame = seal(7, &[1, 2, 3]);
        assert_eq!(open(7, &frame), Ok(&[1, 2, 3][..]));
        assert_eq!(open(8, &frame), Err(FrameError::Number { got: 7, expected: 8 }));
        for at in 0..frame.len() {
            for bit in 0..32 {
                let mut bad = frame.clone();
                bad[at] ^= 1 << bit;
                assert!(open(7, &bad).is_err(), "word {at}, bit {bit}");
            }
            assert!(matches!(open(7, &frame[..at]), Err(FrameError::Length { .. })), "{at} words");
        }
        assert!(matches!(open(7, &[&frame[..], &[0]].concat()), Err(FrameError::Length { .. })));
        assert!(matches!(open(0, &seal(0, &[])), Err(FrameError::Length { got: 3, expected: 4 })));
    }
}
