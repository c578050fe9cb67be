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
    /// The text under the usual prefix, of which simulations and bitstreams are made.
    pub verilog: String,
    /// The prefix of the text in a design's folder.
    pub prefix: String,
    /// That text: the same but for its names.
    pub named: String,
}

/// Whether the modules of an accelerator can be named so, see [`generate_as`].
pub use spikegate_hdl::lang::verilog::names_modules;

/// Verilog that is not made, or not the design's.
#[derive(Debug, thiserror::Error)]
pub enum HardwareError {
    /// A fault of this program.
    #[error("the accelerator cannot be written: {0}")]
    Lint(#[from] LintError),
    /// A word that names no module.
    #[error("the Verilog prefix {got:?} is no identifier that Verilog leaves free")]
    Prefix {
        /// Prefix found.
        got: String,
    },
    /// The hash of another text.
    #[error("{path} has the Verilog's hash {got}, expected {expected}, which this program's has")]
    Hash {
        /// File.
        path: String,
        /// Hash found.
        got: String,
        /// Hash of the text made.
        expected: String,
    },
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
    generate_as(array, spikegate_hdl::TOP)
}

/// As [`generate`], with `prefix` as the name of the top module and at the beginning of all other modules' names in the
/// text for a design's folder. The hashes in it are those of the usual text: it is the same hardware.
///
/// # Errors
/// [`HardwareError::Prefix`], [`HardwareError::Lint`].
pub fn generate_as(array: &ArrayConfig, prefix: &str) -> Result<Hardware, HardwareError> {
    if !names_modules(prefix) {
        return Err(HardwareError::Prefix { got: prefix.to_owned() });
    }
    let config = first_word(&config_hash(array));
    let build = first_word(&sha256(spikegate_hdl::generate(array, config, 0)?.as_bytes()));
    let verilog = spikegate_hdl::generate(array, config, build)?;
    let named = match prefix == spikegate_hdl::TOP {
        true => verilog.clone(),
        false => spikegate_hdl::generate_as(prefix, array, config, build)?,
    };
    Ok(Hardware { config, build, verilog, prefix: prefix.to_owned(), named })
}

/// Makes the accelerator of a design anew, which must be the one in its folder but for the prefix of its names.
///
/// # Errors
/// See [`HardwareError`].
pub fn of(design: &Design) -> Result<Hardware, HardwareError> {
    let made = generate_as(&design.manifest.array, &design.manifest.verilog_prefix)?;
    if made.named == design.verilog {
        let (got, expected) = (design.manifest.verilog_hash.clone(), sha256(made.verilog.as_bytes()));
        if got != expected {
            let path = design.dir.join(files::MANIFEST).display().to_string();
            return Err(HardwareError::Hash { path, got, expected });
        }
        return Ok(made);
    }
    let (mut got, mut expected) = (design.verilog.split('\n'), made.named.split('\n'));
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
            Self::Prefix { .. } | Self::Hash { .. } | Self::Other { .. } => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Lint(..) => Some("report this".into()),
            Self::Prefix { .. } | Self::Hash { .. } => Some("compile the model again".into()),
            Self::Other { .. } => Some(
                "the Verilog was changed or made by another version, and is not used: compile the \
                 model again"
                    .into(),
            ),
        }
    }
}
