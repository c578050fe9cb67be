//! `spikegate report`: the report of a design, with the bitstreams that were made of it.

use serde::Serialize;
use spikegate_bitstreams::board::Board;
use spikegate_bitstreams::boards::{builtin, resolve};
use spikegate_bitstreams::output::Output;
use spikegate_bitstreams::report::{Implementation, IMPLEMENTATION};
use spikegate_compiler::plan;
use spikegate_compiler::quantise::Comparison;
use spikegate_compiler::report::Report as Contents;
use spikegate_contract::bundle::Design;
use spikegate_testbench::data::{DataSet, Split};
use spikegate_testbench::evaluate::{evaluate, Images};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::against::Float;
use super::images;
use super::on_board::OnBoard;
use crate::args::Report;
use crate::failure::{Failed, Result, VerbError};
use crate::page::{document, watch, Data, Facts};
use crate::progress::Steps;
use crate::ui::{grouped, Ui};

/// The design's report, and one entry per board.
#[derive(Serialize)]
struct Whole {
    #[serde(rename = "report")]
    design: Contents,
    boards: Vec<Implementation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_board: Option<OnBoard>,
}

/// A page that was written.
#[derive(Serialize)]
struct Page<'a> {
    html: &'a Path,
    bytes: usize,
    /// Images evaluated for it.
    images: usize,
}

pub fn run(args: &Report, ui: &Ui) -> Result<()> {
    let design = Design::open(&args.dir)?;
    let (boards, old): (Vec<_>, Vec<_>) =
        implementations(&args.dir)?.into_iter().partition(|i| i.verilog_hash == design.manifest.verilog_hash);
    for board in old {
        ui.note(&format!("the bitstream for {} was made of another design; it is left out", board.board));
    }
    let named = args.board.as_deref().map(resolve).transpose()?;
    let on_board = named.map(|board| -> Result<_> {
        let on_board = OnBoard::new(&board, &design.manifest.array)?;
        Ok(match design.plan.memory() {
            Some(_) => {
                // That of its bitstream, where there is one.
                let made = boards.iter().find(|made| made.board == board.id);
                let mhz = made.map_or(board.core_mhz, |made| made.clock_mhz);
                on_board.running(&board, &plan::of(&design)?, design.network.timesteps, mhz)
            }
            None => on_board,
        })
    });
    let on_board = on_board.transpose()?;
    let whole = Whole { design: design.report()?, boards, on_board };
    if args.against.float.is_some() && args.input.is_none() {
        let text = "--float compares on images for the page, and there are none";
        return Err(VerbError::input(text).help("give --html FILE and --input DATA too").into());
    }
    if let Some(path) = &args.html {
        return page(args, path, &design, &whole, ui);
    }
    ui.result(&whole, || {
        let mut text = whole.design.text();
        if let Some(on_board) = &whole.on_board {
            text.push_str(&format!("\n{}", on_board.text()));
        }
        for board in &whole.boards {
            text.push_str("\n\n");
            text.push_str(&board.text());
        }
        text
    })
}

/// What was made of the design in `dir`, by name of the board's folder.
pub fn implementations(dir: &Path) -> Result<Vec<Implementation>> {
    let folder = dir.join("boards");
    if !folder.is_dir() {
        return Ok(vec![]);
    }
    let said = |e| VerbError::input(format!("cannot list {}", folder.display())).because(e);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(&folder).map_err(said)? {
        paths.push(entry.map_err(said)?.path().join(IMPLEMENTATION));
    }
    paths.sort();
    let read = |path: &PathBuf| Ok(Implementation::read(path).map_err(|error| *error)?);
    paths.iter().filter(|p| p.exists()).map(read).collect()
}

/// Writes the page.
fn page(args: &Report, path: &Path, design: &Design, whole: &Whole, ui: &Ui) -> Result<()> {
    let float = Float::open(&args.against, design)?;
    let mut steps = Steps::new(ui, 2 + usize::from(float.is_some()));
    let open = |input| images::open(input, Split::Default, "--input", |text| steps.note(text));
    let set = args.input.as_deref().map(open).transpose()?;
    let inputs = set
        .iter()
        .flat_map(DataSet::files)
        .map(Path::to_owned)
        .chain(design.files())
        .chain(args.against.files());
    let mut output = Output::new(Some(path), inputs)?;
    let data = set.as_ref().map(|set| look(args, set, design, float.as_ref(), &mut steps)).transpose()?;
    drop(steps);
    let images = data.as_ref().map_or(0, |data| data.evaluation.images);
    let boards = boards(&whole.boards)?;
    let facts = Facts { design, report: &whole.design, made: &whole.boards, boards: &boards, data };
    let text = document(&facts);
    output.write_all(text.as_bytes()).map_err(|e| output.failed(e))?;
    let taken = output.is_stdout();
    output.keep()?;
    let done = Page { html: path, bytes: text.len(), images };
    let line = format!("wrote {}: {} bytes", path.display(), grouped(done.bytes as u64));
    if taken {
        ui.note(&line);
        return Ok(());
    }
    ui.result(&done, || line)
}

/// Runs images for the page: one with all its tensors, and as many as were asked for.
fn look(
    args: &Report,
    set: &DataSet,
    design: &Design,
    float: Option<&Float>,
    steps: &mut Steps,
) -> Result<Data> {
    let net = &design.network;
    let (shape, classes) = (net.input_shape(), net.classes());
    let one = images::range(set, shape, (args.image, 1), "--input", |_| ())?[0];
    let (chosen, labels) = {
        let say = |text: &str| steps.note(text);
        let chosen = images::spread(set, shape, args.images.unwrap_or(u64::MAX), "--input", say)?;
        let labels = images::labels(set, &chosen, classes, "--input", say)?;
        (chosen, labels)
    };
    steps.next("look into an image");
    let watched = watch(net, one, set.label(one), &set.image(one)?)?;
    steps.next("evaluate");
    let read = |at: usize| set.image(chosen[at]);
    let wanted = Images { count: chosen.len(), read: &read, labels: &labels };
    let progress = |done: usize| steps.count(done as u64, chosen.len() as u64);
    let (evaluation, _) = evaluate(net, &wanted, true, &progress)?;
    let compare = |float: &Float| {
        let numbers: Vec<usize> = float.places(chosen.len()).map(|at| chosen[at]).collect();
        Ok::<_, Failed>(Comparison::sum(float.compare(design, set, &numbers, steps)?))
    };
    let float = float.map(compare).transpose()?;
    Ok(Data { about: set.about(), doubt: set.doubt(classes), evaluation, watched, float })
}

/// The boards whose links the page shows: those that bitstreams were made for; else all.
fn boards(made: &[Implementation]) -> Result<Vec<Board>> {
    let all = builtin()?;
    let is_made = |board: &Board| made.iter().any(|made| made.board == board.id);
    if all.iter().any(is_made) {
        return Ok(all.into_iter().filter(is_made).collect());
    }
    Ok(all)
}
