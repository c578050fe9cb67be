//! Reading whole files, plain or gzip, with a limit.

use super::DataError;
use flate2::read::MultiGzDecoder;
use std::io::Read;
use std::path::Path;

/// Most bytes of one data set file in memory, unpacked: 2 GiB.
pub(super) const MAX_BYTES: u64 = 2 << 30;

/// Bytes of a file; unpacked if it is gzip by its first bytes. Reads at most `limit(first bytes) + 1` bytes,
/// where `limit` sees the first `head` unpacked bytes (fewer if the file is shorter): a header can so
/// bound how much a small compressed file unpacks to.
pub(super) fn read(
    path: &Path,
    head: usize,
    limit: impl FnOnce(&[u8]) -> Result<u64, DataError>,
) -> Result<Vec<u8>, DataError> {
    let io = |source| DataError::io(path, source);
    let mut file = std::fs::File::open(path).map_err(io)?;
    if !file.metadata().map_err(io)?.is_file() {
        return Err(DataError::Unsupported {
            path: path.to_owned(),
            what: "something that is not a regular file".to_owned(),
            todo: "give a file or a folder",
        });
    }
    let mut magic = Vec::new();
    (&mut file).take(2).read_to_end(&mut magic).map_err(io)?;
    let packed = magic == [0x1f, 0x8b];
    let start = std::io::Cursor::new(magic).chain(file);
    let mut reader: Box<dyn Read> =
        if packed { Box::new(MultiGzDecoder::new(start)) } else { Box::new(start) };
    let mut bytes = Vec::new();
    // A compressed stream that breaks off gives what it has; the caller knows how much there should be.
    let cut = |e: &std::io::Error| packed && e.kind() == std::io::ErrorKind::UnexpectedEof;
    let mut fill = |bytes: &mut Vec<u8>, most: u64| match reader.by_ref().take(most).read_to_end(bytes) {
        Err(e) if !cut(&e) => Err(io(e)),
        _ => Ok(()),
    };
    fill(&mut bytes, head as u64)?;
    let limit = limit(&bytes)?;
    if limit > MAX_BYTES {
        return Err(DataError::TooLarge { path: path.to_owned(), bytes: limit, limit: MAX_BYTES });
    }
    let rest = (limit + 1).saturating_sub(bytes.len() as u64);
    fill(&mut bytes, rest)?;
    Ok(bytes)
}
