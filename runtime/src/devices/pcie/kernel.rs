//! A card in this machine, through VFIO of the Linux kernel: bound to `vfio-pci`, behind an IOMMU.
#![allow(unsafe_code)]

use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vfio_bindings::bindings::vfio::{VFIO_PCI_CONFIG_REGION_INDEX, VFIO_PCI_MSIX_IRQ_INDEX};
use vfio_ioctls::{VfioContainer, VfioDevice, VfioError};
use vmm_sys_util::eventfd::EventFd;

use super::bus::{new_events, Bus};
use super::driver::Pcie;
use super::layout::{self, VECTORS};
use super::memory::DmaMemory;
use crate::device::DeviceError;
use crate::devices::entry::{self, Entry};
use crate::devices::error::OpenError;
use crate::xdma::{DEVICES, VENDOR};

/// For the table of devices.
pub const ENTRY: Entry = Entry {
    scheme: "vfio",
    example: "vfio:0000:01:00.0",
    help: "a PCIe card of this machine that is bound to vfio-pci",
    read: pci_address,
    file: entry::no_file,
    open: |address, _| Ok(Box::new(Pcie::new(Kernel::open(address)?)?)),
};

/// A PCI address in the kernel's form, with the domain that people leave out.
fn pci_address(text: &str) -> Option<String> {
    let full = if text.matches(':').count() == 1 { format!("0000:{text}") } else { text.to_owned() };
    let (rest, function) = full.rsplit_once('.')?;
    let parts: Vec<&str> = rest.split(':').collect();
    let digits = |part: &str, n: usize| part.len() == n && part.bytes().all(|b| b.is_ascii_hexdigit());
    let [domain, bus, slot] = parts[..] else { return None };
    let good = digits(domain, 4)
        && digits(bus, 2)
        && digits(slot, 2)
        && matches!(function, "0" | "1" | "2" | "3" | "4" | "5" | "6" | "7");
    good.then(|| full.to_ascii_lowercase())
}

/// Offset of the command register; memory space and bus master.
const COMMAND: u64 = 0x04;
const ENABLE: u16 = 0x0006;

/// A PCI function that the kernel has lent to this process.
pub struct Kernel {
    name: String,
    // Dropped in this order: the device lets go of the memory before it is unmapped.
    device: VfioDevice,
    container: Arc<VfioContainer>,
    memory: DmaMemory,
    events: Vec<OwnedFd>,
}

impl Kernel {
    /// Opens the function at a PCI address such as `0000:01:00.0`.
    ///
    /// # Errors
    /// It is not there, not bound to `vfio-pci`, in use, or another device.
    pub fn open(address: &str) -> Result<Self, OpenError> {
        let name = format!("PCIe card {address}");
        let path = PathBuf::from("/sys/bus/pci/devices").join(address);
        look(&name, address, &path)?;
        let io = |source| OpenError::Io { device: name.clone(), action: "opening", source };
        let failed = |action| {
            let device = name.clone();
            move |error: VfioError| match error {
                // The kernel lends a function once, and does not say to whom.
                VfioError::OpenGroup(source, _) if source.kind() == std::io::ErrorKind::ResourceBusy => {
                    OpenError::Busy { device, holder: "(unknown)".to_owned() }
                }
                VfioError::OpenContainer(source) | VfioError::OpenGroup(source, _) => {
                    OpenError::Io { device, action, source }
                }
                other => OpenError::Protocol { device, action, cause: other.to_string() },
            }
        };
        let container = Arc::new(VfioContainer::new(None).map_err(failed("opening VFIO"))?);
        let device = VfioDevice::new(&path, container.clone(), false).map_err(failed("opening"))?;
        let mut command = [0; 2];
        device.region_read(VFIO_PCI_CONFIG_REGION_INDEX, &mut command, COMMAND);
        let enable = (u16::from_le_bytes(command) | ENABLE).to_le_bytes();
        device.region_write(VFIO_PCI_CONFIG_REGION_INDEX, &enable, COMMAND);
        let memory = DmaMemory::new(layout::ADDRESS, layout::BYTES).map_err(io)?;
        // SAFETY: the memory is only ever copied from and to, never borrowed, and stays mapped until the device is
        // closed, for it is dropped after it.
        unsafe { container.vfio_dma_map(layout::ADDRESS, layout::BYTES, memory.pointer()) }
            .map_err(failed("mapping memory"))?;
        let events = new_events(VECTORS).map_err(io)?;
        let mut lent = Vec::new();
        for event in &events {
            let own = event.try_clone().map_err(io)?.into_raw_fd();
            // SAFETY: the descriptor is an event's, open, and nobody else closes it.
            lent.push(unsafe { EventFd::from_raw_fd(own) });
        }
        device
            .enable_irq(VFIO_PCI_MSIX_IRQ_INDEX, lent.iter().collect())
            .map_err(failed("connecting interrupts"))?;
        Ok(Self { name, device, container, memory, events })
    }
}

/// Says in sysfs terms why a function cannot be opened, before VFIO does in its own.
fn look(name: &str, address: &str, path: &Path) -> Result<(), OpenError> {
    let io = |source| OpenError::Io { device: name.to_owned(), action: "looking it up", source };
    let number = |file: &str| -> Result<u16, OpenError> {
        let text = std::fs::read_to_string(path.join(file)).map_err(io)?;
        let digits = text.trim().trim_start_matches("0x");
        u16::from_str_radix(digits, 16).map_err(|e| io(std::io::Error::other(e)))
    };
    if !path.exists() {
        return Err(OpenError::NotThere { device: name.to_owned(), path: path.to_owned() });
    }
    let (vendor, device) = (number("vendor")?, number("device")?);
    if vendor != VENDOR || !DEVICES.contains(&device) {
        return Err(OpenError::Ids { device: name.to_owned(), vendor, id: device });
    }
    let driver = std::fs::read_link(path.join("driver")).ok();
    let driver = driver.as_deref().and_then(Path::file_name).map(|n| n.to_string_lossy().into_owned());
    if driver.as_deref() != Some("vfio-pci") {
        return Err(OpenError::NotBound {
            device: name.to_owned(),
            driver: driver.unwrap_or_else(|| "no driver".to_owned()),
            address: address.to_owned(),
        });
    }
    Ok(())
}

impl Bus for Kernel {
    fn name(&self) -> &str {
        &self.name
    }

    fn read(&mut self, bar: u32, offset: u64) -> Result<u32, DeviceError> {
        // A read that fails leaves what a bus answers for a device that is gone.
        let mut word = [0xff; 4];
        self.device.region_read(bar, &mut word, offset);
        Ok(u32::from_le_bytes(word))
    }

    fn write(&mut self, bar: u32, offset: u64, value: u32) -> Result<(), DeviceError> {
        self.device.region_write(bar, &value.to_le_bytes(), offset);
        Ok(())
    }

    fn memory(&self) -> &DmaMemory {
        &self.memory
    }

    fn events(&self) -> &[OwnedFd] {
        &self.events
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        // The kernel forgets the mapping with the container, so a failure here changes nothing.
        if let Err(error) = self.container.vfio_dma_unmap(layout::ADDRESS, layout::BYTES) {
            tracing::debug!("{}: {error}", self.name);
        }
    }
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel").field("name", &self.name).finish()
    }
}
