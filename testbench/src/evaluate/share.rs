//! Parts of a whole.

use serde::{Deserialize, Serialize};

/// Some of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Share {
    /// Some.
    pub n: u64,
    /// All.
    pub of: u64,
}

impl Share {
    /// A share of something; none of nothing.
    pub fn of(n: u64, of: u64) -> Option<Self> {
        (of > 0).then_some(Self { n, of })
    }

    /// With so many more, of so many.
    pub fn plus(self, n: u64, of: usize) -> Self {
        Self { n: self.n + n, of: self.of + of as u64 }
    }

    /// Between 0 and 1; 0 of nothing.
    pub fn rate(self) -> f64 {
        if self.of == 0 {
            return 0.0;
        }
        self.n as f64 / self.of as f64
    }
}
