//! `spikegate bring-up`: a new board step by step, each with counts and speeds.

use anyhow::Result;
use serde::Serialize;
use spikegate_contract::bundle::{files, read_json, read_network, Plan};
use spikegate_contract::csr::offset;
use spikegate_golden::random::{self, Rng};
use spikegate_runtime::device::Device;
use spikegate_runtime::identity::Identity;
use spikegate_runtime::session::{Program, Session};
use std::time::Instant;

use super::device::connect;
use crate::args::BringUp;
use crate::failure::CheckFailed;
use crate::progress::Steps;
use crate::ui::{table, Ui};

/// Values written to the scratch register and read back.
const SCRATCH: u32 = 256;
/// Images compared with the golden model.
const IMAGES: u64 = 4;

/// One step that has passed.
#[derive(Serialize)]
struct Step {
    name: &'static str,
    /// What was done how often.
    count: String,
    /// How fast.
    speed: String,
}

pub fn run(args: &BringUp, ui: &Ui) -> Result<()> {
    let network = read_network(&args.dir)?;
    let plan: Plan = read_json(&args.dir.join(files::PLAN))?;
    let mut steps = Steps::new(ui, 4);
    let mut done = Vec::new();

    steps.next("identity");
    let mut device = connect(&args.device, Some(&args.dir), &steps)?;
    let name = device.name().to_owned();
    let identity = Identity::read(&mut device)?;
    let [l, px, ci, co] = identity.array;
    done.push(Step {
        name: "identity",
        count: format!("array {l},{px},{ci},{co}, configuration {:08x}", identity.config_hash),
        speed: format!("build {:08x}", identity.build_hash),
    });

    steps.next("registers");
    done.push(scratch(&mut *device)?);

    steps.next("program");
    let words: usize =
        spikegate_contract::bundle::read_packets(&args.dir.join(files::PROGRAM))?.iter().map(Vec::len).sum();
    let begin = Instant::now();
    let mut session = Session::open(device, &args.dir, Program::Plain)?;
    let seconds = begin.elapsed().as_secs_f64();
    done.push(Step {
        name: "program",
        count: format!("{} bytes sent, hash read back", 4 * words),
        speed: format!("{:.2} MB/s", 4e-6 * words as f64 / seconds),
    });

    steps.next("images");
    let mut seconds = 0.0;
    // Where zeros are skipped, the cycles depend on the image.
    let fixed = plan.steps.iter().all(|s| s.skips.is_none());
    for seed in 0..IMAGES {
        let pixels = random::image(&mut Rng(seed), network.input.shape);
        let begin = Instant::now();
        let got = session.infer(&pixels)?;
        seconds += begin.elapsed().as_secs_f64() / IMAGES as f64;
        let golden = spikegate_golden::run(&network, &pixels, &mut Vec::new())?;
        let cycles = got.own_cycles();
        let predicted: u64 = plan.steps.iter().take(got.cycles.len()).map(|s| s.cycles).sum();
        if got.logits != golden.logits || got.class as usize != golden.class || fixed && cycles != predicted {
            let what = format!(
                "{name}: image {seed}: logits {:?} in {cycles} cycles, expected {:?} in {predicted}; \
                 compare layer by layer with `spikegate simulate --trace all`",
                got.logits, golden.logits
            );
            return Err(CheckFailed(what).into());
        }
    }
    done.push(Step {
        name: "images",
        count: format!(
            "{IMAGES} random images, {} as predicted",
            if fixed { "logits and cycles" } else { "logits" }
        ),
        speed: format!("{:.0} us each, one at a time", 1e6 * seconds),
    });
    drop(steps);
    ui.result(&done, || {
        let rows = done.iter().map(|s| vec![s.name.to_owned(), s.count.clone(), s.speed.clone()]);
        format!("{name}\n\n{}", table(&["step", "what", "speed"], rows))
    })
}

/// Walks bits through the scratch register.
fn scratch(device: &mut dyn Device) -> Result<Step> {
    let at = offset("scratch");
    let begin = Instant::now();
    for i in 0..SCRATCH {
        let value = if i < 32 { 1 << i } else { 0x9e37_79b9u32.wrapping_mul(i) };
        device.write_csr(at, value)?;
        let got = device.read_csr(at)?;
        if got != value {
            let name = device.name();
            let what =
                format!("{name}: scratch reads {got:#010x} after {value:#010x} was written; check the link");
            return Err(CheckFailed(what).into());
        }
    }
    let each = 1e6 * begin.elapsed().as_secs_f64() / f64::from(2 * SCRATCH);
    Ok(Step {
        name: "registers",
        count: format!("scratch written and read back {SCRATCH} times"),
        speed: format!("{each:.1} us an access"),
    })
}
