//! `spikegate explore`: the arrays that make the most of a board for a model.

use serde::Serialize;
use spikegate_bitstreams::board::Host;
use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::estimate::table::Counts;
use spikegate_bitstreams::estimate::Estimator;
use spikegate_bitstreams::explore::{explore, Exploration, Point};
use spikegate_bitstreams::output::Output;
use spikegate_bitstreams::shell::{arguments, size};
use spikegate_bitstreams::{families, shell};
use spikegate_compiler::calibrate::{calibrate, Calibration};
use spikegate_compiler::graph::Assumption;
use spikegate_compiler::import;
use spikegate_compiler::plan;
use spikegate_compiler::quantise::{quantise, Options};
use spikegate_contract::bundle::MemoryModel;
use spikegate_testbench::data::{DataSet, Split};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::{images, inspect};
use crate::args::{Explore, Source};
use crate::failure::{Result, VerbError};
use crate::plot;
use crate::ui::{grouped, table, Ui};

/// What is printed.
#[derive(Serialize)]
struct Found {
    model: String,
    /// Whether the network was quantised with calibration images. Without them its cycles are the same, and its sums a
    /// bit wider or narrower at most.
    calibrated: bool,
    /// What was taken for granted when the model was read.
    assumed: Vec<Assumption>,
    /// Builds the best array.
    command: String,
    /// Images a second that the serial link carries at most, on boards with one.
    link_images_per_second: Option<f64>,
    #[serde(flatten)]
    exploration: Exploration,
}

pub fn run(args: &Explore, ui: &Ui) -> Result<()> {
    let board = resolve(&args.board)?;
    let family = families::of(&board)
        .ok_or_else(|| VerbError::input(format!("board {} is of no known FPGA family", board.id)))?;
    let mhz = family.clock(&board, args.freq)?;
    let float = &import::load_with(&args.source.model, &args.source.request())?;
    let shape = [float.input.c, float.input.h, float.input.w];
    let open = |path: &PathBuf| images::open(path, Split::Calibration, "--calib", |text| ui.note(text));
    let training = args.calib.as_ref().map(open).transpose()?;
    let model = &args.source.model;
    let inputs = [model.clone(), model.with_extension("toml"), PathBuf::from(&args.board)];
    let data = training.iter().flat_map(DataSet::files).map(Path::to_owned);
    let plot = args.plot.as_deref().map(|path| Output::new(Some(path), inputs.into_iter().chain(data)));
    let plot = plot.transpose()?;
    let calibration = match &training {
        Some(training) => {
            let pixels = images::calibration(training, shape, args.calib_images, |text| ui.note(text))?;
            calibrate(float, &pixels)?
        }
        None => Calibration::nominal(float)?,
    };
    let bits = if args.weight_bits == "4" { 4 } else { 8 };
    let network = quantise(float, &calibration, &Options { weight_bits: bits, ..Options::default() })?;
    let estimator = Estimator::builtin()?;
    let sizer = plan::Sizer::new(&network)?;
    let exploration = explore(&board, family.part(), estimator, mhz, |a| {
        sizer.size(a, &MemoryModel::default()).map(|sized| (sized.array, sized.cycles))
    })?;
    let taken = plot.as_ref().is_some_and(Output::is_stdout);
    if let Some(mut to) = plot {
        to.write_all(plot::svg(&exploration).as_bytes()).map_err(|e| to.failed(e))?;
        to.keep()?;
    }
    let bytes: usize = shape.iter().product();
    let link = match board.host {
        // A byte takes ten bits on the line.
        Host::Uart { baud } => Some((f64::from(baud) / (10 * bytes) as f64).round()),
        Host::Pcie { .. } => None,
    };
    let best = exploration.pareto.first().ok_or_else(|| VerbError::check("no array fits"))?;
    let found = Found {
        model: args.source.model.display().to_string(),
        calibrated: args.calib.is_some(),
        assumed: float.origin.assumed.clone(),
        command: command(args, best),
        link_images_per_second: link,
        exploration,
    };
    ui.result_unless(taken, &found, || text(&found))?;
    if let Some(path) = args.plot.as_ref().filter(|_| !taken) {
        ui.note(&format!("wrote {}", path.display()));
    }
    Ok(())
}

/// The command that builds an array.
fn command(args: &Explore, point: &Point) -> String {
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
    if args.weight_bits != "8" {
        out += &format!(" --weight-bits {}", args.weight_bits);
    }
    out + &format!(" {} --calib {calib} -o DIR", arguments(&point.array))
}

fn text(found: &Found) -> String {
    let e = &found.exploration;
    let Counts { lut, ff, bram, dsp } = e.room;
    let room = [lut, ff, bram, dsp].map(grouped);
    let mut out = format!(
        "{} on {}: {} arrays, {} fit; of these no other is both faster and smaller (all figures: estimate)\n\n",
        found.model, e.board, e.tried, e.fit
    );
    let rows = e.pareto.iter().map(|p| {
        let mark = if p.beyond_table { "*" } else { "" };
        let mut row = vec![format!("{}{mark}", size(&p.array)), p.array.post.to_string()];
        row.extend([grouped(p.lane_ops as u64), grouped(p.cycles.value)]);
        row.extend([format!("{:.1}", p.clock_mhz.value), format!("{:.1}", p.images_per_second.value)]);
        row.extend([p.lut, p.ff, p.bram, p.dsp].map(|n| grouped(n.value)));
        row.push(format!("{:.1} % {}", 100.0 * p.fullest, p.fullest_block));
        row
    });
    let room_row = ["room for the core", "", "", "", "", ""].map(str::to_owned).into_iter().chain(room);
    let rows = rows.chain([room_row.chain([String::new()]).collect()]);
    let header = [
        "array",
        "post",
        "ops/cycle",
        "cycles",
        "MHz",
        "images/s",
        "LUT",
        "FF",
        "BRAM 18k",
        "DSP",
        "fullest",
    ];
    out += &table(&header, rows);
    if e.pareto.iter().any(|p| p.beyond_table) {
        out += "* larger than every array that was synthesised for the estimator\n";
    }
    if !e.fmax_known {
        out += &format!(
            "The fastest clock on this part is not known (nothing was placed on it): {} MHz is the clock wanted.\n",
            e.wanted_mhz
        );
    }
    if let Some(most) = found.link_images_per_second {
        out += &format!("The serial link carries at most {most} images/s.\n");
    }
    out + &format!("\n{}\nbest: {}\n", inspect::assumed(&found.assumed), found.command)
}
