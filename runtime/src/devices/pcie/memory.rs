//! Host memory that the card reads and writes.
#![allow(unsafe_code)]

use memmap2::{MmapOptions, MmapRaw};
use rustix::fs::{fcntl_add_seals, ftruncate, memfd_create, MemfdFlags, SealFlags};
use std::fs::File;
use std::io;
use std::sync::atomic::{fence, Ordering};

/// A range of shared memory with an address on the card's side.
///
/// The card changes it at any time, so it is only ever copied, never borrowed.
#[derive(Debug)]
pub struct DmaMemory {
    file: File,
    map: MmapRaw,
    address: u64,
}

impl DmaMemory {
    /// Makes `bytes` of zeroed memory, which the card is to see at `address`.
    ///
    /// # Errors
    /// The system has no memory left.
    pub fn new(address: u64, bytes: usize) -> io::Result<Self> {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = File::from(memfd_create("spikegate-dma", flags)?);
        ftruncate(&file, bytes as u64)?;
        // Whoever gets the file must not cut it short: an access behind its end would kill this process.
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let map = MmapOptions::new().len(bytes).map_raw(&file)?;
        Ok(Self { file, map, address })
    }

    /// The file behind the memory.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Address of byte `at` on the card's side.
    pub fn address(&self, at: usize) -> u64 {
        self.address + at as u64
    }

    /// Bytes.
    pub fn bytes(&self) -> usize {
        self.map.len()
    }

    /// Start of the memory in this process. The memory lives as long as `self`.
    pub fn pointer(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }

    /// Copies into the memory.
    ///
    /// # Panics
    /// The range is outside.
    pub fn put(&self, at: usize, from: &[u8]) {
        assert!(at <= self.bytes() && from.len() <= self.bytes() - at);
        // SAFETY: the range is inside the mapping, and `from` is memory of our own.
        unsafe { std::ptr::copy_nonoverlapping(from.as_ptr(), self.pointer().add(at), from.len()) };
        fence(Ordering::SeqCst);
    }

    /// Copies out of the memory.
    ///
    /// # Panics
    /// The range is outside.
    pub fn get(&self, at: usize, into: &mut [u8]) {
        assert!(at <= self.bytes() && into.len() <= self.bytes() - at);
        fence(Ordering::SeqCst);
        // SAFETY: as above, the other way; whatever the card writes meanwhile, bytes are bytes.
        unsafe { std::ptr::copy_nonoverlapping(self.pointer().add(at), into.as_mut_ptr(), into.len()) };
    }

    /// Writes little-endian words.
    pub fn put_words(&self, at: usize, words: &[u32]) {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        self.put(at, &bytes);
    }

    /// Reads one little-endian word in one access.
    ///
    /// # Panics
    /// The word is outside or not aligned.
    pub fn word(&self, at: usize) -> u32 {
        assert!(at.is_multiple_of(4) && at < self.bytes() && self.bytes() - at >= 4);
        // SAFETY: inside the mapping and aligned, for mappings begin at pages. Volatile, because the card writes it.
        let word = unsafe { self.pointer().add(at).cast::<u32>().read_volatile() };
        // What the card wrote before this word is seen by what is read after it.
        fence(Ordering::SeqCst);
        u32::from_le(word)
    }
}
