//! `spikegate boards`: the boards that come with this program.

use spikegate_bitstreams::board::{Flow, Host};
use spikegate_bitstreams::boards::builtin;

use crate::failure::Result;
use crate::ui::{grouped, table, Ui};

pub fn run(ui: &Ui) -> Result<()> {
    let boards = builtin()?;
    ui.result(&boards, || {
        let rows = boards.iter().map(|b| {
            let flow = if b.flow == Flow::Open { "open" } else { "vendor" };
            let host = match &b.host {
                Host::Uart { baud } => format!("UART {baud} baud"),
                Host::Pcie { lanes, generation, .. } => format!("PCIe {generation}.0 x{lanes}"),
            };
            let r = &b.resources;
            let mut row = vec![b.id.clone(), b.device.part.to_string(), flow.to_owned(), host];
            row.extend([r.lut, r.ff, r.bram, r.dsp].map(grouped));
            row
        });
        table(&["board", "part", "flow", "host link", "LUT", "FF", "BRAM", "DSP"], rows)
    })
}
