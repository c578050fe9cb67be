//! `spikegate card`: a PCIe card in software, on a vfio-user socket.

use anyhow::Result;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::low_level::pipe;
use spikegate_contract::bundle::Design;
use spikegate_runtime::card::{serve_with, Sessions, Terms};
use spikegate_runtime::devices::open::Address;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use super::device::connect;
use crate::args::Card;
use crate::progress::Steps;
use crate::ui::Ui;

pub fn run(args: &Card, ui: &Ui) -> Result<()> {
    let design = Design::open(&args.design)?;
    let mut steps = Steps::new(ui, 1);
    steps.next("make the core");
    let address = if args.fast { Address::Golden } else { Address::Verilator };
    let mut core = connect(&address, Some(&design), &steps)?;
    drop(steps);
    let sessions = if args.once { Sessions::One } else { Sessions::Endless };
    let (name, socket) = (core.name().to_owned(), args.socket.display());
    let ready = || ui.note(&format!("PCIe card 10ee:7024 on {socket}: {name}"));
    let terms = Terms { sessions, stop: Some(asked_to_end()?), ..Terms::default() };
    serve_with(&args.socket, &mut *core, terms, ready)?;
    Ok(())
}

/// Can be read as soon as a signal asks this process to end: the socket is removed then.
fn asked_to_end() -> Result<OwnedFd> {
    let (told, tell) = UnixStream::pair()?;
    for signal in [SIGHUP, SIGINT, SIGTERM] {
        pipe::register(signal, tell.try_clone()?)?;
    }
    Ok(told.into())
}
