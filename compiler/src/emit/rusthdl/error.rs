//! Why a crate is not written.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

/// A RustHDL crate that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// The libraries are not where they were when this program was built.
    #[error("{} does not hold the spikegate libraries (hdl/ and hdl/contract/) any more", path.display())]
    Moved {
        /// Where they were.
        path: PathBuf,
    },
    /// The given folder does not hold the libraries.
    #[error("{} does not hold the spikegate libraries: {} is missing", path.display(), missing.display())]
    NoLibraries {
        /// What was given.
        path: PathBuf,
        /// What should be there.
        missing: PathBuf,
    },
    /// A path that no `Cargo.toml` can name.
    #[error("{} cannot be written in a Cargo.toml because it is not UTF-8", path.display())]
    NotText {
        /// The path.
        path: PathBuf,
    },
    /// The target holds something else.
    #[error("{} exists and is not an emitted RustHDL crate", path.display())]
    NotACrate {
        /// Target.
        path: PathBuf,
    },
    /// Another compile has it.
    #[error("another compile is writing to {}", path.display())]
    Busy {
        /// The folder in which it makes the crate.
        path: PathBuf,
    },
    /// The target is an emitted crate that somebody has worked on.
    #[error("{} was {what} after the crate was written", path.display())]
    Edited {
        /// The file.
        path: PathBuf,
        /// What happened to it.
        what: &'static str,
    },
    /// The file system said no.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was tried.
        what: &'static str,
        /// File or folder.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
}

impl Failure for EmitError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Moved { .. } => Some("give their folder with --libraries DIR".into()),
            Self::NoLibraries { .. } => {
                Some("give the folder of the spikegate sources with --libraries DIR".into())
            }
            Self::NotText { .. } => Some("give another folder with --libraries DIR".into()),
            Self::NotACrate { .. } => Some("give another output folder".into()),
            Self::Busy { .. } => Some("wait for it, or give another output folder".into()),
            Self::Edited { .. } => Some("move the crate away, or give another output folder".into()),
            Self::Io { .. } => {
                Some("check the permissions and the space there, or give another output folder".into())
            }
        }
    }
}
