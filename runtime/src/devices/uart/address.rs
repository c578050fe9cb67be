//! What an address says: a port and its speed.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Bits a second, in an address `first` or `first,then`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// What the bridge starts with.
    pub first: u32,
    /// What both sides go on with.
    pub then: Option<u32>,
}

impl Default for Speed {
    fn default() -> Self {
        Self { first: 1_000_000, then: None }
    }
}

impl FromStr for Speed {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // Adapters for boards reach 12 Mbaud; a simulated line is as fast as its core allows.
        let baud = |text: &str| match text.parse() {
            Ok(baud @ 9_600..=25_000_000) => Ok(baud),
            _ => Err(()),
        };
        match text.split_once(',') {
            Some((first, then)) => Ok(Self { first: baud(first)?, then: Some(baud(then)?) }),
            None => Ok(Self { first: baud(text)?, then: None }),
        }
    }
}

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        self.then.map_or(Ok(()), |then| write!(f, ",{then}"))
    }
}

/// A port and its speed.
pub(super) fn port(text: &str) -> Option<(PathBuf, Speed)> {
    let (path, speed) = match text.rsplit_once('@') {
        Some((path, speed)) => (path, speed.parse().ok()?),
        None => (text, Speed::default()),
    };
    path.starts_with('/').then(|| (path.into(), speed))
}
