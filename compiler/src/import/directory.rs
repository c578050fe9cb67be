//! Names in a zip archive's directory, each as often as it stands there: what reads the archive keeps one of a name.

use super::input::Input;
use std::collections::HashSet;
use std::io::{self, BufReader, Read, SeekFrom};

/// A file's header in the directory, without its name.
const HEADER: usize = 46;

/// The first name that stands twice in a directory that begins at `start`.
pub(super) fn doubled(input: &mut Input<'_>, start: u64) -> io::Result<Option<String>> {
    input.seek(SeekFrom::Start(start))?;
    let mut input = BufReader::new(input);
    let mut seen = HashSet::new();
    loop {
        let mut header = [0; HEADER];
        // What the directory ends with is shorter.
        if input.read_exact(&mut header).is_err() || !header.starts_with(b"PK\x01\x02") {
            return Ok(None);
        }
        let length = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let mut name = vec![0; usize::from(length(28))];
        input.read_exact(&mut name)?;
        input.seek_relative(i64::from(length(30)) + i64::from(length(32)))?;
        let text = String::from_utf8_lossy(&name).into_owned();
        if !seen.insert(name) {
            return Ok(Some(text));
        }
    }
}
