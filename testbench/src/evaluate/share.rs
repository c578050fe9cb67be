//! Parts of a whole.

use serde::Serialize;

/// Some of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Share {
    /// Some.
    pub n: u64,
    /// All.
    pub of: u64,
}

impl Share {
    /// Between 0 and 1; 0 of nothing.
    pub fn rate(self) -> f64 {
        if self.of == 0 {
            return 0.0;
        }
        self.n as f64 / self.of as f64
    }
}
