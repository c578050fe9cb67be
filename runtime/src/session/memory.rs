//! The memory of a board that brings it up by itself, and which program lies in it.
//!
//! It holds what it was given as long as the FPGA is configured and not reset, and so does the register `scratch`: a session
//! that has loaded a whole program leaves the program's hash there, and the next one with the same program does not send the
//! memory's part again. While it is loaded the mark is the hash's complement, behind which the session that loads goes on; when a
//! word turned out wrong the mark is taken away.

use std::thread::sleep;
use std::time::Duration;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::csr::{MemoryStatus, MEMORY_STATUS};
use spikegate_contract::packet::{header, Target, LOAD};

use super::error::SessionError;
use crate::device::Device;

/// The register that holds the mark.
pub(super) const MARK: &str = "scratch";
/// Times that a memory is asked whether it is up, and the time between: a second is a thousand times what it takes.
const ASKED: usize = 1000;
const BETWEEN: Duration = Duration::from_millis(1);

/// Waits until the board's memory is up. Whether there is one that says so: a core's memory is there or is not otherwise.
///
/// # Errors
/// It does not come up.
pub(super) fn comes_up(device: &mut impl Device, array: &ArrayConfig) -> Result<bool, SessionError> {
    if array.memory_bits == 0 {
        return Ok(false);
    }
    for _ in 0..ASKED {
        // Where no such register is, that is said with an error.
        let Ok(value) = device.read_csr(MEMORY_STATUS) else { return Ok(false) };
        match MemoryStatus::of(value) {
            MemoryStatus::Up { .. } => return Ok(true),
            MemoryStatus::Coming => sleep(BETWEEN),
            MemoryStatus::Other(_) => return Ok(false),
            status => return Err(SessionError::BoardMemory { device: device.name().to_owned(), status }),
        }
    }
    Err(SessionError::BoardMemory { device: device.name().to_owned(), status: MemoryStatus::Coming })
}

/// Whether a packet writes the external memory.
pub(super) fn is_for_it(packet: &[u32]) -> bool {
    let mask = header(0xff, 0xff, 0);
    packet.first().is_some_and(|first| first & mask == header(LOAD, Target::Memory as u8, 0))
}
