//! `spikegate info`: what a device says it is.

use anyhow::Result;
use serde::Serialize;
use spikegate_contract::csr::{Access, INTERFACE_VERSION, MAGIC, TABLE};
use spikegate_runtime::identity::Mismatch;

use super::device::connect;
use crate::args::Info;
use crate::progress::Steps;
use crate::ui::{table, Ui};

/// What is printed.
#[derive(Serialize)]
struct Done {
    device: String,
    /// Lanes, pixels, CI, CO, post lanes.
    array: [u32; 5],
    registers: Vec<Register>,
}

#[derive(Serialize)]
struct Register {
    name: &'static str,
    offset: u32,
    value: u32,
    #[serde(skip)]
    doc: &'static str,
}

pub fn run(args: &Info, ui: &Ui) -> Result<()> {
    let mut steps = Steps::new(ui, 1);
    steps.next("read the registers");
    let mut device = connect(&args.device, args.design.as_deref(), &steps)?;
    let mut registers = Vec::new();
    for csr in TABLE.iter().filter(|csr| csr.access != Access::Wo) {
        let value = device.read_csr(csr.offset)?;
        registers.push(Register { name: csr.name, offset: csr.offset, value, doc: csr.doc });
    }
    drop(steps);
    let of = |name: &str| registers.iter().find(|r| r.name == name).map_or(0, |r| r.value);
    let (magic, version) = (of("magic"), of("version"));
    let device = device.name().to_owned();
    if magic != MAGIC {
        return Err(Mismatch::Magic { device, got: magic }.into());
    }
    if version != INTERFACE_VERSION {
        return Err(Mismatch::Version { device, got: version, expected: INTERFACE_VERSION }.into());
    }
    let [l, px, ci, co] = of("array").to_le_bytes().map(u32::from);
    let done = Done { device, array: [l, px, ci, co, of("post")], registers };
    ui.result(&done, || done.text())
}

impl Done {
    fn text(&self) -> String {
        let [l, px, ci, co, post] = self.array;
        let row = |r: &Register| {
            vec![
                r.name.to_owned(),
                format!("{:#04x}", r.offset),
                format!("{:#010x}", r.value),
                r.value.to_string(),
                r.doc.to_owned(),
            ]
        };
        format!(
            "{}\narray {l},{px},{ci},{co} (time lanes, pixel lanes, input, output channels), {post} post lanes\n\n{}",
            self.device,
            table(&["register", "offset", "value", "decimal", ""], self.registers.iter().map(row))
        )
    }
}
