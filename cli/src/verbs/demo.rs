//! `spikegate demo`: inspect, compile, simulate and report with the shipped model and real images.

use serde::Serialize;
use spikegate_bitstreams::shell;
use spikegate_compiler::import;
use spikegate_compiler::report::Report;
use spikegate_contract::bundle::Design;
use spikegate_testbench::shard::Shard;

use super::compile::{compile, Job};
use super::simulated;
use super::{compile, simulate};
use crate::args::{Build, Demo, Sharding, Simulate, TraceLevel};
use crate::failure::Result;
use crate::progress::Steps;
use crate::ui::{grouped, Ui};

/// The shipped model and its name.
const MODEL: &[u8] = include_bytes!("../../../testbench/reference/gac_fashion_t4.safetensors");
const NAME: &str = "gac_fashion_t4.safetensors";

/// Images to measure accuracy on: a share of the data set, for a demo should not take minutes.
const EVAL_IMAGES: u64 = 1000;

/// What the demo prints.
#[derive(Serialize)]
struct Done {
    simulation: simulated::Done,
    report: Report,
}

pub fn run(args: &Demo, ui: &Ui) -> Result<()> {
    let mut steps = Steps::new(ui, 1 + compile::STEPS + simulate::STEPS);
    steps.next("read the model");
    let model = import::from_bytes(NAME, MODEL, None)?;
    let Demo { data, output, images, .. } = args;
    let build = &Build { eval_images: args.build.eval_images.or(Some(EVAL_IMAGES)), ..args.build.clone() };
    let job = Job { model, build, calib: data, eval: Some(data), output };
    compile(job, &mut steps)?;
    let simulation = Simulate {
        dir: output.clone(),
        input: data.clone(),
        images: *images,
        first: 0,
        wave: None,
        board: args.build.board.clone(),
        trace: TraceLevel::All,
        layers: None,
        sharding: Sharding { shard: None },
        output: None,
    };
    let (simulation, _) = simulate::simulate(&simulation, Shard::WHOLE, &mut steps)?;
    let (simulation, speed) = (simulation.done, simulation.speed.unwrap_or_default());
    drop(steps);
    let report: Report = Design::open(output)?.report()?;
    let done = Done { simulation, report };
    ui.result(&done, || format!("{}\n{}", done.report.text(), done.simulation.text()))?;
    ui.note(&format!("{} cycles per second", grouped(speed)));
    ui.note(&format!("the design is in {}", output.display()));
    done.simulation.verdict(&output.display().to_string(), &shell::path(output))
}
