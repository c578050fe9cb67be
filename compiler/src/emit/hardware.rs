//! The accelerator's Verilog, made from an array configuration and from nothing else.
//!
//! Verilog can do what a program can (`$system`, `$c`, DPI), and whoever sends a design can make all its hashes. So the
//! `spikegate.v` of a folder is only compared: what is simulated or synthesised is the text that this module makes.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::{config_hash, files, first_word, sha256, Design};
use spikegate_contract::failure::{Failure, Kind};
use spikegate_hdl::lang::verilog::LintError;
use std::borrow::Cow;

/// A generated accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hardware {
    /// Register `config_hash`.
    pub config: u32,
    /// Register `build_hash`: the hash of the same text with a build hash of zero.
    pub build: u32,
    /// The text.
    pub verilog: String,
}

/// Verilog that is not made, or not the design's.
#[derive(Debug, thiserror::Error)]
pub enum HardwareError {
    /// A fault of this program.
    #[error("the accelerator cannot be written: {0}")]
    Lint(#[from] LintError),
    /// Somebody else's Verilog.
    #[error(
        "{path}: line {line} is {got:?}, expected {expected:?}, which this program makes of the array in {}",
        files::MANIFEST
    )]
    Other {
        /// File.
        path: String,
        /// First line that differs, from 1.
        line: usize,
        /// The line.
        got: String,
        /// What it would be.
        expected: String,
    },
}

/// Makes the accelerator of an array.
///
/// # Errors
/// [`HardwareError::Lint`].
pub fn generate(array: &ArrayConfig) -> Result<Hardware, HardwareError> {
    let config = first_word(&config_hash(array));
    let build = first_word(&sha256(spikegate_hdl::generate(array, config, 0)?.as_bytes()));
    Ok(Hardware { config, build, verilog: spikegate_hdl::generate(array, config, build)? })
}

/// Makes the accelerator of a design anew, which must be the one in its folder.
///
/// # Errors
/// See [`HardwareError`].
pub fn of(design: &Design) -> Result<Hardware, HardwareError> {
    let made = generate(&design.manifest.array)?;
    if made.verilog == design.verilog {
        return Ok(made);
    }
    let (mut got, mut expected) = (design.verilog.split('\n'), made.verilog.split('\n'));
    // Two texts that differ have a line that differs, if only for its absence.
    for line in 1.. {
        let (got, expected) = (got.next(), expected.next());
        if got != expected || got.is_none() {
            let short =
                |text: Option<&str>| text.map_or("(the end)".to_owned(), |t| t.chars().take(60).collect());
            let path = design.dir.join(files::VERILOG).display().to_string();
            return Err(HardwareError::Other { path, line, got: short(got), expected: short(expected) });
        }
    }
    Ok(made)
}

impl Failure for HardwareError {
    fn kind(&self) -> Kind {
        match self {
            Self::Lint(..) => Kind::Bug,
            Self::Other { .. } => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Lint(..) => Some("report this".into()),
            Self::Other { .. } => Some(
                "the Verilog was changed or made by another version, and is not used: compile the \
                 model again"
                    .into(),
            ),
        }
    }
}
