//! The open flow for ECP5 boards: Yosys, nextpnr-ecp5 and ecppack, to a bitstream with real pins.
//!
//! | file in the board's folder | what |
//! | --- | --- |
//! | `board_top.v`, `board_pll.v`, `uart.v`, `spikegate.v` | the sources |
//! | `board.lpf` | pins and oscillator |
//! | `netlist.json`, `cells.json`, `synth.log` | synthesis |
//! | `placed.json` | the netlist as place and route gets it, see [`crate::netlist`] |
//! | `seed-N.cfg`, `seed-N.json`, `seed-N.log` | place and route, one run per seed until the timing is met |
//! | `seed-N-netlist.json` | the netlist that is placed and routed |
//! | `spikegate.bit`, `pack.log` | the bitstream |
//! | `implementation.json` | [`Implementation`] |
//! | `*.step.json` | what each step was made of, see [`crate::step`] |

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use thiserror::Error;

use super::constraints;
use super::pll::Pll;
use crate::board::{Board, Flow, Resources};
use crate::clock::ClockError;
use crate::estimate::{cost, largest_fitting, Estimator, Part};
use crate::files::{self, FileError};
use crate::held::{create, Held};
use crate::netlist::{self, NetlistError};
use crate::report::{self, Implementation, ReportError, Seed, Timing, Use};
use crate::shell;
use crate::step::Step;
use crate::tools::{Tool, ToolError, Toolbox};
use crate::top::{self, TopError, BOARD_TOP};
use spikegate_contract::array::ArrayConfig;
use spikegate_contract::failure::{Failure, Kind};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Clock of the core in MHz; the board's without it.
    pub mhz: Option<f64>,
    /// Seeds to try, from 1 on.
    pub seeds: u32,
}

/// A bitstream that could not be made.
#[derive(Debug, Error)]
pub enum FlowError {
    /// The board has another flow.
    #[error("board {board} has the vendor's flow")]
    Board {
        /// Board.
        board: String,
    },
    /// The design does not fit the board's top.
    #[error(transparent)]
    Top(#[from] TopError),
    /// The clock cannot be made.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// A tool.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A module that does not follow our rules: a fault in this program.
    #[error("the UART bridge cannot be written: {0}")]
    Bridge(#[from] spikegate_hdl::lang::verilog::LintError),
    /// More than the device holds.
    #[error("the design needs {used} {what}, {board} has {available}")]
    TooLarge {
        /// Board.
        board: String,
        /// Kind of block.
        what: String,
        /// Needed, at least.
        used: u64,
        /// There are.
        available: u64,
        /// Arguments of `compile` for the largest smaller array that fits by estimate.
        smaller: Option<String>,
    },
    /// The netlist cannot be read.
    #[error(transparent)]
    Netlist(#[from] NetlistError),
    /// The clock is too fast.
    #[error(
        "no seed of {} meets {wanted} MHz on {board}; the best is {best:.2} MHz with seed {seed}, worst path {path}",
        tried.len()
    )]
    Timing {
        /// Board.
        board: String,
        /// Wanted clock in MHz.
        wanted: f64,
        /// Best result in MHz.
        best: f64,
        /// Its seed.
        seed: u32,
        /// Its slowest path.
        path: String,
        /// All seeds.
        tried: Vec<Seed>,
    },
    /// The tool worked towards another clock.
    #[error(
        "place and route worked towards {got} MHz, expected {wanted} MHz: the constraint did not reach it"
    )]
    Constraint {
        /// Wanted clock in MHz.
        wanted: f64,
        /// What it worked towards, in MHz.
        got: f64,
    },
}

/// What to do about a design that is too large; `smaller` are arguments of `compile`.
fn advice(smaller: Option<&str>) -> String {
    smaller.map_or("compile the model for a smaller array (--array)".to_owned(), |arguments| {
        format!("compile the model for {arguments}, which fits by estimate")
    })
}

/// One step of a dry run.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Planned {
    /// Step.
    pub step: String,
    /// Command line.
    pub command: String,
}

/// Name of the step of synthesis.
pub const SYNTH: &str = "synth";
/// Name of the step that makes the netlist for place and route.
pub const CARRIES: &str = "carries";
/// Leaf cells of the core in a form for the part, in place of the core's own.
const CELLS: &str = "cells.v";
/// Their text for the ECP5.
pub(crate) const CELLS_TEXT: &str = include_str!("cells.v");
/// What arrays are estimated as.
pub(super) const PART: Part = Part::Ecp5;
/// Programs of the flow, in order.
pub(super) const TOOLS: [Tool; 3] = [Tool::Yosys, Tool::Nextpnr, Tool::Ecppack];

/// A design on its way to a board.
#[derive(Clone, Debug)]
pub struct Job {
    board: Board,
    array: ArrayConfig,
    pll: Pll,
    divider: u32,
    seeds: u32,
    /// Name and text of each source.
    sources: Vec<(&'static str, String)>,
    lpf: String,
}

impl Job {
    /// Checks that a design (its Verilog with the top module `spikegate`, and its array) suits a board.
    ///
    /// # Errors
    /// The board has another flow or no memory for the design, or the clock cannot be made.
    pub fn new(
        board: &Board,
        verilog: &str,
        array: &ArrayConfig,
        options: Options,
    ) -> Result<Self, FlowError> {
        if board.flow != Flow::Open {
            return Err(FlowError::Board { board: board.id.clone() });
        }
        let (pll, divider) = clock(board, options.mhz)?;
        let sources = vec![
            ("spikegate.v", verilog.to_owned()),
            ("uart.v", spikegate_hdl::uart_bridge()?),
            ("board_pll.v", pll.verilog()),
            ("board_top.v", top::verilog(board, array, divider)?),
            (CELLS, CELLS_TEXT.to_owned()),
        ];
        let lpf = constraints::lpf(board);
        Ok(Self {
            board: board.clone(),
            array: array.clone(),
            pll,
            divider,
            seeds: options.seeds.max(1),
            sources,
            lpf,
        })
    }

    /// Clock of the core in MHz.
    pub fn clock_mhz(&self) -> f64 {
        self.pll.output_mhz
    }

    fn synth_args(&self) -> Vec<String> {
        let files: Vec<String> =
            self.sources.iter().filter(|(name, _)| *name != CELLS).map(|(name, _)| above(name)).collect();
        let script = format!(
            "read_verilog {}; read_verilog -overwrite ../{CELLS}; synth_ecp5 -abc9 -top {BOARD_TOP} -json netlist.json; tee -q -o cells.json stat -json",
            files.join(" ")
        );
        vec!["-p".to_owned(), script]
    }

    fn place_args(&self, seed: u32) -> Vec<String> {
        let device = &self.board.device;
        let size = format!("--{}", device.size.as_deref().unwrap_or_default());
        let mhz = self.pll.output_mhz.to_string();
        let [cfg, json, netlist] = placed(seed);
        let number = seed.to_string();
        // A run that misses the clock still says by how much: whether it is met is decided here.
        let args = [
            &size,
            "--package",
            &device.package,
            "--speed",
            &device.speed,
            "--json",
            "../placed.json",
            "--top",
            BOARD_TOP,
            "--lpf",
            "../board.lpf",
            "--textcfg",
            &cfg,
            "--report",
            &json,
            "--write",
            &netlist,
            "--freq",
            &mhz,
            "--seed",
            &number,
            "--timing-allow-fail",
        ];
        args.iter().map(|a| (*a).to_owned()).collect()
    }

    fn pack_args(seed: u32) -> Vec<String> {
        vec!["--compress".to_owned(), above(&placed(seed)[0]), "spikegate.bit".to_owned()]
    }

    /// The commands in order; those of later seeds and of the last step run when the timing asks for it.
    pub fn plan(&self) -> Vec<Planned> {
        let planned = |step: &str, tool: Tool, args: &[String]| Planned {
            step: step.to_owned(),
            command: format!(
                "{} {}",
                tool.names()[0],
                args.iter().map(|a| shell::word(a)).collect::<Vec<_>>().join(" ")
            ),
        };
        let mut out = vec![planned("synth", Tool::Yosys, &self.synth_args())];
        out.extend(
            (1..=self.seeds).map(|s| planned(&format!("seed-{s}"), Tool::Nextpnr, &self.place_args(s))),
        );
        out.push(planned("pack", Tool::Ecppack, &Self::pack_args(1)));
        out
    }

    /// Makes the bitstream in `folder`; `progress` is told each step and whether it is left out.
    ///
    /// # Errors
    /// See [`FlowError`].
    pub fn run(
        &self,
        folder: &Held,
        tools: &Toolbox,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Implementation, FlowError> {
        let mut versions = BTreeMap::new();
        for tool in TOOLS {
            versions.insert(tool.names()[0], tools.version(tool)?);
        }
        let version = |tool: Tool| versions[tool.names()[0]].clone().into_bytes();
        // For people and for `board`: the steps work on copies of their own.
        for (name, text) in &self.sources {
            folder.write(name, text.as_bytes())?;
        }
        folder.write("board.lpf", self.lpf.as_bytes())?;

        progress("synthesis");
        let args = self.synth_args();
        let settings = vec![args.join("\n").into_bytes(), version(Tool::Yosys)];
        let names: Vec<String> = self.sources.iter().map(|(name, _)| above(name)).collect();
        let files =
            names.iter().zip(&self.sources).map(|(name, (_, text))| (&name[..], text.as_bytes().into()));
        let outputs = ["netlist.json", "cells.json"];
        let synth = Step { folder, name: SYNTH, settings, files: files.collect(), outputs: &outputs };
        let log = folder.join("synth.log");
        synth.run::<FlowError>(|dir| Ok(tools.run(Tool::Yosys, &args, dir, &log).map(drop)?))?;
        let path = folder.join("cells.json");
        fits(&self.board, &self.array, &report::cells(&path, &files::read(&path, files::TEXT)?)?)?;

        let path = folder.join("netlist.json");
        let text = files::read(&path, files::ARTEFACT)?;
        let files = vec![("netlist.json", text.as_slice().into())];
        let carries = Step { folder, name: CARRIES, settings: vec![], files, outputs: &["placed.json"] };
        carries.run::<FlowError>(|dir| {
            let wrong = |e: serde_json::Error| NetlistError { path: path.clone(), what: e.to_string() };
            let mut netlist = serde_json::from_slice(&text).map_err(wrong)?;
            netlist::open_carries(&path, &mut netlist)?;
            Ok(create(&dir.join("placed.json"), &serde_json::to_vec(&netlist).map_err(wrong)?)?)
        })?;
        let netlist = files::read(&folder.join("placed.json"), files::ARTEFACT)?;
        let mut tried = Vec::new();
        let mut best: Option<(u32, Timing)> = None;
        for seed in 1..=self.seeds {
            progress(&format!("place and route, seed {seed} of at most {}", self.seeds));
            let timing = self.place(folder, tools, seed, &netlist, version(Tool::Nextpnr))?;
            tried.push(Seed { seed, fmax_mhz: timing.fmax_mhz });
            if best.as_ref().is_none_or(|(_, b)| timing.fmax_mhz > b.fmax_mhz) {
                best = Some((seed, timing));
            }
            if best.as_ref().is_some_and(|(_, b)| b.fmax_mhz >= self.pll.output_mhz) {
                break;
            }
        }
        // At least one seed is tried.
        let Some((seed, timing)) = best else {
            return Err(FlowError::Constraint { wanted: self.pll.output_mhz, got: 0.0 });
        };
        if timing.fmax_mhz < self.pll.output_mhz {
            return Err(FlowError::Timing {
                board: self.board.id.clone(),
                wanted: self.pll.output_mhz,
                best: timing.fmax_mhz,
                seed,
                path: timing.worst.text(),
                tried,
            });
        }

        progress("bitstream");
        let args = Self::pack_args(seed);
        let [config, _, routed] = placed(seed);
        let settings = vec![args.join("\n").into_bytes(), version(Tool::Ecppack)];
        let (name, config) = (above(&config), files::read(&folder.join(&config), files::ARTEFACT)?);
        let files = vec![(&name[..], config.into())];
        let pack = Step { folder, name: "pack", settings, files, outputs: &["spikegate.bit"] };
        let log = folder.join("pack.log");
        pack.run::<FlowError>(|dir| Ok(tools.run(Tool::Ecppack, &args, dir, &log).map(drop)?))?;

        let bitstream = folder.join("spikegate.bit");
        let made = Implementation {
            format_version: report::IMPLEMENTATION_VERSION,
            board: self.board.id.clone(),
            part: self.board.device.part.to_string(),
            clock_mhz: self.pll.output_mhz,
            source: "route".to_owned(),
            fmax_mhz: timing.fmax_mhz,
            seed,
            seeds: tried,
            resources: resources(&self.board.resources, &timing),
            worst_path: timing.worst,
            baud: 1e6 * self.pll.output_mhz / f64::from(self.divider),
            tools: versions.into_iter().map(|(name, v)| (name.to_owned(), v)).collect(),
            verilog_hash: files::hash(self.sources[0].1.as_bytes()),
            bitstream_hash: files::hash(&files::read(&bitstream, files::BITSTREAM)?),
            netlist_hash: files::hash(&files::read(&folder.join(&routed), files::ARTEFACT)?),
            bitstream: "spikegate.bit".to_owned(),
        };
        // Numbers and strings have a JSON form.
        let json = serde_json::to_vec_pretty(&made).unwrap_or_default();
        folder.write(report::IMPLEMENTATION, &json)?;
        Ok(made)
    }

    fn place(
        &self,
        folder: &Held,
        tools: &Toolbox,
        seed: u32,
        netlist: &[u8],
        version: Vec<u8>,
    ) -> Result<Timing, FlowError> {
        let args = self.place_args(seed);
        let settings = vec![args.join("\n").into_bytes(), version];
        let files = vec![("../placed.json", netlist.into()), ("../board.lpf", self.lpf.as_bytes().into())];
        let name = format!("seed-{seed}");
        let [cfg, json, routed] = placed(seed);
        let step = Step { folder, name: &name, settings, files, outputs: &[&cfg, &json, &routed] };
        let log: PathBuf = folder.join(format!("{name}.log"));
        step.run::<FlowError>(|dir| Ok(tools.run(Tool::Nextpnr, &args, dir, &log).map(drop)?))?;
        let path = folder.join(&json);
        let timing = report::timing(&path, &files::read(&path, files::ARTEFACT)?)?;
        let wanted = self.pll.output_mhz;
        // nextpnr keeps periods in whole picoseconds.
        if (timing.constraint_mhz / wanted - 1.0).abs() > 1e-3 {
            return Err(FlowError::Constraint { wanted, got: timing.constraint_mhz });
        }
        Ok(timing)
    }
}

/// A file that lies above the folder that a program runs in.
fn above(name: &str) -> String {
    format!("../{name}")
}

/// The clock generator for a clock in MHz, the board's own without it, and the cycles of a bit on the host's line.
///
/// # Errors
/// The board cannot make it.
pub(super) fn clock(board: &Board, mhz: Option<f64>) -> Result<(Pll, u32), ClockError> {
    let pll = Pll::new(board.clock.mhz, mhz.unwrap_or(board.core_mhz))?;
    let divider = top::divider(board, pll.output_mhz)?;
    Ok((pll, divider))
}

/// Files of a run of place and route: configuration, report, netlist.
fn placed(seed: u32) -> [String; 3] {
    ["seed-{}.cfg", "seed-{}.json", "seed-{}-netlist.json"].map(|name| name.replace("{}", &seed.to_string()))
}

/// Refuses a netlist that cannot fit, before place and route spends an hour on it.
fn fits(board: &Board, array: &ArrayConfig, cells: &BTreeMap<String, u64>) -> Result<(), FlowError> {
    let needed = cost::at_least(cells);
    let r = &board.resources;
    let all = [
        ("look-up tables".to_owned(), needed.lut, r.lut),
        ("flip-flops".to_owned(), needed.ff, r.ff),
        (format!("block memories {}", r.bram_name), needed.bram, r.bram),
        (format!("multipliers {}", r.dsp_name), needed.dsp, r.dsp),
    ];
    for (what, used, available) in all {
        if used > available {
            // The advice is no more than that: an estimator that cannot be read does not hide what is wrong.
            let smaller = Estimator::builtin().ok().and_then(|e| largest_fitting(e, board, PART, array));
            let smaller = smaller.map(|a| shell::arguments(&a));
            return Err(FlowError::TooLarge { board: board.id.clone(), what, used, available, smaller });
        }
    }
    Ok(())
}

/// The four kinds of block that people ask for, as place and route counts them.
fn resources(names: &Resources, timing: &Timing) -> Vec<Use> {
    let of = |what: &str, key: &str| {
        let (used, available) = timing.used.get(key).copied().unwrap_or((0, 0));
        Use::new(what, used, available)
    };
    vec![
        of("LUT", "TRELLIS_COMB"),
        of("FF", "TRELLIS_FF"),
        of(names.bram_name.split(' ').next().unwrap_or("BRAM"), "DP16KD"),
        of(names.dsp_name.split(' ').next().unwrap_or("DSP"), "MULT18X18D"),
    ]
}

impl Failure for FlowError {
    fn kind(&self) -> Kind {
        match self {
            Self::Top(source) => source.kind(),
            Self::Clock(source) => source.kind(),
            Self::Tool(source) => source.kind(),
            Self::File(source) => source.kind(),
            Self::Report(source) => source.kind(),
            Self::Netlist(source) => source.kind(),
            Self::Bridge(..) => Kind::Bug,
            Self::TooLarge { .. } | Self::Timing { .. } => Kind::Check,
            _ => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Board { .. } => Some("the open flow makes bitstreams for ECP5 boards only".into()),
            Self::Top(source) => source.help(),
            Self::Clock(source) => source.help(),
            Self::Tool(source) => source.help(),
            Self::File(source) => source.help(),
            Self::Report(source) => source.help(),
            Self::Bridge(..) => Some("report this".into()),
            Self::TooLarge { smaller, .. } => {
                Some(format!("{}, or choose a larger board", advice(smaller.as_deref())).into())
            }
            Self::Netlist(source) => source.help(),
            Self::Timing { best, .. } => {
                Some(format!("ask for --freq {} or less, or for more --seeds", best.floor()).into())
            }
            Self::Constraint { .. } => Some("compare the port names of board_top.v and board.lpf".into()),
        }
    }
}
