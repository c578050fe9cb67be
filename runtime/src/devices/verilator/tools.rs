//! What a build is made with: its options, its tools, and what they say.

use spikegate_contract::abandon;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::error::BuildError;

/// What a build is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The library was in the cache.
    Cached,
    /// Verilator translates.
    Verilating,
    /// The C++ compiler has done `done` of `total` files.
    Compiling {
        /// Files done.
        done: usize,
        /// Files in all.
        total: usize,
    },
    /// Everything is joined.
    Linking,
}

/// How a core is built.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for built libraries, see [`crate::cache::Cache::open`].
    pub cache: Option<PathBuf>,
    /// Build with waveforms (FST), which makes the core slower even where none is written.
    pub waves: bool,
    /// Build so that bits of the memories can be inverted, see [`super::Verilated::flip`].
    pub flips: bool,
    /// C++ compilers at a time; `None`: as many as the machine has cores.
    pub jobs: Option<usize>,
    /// The Verilator program.
    pub verilator: PathBuf,
    /// The C++ compiler.
    pub cxx: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache: None,
            waves: false,
            flips: false,
            jobs: None,
            verilator: "verilator".into(),
            cxx: "g++".into(),
        }
    }
}

/// Runs a program that must exist.
pub(super) fn start(command: &mut Command, package: &'static str) -> Result<Output, BuildError> {
    abandon::output(command).map_err(|source| BuildError::MissingTool {
        tool: command.get_program().to_string_lossy().into_owned(),
        package,
        source,
    })
}

/// The lines of a failed program worth showing: those with `mark`, else the last.
pub(super) fn tail(output: &Output, mark: &str) -> String {
    const LINES: usize = 12;
    let text = [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).join("\n");
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    let marked: Vec<&str> = lines.iter().copied().filter(|l| l.contains(mark)).take(LINES).collect();
    let last = || lines[lines.len().saturating_sub(LINES)..].to_vec();
    let shown = if marked.is_empty() { last() } else { marked };
    shown.iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")
}
