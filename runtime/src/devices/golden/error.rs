//! Why the golden model does not stand for a design.

use spikegate_contract::failure::{Failure, Kind};
use spikegate_golden::GoldenError;
use std::borrow::Cow;
use thiserror::Error;

/// A design that the golden model cannot stand for.
#[derive(Debug, Error)]
pub enum GoldenDeviceError {
    /// The network cannot be computed.
    #[error("{dir}: {source}")]
    Network {
        /// Folder.
        dir: String,
        /// Cause.
        source: Box<GoldenError>,
    },
}

impl Failure for GoldenDeviceError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        Some("compile the model again".into())
    }
}
