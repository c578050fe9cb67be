//! Loading a bitstream into a board with openFPGALoader.

use spikegate_contract::abandon;
use spikegate_contract::bundle::BundleError;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use thiserror::Error;

use crate::board::{Board, Flow, Loader};
use crate::families;
use crate::files::{self, failed, hash, FileError};
use crate::held::create;
use crate::image::{Image, ImageError};
use crate::report::{Implementation, IMPLEMENTATION, IMPLEMENTATION_VERSION};
use crate::tools::{last_words, ToolError, Toolbox, OPEN_FPGA_LOADER};

/// The bitstream in a folder that `synth` filled.
pub const BITSTREAM: &str = "spikegate.bit";
/// File of what openFPGALoader says.
const LOG: &str = "program.log";

/// Where the bitstream goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// Into the FPGA: gone when the power goes.
    Fpga,
    /// Into the board's flash memory.
    Flash,
}

/// A board that cannot be loaded.
#[derive(Debug, Error)]
pub enum ProgramError {
    /// There is no bitstream.
    #[error("there is no bitstream for board {board} ({} does not exist)", path.display())]
    None {
        /// Board.
        board: String,
        /// Where it would be.
        path: PathBuf,
        /// How it is made.
        make: String,
    },
    /// The bitstream belongs to something else.
    #[error("{}: {field} is {got}, expected {expected}", path.display())]
    Other {
        /// File.
        path: PathBuf,
        /// What differs.
        field: &'static str,
        /// What it is.
        got: String,
        /// What it should be.
        expected: String,
    },
    /// Another program loads this board.
    #[error("board {board} is loaded with Vivado's hardware manager, not with openFPGALoader")]
    Vivado {
        /// Board.
        board: String,
        /// Bitstream.
        bitstream: PathBuf,
    },
    /// The cable is not known.
    #[error("openFPGALoader does not know board {board}")]
    Cable {
        /// Board.
        board: String,
    },
    /// openFPGALoader has not loaded it.
    #[error("{} failed ({status}):\n{said}", OPEN_FPGA_LOADER.name())]
    Loader {
        /// How it ended.
        status: String,
        /// What it said last, errors first.
        said: String,
    },
    /// The report of the bitstream.
    #[error(transparent)]
    Report(#[from] Box<BundleError>),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// An image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
}

/// Where a bitstream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bitstream<'a> {
    /// In the folder that `synth` filled.
    Folder(&'a Path),
    /// Beside a description that is kept, see [`Image`].
    Image(&'a Path),
}

fn make(board: &Board) -> String {
    families::of(board).map_or_else(String::new, |family| family.make())
}

/// Loads a bitstream into a board: a copy of the bytes that were checked. `verilog_hash` is the SHA-256 of the design's Verilog, which the
/// bitstream must have been made of. Gives the command line that was run.
///
/// # Errors
/// See [`ProgramError`].
pub fn program(
    board: &Board,
    from: Bitstream,
    verilog_hash: &str,
    target: Target,
    cable: Option<&str>,
    tools: &Toolbox,
) -> Result<String, ProgramError> {
    let bitstream = match from {
        Bitstream::Folder(folder) => folder.join(BITSTREAM),
        Bitstream::Image(path) => Image::bitstream(path)?,
    };
    let bits = match files::read(&bitstream, files::BITSTREAM) {
        Err(error) if error.source.kind() == ErrorKind::NotFound => {
            return Err(ProgramError::None { board: board.id.clone(), path: bitstream, make: make(board) })
        }
        other => other?,
    };
    if board.programmer.tool != Loader::OpenFpgaLoader {
        return Err(ProgramError::Vivado { board: board.id.clone(), bitstream });
    }
    if board.flow == Flow::Open {
        belongs(board, from, &bitstream, &bits, verilog_hash)?;
    }
    let mut args: Vec<String> = Vec::new();
    match (&board.programmer.board, &board.programmer.part, cable) {
        (Some(name), _, _) => args.extend(["--board".to_owned(), name.to_string()]),
        (None, Some(part), Some(_)) => args.extend(["--fpga-part".to_owned(), part.to_string()]),
        _ => return Err(ProgramError::Cable { board: board.id.clone() }),
    }
    if let Some(cable) = cable {
        args.extend(["--cable".to_owned(), cable.to_owned()]);
    }
    if target == Target::Flash {
        args.push("--write-flash".to_owned());
    }
    // With the folder in front no name is taken for an option.
    let name = bitstream.file_name().unwrap_or_default();
    args.push(format!("./{}", name.to_string_lossy()));
    load(&args, name.as_ref(), &bits, tools)?;
    Ok(format!("openFPGALoader {}", args.join(" ")))
}

/// Runs openFPGALoader on a copy of a bitstream, in a folder that nobody else has and that goes with it.
fn load(args: &[String], name: &Path, bits: &[u8], tools: &Toolbox) -> Result<(), ProgramError> {
    let made = tempfile::Builder::new().prefix("spikegate-program-").tempdir();
    let folder = made.map_err(failed("create a folder in", &std::env::temp_dir()))?;
    let _ends = abandon::folder(folder.path().to_owned());
    create(&folder.path().join(name), bits)?;
    match tools.run(&OPEN_FPGA_LOADER, args, folder.path(), &folder.path().join(LOG)) {
        Ok(said) => said_done(&said),
        Err(ToolError::Failed { status, said, .. }) => Err(ProgramError::Loader { status, said }),
        Err(error) => Err(error.into()),
    }
}

/// openFPGALoader exits with 0 after many a failure: what it said decides.
fn said_done(said: &str) -> Result<(), ProgramError> {
    const FAILURES: [&str; 8] =
        ["error", "fail", "unable", "not found", "mismatch", "wrong", "unknown idcode", "no device"];
    let text = said.to_ascii_lowercase();
    let failed = text.lines().find(|line| FAILURES.iter().any(|word| line.contains(word)));
    let done = text.lines().any(|line| line.trim_end().ends_with("done") || line.contains("100.00%"));
    let status = match failed {
        Some(_) => "it exits with 0 all the same",
        None if done => return Ok(()),
        None => "it exits with 0 and says nothing of a load",
    };
    Err(ProgramError::Loader { status: status.to_owned(), said: last_words(said) })
}

/// Bytes of the bitstream in the folder that `synth` filled for a board, checked as [`program`] does before it loads.
///
/// # Errors
/// See [`ProgramError`].
pub fn judge(folder: &Path, board: &str, verilog_hash: &str) -> Result<u64, ProgramError> {
    let (path, bitstream) = (folder.join(IMPLEMENTATION), folder.join(BITSTREAM));
    let made = Implementation::read(&path)?;
    if made.board != board {
        return differs(&path, "the board", &made.board, board);
    }
    let bits = files::read(&bitstream, files::BITSTREAM)?;
    is_of(&path, &made, (&bitstream, &bits), verilog_hash)?;
    Ok(bits.len() as u64)
}

fn differs<T>(path: &Path, field: &'static str, got: &str, expected: &str) -> Result<T, ProgramError> {
    let (got, expected) = (got.to_owned(), expected.to_owned());
    Err(ProgramError::Other { path: path.to_owned(), field, got, expected })
}

/// Checks that a bitstream is the one of its report, and the report of this version and that of the design.
fn is_of(
    path: &Path,
    made: &Implementation,
    (bitstream, bits): (&Path, &[u8]),
    verilog_hash: &str,
) -> Result<(), ProgramError> {
    if made.format_version != IMPLEMENTATION_VERSION {
        let (got, expected) = (made.format_version.to_string(), IMPLEMENTATION_VERSION.to_string());
        return differs(path, "the version of its format", &got, &expected);
    }
    if made.verilog_hash != verilog_hash {
        return differs(path, "the hash of its Verilog", &made.verilog_hash, verilog_hash);
    }
    let hash = hash(bits);
    if hash != made.bitstream_hash {
        return differs(bitstream, "its hash", &hash, &made.bitstream_hash);
    }
    Ok(())
}

/// Checks that a bitstream is the one of its report, and the report that of the board and design.
fn belongs(
    board: &Board,
    from: Bitstream,
    bitstream: &Path,
    bits: &[u8],
    verilog_hash: &str,
) -> Result<(), ProgramError> {
    let (path, made): (_, Implementation) = match from {
        Bitstream::Image(path) => (path.to_owned(), Image::read(path)?.implementation),
        Bitstream::Folder(folder) => {
            let path = folder.join(IMPLEMENTATION);
            let made = Implementation::read(&path)?;
            (path, made)
        }
    };
    if made.part != *board.device.part {
        return differs(&path, "the part", &made.part, &board.device.part);
    }
    is_of(&path, &made, (bitstream, bits), verilog_hash)
}

impl Failure for ProgramError {
    fn kind(&self) -> Kind {
        match self {
            Self::Report(source) => source.kind(),
            Self::File(source) => source.kind(),
            Self::Image(source) => source.kind(),
            Self::Tool(source) => source.kind(),
            Self::Vivado { .. } | Self::Loader { .. } => Kind::Missing,
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::None { make, .. } => Some(make.clone().into()),
            Self::Other { .. } | Self::Report(_) => Some("run `spikegate synth` again".into()),
            Self::Vivado { bitstream, .. } => Some(format!("open {} there", bitstream.display()).into()),
            Self::Cable { .. } => {
                Some("name its cable with --cable, `openFPGALoader --list-cables` lists all".into())
            }
            Self::Loader { .. } => {
                Some("is the board connected and switched on, and may this user open its cable?".into())
            }
            Self::File(source) => source.help(),
            Self::Image(source) => source.help(),
            Self::Tool(source) => source.help(),
        }
    }
}
