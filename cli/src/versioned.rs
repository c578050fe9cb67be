//! The form of what programs read, which says which version of it this is.

use serde::Serialize;

/// Raised on any change that a program could notice.
const FORMAT_VERSION: u32 = 1;

/// A struct as programs read it: its fields behind `format_version`.
#[derive(Serialize)]
pub struct Versioned<T> {
    format_version: u32,
    #[serde(flatten)]
    said: T,
}

impl<T> Versioned<T> {
    /// Of the present version.
    pub fn new(said: T) -> Self {
        Self { format_version: FORMAT_VERSION, said }
    }
}
