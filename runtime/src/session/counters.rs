//! The core's own counters.

use spikegate_contract::csr::offset;

use crate::device::{Device, DeviceError};

/// What the core has counted since it was reset, which every new start of a session does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Results sent.
    pub images: u32,
    /// Cycles spent in instructions.
    pub cycles: u64,
    /// Operand words served x lanes x CI x CO.
    pub sops: u64,
    /// Spikes written, of all layers.
    pub spikes: u64,
    /// Cycles in which the array waited for the post lanes.
    pub stalls: u32,
    /// Images that the watchdog ended; these are counted since power-up.
    pub watchdog_trips: u32,
}

impl Counters {
    /// Reads the counters; those of an image under way are included as far as it is.
    ///
    /// # Errors
    /// A register does not answer.
    pub fn read(device: &mut impl Device) -> Result<Self, DeviceError> {
        Ok(Self {
            images: device.read_csr(offset("images"))?,
            cycles: wide(device, "cycles_lo", "cycles_hi")?,
            sops: wide(device, "sops_lo", "sops_hi")?,
            spikes: wide(device, "spikes_lo", "spikes_hi")?,
            stalls: device.read_csr(offset("stalls"))?,
            watchdog_trips: device.read_csr(offset("watchdog_trips"))?,
        })
    }
}

/// A counter of two words, whose low word may run over between two reads.
fn wide(device: &mut impl Device, low: &str, high: &str) -> Result<u64, DeviceError> {
    let (low, high) = (offset(low), offset(high));
    let mut before = device.read_csr(high)?;
    loop {
        let value = device.read_csr(low)?;
        let after = device.read_csr(high)?;
        if before == after {
            return Ok(u64::from(after) << 32 | u64::from(value));
        }
        before = after;
    }
}
