//! A card behind a vfio-user socket: a program that serves one, such as `spikegate card`.

use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use vfio_bindings::bindings::vfio::{
    VFIO_IRQ_SET_ACTION_TRIGGER, VFIO_IRQ_SET_DATA_EVENTFD, VFIO_PCI_CONFIG_REGION_INDEX,
    VFIO_PCI_MSIX_IRQ_INDEX,
};
use vfio_user::{Client, Error};

use super::bus::{new_events, Bus};
use super::memory::DmaMemory;
use super::{layout, VECTORS};
use crate::device::DeviceError;
use crate::devices::open::OpenError;
use crate::xdma::{DEVICES, VENDOR};

/// Memory space and bus master, in the command register.
const COMMAND: u64 = 0x04;
const ENABLE: u16 = 0x0006;

/// The connection to a card.
pub struct Socket {
    name: String,
    client: Client,
    memory: DmaMemory,
    events: Vec<OwnedFd>,
}

impl Socket {
    /// Connects to the card at `path`, and maps memory and interrupts.
    ///
    /// # Errors
    /// There is no card, or it is another one.
    pub fn connect(path: &Path) -> Result<Self, OpenError> {
        let name = format!("vfio-user card {}", path.display());
        let io = |source| OpenError::Io { device: name.clone(), action: "connecting", source };
        let failed = |action| {
            let device = name.clone();
            move |source: Error| OpenError::Protocol { device, action, cause: source.to_string() }
        };
        let mut client = Client::new(path).map_err(|error| match error {
            Error::Connect(source) => io(source),
            other => failed("connecting")(other),
        })?;
        let mut id = [0; 4];
        client.region_read(VFIO_PCI_CONFIG_REGION_INDEX, 0, &mut id).map_err(failed("reading the ids"))?;
        let (vendor, device) = (u16::from_le_bytes([id[0], id[1]]), u16::from_le_bytes([id[2], id[3]]));
        if vendor != VENDOR || !DEVICES.contains(&device) {
            return Err(OpenError::Ids { device: name, vendor, id: device });
        }
        let enable = ENABLE.to_le_bytes();
        client
            .region_write(VFIO_PCI_CONFIG_REGION_INDEX, COMMAND, &enable)
            .map_err(failed("enabling the card"))?;
        let memory = DmaMemory::new(layout::ADDRESS, layout::BYTES).map_err(io)?;
        client
            .dma_map(0, layout::ADDRESS, layout::BYTES as u64, memory.file().as_raw_fd())
            .map_err(failed("mapping memory"))?;
        let events = new_events(VECTORS).map_err(io)?;
        let files: Vec<_> = events.iter().map(AsRawFd::as_raw_fd).collect();
        let flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER;
        client
            .set_irqs(VFIO_PCI_MSIX_IRQ_INDEX, flags, 0, VECTORS as u32, &files)
            .map_err(failed("connecting interrupts"))?;
        Ok(Self { name, client, memory, events })
    }

    fn failed(&self, action: &str, error: Error) -> DeviceError {
        let source = match error {
            Error::StreamRead(source) | Error::StreamWrite(source) => source,
            other => std::io::Error::other(other.to_string()),
        };
        DeviceError::Io { device: self.name.clone(), action: action.to_owned(), source }
    }
}

impl Bus for Socket {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&mut self, bar: u32, offset: u64) -> Result<u32, DeviceError> {
        let mut word = [0; 4];
        let read = self.client.region_read(bar, offset, &mut word);
        read.map_err(|e| self.failed(&format!("reading BAR {bar} at {offset:#x}"), e))?;
        Ok(u32::from_le_bytes(word))
    }

    fn write(&mut self, bar: u32, offset: u64, value: u32) -> Result<(), DeviceError> {
        let written = self.client.region_write(bar, offset, &value.to_le_bytes());
        written.map_err(|e| self.failed(&format!("writing BAR {bar} at {offset:#x}"), e))
    }

    fn memory(&self) -> &DmaMemory {
        &self.memory
    }

    fn events(&self) -> &[OwnedFd] {
        &self.events
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("name", &self.name).finish()
    }
}
