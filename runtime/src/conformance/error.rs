//! A check that a device does not pass.

use crate::device::DeviceError;
use crate::devices::OpenError;
use crate::session::SessionError;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_golden::trace::TraceError;
use spikegate_golden::GoldenError;
use std::borrow::Cow;
use thiserror::Error;

/// A check that a device does not pass.
#[derive(Debug, Error)]
pub enum ConformanceError {
    /// It does something else than it must.
    #[error("{what}")]
    Differs {
        /// What it does, and what it must do.
        what: String,
    },
    /// It does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// An access fails.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A session with it fails.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Its dumps cannot be decoded.
    #[error(transparent)]
    Trace(#[from] TraceError),
    /// There is nothing to compare with.
    #[error(transparent)]
    Golden(#[from] GoldenError),
}

impl Failure for ConformanceError {
    fn kind(&self) -> Kind {
        match self {
            Self::Differs { .. } => Kind::Check,
            Self::Open(source) => source.kind(),
            Self::Device(source) => source.kind(),
            Self::Session(source) => source.kind(),
            Self::Trace(source) => source.kind(),
            Self::Golden(source) => source.kind(),
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Differs { .. } => None,
            Self::Open(source) => source.help(),
            Self::Device(source) => source.help(),
            Self::Session(source) => source.help(),
            Self::Trace(source) => source.help(),
            Self::Golden(source) => source.help(),
        }
    }
}
