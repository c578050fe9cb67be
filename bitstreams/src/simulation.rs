//! A board in Verilator: its top with all pins, its serial port behind a pseudo-terminal.
//!
//! What a host program finds there is a serial port, so that everything that runs on a board runs on the simulation:
//! of the sources, of the netlist that synthesis made, or of the netlist that is placed and routed. The clock generator
//! hands the oscillator on, or two of them have the clocks of core and memory at their ratio; the pins' timing is counted in
//! cycles of the core.

use std::borrow::Cow;
use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use thiserror::Error;

use crate::board::{Board, Level};
use crate::controller::Controller;
use crate::crossing::{pll, Clocking};
use crate::files::{self, hash, FileError};
use crate::flow::{CARRIES, SYNTH};
use crate::gates;
use crate::held::Held;
use crate::netlist::NetlistError;
use crate::report::{Implementation, IMPLEMENTATION};
use crate::step::{Record, Step};
use crate::tools::{ToolError, Toolbox, VERILATOR};
use crate::top::{self, TopError, BOARD_TOP};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::BundleError;
use spikegate_contract::failure::{Failure, Kind};

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The Verilog.
    Source,
    /// The netlist of synthesis, as place and route gets it.
    Synthesis,
    /// The netlist that nextpnr writes when it has placed and routed.
    Route,
}

/// A simulation that cannot be made or run.
#[derive(Debug, Error)]
pub enum SimulationError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// The design does not fit the board's top.
    #[error(transparent)]
    Top(#[from] TopError),
    /// A netlist.
    #[error(transparent)]
    Netlist(#[from] NetlistError),
    /// A module that does not follow our rules: a fault in this program.
    #[error("the UART bridge cannot be written: {0}")]
    Bridge(#[from] spikegate_hdl::lang::verilog::LintError),
    /// There is no netlist.
    #[error("{} is not there", path.display())]
    NoNetlist {
        /// File.
        path: PathBuf,
    },
    /// The netlist is another design's.
    #[error("{} was made of another design or for another clock", path.display())]
    Other {
        /// What says so.
        path: PathBuf,
    },
    /// The simulation does not start or stops by itself.
    #[error("the simulation {} {what}", program.display())]
    Stopped {
        /// Program.
        program: PathBuf,
        /// What happened.
        what: String,
    },
}

/// A design on a board, to be simulated.
#[derive(Clone, Debug)]
pub struct Simulation<'a> {
    /// Board.
    pub board: &'a Board,
    /// Verilog of the core.
    pub verilog: &'a str,
    /// Its array.
    pub array: &'a ArrayConfig,
    /// Clock of the core in MHz for [`Form::Source`]; the netlists have the clock that they were made for.
    pub mhz: Option<f64>,
    /// Folder of the board, as `synth` fills it.
    pub folder: &'a Path,
    /// Folder for the program, which is run: one that is this user's alone, and never one that came with a design.
    pub cache: &'a Path,
}

/// A program that simulates a board.
#[derive(Clone, Debug, PartialEq)]
pub struct Built {
    /// The program; its arguments are those of `simulation/port.cpp`.
    pub program: PathBuf,
    /// Clock of the core in Hz.
    pub clock: f64,
    /// Clock of the memory's controller in Hz, where it is another one.
    pub memory_clock: Option<f64>,
    /// Speed of the serial port in baud after a reset.
    pub baud: f64,
}

/// Faults that the line makes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Seed of what follows.
    pub seed: u64,
    /// One byte of so many is flipped, lost or doubled; 0 is none.
    pub one_in: u32,
    /// From this byte on, 700 are lost in each direction; 0 is never.
    pub cut_at: u32,
}

/// The board's memory in simulation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Seed of how late its byte lanes are.
    pub seed: u32,
    /// Byte lanes that cannot be read, a bit each.
    pub dead: u8,
    /// What lies in it at the start, a file for `$readmemh` of words as wide as its port.
    pub contents: Option<PathBuf>,
}

impl Memory {
    /// As the models take it.
    fn args(&self) -> Vec<String> {
        let Self { seed, dead, contents } = self;
        let mut args = vec![format!("+memory_seed={seed}"), format!("+memory_dead={dead}")];
        args.extend(contents.iter().map(|path| format!("+memory={}", path.display())));
        args
    }
}

/// What a simulation counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Cycles of the core.
    pub cycles: u64,
    /// Bytes that came from the host.
    pub bytes_in: u64,
    /// Bytes that went to the host.
    pub bytes_out: u64,
    /// Faults on the line.
    pub faults: u64,
}

const PORT: &str = include_str!("simulation/port.cpp");

impl Simulation<'_> {
    /// Builds the program in the cache, unless it is there.
    ///
    /// # Errors
    /// See [`SimulationError`].
    pub fn build(&self, form: Form, tools: &Toolbox) -> Result<Built, SimulationError> {
        let folder = self.folder;
        let mhz = self.mhz.unwrap_or(self.board.core_mhz);
        let mut memory_clock = None;
        let (sources, mhz, divider) = match form {
            Form::Source => {
                let divider = top::divider(self.board, mhz)?;
                let crossed = |controller: &Controller| controller.clocking(mhz) == Clocking::Crossed;
                let controller = top::controller(self.board, self.array)?.filter(crossed);
                memory_clock = controller.map(|controller| 1e6 * controller.clock_mhz);
                (self.sources(mhz)?, mhz, divider)
            }
            Form::Synthesis => {
                let divider = top::divider(self.board, mhz)?;
                // The divider is in the netlist: its sources must be those that are asked for.
                let top = top::verilog(self.board, self.array, mhz)?;
                let path = folder.join("placed.json");
                let placed = present(&path)?;
                let made = |step| Record::of(folder, step);
                let netlist = present(&folder.join("netlist.json"))?;
                let chain = made(SYNTH).zip(made(CARRIES)).is_some_and(|(synth, carries)| {
                    synth.read("../board_top.v", top.as_bytes())
                        && synth.read("../spikegate.v", self.verilog.as_bytes())
                        && synth.made("netlist.json", &netlist)
                        && carries.read("netlist.json", &netlist)
                        && carries.made("placed.json", &placed)
                });
                if !chain {
                    return Err(SimulationError::Other { path });
                }
                (verilog(&path, &placed)?, mhz, divider)
            }
            Form::Route => {
                let path = folder.join(IMPLEMENTATION);
                let made = implementation(&path)?;
                if made.verilog_hash != hash(self.verilog.as_bytes()) {
                    return Err(SimulationError::Other { path });
                }
                let routed = folder.join(format!("seed-{}-netlist.json", made.seed));
                let json = present(&routed)?;
                // A later run of synth that missed its clock has left another one.
                if hash(&json) != made.netlist_hash {
                    return Err(SimulationError::Other { path: routed });
                }
                let divider = (1e6 * made.clock_mhz / made.baud).round() as u32;
                (verilog(&routed, &json)?, made.clock_mhz, divider)
            }
        };
        let mut args = arguments(form, &sources);
        if let Some(reset) = &self.board.pins.reset {
            args.extend([
                "-CFLAGS".to_owned(),
                format!("-DRESET_PRESSED={}", u8::from(reset.active == Level::High)),
            ]);
        }
        let name = match form {
            Form::Source => "simulation-source",
            Form::Synthesis => "simulation-synthesis",
            Form::Route => "simulation-route",
        };
        let settings = vec![tools.version(&VERILATOR)?.into_bytes(), args.join("\n").into_bytes()];
        let mut files: Vec<(&str, Cow<[u8]>)> = vec![("port.cpp", PORT.as_bytes().into())];
        files.extend(sources.iter().map(|(name, text)| (*name, text.as_bytes().into())));
        let parts = settings.iter().map(|part| hash(part)).chain(files.iter().map(|(_, text)| hash(text)));
        let key = hash(parts.collect::<String>().as_bytes());
        let folder = &Held::cache(&self.cache.join(format!("board-{key}")))?;
        let build = Step { folder, name, settings, files, outputs: &[name] };
        let log = folder.join(format!("{name}.log"));
        build.run::<SimulationError>(|dir| {
            tools.run(&VERILATOR, &args, dir, &log)?;
            let (from, to) = (dir.join("obj_dir").join(format!("V{BOARD_TOP}")), dir.join(name));
            fs::rename(&from, &to).map_err(|source| FileError { action: "find", path: from, source })?;
            Ok(())
        })?;
        let clock = 1e6 * mhz;
        Ok(Built { program: folder.join(name), clock, memory_clock, baud: clock / f64::from(divider) })
    }

    fn sources(&self, mhz: f64) -> Result<Vec<(&'static str, String)>, SimulationError> {
        let mut sources = vec![
            ("board_top.v", top::verilog(self.board, self.array, mhz)?),
            ("uart.v", spikegate_hdl::uart_bridge()?),
            ("spikegate.v", self.verilog.to_owned()),
        ];
        let controller = top::controller(self.board, self.array)?;
        let clocking = controller.as_ref().map(|controller| controller.clocking(mhz));
        if let Some((controller, clocking)) = controller.zip(clocking) {
            sources.extend(controller.simulated(clocking));
            sources.push(("bring_up.v", spikegate_hdl::bring_up(&controller.recipe())?));
        }
        match clocking {
            None => sources.insert(1, ("board_pll.v", pll(Clocking::Shared))),
            Some(Clocking::Crossed) => sources.push(("board_pll.v", pll(Clocking::Crossed))),
            Some(Clocking::Shared) => {}
        }
        Ok(sources)
    }
}

/// A file that synth must have written.
fn present(path: &Path) -> Result<Vec<u8>, SimulationError> {
    match files::read(path, files::ARTEFACT) {
        Err(error) if error.source.kind() == io::ErrorKind::NotFound => {
            Err(SimulationError::NoNetlist { path: path.to_owned() })
        }
        other => Ok(other?),
    }
}

/// What synth says of its bitstream.
fn implementation(path: &Path) -> Result<Implementation, SimulationError> {
    Implementation::read(path).map_err(|error| {
        let path = path.to_owned();
        match *error {
            BundleError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                SimulationError::NoNetlist { path }
            }
            _ => SimulationError::Other { path },
        }
    })
}

/// A netlist as Verilog, with the models that it needs.
fn verilog(path: &Path, json: &[u8]) -> Result<Vec<(&'static str, String)>, SimulationError> {
    Ok(vec![("board_top.v", gates::verilog(path, json, BOARD_TOP)?), ("models.v", gates::MODELS.to_owned())])
}

/// Arguments of Verilator.
fn arguments(form: Form, sources: &[(&'static str, String)]) -> Vec<String> {
    let mut args = vec!["--cc", "--exe", "--build", "-j", "2", "-O3", "--top-module", BOARD_TOP];
    args.extend(["--output-split", "20000", "--output-split-cfuncs", "2000", "-CFLAGS", "-O1"]);
    args.extend(["-MAKEFLAGS", "OPT_FAST=-O1", "-MAKEFLAGS", "OPT_SLOW=-O0"]);
    let mut args: Vec<String> = args.into_iter().map(str::to_owned).collect();
    match form {
        Form::Source => {
            args.push("-Wall".to_owned());
            args.extend(spikegate_hdl::lang::verilog::waived());
        }
        // Nobody wrote a netlist by hand.
        _ => args.extend(["-Wno-fatal", "-Wno-lint", "-Wno-style"].map(str::to_owned)),
    }
    args.extend(sources.iter().map(|(name, _)| (*name).to_owned()));
    args.push("port.cpp".to_owned());
    args
}

/// A simulated board that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    /// The program ends when this is closed: with this process at the latest.
    _input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    program: PathBuf,
    /// Its serial port.
    pub port: PathBuf,
}

impl Running {
    /// Starts a program; with `once` it ends when a host program closes the port.
    ///
    /// # Errors
    /// [`SimulationError::Stopped`].
    pub fn start(built: &Built, line: Line, memory: &Memory, once: bool) -> Result<Self, SimulationError> {
        let program = built.program.clone();
        let stopped = |what: String| SimulationError::Stopped { program: built.program.clone(), what };
        let Line { seed, one_in, cut_at } = line;
        let mut child = Command::new(&program)
            .args([built.clock, built.memory_clock.unwrap_or_default()].map(|hertz| hertz.to_string()))
            .args([seed.to_string(), one_in.to_string(), cut_at.to_string()])
            .arg(u8::from(once).to_string())
            .args(memory.args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|e| stopped(format!("cannot be run: {e}")))?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or_else(|| stopped("has no output".to_owned()))?;
        let mut output = BufReader::new(output);
        let mut port = String::new();
        output.read_line(&mut port).map_err(|e| stopped(e.to_string()))?;
        let port = port.trim();
        if port.is_empty() {
            return Err(stopped("opened no pseudo-terminal".to_owned()));
        }
        Ok(Self { child, _input: input, output, program, port: port.into() })
    }

    /// Waits until it ends by itself.
    ///
    /// # Errors
    /// [`SimulationError::Stopped`].
    pub fn wait(mut self) -> Result<Counts, SimulationError> {
        let mut text = String::new();
        let status = self.output.read_to_string(&mut text).and_then(|_| self.child.wait());
        let numbers: Vec<u64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
        match (status, &numbers[..]) {
            (Ok(status), &[cycles, bytes_in, bytes_out, faults]) if status.success() => {
                Ok(Counts { cycles, bytes_in, bytes_out, faults })
            }
            (status, _) => {
                let what = status
                    .map_or_else(|e: io::Error| e.to_string(), |s| format!("ended ({s}) with {text:?}"));
                Err(SimulationError::Stopped { program: self.program, what })
            }
        }
    }
}

impl Failure for SimulationError {
    fn kind(&self) -> Kind {
        match self {
            Self::File(source) => source.kind(),
            Self::Tool(source) => source.kind(),
            Self::Top(source) => source.kind(),
            Self::Netlist(source) => source.kind(),
            Self::Bridge(..) => Kind::Bug,
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::File(source) => source.help(),
            Self::Tool(source) => source.help(),
            Self::Top(source) => source.help(),
            Self::Netlist(source) => source.help(),
            Self::Bridge(..) => Some("report this".into()),
            Self::NoNetlist { .. } => Some("run `spikegate synth` for this board first".into()),
            Self::Other { .. } => Some("run `spikegate synth` for this board again".into()),
            Self::Stopped { .. } => Some("delete its folder and try again".into()),
        }
    }
}
