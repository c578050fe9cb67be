//! Why a card is not served.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::path::PathBuf;
use thiserror::Error;

/// A card that cannot be served.
#[derive(Debug, Error)]
pub enum CardError {
    /// Somebody serves this socket.
    #[error("{}: another card is served there", path.display())]
    InUse {
        /// Socket.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("{}: cannot serve a card there: {source}", path.display())]
    Socket {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The path is too long for a socket.
    #[error("{}: a socket's path of {} bytes, expected at most {most}", path.display(), path.as_os_str().len())]
    TooLong {
        /// Socket.
        path: PathBuf,
        /// Most bytes.
        most: usize,
    },
    /// The file in the way cannot be removed.
    #[error("{}: a file is in the way: {source}", path.display())]
    InTheWay {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// No more drivers can be served.
    #[error("{}: drivers cannot be waited for any more: {source}", path.display())]
    Listen {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
}

impl Failure for CardError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::InUse { .. } => Some("choose another socket, or end the other card".into()),
            Self::Socket { .. } => Some("is the folder there, and may you write to it?".into()),
            Self::TooLong { .. } => {
                Some("choose a shorter one, or go to its folder and name it from there".into())
            }
            Self::InTheWay { .. } => Some("remove it or choose another socket".into()),
            Self::Listen { .. } => Some("start the card again".into()),
        }
    }
}
