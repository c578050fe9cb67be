//! `spikegate eval`: how good a design is on a data set, and how busy, by the integer network in software.

use serde_json::json;
use spikegate_bitstreams::output::Output;
use spikegate_compiler::report::Number;
use spikegate_contract::bundle::{files, Design};
use spikegate_testbench::data::{DataSet, Split};
use spikegate_testbench::evaluate::{require_some, tally, Classified, Images};
use spikegate_testbench::shard::{Part, Record, Shard};
use spikegate_testbench::statistics::Statistics;
use std::io::Write;
use std::path::Path;

use super::against::Float;
use super::evaluated::{Done, Judged, Speed};
use super::images::Set;
use super::results::{Results, Row};
use super::{images, recorded, report};
use crate::args::{Against, Eval, EvalForm, ResultForm, Values};
use crate::failure::{Result, VerbError};
use crate::progress::Steps;
use crate::ui::Ui;

pub fn run(args: &Eval, ui: &Ui) -> Result<()> {
    let shard = args.sharding.part()?;
    if let Some(note) = args.sharding.doubt() {
        ui.note(note);
    }
    let form = form(args)?;
    let design = Design::open(&args.dir)?;
    let extra = usize::from(args.against.float.is_some()) + usize::from(args.statistics.is_some());
    let mut steps = Steps::new(ui, 2 + extra);
    let float = Float::open(&args.against, &design)?;
    steps.next("read the images");
    let set = images::open(&args.input, Split::Default, "--input", |text| steps.note(text))?;
    let (shape, classes) = (design.network.input_shape(), design.network.classes());
    let say = |text: &str| steps.note(text);
    let all = images::spread(&set, shape, args.images.unwrap_or(u64::MAX), "--input", say)?;
    let labels = images::labels(&set, &all, classes, "--input", say)?;
    let range = shard.range(all.len(), 1);
    if let Some(text) = args.sharding.said(shard, range.len(), all.len()) {
        say(&text);
    }
    let chosen = &all[range.clone()];
    if !args.skip_bad {
        // All pictures before the first is run.
        set.check(chosen.iter().copied())?;
    }
    let inputs = || design.files().chain(set.files().map(Path::to_owned)).chain(args.against.files());
    let output = args.output.as_deref().map(|path| Output::new(Some(path), inputs())).transpose()?;
    let others = inputs().chain(args.output.clone());
    let statistics = args.statistics.as_deref().map(|path| Output::new(Some(path), others)).transpose()?;
    steps.next("classify");
    let read = |at: usize| set.image(chosen[at]);
    let given = Images { count: chosen.len(), read: &read, labels: &labels[range.clone()] };
    let done = |n: usize| steps.count(n as u64, chosen.len() as u64);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, usize::from)).build();
    let pool = pool.map_err(|e| VerbError::input("cannot start threads").because(e))?;
    let (mut tally, pace) = pool.install(|| tally(&design.network, &given, args.skip_bad, &done))?;
    if shard == Shard::WHOLE {
        require_some(&tally)?;
    }
    tally.images.iter_mut().for_each(|one| one.image = chosen[one.image]);
    tally.bad.iter_mut().for_each(|bad| bad.image = chosen[bad.image]);
    let compare = |float: Float| {
        let is_read = |number: &usize| tally.bad.iter().all(|bad| bad.image != *number);
        let places = float.places(all.len()).filter(|place| range.contains(place));
        let numbers: Vec<usize> = places.map(|place| all[place]).filter(is_read).collect();
        pool.install(|| float.compare(&design, &set, &numbers, &mut steps))
    };
    let float = float.map(compare).transpose()?;
    let judged = Judged { tally, float };
    if let Some(to) = statistics {
        steps.next("look at spikes and codes");
        let read: Vec<usize> = judged.tally.images.iter().map(|one| one.image).collect();
        write_statistics(to, &design, &set, &read, &mut steps)?;
    }
    drop(steps);
    let taken = output.as_ref().is_some_and(Output::is_stdout);
    let network = &design.network.name;
    let done = Done::new(network.clone(), Set::Opened(set.about()), &judged);
    let done = done.timed(pace, speeds(args, &design)?);
    match output {
        Some(output) if form == EvalForm::Json => {
            let Against { float, model, preset, weights, last_lif } = &args.against;
            let hash = &design.manifest.model_hash;
            let model = model
                .as_deref()
                .map(|path| recorded::Model::new((path, hash), *preset, weights.as_deref(), *last_lif));
            let run = json!({
                "spikegate": recorded::VERSION,
                "network": network,
                "network_hash": design.manifest.hash_of(files::NETWORK),
                "data": set.identity()?,
                "skip_bad": args.skip_bad,
                "float": float,
                "model": model,
            });
            let images = Part::new(&range, all.len());
            let results = within(judged, set.path());
            recorded::write(
                output,
                &Record { verb: "eval".into(), shard, images, layers: None, run, results },
            )?;
        }
        Some(output) => write(output, form, &judged.tally.images)?,
        None => {}
    }
    ui.result_unless(taken, &done, || done.text())
}

/// The form of the output.
fn form(args: &Eval) -> Result<EvalForm> {
    match (args.results, args.sharding.shard) {
        (None, None) => Ok(EvalForm::Csv),
        (None | Some(EvalForm::Json), _) => Ok(EvalForm::Json),
        (Some(form), None) => Ok(form),
        (Some(_), Some(_)) => {
            let error = VerbError::input("a shard's results are JSON alone, which `spikegate merge` reads");
            Err(error.help("leave out --results").into())
        }
    }
}

/// The same whose pictures are named as they lie in the set's folder.
fn within(mut judged: Judged, folder: &Path) -> Judged {
    for bad in &mut judged.tally.bad {
        if let Ok(why) = Path::new(&bad.why).strip_prefix(folder) {
            bad.why = why.display().to_string();
        }
    }
    judged
}

/// Class and logits of every image.
fn write(output: Output, form: EvalForm, each: &[Classified]) -> Result<()> {
    let form = match form {
        EvalForm::Jsonl => ResultForm::Jsonl,
        EvalForm::Npy => ResultForm::Npy,
        EvalForm::Csv | EvalForm::Json => ResultForm::Csv,
    };
    let mut results = Results::new(form, Values::Logits, output);
    for one in each {
        let Classified { image, label, class, logits } = one;
        let row = Row {
            image: *image as u64,
            class: u32::from(*class),
            label: *label,
            cycles: None,
            logits,
            spikes: &[],
        };
        results.put(&row).map_err(|e| results.to().failed(e))?;
    }
    Ok(results.finish().map_err(|(output, e)| output.failed(e))?.keep()?)
}

/// What spikes and codes look like on images of a set.
fn write_statistics(
    mut to: Output,
    design: &Design,
    set: &DataSet,
    images: &[usize],
    steps: &mut Steps,
) -> Result<()> {
    let pixels = set.take(images)?;
    let mut finished = 0;
    let found = Statistics::of(&design.network, &pixels, &mut || {
        finished += 1;
        steps.count(finished, images.len() as u64);
    })?;
    let said = |e| VerbError::check("the statistics cannot be written as JSON").because(e);
    let text = serde_json::to_string_pretty(&found).map_err(said)? + "\n";
    to.write_all(text.as_bytes()).map_err(|e| to.failed(e))?;
    to.keep()?;
    Ok(())
}

/// Cycles of an image, and what they come to.
fn speeds(args: &Eval, design: &Design) -> Result<(Number<u64>, Vec<Speed>)> {
    let cycles = design.report::<spikegate_compiler::report::Report>()?.cycles;
    let speed = |at: String, mhz: f64| Speed {
        at,
        mhz,
        images_per_second: Number { value: 1e6 * mhz / cycles.value.max(1) as f64, source: cycles.source },
    };
    let asked = args.freq.map(|mhz| speed("--freq".to_owned(), f64::from(mhz)));
    let boards = report::implementations(&args.dir)?;
    let own = boards.iter().filter(|b| b.verilog_hash == design.manifest.verilog_hash);
    let speeds = own.map(|b| speed(b.board.clone(), b.clock_mhz)).chain(asked);
    Ok((cycles, speeds.collect()))
}
