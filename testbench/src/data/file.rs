//! Files that are read without trust: regular ones only, nothing that blocks, nothing without a limit.

use super::DataError;
use flate2::bufread::GzDecoder;
use rustix::fs::OFlags;
use std::borrow::Cow;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::os::unix::fs::{FileExt, FileTypeExt, OpenOptionsExt};
use std::path::Path;

/// Most bytes of a file that is read whole: CIFAR-100's training images, the largest, take 154 MB.
pub(super) const MAX_WHOLE: u64 = 256 << 20;
/// Most bytes that a compressed file may unpack to.
pub(super) const MAX_UNPACKED: u64 = 1 << 30;

/// Bytes that are addressed by their place.
#[derive(Debug)]
pub(super) enum Store {
    /// What had to be unpacked or put together.
    Memory(Vec<u8>),
    /// A plain file, of which only what is asked for is read.
    File(File),
}

impl Store {
    /// `len` bytes at `from`.
    pub fn at(&self, from: u64, len: usize) -> std::io::Result<Cow<'_, [u8]>> {
        match self {
            Store::Memory(bytes) => {
                let part =
                    usize::try_from(from).ok().and_then(|from| bytes.get(from..from.checked_add(len)?));
                part.map(Cow::Borrowed).ok_or_else(|| ErrorKind::UnexpectedEof.into())
            }
            Store::File(file) => {
                let mut bytes = vec![0; len];
                file.read_exact_at(&mut bytes, from)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// Opens a regular file and says how long it is.
pub(super) fn open(path: &Path) -> Result<(File, u64), DataError> {
    let io = |source| DataError::io(path, source);
    // Looked at before, for opening a device may do something; and after, for it may have changed.
    require_regular(path, &std::fs::metadata(path).map_err(io)?)?;
    let nonblocking = OFlags::NONBLOCK.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(nonblocking).open(path).map_err(io)?;
    let about = file.metadata().map_err(io)?;
    require_regular(path, &about)?;
    Ok((file, about.len()))
}

fn require_regular(path: &Path, about: &Metadata) -> Result<(), DataError> {
    let kind = about.file_type();
    let what = if kind.is_file() {
        return Ok(());
    } else if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    };
    Err(DataError::NotAFile { path: path.to_owned(), what })
}

/// All bytes of a plain file of at most `limit`.
pub(super) fn whole(path: &Path, limit: u64) -> Result<Vec<u8>, DataError> {
    let (file, size) = open(path)?;
    if size > limit {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes: size, limit });
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(limit).read_to_end(&mut bytes).map_err(|source| DataError::io(path, source))?;
    Ok(bytes)
}

/// The first bytes of a file, as they are there.
pub(super) fn head(path: &Path) -> Result<Vec<u8>, DataError> {
    let (file, _) = open(path)?;
    let mut bytes = Vec::new();
    file.take(16).read_to_end(&mut bytes).map_err(|source| DataError::io(path, source))?;
    Ok(bytes)
}

/// Whether a file is compressed by its first bytes.
pub(super) fn is_packed(head: &[u8]) -> bool {
    head.starts_with(&[0x1f, 0x8b])
}

/// A file, unpacked if it is gzip, and how long it is. `size` sees the first `head` bytes (fewer of a shorter file) and
/// says how many bytes there should be: of a compressed file no more than that and one are unpacked.
pub(super) fn store(
    path: &Path,
    head: usize,
    size: impl FnOnce(&[u8]) -> Result<u64, DataError>,
) -> Result<(Store, u64), DataError> {
    let io = |source| DataError::io(path, source);
    let (file, length) = open(path)?;
    let mut first = vec![0; head.min(usize::try_from(length).unwrap_or(head))];
    file.read_exact_at(&mut first, 0).map_err(io)?;
    if !is_packed(&first) {
        size(&first)?;
        return Ok((Store::File(file), length));
    }
    let mut packed = Packed::new(path, file);
    packed.read(head as u64)?;
    let wanted = size(&packed.bytes)?;
    if wanted > MAX_UNPACKED {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes: wanted, limit: MAX_UNPACKED });
    }
    packed.read((wanted + 1).saturating_sub(packed.bytes.len() as u64))?;
    let length = packed.bytes.len() as u64;
    // Fewer are for the caller to refuse, who knows what they are of.
    if length == wanted {
        packed.require_end()?;
    }
    Ok((Store::Memory(packed.bytes), length))
}

/// All bytes of a gzip file of at most `limit`, of which the packed ones are given.
pub(super) fn unpack(path: &Path, packed: &[u8], limit: u64) -> Result<Vec<u8>, DataError> {
    let mut packed = Packed::new(path, packed);
    packed.read(limit + 1)?;
    let bytes = packed.bytes.len() as u64;
    if bytes > limit {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes, limit });
    }
    packed.require_end()?;
    Ok(packed.bytes)
}

/// A gzip file that is being unpacked: members behind each other, whose contents are joined.
struct Packed<'a, R: Read> {
    path: &'a Path,
    /// The member that is read; none behind the last.
    member: Option<GzDecoder<BufReader<R>>>,
    bytes: Vec<u8>,
    /// Whether it broke off before its end, where length and checksum stand.
    broken: bool,
}

impl<'a, R: Read> Packed<'a, R> {
    fn new(path: &'a Path, file: R) -> Self {
        let member = Some(GzDecoder::new(BufReader::new(file)));
        Self { path, member, bytes: Vec::new(), broken: false }
    }

    fn bad(&self, what: impl Into<String>) -> DataError {
        DataError::BadGzip { path: self.path.to_owned(), what: what.into() }
    }

    /// At most so many bytes more; of a file that breaks off, what it has.
    fn read(&mut self, most: u64) -> Result<(), DataError> {
        let end = self.bytes.len() as u64 + most;
        while let Some(member) = &mut self.member {
            let left = end.saturating_sub(self.bytes.len() as u64);
            if left == 0 {
                break;
            }
            match member.take(left).read_to_end(&mut self.bytes) {
                Ok(got) if got as u64 == left => break,
                Ok(_) => self.member = self.next()?,
                Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
                    self.broken = true;
                    break;
                }
                // What the system says of a file that cannot be read has a number.
                Err(e) if e.raw_os_error().is_none() => return Err(self.bad(e.to_string())),
                Err(e) => return Err(DataError::io(self.path, e)),
            }
        }
        Ok(())
    }

    /// The member behind one that has ended.
    fn next(&mut self) -> Result<Option<GzDecoder<BufReader<R>>>, DataError> {
        let Some(mut rest) = self.member.take().map(GzDecoder::into_inner) else { return Ok(None) };
        match rest.fill_buf().map_err(|e| DataError::io(self.path, e))? {
            [] => Ok(None),
            [0x1f, ..] => Ok(Some(GzDecoder::new(rest))),
            _ => Err(self.bad("bytes that are no gzip follow its end")),
        }
    }

    fn require_end(&self) -> Result<(), DataError> {
        match self.broken {
            true => Err(self.bad("it is cut before its end, where its checksum stands")),
            false => Ok(()),
        }
    }
}

/// Whether there is something to open that is no folder; what it is shows when it is opened.
pub(super) fn is_there(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok() && !path.is_dir()
}

/// The last part of a path in lower case.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default()
}
