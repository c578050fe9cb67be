//! What a kind of file with weights is, and what comes out of one.

use super::input::Input;
use super::tensors::Tensors;
use super::ImportError;
use crate::graph::Assumption;

/// What is in a file, or why it is refused.
pub(super) type Opened<'a, 'r> = Result<Content<'a, 'r>, ImportError>;

/// A kind of file.
pub(super) struct Source {
    /// Whether a file is of this kind, by its first bytes.
    pub recognise: fn(head: &[u8]) -> bool,
    /// Opens it: every tensor by its key, none of them read.
    pub open: for<'a, 'r> fn(Opening<'a, 'r>, head: &[u8], assumed: &mut Vec<Assumption>) -> Opened<'a, 'r>,
}

/// A file that is to be opened.
pub(super) struct Opening<'a, 'r> {
    /// For messages.
    pub file: &'r str,
    pub input: Input<'a>,
    /// Its length.
    pub bytes: u64,
    /// The network in a file of several, see [`Request::weights`](super::Request::weights).
    pub wanted: Option<&'r str>,
}

/// What a file holds.
pub(super) struct Content<'a, 'r> {
    pub tensors: Tensors<'a>,
    /// Constants in the file.
    pub metadata: Option<String>,
    /// A prefix of keys that the caller asked for.
    pub prefix: Option<&'r str>,
    /// Names that the caller could have asked for.
    pub dicts: Vec<String>,
}
