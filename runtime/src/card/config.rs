//! PCI configuration space of the card.

use crate::xdma::{block, DEVICE, DMA_BAR_BYTES, USER_BAR_BYTES, VECTORS, VENDOR};

/// Bytes of a PCI Express configuration space.
pub const BYTES: usize = 4096;
/// Offset of the command register, and its bus master bit.
const COMMAND: usize = 0x04;
const BUS_MASTER: u8 = 1 << 2;
/// Offsets of the capabilities: power management, PCI Express, MSI-X.
const PM: usize = 0x40;
const EXPRESS: usize = 0x70;
const MSIX: usize = 0xb0;

/// The bytes, and which bits of them a write changes.
#[derive(Debug)]
pub struct ConfigSpace {
    bytes: Vec<u8>,
    writable: Vec<u8>,
}

impl ConfigSpace {
    /// As after power-up.
    pub fn new() -> Self {
        let mut space = Self { bytes: vec![0; BYTES], writable: vec![0; BYTES] };
        space.put16(0x00, VENDOR, 0);
        space.put16(0x02, DEVICE, 0);
        space.put16(COMMAND, 0, 0x0547);
        space.put16(0x06, 0x0010, 0); // capabilities
        space.put32(0x08, 0x1200_0000, 0); // processing accelerator
        space.put32(0x0c, 0, 0xff); // cache line size
        space.put32(0x10, 0, !(USER_BAR_BYTES as u32 - 1));
        space.put32(0x14, 0, !(DMA_BAR_BYTES as u32 - 1));
        space.put16(0x2c, VENDOR, 0);
        space.put16(0x2e, 0x0007, 0);
        space.put16(0x34, PM as u16, 0);
        space.put16(0x3c, 0, 0xff); // interrupt line
        space.put32(PM, 0x0003_0001 | (EXPRESS as u32) << 8, 0);
        space.put32(PM + 4, 0x8, 0x3); // no soft reset on leaving D3
        space.put32(EXPRESS, 0x0002_0010 | (MSIX as u32) << 8, 0); // endpoint, version 2
        space.put32(EXPRESS + 0x04, 0x0000_8002, 0); // 512 byte payloads
        space.put32(EXPRESS + 0x08, 0x0000_2010, 0x0000_7fff); // relaxed ordering, 512 byte reads
        space.put32(EXPRESS + 0x0c, 0x0000_0042, 0); // gen 2 x4
        space.put32(EXPRESS + 0x10, 0x0042_0000, 0x0000_0fff);
        space.put32(EXPRESS + 0x2c, 0x0000_0006, 0); // link speeds
        space.put32(EXPRESS + 0x30, 0x0000_0002, 0x0000_000f);
        space.put32(MSIX, 0x0000_0011 | (VECTORS - 1) << 16, 0xc000_0000);
        space.put32(MSIX + 4, block::MSIX as u32 | 1, 0);
        space.put32(MSIX + 8, block::MSIX_PENDING as u32 | 1, 0);
        space
    }

    /// Whether the card may do DMA.
    pub fn bus_master(&self) -> bool {
        self.bytes[COMMAND] & BUS_MASTER != 0
    }

    /// Reads; past the end all bits are set.
    pub fn read(&self, offset: u64, into: &mut [u8]) {
        for (i, byte) in into.iter_mut().enumerate() {
            *byte = index(offset, i).map_or(0xff, |at| self.bytes[at]);
        }
    }

    /// Writes the bits that can be written.
    pub fn write(&mut self, offset: u64, from: &[u8]) {
        for (i, &byte) in from.iter().enumerate() {
            if let Some(at) = index(offset, i) {
                let mask = self.writable[at];
                self.bytes[at] = self.bytes[at] & !mask | byte & mask;
            }
        }
    }

    fn put16(&mut self, at: usize, value: u16, writable: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
        self.writable[at..at + 2].copy_from_slice(&writable.to_le_bytes());
    }

    fn put32(&mut self, at: usize, value: u32, writable: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
        self.writable[at..at + 4].copy_from_slice(&writable.to_le_bytes());
    }
}

fn index(offset: u64, i: usize) -> Option<usize> {
    usize::try_from(offset).ok()?.checked_add(i).filter(|&at| at < BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(space: &ConfigSpace, at: u64) -> u32 {
        let mut bytes = [0; 4];
        space.read(at, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    #[test]
    fn capabilities_form_a_list_that_ends() {
        let space = ConfigSpace::new();
        let (mut at, mut seen) = (word(&space, 0x34) as u64 & 0xff, Vec::new());
        while at != 0 {
            seen.push(word(&space, at) & 0xff);
            at = u64::from(word(&space, at) >> 8 & 0xff);
        }
        assert_eq!(seen, [0x01, 0x10, 0x11]);
    }

    #[test]
    fn bars_tell_their_size_and_the_command_register_gates_dma() {
        let mut space = ConfigSpace::new();
        space.write(0x10, &[0xff; 8]);
        assert_eq!((word(&space, 0x10), word(&space, 0x14)), (0xffff_0000, 0xffff_0000));
        assert!(!space.bus_master());
        space.write(4, &[4]);
        assert!(space.bus_master());
        // Read only, and past the end.
        space.write(0, &[0; 4]);
        assert_eq!(word(&space, 0), 0x7024_10ee);
        assert_eq!(word(&space, 4094), 0xffff_0000);
    }
}
