//! `spikegate info`: what a device says it is.

use serde::Serialize;
use spikegate_contract::bundle::Design;
use spikegate_contract::csr::{Access, INTERFACE_VERSION, MAGIC, TABLE};
use spikegate_runtime::identity::Mismatch;
use spikegate_runtime::session::Counters;

use super::device::connect;
use crate::args::Info;
use crate::failure::Result;
use crate::progress::Steps;
use crate::ui::{grouped, table, Ui};

/// What is printed.
#[derive(Serialize)]
struct Done {
    device: String,
    link: String,
    interface_version: u32,
    /// Lanes, pixels, CI, CO, post lanes.
    array: [u32; 5],
    /// First 32 bits of each.
    hashes: Hashes,
    /// Since the core was reset.
    counters: Counted,
    registers: Vec<Register>,
}

#[derive(Serialize)]
struct Hashes {
    config: String,
    build: String,
    /// None while no program is declared.
    program: Option<String>,
}

#[derive(Serialize)]
struct Counted {
    images: u32,
    cycles: u64,
    sops: u64,
    spikes: u64,
    stalls: u32,
    watchdog_trips: u32,
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
    let design = args.design.as_deref().map(Design::open).transpose()?;
    let mut device = connect(&args.device, design.as_ref(), &steps)?;
    let mut registers = Vec::new();
    for csr in TABLE.iter().filter(|csr| csr.access != Access::Wo) {
        let value = device.read_csr(csr.offset)?;
        registers.push(Register { name: csr.name, offset: csr.offset, value, doc: csr.doc });
    }
    let of = |name: &str| registers.iter().find(|r| r.name == name).map_or(0, |r| r.value);
    let (magic, version) = (of("magic"), of("version"));
    let name = device.name().to_owned();
    if magic != MAGIC {
        return Err(Mismatch::Magic { device: name, got: magic }.into());
    }
    if version != INTERFACE_VERSION {
        return Err(Mismatch::Version { device: name, got: version, expected: INTERFACE_VERSION }.into());
    }
    let Counters { images, cycles, sops, spikes, stalls, watchdog_trips } = Counters::read(&mut device)?;
    drop(steps);
    let [l, px, ci, co] = of("array").to_le_bytes().map(u32::from);
    let hash = |name: &str| format!("{:08x}", of(name));
    let done = Done {
        device: name,
        link: device.link(),
        interface_version: version,
        array: [l, px, ci, co, of("post")],
        hashes: Hashes {
            config: hash("config_hash"),
            build: hash("build_hash"),
            program: Some(hash("program_hash")).filter(|_| of("program_hash") != 0),
        },
        counters: Counted { images, cycles, sops, spikes, stalls, watchdog_trips },
        registers,
    };
    ui.result(&done, || done.text())
}

impl Done {
    fn text(&self) -> String {
        let [l, px, ci, co, post] = self.array;
        let Hashes { config, build, program } = &self.hashes;
        let program = program.as_deref().unwrap_or("none");
        let Counted { images, cycles, sops, spikes, stalls, watchdog_trips } = self.counters;
        let (cycles, sops, spikes) = (grouped(cycles), grouped(sops), grouped(spikes));
        let row = |r: &Register| {
            vec![
                r.name.to_owned(),
                format!("{:#04x}", r.offset),
                format!("{:#010x}", r.value),
                r.value.to_string(),
                r.doc.to_owned(),
            ]
        };
        let lines = [
            format!("device     {}", self.device),
            format!("link       {}", self.link),
            format!("interface  version {}", self.interface_version),
            format!(
                "array      {l},{px},{ci},{co} (time lanes, pixel lanes, input, output channels), \
                 {post} post lanes"
            ),
            format!("hashes     configuration {config}, build {build}, loaded program {program}"),
            format!("since its reset: {images} images, {cycles} cycles, {sops} operations, {spikes} spikes"),
            format!("                 {stalls} stalls; since power-up {watchdog_trips} watchdog trips"),
        ];
        let registers =
            table(&["register", "offset", "value", "decimal", ""], self.registers.iter().map(row));
        format!("{}\n\n{registers}", lines.join("\n"))
    }
}
