//! `spikegate explore`: the arrays that make the most of a board for a model.

use serde::Serialize;
use spikegate_bitstreams::board::Board;
use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::candidates::{candidates, sizes, Wanted};
use spikegate_bitstreams::estimate::Estimator;
use spikegate_bitstreams::explore::{explore, Planned, Planner, Task};
use spikegate_bitstreams::output::Output;
use spikegate_bitstreams::points::{Exploration, Point};
use spikegate_bitstreams::shell::{self, arguments};
use spikegate_compiler::calibrate::{calibrate, Calibration, DEFAULT_IMAGES};
use spikegate_compiler::import;
use spikegate_compiler::plan::{External, PlanError, Size, Sizer};
use spikegate_compiler::quantise::quantise;
use spikegate_contract::array::{ArrayConfig, PACKED_BITS};
use spikegate_contract::bundle::MemoryModel;
use spikegate_contract::network::Network;
use spikegate_testbench::data::{DataSet, Split};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::explored::{csv, Found};
use super::images;
use super::on_board::{family, memory_model};
use crate::args::{ArraySize, Explore, Source};
use crate::failure::{Failed, Result, VerbError};
use crate::plot;
use crate::ui::Ui;

pub fn run(args: &Explore, ui: &Ui) -> Result<()> {
    let names = args.board.iter().chain(&args.boards);
    let boards = names.map(|name| Ok(resolve(name)?)).collect::<Result<Vec<Board>>>()?;
    let sizes = asked(&args.arrays)?;
    let search = Search { sizes, mhz: args.freq, own_top: args.own_top, parity: args.parity, all: args.all };
    for board in &boards {
        family(board)?.clock(board, args.freq)?;
    }
    let float = &import::load_with(&args.source.model, &args.source.request())?;
    let shape = [float.input.c, float.input.h, float.input.w];
    let open = |path: &PathBuf| images::open(path, Split::Calibration, "--calib", |text| ui.note(text));
    let training = args.calib.as_ref().map(open).transpose()?;
    let model = &args.source.model;
    let inputs =
        [model.clone(), model.with_extension("toml")].into_iter().chain(args.board.iter().map(PathBuf::from));
    let data = training.iter().flat_map(DataSet::files).map(Path::to_owned);
    let plot = args.plot.as_deref().map(|path| Output::new(Some(path), inputs.chain(data))).transpose()?;
    let calibration = match &training {
        Some(training) => {
            let pixels = images::calibration(training, shape, args.calib_images, |text| ui.note(text))?;
            calibrate(float, &pixels)?
        }
        None => Calibration::nominal(float)?,
    };
    let network = quantise(float, &calibration, &args.weight_bits.options())?;

    let mut found = Vec::new();
    let mut failed: Option<Failed> = None;
    for board in &boards {
        let exploration = match search.on(board, &network) {
            Ok(exploration) => exploration,
            Err(error) => {
                if boards.len() > 1 {
                    ui.note(error.report().text().trim_end());
                }
                failed = Some(error);
                continue;
            }
        };
        found.push(Found {
            model: args.source.model.display().to_string(),
            calibrated: args.calib.is_some(),
            assumed: float.origin.assumed.clone(),
            command: command(args, board, &exploration.best),
            own_top: exploration.best.array.memory_bits > 0 && board.port(false).is_none(),
            memory: counted_with(board, search.own_top, &exploration.best),
            exploration,
        });
    }
    let Some(first) = found.first() else {
        return Err(failed.unwrap_or_else(|| VerbError::check("no board to explore").into()));
    };
    let taken = plot.as_ref().is_some_and(Output::is_stdout);
    if let Some(mut to) = plot {
        to.write_all(plot::svg(&first.exploration).as_bytes()).map_err(|e| to.failed(e))?;
        to.keep()?;
    }
    let text = || match args.all {
        true => csv(&found),
        false => found.iter().map(Found::text).collect::<Vec<_>>().join("\n"),
    };
    match args.board {
        Some(_) => ui.result_unless(taken, first, text)?,
        None => ui.result_unless(taken, &All { boards: &found }, text)?,
    }
    if let Some(path) = args.plot.as_ref().filter(|_| !taken) {
        ui.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// The sizes that were asked for, or all.
fn asked(arrays: &[ArraySize]) -> Result<Vec<[usize; 3]>> {
    if arrays.is_empty() {
        return Ok(sizes());
    }
    let check = |&ArraySize { lanes, pixels, ci, co }: &ArraySize| {
        ArrayConfig::new(lanes, pixels, ci, co)?;
        Ok([lanes, ci, co])
    };
    arrays.iter().map(check).collect()
}

/// What is looked for.
pub struct Search {
    /// L, CI and CO of the arrays.
    pub sizes: Vec<[usize; 3]>,
    /// Clock of the core in MHz; the board's without it.
    pub mhz: Option<f64>,
    /// The board's memory counts, connected or not.
    pub own_top: bool,
    /// The array is to have parity.
    pub parity: bool,
    /// Every array that fits is wanted.
    pub all: bool,
}

impl Search {
    /// The arrays of a board for a network.
    pub fn on(&self, board: &Board, network: &Network) -> Result<Exploration> {
        let family = family(board)?;
        let wanted_mhz = family.clock(board, self.mhz)?;
        let port = board.port(self.own_top);
        let even = port.map(|port| port.model()).unwrap_or_default();
        let packed = network.layers().any(|layer| layer.weight_bits <= PACKED_BITS);
        let wanted = Wanted { parity: self.parity, packed };
        let candidates = &candidates(&self.sizes, port, wanted)[..];
        let (part, estimator) = (family.part(), Estimator::builtin()?);
        let task = Task { board, part, estimator, wanted_mhz, candidates, all: self.all };
        Ok(explore(task, &Plans { sizer: Sizer::new(network)?, board, even })?)
    }
}

/// The planner, with the board's memory.
struct Plans<'a> {
    sizer: Sizer<'a>,
    board: &'a Board,
    /// Where the board's top connects no memory.
    even: MemoryModel,
}

/// What is printed of several boards.
#[derive(Serialize)]
struct All<'a> {
    boards: &'a [Found],
}

impl Planner for Plans<'_> {
    type Error = PlanError;

    fn size(&self, array: &ArrayConfig) -> Result<Planned, PlanError> {
        let Size { array, computing, external, words, between } = self.sizer.size(array)?;
        Ok(Planned { array, computing, external, words, between })
    }

    fn cycles(&self, array: &ArrayConfig, mhz: f64) -> Result<u64, PlanError> {
        let timing = self.board.timing(mhz);
        self.sizer.cycles(array, timing.as_ref().map_or(External::Even(&self.even), External::Board))
    }
}

/// What cycles with an external memory are counted with, where there is one.
fn counted_with(board: &Board, own_top: bool, best: &Point) -> Option<String> {
    let port = board.port(own_top)?;
    Some(memory_model(board, port, best.clock_mhz.value))
}

/// The command that builds an array.
fn command(args: &Explore, board: &Board, point: &Point) -> String {
    let calib = args.calib.as_ref().map_or("DATA".into(), |p| shell::path(p));
    let mut out = format!("spikegate compile {}", shell::path(&args.source.model));
    let Source { preset, weights, last_lif, .. } = &args.source;
    if let Some(preset) = preset {
        out += &format!(" --preset {}", preset.name());
    }
    if let Some(weights) = weights {
        out += &format!(" --weights {}", shell::word(weights));
    }
    if let Some(last_lif) = last_lif {
        out += &format!(" --last-lif {last_lif}");
    }
    if !args.weight_bits.is_usual() {
        out += &format!(" --weight-bits {}", args.weight_bits);
    }
    out += &format!(" {}", arguments(&point.array));
    let name = args.board.as_deref().unwrap_or(&board.id);
    match (board.timing(board.core_mhz), board.port(true).filter(|_| point.array.memory_bits > 0)) {
        (Some(_), Some(_)) => out += &format!(" --board {}", shell::word(name)),
        (None, Some(port)) => {
            out += &format!(" --memory-latency {} --memory-bandwidth {}", port.latency, port.bytes_per_cycle);
        }
        (_, None) => {}
    }
    if args.calib.is_some() && args.calib_images != DEFAULT_IMAGES as u64 {
        out += &format!(" --calib-images {}", args.calib_images);
    }
    out + &format!(" --calib {calib} -o DIR")
}
