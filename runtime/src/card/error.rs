//! Why a card is not served.

use std::path::PathBuf;
use thiserror::Error;

/// A card that cannot be served.
#[derive(Debug, Error)]
pub enum CardError {
    /// Somebody serves this socket.
    #[error("{}: another card is served there; choose another socket, or end the other card", path.display())]
    InUse {
        /// Socket.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("{}: cannot serve a card there: {source}; is the folder there, and may you write to it?", path.display())]
    Socket {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// The path is too long for a socket.
    #[error(
        "{}: a socket's path of {} bytes, expected at most {most}; choose a shorter one, or go to its folder and name \
         it from there", path.display(), path.as_os_str().len()
    )]
    TooLong {
        /// Socket.
        path: PathBuf,
        /// Most bytes.
        most: usize,
    },
    /// The file in the way cannot be removed.
    #[error("{}: a file is in the way: {source}; remove it or choose another socket", path.display())]
    InTheWay {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// No more drivers can be served.
    #[error("{}: drivers cannot be waited for any more: {source}; start the card again", path.display())]
    Listen {
        /// Socket.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
}
