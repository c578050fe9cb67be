//! Why the golden model does not stand for a design.

use spikegate_golden::GoldenError;
use thiserror::Error;

/// A design that the golden model cannot stand for.
#[derive(Debug, Error)]
pub enum GoldenDeviceError {
    /// The network cannot be computed.
    #[error("{dir}: {source}; compile the model again")]
    Network {
        /// Folder.
        dir: String,
        /// Cause.
        source: Box<GoldenError>,
    },
}
