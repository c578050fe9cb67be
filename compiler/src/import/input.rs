//! A model's bytes.

use std::io::{Read, Seek};

/// Largest file that is read, and most bytes of weights, 1 GiB: ResNet-104 in F64 is below it.
pub const MAX_FILE_BYTES: u64 = 1 << 30;

/// Bytes with a position: a file, or a slice of memory.
pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}
/// A model's bytes.
pub(super) type Input<'a> = Box<dyn ReadSeek + 'a>;
