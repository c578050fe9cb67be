//! Kinds of files with weights, a file each. Another one is a file with its functions and a line in [`TABLE`].

use super::source::{Content, Opening, Source};
use super::{checkpoint, pth, safetensors, ImportError};
use crate::graph::Assumption;

/// All kinds; the last takes what no other does, and refuses by name what it is not.
const TABLE: [Source; 2] = [
    Source { recognise: pth::is_zip, open: checkpoint::open },
    Source { recognise: |_| true, open: safetensors::open },
];

/// Opens a file whose first bytes are `head`.
pub(super) fn open<'a, 'r>(
    head: &[u8],
    opening: Opening<'a, 'r>,
    assumed: &mut Vec<Assumption>,
) -> Result<Content<'a, 'r>, ImportError> {
    let [.., last] = &TABLE;
    let source = TABLE.iter().find(|source| (source.recognise)(head)).unwrap_or(last);
    (source.open)(opening, head, assumed)
}
