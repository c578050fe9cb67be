//! `spikegate program`: a bitstream into a board.

use spikegate_bitstreams::boards::resolve;
use spikegate_bitstreams::program::{program, Bitstream, Target};
use spikegate_bitstreams::tools::Toolbox;
use spikegate_contract::bundle::Design;

use super::synth::board_folder;
use crate::args::Program;
use crate::failure::Result;
use crate::ui::Ui;

pub fn run(args: &Program, ui: &Ui) -> Result<()> {
    let board = resolve(&args.board)?;
    let design = Design::open(&args.dir)?;
    let folder = args.from.clone().map_or_else(|| board_folder(&args.dir, &board), Ok)?;
    let target = if args.flash { Target::Flash } else { Target::Fpga };
    let tools = Toolbox::from_environment();
    let from = args.image.as_deref().map_or(Bitstream::Folder(&folder), Bitstream::Image);
    let command =
        program(&board, from, &design.manifest.verilog_hash, target, args.cable.as_deref(), &tools)?;
    ui.note(&format!("{command}: done"));
    Ok(())
}
