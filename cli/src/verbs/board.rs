//! `spikegate board`: a board in software, behind a serial port.

use rustix::fs::Access;
use serde::Serialize;
use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::simulation::{Counts, Form, Line, Memory, Running, Simulation};
use spikegate_bitstreams::tools::Toolbox;
use spikegate_compiler::emit::hardware;
use spikegate_contract::bundle::Design;
use spikegate_contract::link;
use spikegate_runtime::cache::Cache;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::synth::board_folder;
use crate::args::{self, Board};
use crate::failure::{Result, VerbError};
use crate::progress::Steps;
use crate::ui::{grouped, Ui};

/// What a simulated board has counted.
#[derive(Serialize)]
struct Done {
    board: String,
    #[serde(flatten)]
    counts: Counts,
}

pub fn run(args: &Board, ui: &Ui) -> Result<()> {
    let board = resolve(&args.board)?;
    let design = Design::open(&args.design)?;
    let verilog = hardware::of(&design)?.verilog;
    let folder = args.from.clone().map_or_else(|| board_folder(&args.design, &board), Ok)?;
    let cache = Cache::open(None)?;
    let simulation = Simulation {
        board: &board,
        verilog: &verilog,
        array: &design.manifest.array,
        mhz: args.freq,
        folder: &folder,
        cache: cache.path(),
    };
    let (form, what) = match args.form {
        args::Form::Source => (Form::Source, "its Verilog"),
        args::Form::Synthesis => (Form::Synthesis, "the netlist of synthesis"),
        args::Form::Route => (Form::Route, "the netlist that is placed and routed"),
    };
    // Before the long work, what could fail at its end.
    Link::make_room(&args.port)?;
    let mut steps = Steps::new(ui, 1);
    steps.next("build the simulation");
    let built = simulation.build(form, &Toolbox::from_environment())?;
    drop(steps);
    let line = Line { seed: args.seed, one_in: args.damage, cut_at: args.cut };
    let memory = Memory { seed: args.memory_seed, dead: args.memory_dead, contents: args.memory.clone() };
    let running = Running::start(&built, line, &memory, args.once)?;
    let link = Link::new(&running.port, &args.port)?;
    let (clock, baud) = (built.clock / 1e6, built.baud);
    ui.note(&format!(
        "board {} ({what}, {clock} MHz): run --device uart:{}@{baud:.0}, or @{baud:.0},{:.0} for 4 cycles a bit",
        board.id,
        args.port.display(),
        built.clock / 4.0
    ));
    let done = Done { board: board.id.clone(), counts: running.wait()? };
    drop(link);
    ui.result(&done, || {
        let Counts { cycles, bytes_in, bytes_out, faults } = done.counts;
        format!(
            "cycles      {}\nbytes       {} in, {} out\nfaults      {} on the line",
            grouped(cycles),
            grouped(bytes_in),
            grouped(bytes_out),
            grouped(faults)
        )
    })
}

/// A link that goes away.
struct Link<'a> {
    port: PathBuf,
    at: &'a Path,
}

/// Where the ports of boards in software are.
const PORTS: &str = "/dev/pts";

impl<'a> Link<'a> {
    fn new(port: &Path, at: &'a Path) -> Result<Self> {
        Self::make_room(at)?;
        symlink(port, at).map_err(Self::cannot(at))?;
        Ok(Self { port: port.to_owned(), at })
    }

    /// That a link can be made there, without making it, for it tells programs that the board is there. One that an earlier
    /// board has left goes; anything else is not ours to remove.
    fn make_room(at: &Path) -> Result<()> {
        if std::fs::read_link(at).is_ok_and(|leads| leads.starts_with(PORTS)) {
            let said = || VerbError::input(format!("cannot replace {}", at.display()));
            std::fs::remove_file(at).map_err(|e| said().because(e))?;
        }
        if std::fs::symlink_metadata(at).is_ok() {
            return Err(
                Self::cannot(at)(link::explained(at, std::io::ErrorKind::AlreadyExists.into())).into()
            );
        }
        let above = at.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let writable = rustix::fs::access(above, Access::WRITE_OK | Access::EXEC_OK);
        Ok(writable.map_err(|e| Self::cannot(at)(e.into()))?)
    }

    fn cannot(at: &Path) -> impl Fn(std::io::Error) -> VerbError + '_ {
        let said = || VerbError::input(format!("cannot make the link {}", at.display()));
        move |e| said().help("choose another --port").because(e)
    }
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        // Another board may have taken the place. A link that stays is replaced by the next one.
        if std::fs::read_link(self.at).is_ok_and(|leads| leads == self.port) {
            let _ = std::fs::remove_file(self.at);
        }
    }
}
