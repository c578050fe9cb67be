//! Faults that a session recovers from, and their counts.

use spikegate_contract::csr::{ERROR_MEMORY, ERROR_PARITY, ERROR_WATCHDOG};

use super::error::SessionError;
use super::packets::SEQUENCE;
use crate::device::DeviceError;

/// How often a session started the core again, by cause. Every one is followed by a soft reset, the program, and the
/// images in flight; a second fault before the next result ends in an error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Frames from the core that were damaged, lost or repeated, or not of the image that was awaited.
    pub received: u64,
    /// The core refused something: its sticky error register was set.
    pub refused: u64,
    /// The core's watchdog ended an image.
    pub watchdog: u64,
    /// The external memory refused a transfer.
    pub memory: u64,
    /// A bit had flipped in a memory of the core.
    pub parity: u64,
    /// Nothing came in time.
    pub timeouts: u64,
    /// The DMA engine stopped with an error.
    pub engine: u64,
    /// A register did not keep what was written.
    pub registers: u64,
    /// Images sent again.
    pub resent: u64,
}

impl Faults {
    /// The counter of the error's cause; `None` for an error that a new start would not mend.
    pub(super) fn cause(&mut self, error: &SessionError) -> Option<&mut u64> {
        match error {
            // The result of another image, or of an earlier session.
            SessionError::Packet { field, .. } if *field == SEQUENCE => Some(&mut self.received),
            SessionError::Frame { .. } => Some(&mut self.received),
            SessionError::Device(DeviceError::Transfer { .. }) => Some(&mut self.engine),
            SessionError::ReadBack { .. } => Some(&mut self.registers),
            SessionError::Hang { .. } => Some(&mut self.timeouts),
            SessionError::Sticky { value, .. } if value & ERROR_WATCHDOG != 0 => Some(&mut self.watchdog),
            SessionError::Sticky { value, .. } if value & ERROR_MEMORY != 0 => Some(&mut self.memory),
            SessionError::Sticky { value, .. } if value & ERROR_PARITY != 0 => Some(&mut self.parity),
            SessionError::Sticky { .. } => Some(&mut self.refused),
            _ => None,
        }
    }
}
