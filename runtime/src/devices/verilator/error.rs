//! What can go wrong before a Verilated core runs.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::path::PathBuf;
use thiserror::Error;

use crate::cache::CacheError;

/// A Verilated core that cannot be built or loaded.
#[derive(Debug, Error)]
pub enum BuildError {
    /// A program is not installed.
    #[error("cannot start {tool}: {source}")]
    MissingTool {
        /// Program.
        tool: String,
        /// Debian package that has it.
        package: &'static str,
        /// Cause.
        source: std::io::Error,
    },
    /// Verilator is too old.
    #[error("{tool} is version {got}, expected {expected} or newer")]
    OldTool {
        /// Program.
        tool: String,
        /// Version found.
        got: String,
        /// Oldest version that works.
        expected: &'static str,
    },
    /// A program is there and does not work.
    #[error("{tool} does not work: `{command}` {got}")]
    BrokenTool {
        /// Program.
        tool: String,
        /// What was tried.
        command: String,
        /// What came of it.
        got: String,
        /// What to do.
        help: String,
    },
    /// A program failed.
    #[error("{step} of {name} failed: {tool} says\n{log}")]
    Tool {
        /// "Verilating", "compiling" or "linking".
        step: &'static str,
        /// Program.
        tool: String,
        /// The design.
        name: String,
        /// The last lines that it wrote.
        log: String,
        /// What to do.
        help: &'static str,
    },
    /// The cache is not used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// The library does not load.
    #[error("cannot load the simulation of {name}: {message}")]
    Load {
        /// The design.
        name: String,
        /// Where it is kept.
        cache: PathBuf,
        /// Cause.
        message: String,
    },
}

impl Failure for BuildError {
    fn kind(&self) -> Kind {
        match self {
            Self::Cache(source) => source.kind(),
            Self::MissingTool { .. } | Self::OldTool { .. } | Self::BrokenTool { .. } | Self::Tool { .. } => {
                Kind::Missing
            }
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::MissingTool { package, .. } => {
                Some(format!("install it with `apt-get install {package}`").into())
            }
            Self::OldTool { .. } => Some("install it with `apt-get install verilator`".into()),
            Self::BrokenTool { help, .. } => Some(help.clone().into()),
            Self::Tool { help, .. } => Some((*help).into()),
            Self::Cache(source) => source.help(),
            Self::Load { cache, .. } => {
                Some(format!("delete the folder {}, it is built again", cache.display()).into())
            }
        }
    }
}
