//! What place and route says, as numbers: use of the device, clock, worst path.

use serde::{Deserialize, Serialize};
use spikegate_contract::bundle::{read, BundleError};
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use thiserror::Error;

use crate::files;

/// Version of [`Implementation`]. Raised on any change that a reader could notice.
pub const IMPLEMENTATION_VERSION: u32 = 2;
/// File of an [`Implementation`] in the folder of a board.
pub const IMPLEMENTATION: &str = "implementation.json";

/// Use of one kind of block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// What.
    pub what: String,
    /// Used.
    pub used: u64,
    /// There are.
    pub available: u64,
    /// Share in percent, to a tenth.
    pub percent: f64,
}

impl Use {
    /// `used` of `available`.
    pub fn new(what: impl Into<String>, used: u64, available: u64) -> Self {
        let percent = (1000.0 * used as f64 / available.max(1) as f64).round() / 10.0;
        Self { what: what.into(), used, available, percent }
    }
}

/// The slowest path of a clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorstPath {
    /// Sum of all delays in ns.
    pub total_ns: f64,
    /// Part of it in cells, in ns.
    pub logic_ns: f64,
    /// Part of it on wires, in ns.
    pub routing_ns: f64,
    /// Cells passed between the two registers.
    pub stages: usize,
    /// Cell that the path begins in.
    pub from: String,
    /// Cell that it ends in.
    pub to: String,
    /// Slowest wire and its delay in ns.
    pub longest_wire: Option<(String, f64)>,
}

impl WorstPath {
    /// The path in words.
    pub fn text(&self) -> String {
        let wire = self
            .longest_wire
            .as_ref()
            .map_or_else(String::new, |(net, ns)| format!(", the longest wire {net} alone {ns:.2} ns"));
        format!(
            "{:.2} ns from {} to {}: {:.2} ns in {} cells, {:.2} ns on wires{wire}",
            self.total_ns, self.from, self.to, self.logic_ns, self.stages, self.routing_ns
        )
    }
}

/// A clock beside the core's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Its net.
    pub name: String,
    /// Its frequency in MHz.
    pub mhz: f64,
    /// The fastest in MHz that its slowest path allows.
    pub fmax_mhz: f64,
}

impl Clock {
    /// The clock is met.
    pub fn is_met(&self) -> bool {
        self.fmax_mhz >= self.mhz
    }
}

/// What one run of place and route came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Fastest clock of the core in MHz that the slowest path allows.
    pub fmax_mhz: f64,
    /// Clock of the core in MHz that was asked for.
    pub constraint_mhz: f64,
    /// The other clocks, such as those of a memory's controller.
    pub others: Vec<Clock>,
    /// The slowest path.
    pub worst: WorstPath,
    /// Use of the device by kind of block: used, available.
    pub used: BTreeMap<String, (u64, u64)>,
}

/// One seed and what it came to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seed {
    /// Seed.
    pub seed: u32,
    /// Fastest clock in MHz.
    pub fmax_mhz: f64,
}

/// A bitstream and how it came to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Implementation {
    /// [`IMPLEMENTATION_VERSION`].
    pub format_version: u32,
    /// Board.
    pub board: String,
    /// Part.
    pub part: String,
    /// Clock of the core in MHz.
    pub clock_mhz: f64,
    /// Where the clock and the use of the device come from: `route`.
    pub source: String,
    /// Fastest clock of the core in MHz that the slowest path allows.
    pub fmax_mhz: f64,
    /// The other clocks, where there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_clocks: Vec<Clock>,
    /// Seed of the bitstream.
    pub seed: u32,
    /// All seeds that were tried, in order.
    pub seeds: Vec<Seed>,
    /// Use of the device.
    pub resources: Vec<Use>,
    /// The slowest path.
    pub worst_path: WorstPath,
    /// Bits a second on the host's line as the divider makes them.
    pub baud: f64,
    /// Program and version of each tool.
    pub tools: Vec<(String, String)>,
    /// SHA-256 of the design's Verilog.
    pub verilog_hash: String,
    /// File of the bitstream.
    pub bitstream: String,
    /// SHA-256 of it.
    pub bitstream_hash: String,
    /// SHA-256 of the netlist that is placed and routed.
    pub netlist_hash: String,
}

impl Implementation {
    /// Reads the [`IMPLEMENTATION`] at a path. None of its strings does anything to a terminal.
    ///
    /// # Errors
    /// It is no regular file, too long, or not of the known form.
    pub fn read(path: &Path) -> Result<Self, Box<BundleError>> {
        Ok(read::json(path, &read::bounded(path, files::TEXT)?)?)
    }

    /// For people.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!("board         {} ({})", self.board, self.part),
            format!(
                "clock         {} MHz, place and route allows {:.1} MHz (seed {})",
                self.clock_mhz, self.fmax_mhz, self.seed
            ),
        ];
        for Clock { name, mhz, fmax_mhz } in &self.other_clocks {
            lines.push(format!("other clock   {mhz} MHz ({name}), place and route allows {fmax_mhz:.1} MHz"));
        }
        for r in &self.resources {
            let source = &self.source;
            lines
                .push(format!("{:<13} {} of {} ({:.1} %, {source})", r.what, r.used, r.available, r.percent));
        }
        lines.push(format!("worst path    {}", self.worst_path.text()));
        lines.push(format!("host link     UART, {:.0} baud", self.baud));
        lines.push(format!("bitstream     {}", self.bitstream));
        lines.push("not loaded into a board".to_owned());
        lines.join("\n")
    }
}

/// A report that cannot be used.
#[derive(Debug, Error)]
pub enum ReportError {
    /// Not the form that is known.
    #[error("{}: {message}", path.display())]
    Form {
        /// File.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
}

#[derive(Deserialize)]
struct RawClock {
    achieved: f64,
    constraint: f64,
}

#[derive(Deserialize)]
struct RawUse {
    used: u64,
    available: u64,
}

#[derive(Deserialize)]
struct RawEnd {
    cell: String,
}

#[derive(Deserialize)]
struct RawHop {
    delay: f64,
    from: RawEnd,
    to: RawEnd,
    net: Option<String>,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct RawPath {
    from: String,
    to: String,
    path: Vec<RawHop>,
}

#[derive(Deserialize)]
struct RawReport {
    critical_paths: Vec<RawPath>,
    fmax: BTreeMap<String, RawClock>,
    utilization: BTreeMap<String, RawUse>,
}

/// Whether a clock of a report is the one of this frequency.
pub fn is_clock(got: f64, wanted: f64) -> bool {
    (got / wanted - 1.0).abs() <= SAME
}

fn rounded(x: f64) -> f64 {
    (1000.0 * x).round() / 1000.0
}

/// How far a clock in a report may be from one that was asked for, as a share: nextpnr keeps periods in whole picoseconds.
const SAME: f64 = 1e-3;

/// Reads nextpnr's report of a core that was to run at `wanted` MHz; `path` names it in messages. Of the clocks of that frequency the
/// tightest stands for the core's; without one the tightest of all, whose constraint is another one then.
///
/// # Errors
/// It is not JSON of the known form, or has no clock.
pub fn timing(path: &Path, text: &[u8], wanted: f64) -> Result<Timing, ReportError> {
    let form = |message: String| ReportError::Form { path: path.to_owned(), message };
    let raw: RawReport = serde_json::from_slice(text).map_err(|e| form(e.to_string()))?;
    // First those that were asked for, then the one with the least reserve.
    let rank = |c: &RawClock| (!is_clock(c.constraint, wanted), c.achieved / c.constraint);
    let first = |a: &RawClock, b: &RawClock| {
        let (a, b) = (rank(a), rank(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    };
    let core = raw.fmax.iter().min_by(|a, b| first(a.1, b.1));
    let (name, clock) = core.ok_or_else(|| form("it names no clock, so no timing was checked".to_owned()))?;
    let others = raw.fmax.iter().filter(|(other, _)| *other != name);
    let others = others.map(|(name, c)| Clock {
        name: name.clone(),
        mhz: rounded(c.constraint),
        fmax_mhz: rounded(c.achieved),
    });
    let edge = format!("posedge {name}");
    let worst = raw.critical_paths.iter().find(|p| p.from == edge && p.to == edge);
    let worst = worst.ok_or_else(|| form(format!("it has no path of the clock {name}")))?;
    let sum = |routing: bool| -> f64 {
        let hops = worst.path.iter().filter(|h| (h.kind == "routing") == routing);
        rounded(hops.map(|h| h.delay).sum())
    };
    let (logic_ns, routing_ns) = (sum(false), sum(true));
    let wires = worst.path.iter().filter(|h| h.kind == "routing");
    let longest = wires.max_by(|a, b| a.delay.total_cmp(&b.delay));
    Ok(Timing {
        fmax_mhz: rounded(clock.achieved),
        constraint_mhz: rounded(clock.constraint),
        others: others.collect(),
        worst: WorstPath {
            total_ns: rounded(logic_ns + routing_ns),
            logic_ns,
            routing_ns,
            stages: worst.path.iter().filter(|h| h.kind == "logic").count(),
            from: worst.path.first().map_or_else(String::new, |h| h.from.cell.clone()),
            to: worst.path.last().map_or_else(String::new, |h| h.to.cell.clone()),
            longest_wire: longest.map(|h| (h.net.clone().unwrap_or_default(), rounded(h.delay))),
        },
        used: raw.utilization.into_iter().map(|(k, u)| (k, (u.used, u.available))).collect(),
    })
}

/// Cells of a synthesised netlist by type, from what `stat -json` says.
///
/// # Errors
/// It is not JSON of the known form.
pub fn cells(path: &Path, text: &[u8]) -> Result<BTreeMap<String, u64>, ReportError> {
    #[derive(Deserialize)]
    struct Design {
        num_cells_by_type: BTreeMap<String, u64>,
    }
    #[derive(Deserialize)]
    struct Stat {
        design: Design,
    }
    let stat: Stat = serde_json::from_slice(text)
        .map_err(|e| ReportError::Form { path: path.to_owned(), message: e.to_string() })?;
    Ok(stat.design.num_cells_by_type)
}

impl Failure for ReportError {
    fn kind(&self) -> Kind {
        Kind::Input
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        Some("the tool may be another version than the flow was made with".into())
    }
}
