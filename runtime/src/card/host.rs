//! Host memory as the card reaches it: the ranges that the driver has mapped for DMA.
//!
//! The memory is the driver's, which may cut it short or change it at any time. So it is never mapped here: every
//! access is a system call that fails where there is nothing.

use rustix::fs::{fcntl_getfl, fstat, fstatfs, FileType, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Weak};

use super::tamper;
use crate::wire::Refusal;

/// Ranges that may be mapped at a time, as many as the kernel's VFIO allows.
const RANGES: usize = 65_535;
/// Files behind them.
const SOURCES: usize = 64;
/// File system of memory files, in memory or in `/dev/shm`.
const TMPFS: u64 = 0x0102_1994;

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

/// A file that ranges lie in, and what tells it from others: device, number, and how it was opened.
#[derive(Debug)]
struct Source {
    file: File,
    key: (u64, u64, OFlags),
}

/// A mapped range.
#[derive(Debug)]
struct Mapped {
    bytes: u64,
    source: Arc<Source>,
    offset: u64,
}

/// A file, a place in it, and the place in what is read or written.
type Piece<'a> = (&'a File, u64, Range<usize>);

/// The mapped ranges by first address.
#[derive(Debug, Default)]
pub struct HostMemory {
    ranges: BTreeMap<u64, Mapped>,
    sources: Vec<Weak<Source>>,
    tamper: Option<tamper::Shared>,
}

impl HostMemory {
    /// Nothing is mapped yet; `tamper` changes what passes.
    pub fn new(tamper: Option<tamper::Shared>) -> Self {
        Self { tamper, ..Self::default() }
    }

    /// How often the signal of a vector arrives.
    pub fn signals(&self, vector: u32) -> u32 {
        tamper::ask(&self.tamper, 1, |t| t.interrupt(vector))
    }

    /// Maps `bytes` of a file for DMA at `address`.
    ///
    /// # Errors
    /// The file is no memory, or shorter; the addresses are mapped already; there are too many ranges.
    pub fn map(&mut self, address: u64, bytes: u64, file: OwnedFd, offset: u64) -> Result<(), Refusal> {
        let end = address.checked_add(bytes).filter(|_| bytes > 0);
        let end = end.ok_or_else(|| Refusal::invalid(format!("{bytes} bytes at {address:#x}")))?;
        if self.ranges.range(..end).next_back().is_some_and(|(&first, range)| first + range.bytes > address) {
            return Err(Refusal { what: format!("memory at {address:#x} twice"), error: Errno::EXIST });
        }
        if self.ranges.len() >= RANGES {
            return Err(Refusal { what: format!("over {RANGES} ranges of memory"), error: Errno::NOSPC });
        }
        let source = self.source(file, offset, bytes)?;
        self.ranges.insert(address, Mapped { bytes, source, offset });
        Ok(())
    }

    /// The file, or the same one as it came before: a guest's memory is one file in thousands of ranges.
    fn source(&mut self, file: OwnedFd, offset: u64, bytes: u64) -> Result<Arc<Source>, Refusal> {
        let io = |error| Refusal { what: format!("memory that cannot be looked at: {error}"), error };
        let status = fstat(&file).map_err(io)?;
        let kind = fstatfs(&file).map_err(io)?.f_type;
        // Any other file may make whoever reads it wait, for ever.
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile || kind as u64 != TMPFS {
            return Err(Refusal::invalid("a file that is no memory, expected a memfd or one of tmpfs"));
        }
        let size = u64::try_from(status.st_size).unwrap_or(0);
        if offset.checked_add(bytes).is_none_or(|end| end > size) {
            return Err(Refusal::invalid(format!(
                "memory of {bytes} bytes at {offset:#x} of a file that has {size}"
            )));
        }
        let opened = fcntl_getfl(&file).map_err(io)? & OFlags::ACCMODE;
        let key = (status.st_dev, status.st_ino, opened);
        self.sources.retain(|known| known.strong_count() > 0);
        if let Some(known) = self.sources.iter().filter_map(Weak::upgrade).find(|known| known.key == key) {
            return Ok(known);
        }
        if self.sources.len() >= SOURCES {
            return Err(Refusal { what: format!("over {SOURCES} files of memory"), error: Errno::NOSPC });
        }
        let source = Arc::new(Source { file: file.into(), key });
        self.sources.push(Arc::downgrade(&source));
        Ok(source)
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
    /// mappings.
    fn pieces(&self, address: u64, bytes: usize) -> Result<Vec<Piece<'_>>, Fault> {
        let fault = Fault { address, bytes };
        let (mut pieces, mut done) = (Vec::new(), 0);
        while done < bytes {
            let here = address.checked_add(done as u64).ok_or(fault)?;
            let (&first, range) = self.ranges.range(..=here).next_back().ok_or(fault)?;
            let at = here - first;
            let room = range.bytes.checked_sub(at).filter(|&room| room > 0).ok_or(fault)?;
            let end = done + usize::try_from(room).unwrap_or(usize::MAX).min(bytes - done);
            pieces.push((&range.source.file, range.offset + at, done..end));
            done = end;
        }
        Ok(pieces)
    }
}

impl Memory for HostMemory {
    fn read(&self, address: u64, into: &mut [u8]) -> Result<(), Fault> {
        let fault = Fault { address, bytes: into.len() };
        for (file, at, place) in self.pieces(address, into.len())? {
            // A file that has become too short, like one that may not be read.
            file.read_exact_at(&mut into[place], at).map_err(|_| fault)?;
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
        let fault = Fault { address, bytes: from.len() };
        for (file, at, place) in self.pieces(address, from.len())? {
            file.write_all_at(&from[place], at).map_err(|_| fault)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory_file(bytes: u64) -> File {
        let file = rustix::fs::memfd_create("test", rustix::fs::MemfdFlags::CLOEXEC).expect("memory");
        let file = File::from(file);
        file.set_len(bytes).expect("length");
        file
    }

    #[test]
    fn neighbouring_mappings_are_one_range_and_gaps_are_faults() {
        let file = memory_file(3 * 4096);
        let mut memory = HostMemory::default();
        // Pages in another order than their addresses, and a hole behind them.
        for (address, page) in [(0x1_0000, 2), (0x1_1000, 0), (0x1_3000, 1)] {
            let again = file.try_clone().expect("clones").into();
            memory.map(address, 4096, again, page * 4096).expect("maps");
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

    #[test]
    fn memory_that_is_cut_short_is_a_fault() {
        let file = memory_file(8192);
        let mut memory = HostMemory::default();
        memory.map(0x1000, 8192, file.try_clone().expect("clones").into(), 0).expect("maps");
        file.set_len(4096).expect("cuts");
        let mut got = [0; 8];
        memory.read(0x1000, &mut got).expect("still there");
        assert_eq!(memory.read(0x1ffc, &mut got), Err(Fault { address: 0x1ffc, bytes: 8 }));
    }

    #[test]
    fn what_is_no_memory_is_refused() {
        let mut memory = HostMemory::default();
        let mut refused = |address, bytes, file: &File, offset| {
            let file = file.try_clone().expect("clones").into();
            memory.map(address, bytes, file, offset).expect_err("refused").what
        };
        let file = memory_file(4096);
        assert!(refused(0, 8192, &file, 0).contains("of a file that has 4096"));
        assert!(refused(0, 4096, &file, u64::MAX).contains("of a file that has 4096"));
        assert!(refused(0, 0, &file, 0).starts_with("0 bytes"));
        assert!(refused(u64::MAX, 2, &file, 0).starts_with("2 bytes"));
        let null = File::options().read(true).write(true).open("/dev/null").expect("opens");
        assert!(refused(0, 4096, &null, 0).contains("no memory"));
        memory.map(0x1000, 4096, file.into(), 0).expect("maps");
        let other = memory_file(4096).into();
        assert_eq!(memory.map(0x1800, 4096, other, 0).expect_err("taken").error, Errno::EXIST);
    }
}
