//! Host memory as the card reaches it: the ranges that the driver has mapped for DMA.
#![allow(unsafe_code)]

use memmap2::{MmapOptions, MmapRaw};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::sync::atomic::{fence, Ordering};

use super::tamper;

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
    tamper: Option<tamper::Shared>,
}

impl HostMemory {
    /// Nothing is mapped yet; `tamper` changes what passes.
    pub fn new(tamper: Option<tamper::Shared>) -> Self {
        Self { ranges: BTreeMap::new(), tamper }
    }

    /// How often the signal of a vector arrives.
    pub fn signals(&self, vector: u32) -> u32 {
        tamper::ask(&self.tamper, 1, |t| t.interrupt(vector))
    }

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

    /// The pieces of mapped memory that make up a range: behind an IOMMU, neighbouring addresses may lie in several
    /// mappings. They are passed on with their place in the range.
    fn pieces(&self, address: u64, bytes: usize) -> Result<Vec<(*mut u8, Range<usize>)>, Fault> {
        let fault = Fault { address, bytes };
        let (mut pieces, mut done) = (Vec::new(), 0);
        while done < bytes {
            let here = address.checked_add(done as u64).ok_or(fault)?;
            let (&first, map) = self.ranges.range(..=here).next_back().ok_or(fault)?;
            let at = usize::try_from(here - first).map_err(|_| fault)?;
            let room = map.len().checked_sub(at).filter(|&room| room > 0).ok_or(fault)?;
            let end = bytes.min(done + room);
            // SAFETY: at is within the mapping, as just checked.
            pieces.push((unsafe { map.as_mut_ptr().add(at) }, done..end));
            done = end;
        }
        Ok(pieces)
    }
}

impl Memory for HostMemory {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        for (from, place) in self.pieces(address, into.len())? {
            let into = &mut into[place];
            // SAFETY: `pieces` checked the range; the mapping lives as long as `self`, and `into` is our own memory.
            // The driver may write at the same time, as on a bus: any bytes are valid bytes.
            unsafe { std::ptr::copy_nonoverlapping(from, into.as_mut_ptr(), into.len()) };
        }
        tamper::ask(&self.tamper, (), |t| t.read(address, into));
        Ok(())
    }

    fn write(&self, address: u64, from: &[u8]) -> Result<(), Fault> {
        let mut changed = None;
        if self.tamper.is_some() {
            let bytes = changed.insert(from.to_vec());
            if !tamper::ask(&self.tamper, true, |t| t.write(address, bytes)) {
                return Ok(());
            }
        }
        let from = changed.as_deref().unwrap_or(from);
        let pieces = self.pieces(address, from.len())?;
        // What was written before is seen before: data before the word that announces them.
        fence(Ordering::SeqCst);
        for (into, place) in pieces {
            let from = &from[place];
            // SAFETY: as above, the other way.
            unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), into, from.len()) };
        }
        fence(Ordering::SeqCst);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_mappings_are_one_range_and_gaps_are_faults() {
        let file = tempfile::tempfile().expect("file");
        file.set_len(3 * 4096).expect("length");
        let mut memory = HostMemory::default();
        // Pages in another order than their addresses, and a hole behind them.
        for (address, page) in [(0x1_0000, 2), (0x1_1000, 0), (0x1_3000, 1)] {
            memory.map(address, 4096, &file, page * 4096).expect("maps");
        }
        let text: Vec<u8> = (0..100).collect();
        memory.write(0x1_0fce, &text).expect("mapped");
        let mut got = vec![0; 100];
        memory.read(0x1_0fce, &mut got).expect("mapped");
        assert_eq!(got, text);
        memory.read(0x1_1000, &mut got[..50]).expect("mapped");
        assert_eq!(got[..50], text[50..]);
        let fault = |address, bytes| Err(Fault { address, bytes });
        assert_eq!(memory.write(0x1_1fff, &text[..2]), fault(0x1_1fff, 2));
        assert_eq!(memory.read(0xffff, &mut got[..1]), fault(0xffff, 1));
        assert_eq!(memory.read(u64::MAX, &mut got[..2]), fault(u64::MAX, 2));
        memory.unmap(0x1_0000, 0x2000);
        assert_eq!(memory.read(0x1_0000, &mut got[..1]), fault(0x1_0000, 1));
        memory.read(0x1_3000, &mut got[..1]).expect("still mapped");
    }
}
