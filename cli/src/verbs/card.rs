//! `spikegate card`: a PCIe card in software, on a vfio-user socket.

use spikegate_contract::bundle::Design;
use spikegate_runtime::card::{make_room, serve_with, Sessions, Terms};

use super::device::connect;
use crate::args::Card;
use crate::failure::{Result, VerbError};
use crate::interrupt;
use crate::progress::Steps;
use crate::ui::Ui;

pub fn run(args: &Card, ui: &Ui) -> Result<()> {
    let design = Design::open(&args.design)?;
    // Before the long work, what could fail at its end.
    make_room(&args.socket)?;
    let mut steps = Steps::new(ui, 1);
    steps.next("make the core");
    let address = if args.fast { "golden" } else { "verilator" };
    let mut core = connect(&address.parse()?, Some(&design), &steps)?;
    drop(steps);
    let sessions = if args.once { Sessions::One } else { Sessions::Endless };
    let (name, socket) = (core.name().to_owned(), args.socket.display());
    let ready = || ui.note(&format!("PCIe card 10ee:7024 on {socket}: {name}"));
    let stop = interrupt::told().map_err(|e| VerbError::input("cannot wait for signals").because(e))?;
    let terms = Terms { sessions, stop: Some(stop), ..Terms::default() };
    serve_with(&args.socket, &mut *core, terms, ready)?;
    Ok(())
}
