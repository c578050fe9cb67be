//! Images a second that a board's host link carries, whatever computes them: an upper bound, for several in flight.

use spikegate_contract::uart::MAX_WORDS;

use crate::board::{Board, Host};

/// Bits of a byte on a serial line.
const SERIAL_BITS: f64 = 10.0;
/// Bytes of a request without payload: header, check, an end before and behind. Escaped bytes are not counted.
const REQUEST: usize = 4 + 4 + 2;
/// Bytes of a reply without payload: the same with the state word.
const REPLY: usize = REQUEST + 4;

/// Images a second of so many words to the core and from it, at this clock of the core in MHz.
pub fn images_per_second(board: &Board, [up, down]: [usize; 2], core_mhz: f64) -> f64 {
    match board.host {
        // One request after the other, each with its reply.
        Host::Uart { baud } => {
            let requests = up.div_ceil(MAX_WORDS) + down.div_ceil(MAX_WORDS);
            let bytes = 4 * (up + down) + requests * (REQUEST + REPLY);
            f64::from(baud) / (SERIAL_BITS * bytes as f64)
        }
        // Both ways at once; each way the line, and a word a cycle at the core.
        Host::Pcie { lanes, generation, .. } => {
            let words = 4 * up.max(down);
            // Bytes a second of a lane behind the line's code.
            let lane = [250e6, 500e6, 985e6][usize::from(generation.clamp(1, 3)) - 1];
            (f64::from(lanes) * lane).min(4e6 * core_mhz) / words as f64
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::boards::resolve;

    #[test]
    fn a_serial_line_carries_frames_and_a_card_words() {
        // 198 words up, 36 down: two requests with replies, 984 bytes of ten bits at a megabaud.
        let uart = images_per_second(&resolve("ulx3s-85f").unwrap(), [198, 36], 60.0);
        assert_eq!(uart, 1e6 / 9840.0);
        // More words take more frames.
        let large = images_per_second(&resolve("ulx3s-85f").unwrap(), [257, 36], 60.0);
        assert_eq!(large, 1e6 / (10.0 * (4.0 * 293.0 + 3.0 * 24.0)));
        let card = images_per_second(&resolve("acorn-cle215").unwrap(), [198, 36], 125.0);
        assert_eq!(card, 4e6 * 125.0 / 792.0);
    }
}
