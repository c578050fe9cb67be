//! What the driver needs of a PCIe function, however it is reached.

use rustix::event::{eventfd, poll, EventfdFlags, PollFd, PollFlags, Timespec};
use std::os::fd::OwnedFd;
use std::time::Duration;
use vfio_bindings::bindings::vfio::VFIO_PCI_CONFIG_REGION_INDEX;

use super::memory::DmaMemory;
use crate::device::DeviceError;

/// New events that do not block, one for each of `count` vectors.
pub(super) fn new_events(count: usize) -> std::io::Result<Vec<OwnedFd>> {
    let flags = EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC;
    (0..count).map(|_| Ok(eventfd(0, flags)?)).collect()
}

/// The configuration space, where a BAR is named: the number that VFIO gives it.
pub const CONFIG_SPACE: u32 = VFIO_PCI_CONFIG_REGION_INDEX;

/// A PCIe function with memory it may reach and interrupts.
pub trait Bus {
    /// What it is, for messages: "PCIe card 0000:01:00.0".
    fn name(&self) -> &str;

    /// Reads a word of a BAR, or of the configuration space as BAR [`CONFIG_SPACE`].
    ///
    /// # Errors
    /// The function is gone.
    fn read(&mut self, bar: u32, offset: u64) -> Result<u32, DeviceError>;

    /// Writes a word of a BAR.
    ///
    /// # Errors
    /// The function is gone.
    fn write(&mut self, bar: u32, offset: u64, value: u32) -> Result<(), DeviceError>;

    /// The memory that is mapped for DMA.
    fn memory(&self) -> &DmaMemory;

    /// Whether a PCIe link leads to the function, whose status its configuration space tells.
    fn has_link(&self) -> bool {
        true
    }

    /// Events of the first MSI-X vectors.
    fn events(&self) -> &[OwnedFd];

    /// Waits until one of `vectors`, a bit for each, is signalled, at most `time`; a bit per vector that was, of all.
    ///
    /// # Errors
    /// The events cannot be waited for.
    fn wait(&mut self, vectors: u32, time: Duration) -> Result<u32, DeviceError> {
        let io = |source: std::io::Error| DeviceError::Io {
            device: self.name().to_owned(),
            action: "waiting for an interrupt".to_owned(),
            source,
        };
        let wanted = self.events().iter().enumerate().filter(|(vector, _)| vectors >> vector & 1 != 0);
        let mut files: Vec<PollFd<'_>> = wanted.map(|(_, e)| PollFd::new(e, PollFlags::IN)).collect();
        let time = Timespec { tv_sec: time.as_secs() as i64, tv_nsec: i64::from(time.subsec_nanos()) };
        // Without a time the events are only read.
        match if time == Timespec::default() { Ok(0) } else { poll(&mut files, Some(&time)) } {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(io(error.into())),
        }
        let mut signalled = 0;
        for (vector, event) in self.events().iter().enumerate() {
            // The events do not block: one that is not signalled says so.
            if rustix::io::read(event, &mut [0; 8]).is_ok() {
                signalled |= 1 << vector;
            }
        }
        Ok(signalled)
    }
}
