//! `spikegate synth`: from a design to a board's bitstream, or to a project for the vendor's tool.

use serde::Serialize;
use spikegate_bitstreams::board::Board;
use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::families::{self, VendorTools, Way};
use spikegate_bitstreams::flow::{self, Job, Options};
use spikegate_bitstreams::held::Held;
use spikegate_bitstreams::image::Image;
use spikegate_bitstreams::report::Implementation;
use spikegate_bitstreams::shell;
use spikegate_bitstreams::tools::Toolbox;
use spikegate_compiler::emit::hardware;
use spikegate_contract::bundle::{Design, Manifest};
use std::path::{Path, PathBuf};

use crate::args::Synth;
use crate::failure::{Result, VerbError};
use crate::progress::Steps;
use crate::ui::Ui;

/// Steps that the progress counts: synthesis, place and route, bitstream.
const STEPS: usize = 3;

pub fn run(args: &Synth, ui: &Ui) -> Result<()> {
    let board = resolve(&args.board)?;
    let design = Design::open(&args.dir)?;
    let (manifest, verilog) = (&design.manifest, hardware::of(&design)?.verilog);
    let folder = args.out.clone().map_or_else(|| board_folder(&args.dir, &board), Ok)?;
    if let Some(Way::Vendor(tools)) = families::of(&board).map(|family| family.way()) {
        return vendor(args, &board, tools, &verilog, manifest, &folder, ui);
    }
    let options = Options { mhz: args.freq, seeds: args.seeds };
    let job = Job::new(&board, &verilog, &manifest.array, options)?;
    if let Some(path) = &args.image {
        Image::check_place(path)?;
    }
    if args.dry_run {
        let done = Planned { steps: job.plan() };
        return ui.result(&done, || {
            let lines = done.steps.iter().map(|p| format!("{:<8} {}", p.step, p.command));
            lines.collect::<Vec<_>>().join("\n")
        });
    }
    let mut steps = Steps::new(ui, STEPS + args.seeds.saturating_sub(1) as usize);
    // Held until the image is written.
    let folder = Held::board(&folder)?;
    let made = job.run(&folder, &Toolbox::from_environment(), &mut |step| steps.next(step))?;
    drop(steps);
    if let Some(path) = &args.image {
        Image::write(path, folder.path(), &manifest.array, &made)?;
    }
    ui.result(&Made { implementation: &made }, || made.text())
}

/// What a dry run prints.
#[derive(Serialize)]
struct Planned {
    steps: Vec<flow::Planned>,
}

/// What was made with open tools.
#[derive(Serialize)]
struct Made<'a> {
    implementation: &'a Implementation,
}

/// A project for the vendor's tool.
#[derive(Serialize)]
struct Written {
    board: String,
    folder: PathBuf,
    files: Vec<String>,
    /// Whether they were written, or only would be.
    written: bool,
}

fn vendor(
    args: &Synth,
    board: &Board,
    tools: &dyn VendorTools,
    verilog: &str,
    manifest: &Manifest,
    folder: &Path,
    ui: &Ui,
) -> Result<()> {
    let project = flow::project(board, verilog, &manifest.array, args.freq)?;
    if args.image.is_some() {
        let error =
            VerbError::input(format!("--image: {} makes the bitstream of board {}", tools.tool(), board.id));
        return Err(error.help(format!("leave it out, and keep what {} makes", tools.tool())).into());
    }
    if !args.dry_run {
        project.write(&Held::board(folder)?)?;
    }
    let files: Vec<String> = project.files.iter().map(|(name, _)| name.clone()).collect();
    let done = Written { board: board.id.clone(), folder: folder.to_owned(), files, written: !args.dry_run };
    ui.result(&done, || {
        let verb = if done.written { "wrote" } else { "would write" };
        let (folder, word) = (folder.display(), shell::path(folder));
        format!("{verb} {folder}: {}\nnext: cd {word} && {}", done.files.join(", "), tools.command())
    })
}

/// The folder of a board below a design. A link there would lead out of the design, to files that are not ours to write.
pub fn board_folder(dir: &Path, board: &Board) -> Result<PathBuf> {
    let boards = dir.join("boards");
    let folder = boards.join(&board.id);
    for path in [&boards, &folder] {
        let link = path.symlink_metadata().is_ok_and(|about| !about.is_dir());
        if link {
            let error = VerbError::input(format!("{} is not a folder of the design", path.display()));
            return Err(error.help("remove it, or name another folder").into());
        }
    }
    Ok(folder)
}
