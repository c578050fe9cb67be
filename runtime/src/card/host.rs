//! Host memory as the card reaches it: the ranges that the driver has mapped for DMA.
#![allow(unsafe_code)]

use memmap2::{MmapOptions, MmapRaw};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;

/// An address that is not mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// First address.
    pub address: u64,
    /// Bytes wanted.
    pub bytes: usize,
}

/// What an engine reads and writes.
pub trait Memory {
    /// Reads bytes.
    ///
    /// # Errors
    /// A byte is not mapped.
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault>;
    /// Writes bytes.
    ///
    /// # Errors
    /// A byte is not mapped; nothing is written then.
    fn write(&self, address: u64, from: &[u8]) -> Result<(), Fault>;
}

/// The mapped ranges by first address.
#[derive(Debug, Default)]
pub struct HostMemory {
    ranges: BTreeMap<u64, MmapRaw>,
}

impl HostMemory {
    /// Maps `bytes` of a file for DMA at `address`.
    ///
    /// # Errors
    /// The file cannot be mapped.
    pub fn map(&mut self, address: u64, bytes: u64, file: &File, offset: u64) -> io::Result<()> {
        let size = usize::try_from(bytes).map_err(io::Error::other)?;
        self.ranges.insert(address, MmapOptions::new().offset(offset).len(size).map_raw(file)?);
        Ok(())
    }

    /// Forgets the ranges that begin in `address..address + bytes`.
    pub fn unmap(&mut self, address: u64, bytes: u64) {
        let end = address.saturating_add(bytes);
        self.ranges.retain(|&first, _| first < address || first >= end);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.ranges.clear();
    }

    /// The pointer to a mapped range.
    fn find(&self, address: u64, bytes: usize) -> Result<*mut u8, Fault> {
        let fault = Fault { address, bytes };
        let (&first, map) = self.ranges.range(..=address).next_back().ok_or(fault)?;
        let at = usize::try_from(address - first).map_err(|_| fault)?;
        if at.checked_add(bytes).is_none_or(|end| end > map.len()) {
            return Err(fault);
        }
        // SAFETY: at is within the mapping, as just checked.
        Ok(unsafe { map.as_mut_ptr().add(at) })
    }
}

impl Memory for HostMemory {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        let from = self.find(address, into.len())?;
        // SAFETY: `find` checked the range; the mapping lives as long as `self`, and `into` is our own memory. The
        // driver may write at the same time, as on a bus: any bytes are valid bytes.
        unsafe { std::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) };
        Ok(())
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let into = self.find(address, from.len())?;
        // What was written before is seen before: data before the word that announces them.
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        // SAFETY: as above, the other way.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), into, from.len()) };
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        Ok(())
    }
}
