//! What can be wrong with the files of a design.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use thiserror::Error;

use super::{files, FORMAT_VERSION};
use crate::array::ArrayError;
use crate::failure::{Failure, Kind};
use crate::network::Invalid;

/// A design that is not used.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The file system said no.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// A pipe, a device or a folder.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// File.
        path: PathBuf,
    },
    /// More than any design has.
    #[error("{} holds {got} bytes or more, expected at most {most}", path.display())]
    TooLarge {
        /// File.
        path: PathBuf,
        /// Bytes found.
        got: u64,
        /// Most bytes.
        most: u64,
    },
    /// Not the expected JSON.
    #[error("{} is not a valid design file: {source}", path.display())]
    Json {
        /// File.
        path: PathBuf,
        /// Cause.
        source: serde_json::Error,
    },
    /// A string with control characters.
    #[error("{} holds the text {text:?}, expected no control characters", path.display())]
    Unprintable {
        /// File.
        path: PathBuf,
        /// The text.
        text: String,
    },
    /// A prefix that is no identifier.
    #[error(
        "{} has the Verilog prefix {got:?}, expected an identifier of at most 64 letters, digits and _",
        path.display()
    )]
    Prefix {
        /// File.
        path: PathBuf,
        /// Prefix found.
        got: String,
    },
    /// Another version.
    #[error(
        "{} has format version {got}, expected {FORMAT_VERSION}: another version of this program made it",
        path.display()
    )]
    Version {
        /// File.
        path: PathBuf,
        /// Version found.
        got: u64,
    },
    /// The manifest does not name the files of a design.
    #[error("{} names the files {got}, expected {}", path.display(), files::HELD.join(", "))]
    Files {
        /// Manifest.
        path: PathBuf,
        /// The names.
        got: String,
    },
    /// Neurons that the design's array does not have.
    #[error("{} has neurons at `{node}` that the array in {} is without", path.display(), files::MANIFEST)]
    Neurons {
        /// File of the network.
        path: PathBuf,
        /// Name of the population.
        node: String,
    },
    /// Cut, or something follows.
    #[error("{} holds {got} bytes, {} says {expected}", path.display(), files::MANIFEST)]
    Size {
        /// File.
        path: PathBuf,
        /// Bytes found.
        got: u64,
        /// Bytes of the file that was written.
        expected: u64,
    },
    /// Changed.
    #[error("{}: its SHA-256 is {got}, {} says {expected}", path.display(), files::MANIFEST)]
    Hash {
        /// File.
        path: PathBuf,
        /// Hash of the file.
        got: String,
        /// Hash in the manifest.
        expected: String,
    },
    /// A field of the manifest that follows from others does not.
    #[error("{}: {field} is {got}, expected {expected} of the rest", path.display())]
    Follows {
        /// Manifest.
        path: PathBuf,
        /// Field.
        field: &'static str,
        /// Its value.
        got: String,
        /// What follows from the rest.
        expected: String,
    },
    /// The manifest says the same in another form.
    #[error("{} is not in the form that it was written in", path.display())]
    Form {
        /// Manifest.
        path: PathBuf,
    },
    /// An array that cannot be built.
    #[error("{}: {source}", path.display())]
    Array {
        /// Manifest.
        path: PathBuf,
        /// Cause.
        source: ArrayError,
    },
    /// A network outside the contract.
    #[error("{}: {source}", path.display())]
    Network {
        /// File.
        path: PathBuf,
        /// Cause.
        source: Invalid,
    },
    /// Weights and shapes disagree.
    #[error("{} holds {got} bytes, the network needs {expected}", path.display())]
    Weights {
        /// File.
        path: PathBuf,
        /// Bytes found.
        got: u64,
        /// Bytes needed.
        expected: u128,
    },
    /// A plan that no planner makes.
    #[error("{}: {what} is {got}, expected {expected}", path.display())]
    Plan {
        /// File.
        path: PathBuf,
        /// Which number.
        what: String,
        /// Its value.
        got: u64,
        /// What is possible.
        expected: String,
    },
    /// Not a sequence of packets.
    #[error("{} does not end with a packet", path.display())]
    Packets {
        /// File.
        path: PathBuf,
    },
    /// Not text.
    #[error("{} is not text", path.display())]
    Text {
        /// File.
        path: PathBuf,
    },
}

impl Failure for BundleError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Io { .. } => Some("is this folder the output of `spikegate compile`?".into()),
            Self::NotAFile { .. } => Some("a design has regular files only: compile the model again".into()),
            Self::TooLarge { .. }
            | Self::Json { .. }
            | Self::Prefix { .. }
            | Self::Version { .. }
            | Self::Files { .. }
            | Self::Form { .. }
            | Self::Array { .. }
            | Self::Network { .. }
            | Self::Weights { .. }
            | Self::Neurons { .. }
            | Self::Plan { .. }
            | Self::Packets { .. }
            | Self::Text { .. } => Some("compile the model again".into()),
            Self::Unprintable { .. } => Some("do not trust this folder, compile the model again".into()),
            Self::Size { .. } | Self::Hash { .. } | Self::Follows { .. } => {
                Some("the file is damaged, or the folder mixes two designs: compile the model again".into())
            }
        }
    }
}
