//! The slot that one driver sees: regions, memory, interrupts and reset.

use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::mpsc;
use vfio_bindings::bindings::vfio::{
    VFIO_PCI_BAR0_REGION_INDEX, VFIO_PCI_BAR1_REGION_INDEX, VFIO_PCI_CONFIG_REGION_INDEX,
    VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_NUM_IRQS, VFIO_PCI_NUM_REGIONS,
};

use super::config;
use super::work::{Access, Shared};
use crate::wire::Refusal;
use crate::xdma::{DMA_BAR_BYTES, USER_BAR_BYTES, VECTORS};

/// What a driver does with the card.
pub struct Slot<'a> {
    shared: &'a Shared,
}

impl<'a> Slot<'a> {
    pub fn new(shared: &'a Shared) -> Self {
        Self { shared }
    }

    /// Bytes of a region; `None` for a number that none has.
    pub fn region_bytes(region: u32) -> Option<u64> {
        Some(match region {
            VFIO_PCI_CONFIG_REGION_INDEX => config::BYTES as u64,
            VFIO_PCI_BAR0_REGION_INDEX => USER_BAR_BYTES,
            VFIO_PCI_BAR1_REGION_INDEX => DMA_BAR_BYTES,
            _ if region < VFIO_PCI_NUM_REGIONS => 0,
            _ => return None,
        })
    }

    /// Vectors of a kind of interrupts; `None` for a number that none has.
    pub fn vectors(index: u32) -> Option<u32> {
        let count = if index == VFIO_PCI_MSIX_IRQ_INDEX { VECTORS } else { 0 };
        (index < VFIO_PCI_NUM_IRQS).then_some(count)
    }

    /// Bytes of a region. As on a bus, what cannot be read is all ones.
    ///
    /// # Errors
    /// There is no such region.
    pub fn read(&self, region: u32, offset: u64, bytes: usize) -> Result<Vec<u8>, Refusal> {
        known(region)?;
        let mut data = vec![0xff; bytes];
        if region == VFIO_PCI_CONFIG_REGION_INDEX {
            self.shared.lock().config.read(offset, &mut data);
            return Ok(data);
        }
        let (mut word, mut at) = (0, None);
        for (i, byte) in data.iter_mut().enumerate() {
            let address = offset.saturating_add(i as u64);
            if at != Some(address & !3) {
                at = Some(address & !3);
                word = self.read_word(region, address & !3);
            }
            *byte = (word >> (8 * (address & 3))) as u8;
        }
        Ok(data)
    }

    /// Writes bytes of a region. As on a bus, what cannot be written is lost.
    ///
    /// # Errors
    /// There is no such region.
    pub fn write(&self, region: u32, offset: u64, data: &[u8]) -> Result<(), Refusal> {
        known(region)?;
        if region == VFIO_PCI_CONFIG_REGION_INDEX {
            self.shared.change(|state| state.config.write(offset, data));
            return Ok(());
        }
        if !offset.is_multiple_of(4) || !data.len().is_multiple_of(4) {
            // The engine takes whole words only (PG195, "Register Space").
            tracing::warn!("a write of {} bytes at {offset:#x} is lost: only words are taken", data.len());
            return Ok(());
        }
        for (i, four) in data.chunks_exact(4).enumerate() {
            let at = offset.saturating_add(4 * i as u64);
            let word = u32::from_le_bytes([four[0], four[1], four[2], four[3]]);
            match region {
                VFIO_PCI_BAR0_REGION_INDEX if at < USER_BAR_BYTES => {
                    self.user(at as u32, Some(word));
                }
                VFIO_PCI_BAR1_REGION_INDEX if at < DMA_BAR_BYTES => {
                    self.shared.change(|state| state.engine.write(at, word));
                }
                // All further words are outside too.
                _ => break,
            }
        }
        Ok(())
    }

    /// Lets the card reach memory.
    ///
    /// # Errors
    /// The file is not one that can be read safely, too short, or the addresses are taken.
    pub fn map(&self, address: u64, bytes: u64, file: Option<OwnedFd>, offset: u64) -> Result<(), Refusal> {
        // Memory without a file can only be reached by messages, which no driver of ours uses for DMA.
        let Some(file) = file else { return Ok(()) };
        self.shared.lock().memory.map(address, bytes, file, offset)
    }

    /// Takes memory away from the card; all of it without a range.
    pub fn unmap(&self, range: Option<(u64, u64)>) {
        let mut state = self.shared.lock();
        match range {
            Some((address, bytes)) => state.memory.unmap(address, bytes),
            None => state.memory.clear(),
        }
    }

    /// Says where interrupts go: vectors from `start` on to `files`, in order; to none where they end.
    ///
    /// # Errors
    /// No such vectors, or a file that could block the card.
    pub fn connect(&self, index: u32, start: u32, count: u32, files: Vec<OwnedFd>) -> Result<(), Refusal> {
        let there = Self::vectors(index).ok_or_else(|| Refusal::invalid(format!("no interrupts {index}")))?;
        if index != VFIO_PCI_MSIX_IRQ_INDEX {
            return Ok(());
        }
        let end = start.checked_add(count).filter(|&end| end <= there).ok_or_else(|| {
            Refusal::invalid(format!("{count} vectors from {start} on, expected at most {there} in all"))
        })?;
        if files.len() > count as usize {
            return Err(Refusal::invalid(format!("{} files for {count} vectors", files.len())));
        }
        files.iter().try_for_each(is_event)?;
        let mut state = self.shared.lock();
        if count == 0 {
            state.vectors.clear();
            return Ok(());
        }
        let vectors = &mut state.vectors;
        vectors.resize_with(vectors.len().max(end as usize), || None);
        let mut files = files.into_iter();
        vectors[start as usize..end as usize].fill_with(|| files.next());
        Ok(())
    }

    /// Everything as after power-up, but for what the driver has mapped.
    pub fn reset(&self) {
        let (done, wait) = mpsc::channel();
        self.shared.change(|state| {
            state.config = config::ConfigSpace::new();
            state.reset_engine();
            state.reset = Some(done).filter(|_| !state.deserted);
        });
        // The core's thread ends only after this one.
        let _ = wait.recv();
    }

    /// What the driver had is gone with it.
    pub fn leave(&self) {
        self.shared.change(|state| {
            state.memory.clear();
            state.vectors.clear();
        });
        self.reset();
    }

    fn user(&self, offset: u32, write: Option<u32>) -> u32 {
        let (reply, answer) = mpsc::channel();
        self.shared.change(|state| {
            if !state.deserted {
                state.accesses.push_back(Access { offset, write, reply });
            }
        });
        answer.recv().unwrap_or(u32::MAX)
    }

    fn read_word(&self, region: u32, offset: u64) -> u32 {
        match region {
            VFIO_PCI_BAR0_REGION_INDEX if offset < USER_BAR_BYTES => self.user(offset as u32, None),
            VFIO_PCI_BAR1_REGION_INDEX if offset < DMA_BAR_BYTES => {
                self.shared.change(|state| state.engine.read(offset))
            }
            _ => u32::MAX,
        }
    }
}

fn known(region: u32) -> Result<(), Refusal> {
    Slot::region_bytes(region).map(|_| ()).ok_or_else(|| Refusal::invalid(format!("no region {region}")))
}

/// An event takes a signal without blocking as long as its counter is not full; a pipe may be full at any time.
fn is_event(file: &OwnedFd) -> Result<(), Refusal> {
    let link = std::fs::read_link(format!("/proc/self/fd/{}", file.as_fd().as_raw_fd()));
    let link = link.map_err(|error| Refusal { what: format!("/proc: {error}"), error: Errno::INVAL })?;
    let link = link.to_string_lossy();
    if link != "anon_inode:[eventfd]" {
        return Err(Refusal::invalid(format!("an interrupt to {link}, expected an eventfd")));
    }
    Ok(())
}
