//! `spikegate boards`: the boards that come with this program, and what is known of one.

use serde::Serialize;
use spikegate_bitstreams::board::{Board, Flow, Host, Loader, Memory};
use spikegate_bitstreams::boards::{builtin, resolve};

use crate::args::Boards;
use crate::failure::Result;
use crate::ui::{grouped, table, Ui};

/// What is printed of one.
#[derive(Serialize)]
struct One {
    board: Board,
}

/// And of all.
#[derive(Serialize)]
struct All {
    boards: Vec<Board>,
}

pub fn run(args: &Boards, ui: &Ui) -> Result<()> {
    if let Some(name) = &args.board {
        let done = One { board: resolve(name)? };
        return ui.result(&done, || one(&done.board));
    }
    let done = All { boards: builtin()? };
    ui.result(&done, || {
        let rows = done.boards.iter().map(|b| {
            let flow = if b.flow == Flow::Open { "open" } else { "vendor" };
            let r = &b.resources;
            let mut row = vec![b.id.clone(), b.device.part.to_string(), flow.to_owned(), link(&b.host)];
            row.extend([r.lut, r.ff, r.bram, r.dsp].map(grouped));
            row
        });
        table(&["board", "part", "flow", "host link", "LUT", "FF", "BRAM", "DSP"], rows)
    })
}

fn link(host: &Host) -> String {
    match host {
        Host::Uart { baud } => format!("UART {baud} baud"),
        Host::Pcie { lanes, generation, .. } => format!("PCIe {generation}.0 x{lanes}"),
    }
}

fn one(b: &Board) -> String {
    let (d, r) = (&b.device, &b.resources);
    let flow = match b.flow {
        Flow::Open => "open: `synth` makes the bitstream with Yosys, nextpnr and ecppack",
        Flow::Vendor => "vendor: `synth` makes a Vivado project, run by you",
    };
    let loader = match b.programmer.tool {
        Loader::OpenFpgaLoader => "openFPGALoader, by `program`",
        Loader::Vivado => "Vivado's hardware manager",
    };
    let lines = [
        ("board", format!("{} ({})", b.name, b.id)),
        ("FPGA", format!("{}, family {}, package {}, speed {}", d.part, d.family, d.package, d.speed)),
        ("logic", format!("{} LUT, {} flip-flops", grouped(r.lut), grouped(r.ff))),
        ("blocks", format!("{} {}, {} {}", grouped(r.bram), r.bram_name, grouped(r.dsp), r.dsp_name)),
        ("clock", format!("{} MHz oscillator; the core at {} MHz without --freq", b.clock.mhz, b.core_mhz)),
        ("host", link(&b.host)),
        ("flow", flow.to_owned()),
        ("loaded by", loader.to_owned()),
    ];
    let memories = b.memories.iter().map(|m| ("memory", memory(m)));
    lines.into_iter().chain(memories).map(|(name, said)| format!("{name:<10} {said}\n")).collect()
}

fn memory(m: &Memory) -> String {
    let connected = match (m.connected, &m.controller) {
        (true, Some(controller)) => format!("connected by the top ({controller})"),
        (true, None) => "connected by the top".to_owned(),
        (false, _) => "not connected: a top of your own may".to_owned(),
    };
    let port = m.port.map(|port| {
        format!(
            ", port of {} bits, first data after {} cycles, {} bytes a cycle (estimate)",
            port.bits, port.latency, port.bytes_per_cycle
        )
    });
    format!("{} MiB {}, {} bits, {connected}{}", m.mebibytes, m.kind, m.bits, port.unwrap_or_default())
}
