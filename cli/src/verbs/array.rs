//! The array that a compile is for: a new one, or one that exists.

use spikegate_bitstreams::board::Board;
use spikegate_bitstreams::candidates::sizes;
use spikegate_bitstreams::image::Image;
use spikegate_bitstreams::shell;
use spikegate_compiler::calibrate::Calibration;
use spikegate_compiler::emit::hardware;
use spikegate_compiler::quantise::quantise;
use spikegate_compiler::{graph, Memories};
use spikegate_contract::array::{ArrayConfig, MEMORY_LATENCY};
use spikegate_contract::bundle::{sha256, Design, MemoryModel};
use std::path::Path;

use super::explore::Search;
use super::explored;
use crate::args::{ArraySize, Build};
use crate::failure::{Result, VerbError};
use crate::ui::grouped;

/// Without any other word.
const USUAL: ArraySize = ArraySize { lanes: 4, pixels: 1, ci: 8, co: 8 };

/// An array, and what it is for.
pub struct Chosen {
    pub array: ArrayConfig,
    pub memories: Memories,
    pub memory: MemoryModel,
    /// Prefix of the Verilog's names.
    pub prefix: String,
}

/// What the arguments ask for; `model` is for the best array of a board, which is said to `note`.
pub fn choose(
    build: &Build,
    board: Option<&Board>,
    model: &graph::Network,
    note: impl Fn(&str),
) -> Result<Chosen> {
    let chosen = match (&build.image, &build.array_of, board) {
        (Some(path), ..) => of_image(build, board, path)?,
        (_, Some(dir), _) => of_design(build, dir)?,
        (.., Some(board)) if build.array.is_none() => best(build, board, model, note)?,
        _ => new(build)?,
    };
    let model = build.memory_latency.is_some() || build.memory_bandwidth.is_some();
    if model && chosen.array.memory_bits == 0 {
        let error = VerbError::input("--memory-latency and --memory-bandwidth are of an external memory, and the array has no port to one");
        return Err(error.help("leave them out, or take an array with a memory port").into());
    }
    Ok(chosen)
}

fn new(build: &Build) -> Result<Chosen> {
    let ArraySize { lanes, pixels, ci, co } = build.array.unwrap_or(USUAL);
    let mut array = ArrayConfig::new(lanes, pixels, ci, co)?;
    if let Some(post) = build.post {
        array = array.with_post(post)?;
    }
    if let Some(bits) = build.memory {
        array = array.with_memory(bits)?;
    }
    if let Some(groups) = build.skip {
        array = array.with_skipping(groups)?;
    }
    array = array.with_batch(build.batch.unwrap_or(1))?;
    if build.spill {
        array = array.with_spilling()?;
    }
    if build.stripes {
        array = array.with_moves()?;
        // Within a limit the memories take what it allows.
        if build.on_chip.is_none() {
            array = array.in_blocks();
        }
    }
    if build.parity {
        array = array.with_parity();
    }
    if build.packed {
        array = array.with_packed();
    }
    if build.neurons {
        array = array.with_neurons();
    }
    let memories = build.on_chip.map_or(Memories::Grow, Memories::Within);
    Ok(Chosen { array, memories, memory: memory(build), prefix: build.prefix.clone() })
}

/// The best of a board, by estimate and without images: the shapes decide.
fn best(build: &Build, board: &Board, model: &graph::Network, note: impl Fn(&str)) -> Result<Chosen> {
    let options = [
        ("--post", build.post.is_some()),
        ("--memory", build.memory.is_some()),
        ("--spill", build.spill),
        ("--stripes", build.stripes),
        ("--on-chip", build.on_chip.is_some()),
        ("--skip", build.skip.is_some()),
        ("--packed", build.packed),
    ];
    if let Some((option, _)) = options.into_iter().find(|(_, given)| *given) {
        let error =
            VerbError::input(format!("{option} is of an array that you choose, and --board chooses one"));
        return Err(error.help("give --array as well, or leave it out").into());
    }
    let network = quantise(model, &Calibration::nominal(model)?, &build.weight_bits.options())?;
    let search = Search { sizes: sizes(), mhz: None, own_top: false, parity: build.parity, all: false };
    let best = search.on(board, &network)?.best;
    let fewest = ArrayConfig::new(best.array.lanes, best.array.pixels, best.array.ci, best.array.co)?;
    let mut array = fewest.with_post(best.array.post)?;
    if best.array.memory_bits > 0 {
        array = array.with_memory(best.array.memory_bits)?;
    }
    if best.array.moves {
        array = array.with_moves()?.in_blocks();
    } else if best.array.spill_depth > 0 {
        array = array.with_spilling()?;
    }
    if build.parity {
        array = array.with_parity();
    }
    if best.array.packed {
        array = array.with_packed();
    }
    if build.neurons || best.array.neurons {
        array = array.with_neurons();
    }
    note(&format!(
        "{}: the best array is {}: {} cycles an image, {} images/s, bound by the {} (estimate)",
        board.id,
        shell::arguments(&array),
        grouped(best.cycles.value),
        explored::rate(best.images_per_second.value),
        best.bound.name()
    ));
    let port = board.port(false).map(|port| port.model());
    let memory = port.filter(|_| array.memory_bits > 0).unwrap_or_else(|| memory(build));
    Ok(Chosen { array, memories: Memories::Grow, memory, prefix: build.prefix.clone() })
}

/// Of a bitstream that is kept. What it was made of must be what this program makes of its array.
fn of_image(build: &Build, board: Option<&Board>, path: &Path) -> Result<Chosen> {
    let Image { array, implementation, .. } = Image::read(path)?;
    if let Some(board) = board.filter(|board| board.id != implementation.board) {
        let (path, of) = (path.display(), &implementation.board);
        let error = VerbError::input(format!("{path}: its bitstream is of {of}, --board says {}", board.id));
        return Err(error.help("leave out --board, or give an image of that board").into());
    }
    let made = sha256(hardware::generate(&array)?.verilog.as_bytes());
    if made != implementation.verilog_hash {
        let path = path.display();
        let error = VerbError::input(format!(
            "{path}: its bitstream was made of other Verilog than this program makes of its array"
        ));
        let help = "take the program that it came with, or make it anew with `spikegate synth --image`";
        return Err(error.help(help).into());
    }
    Ok(existing(build, array, build.prefix.clone()))
}

fn of_design(build: &Build, dir: &Path) -> Result<Chosen> {
    let design = Design::open(dir)?;
    hardware::of(&design)?;
    Ok(existing(build, design.manifest.array, design.manifest.verilog_prefix))
}

fn existing(build: &Build, array: ArrayConfig, prefix: String) -> Chosen {
    let memories = if build.grow { Memories::Enlarge } else { Memories::Keep };
    Chosen { array, memories: memories(build.batch), memory: memory(build), prefix }
}

fn memory(build: &Build) -> MemoryModel {
    MemoryModel {
        latency: build.memory_latency.unwrap_or(MEMORY_LATENCY),
        bytes_per_1000_cycles: build.memory_bandwidth.unwrap_or(0),
    }
}
