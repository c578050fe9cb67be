//! `spikegate eval`: how good a design is on a data set, and how busy, by the integer network in software.

use serde::Serialize;
use spikegate_bitstreams::output::Output;
use spikegate_compiler::quantise::Comparison;
use spikegate_compiler::report::Number;
use spikegate_contract::bundle::Design;
use spikegate_testbench::data::labels::Class;
use spikegate_testbench::data::{About, DataSet, Split};
use spikegate_testbench::evaluate::{evaluate, Classified, Evaluation, Images, Share};
use spikegate_testbench::statistics::Statistics;
use std::io::Write;
use std::path::Path;

use super::against::Float;
use super::results::{Results, Row};
use super::{images, report};
use crate::args::{Eval, ResultForm, Values};
use crate::failure::{Result, VerbError};
use crate::progress::Steps;
use crate::ui::{grouped, table, Ui};

/// Rows of the table of classes that are shown; JSON has all.
const SHOWN: usize = 12;

/// What is printed.
#[derive(Serialize)]
struct Done {
    network: String,
    data: About,
    #[serde(flatten)]
    evaluation: Evaluation,
    /// Layer by layer against the float network, if that was asked for.
    float: Option<Comparison>,
    /// Cycles of an image on the design's array.
    cycles: Number<u64>,
    /// Images a second at the clocks that are known.
    speeds: Vec<Speed>,
}

/// Images a second of the core at a clock; the link to the host is not in it.
#[derive(Serialize)]
struct Speed {
    /// Board, or what was asked for.
    at: String,
    mhz: f64,
    images_per_second: Number<f64>,
}

pub fn run(args: &Eval, ui: &Ui) -> Result<()> {
    let design = Design::open(&args.dir)?;
    let extra = usize::from(args.against.float.is_some()) + usize::from(args.statistics.is_some());
    let mut steps = Steps::new(ui, 2 + extra);
    let float = Float::open(&args.against, &design)?;
    steps.next("read the images");
    let set = images::open(&args.input, Split::Default, "--input", |text| steps.note(text))?;
    let (shape, classes) = (design.network.input_shape(), design.network.classes());
    let say = |text: &str| steps.note(text);
    let chosen = images::spread(&set, shape, args.images.unwrap_or(u64::MAX), "--input", say)?;
    let labels = images::labels(&set, &chosen, classes, "--input", say)?;
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
    let given = Images { count: chosen.len(), read: &read, labels: &labels };
    let done = |n: usize| steps.count(n as u64, chosen.len() as u64);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, usize::from)).build();
    let pool = pool.map_err(|e| VerbError::input("cannot start threads").because(e))?;
    let (evaluation, each) = pool.install(|| evaluate(&design.network, &given, args.skip_bad, &done))?;
    let read: Vec<usize> = each.iter().map(|one| chosen[one.image]).collect();
    let float =
        float.map(|float| pool.install(|| float.compare(&design, &set, &read, &mut steps))).transpose()?;
    if let Some(to) = statistics {
        steps.next("look at spikes and codes");
        write_statistics(to, &design, &set, &read, &mut steps)?;
    }
    drop(steps);
    let taken = output.as_ref().is_some_and(Output::is_stdout);
    if let Some(output) = output {
        write(output, args.results, &chosen, &each)?;
    }
    let (cycles, speeds) = speeds(args, &design)?;
    let done =
        Done { network: design.network.name.clone(), data: set.about(), evaluation, float, cycles, speeds };
    if taken {
        ui.note(&done.text());
        return Ok(());
    }
    ui.result(&done, || done.text())
}

/// Class and logits of every image.
fn write(output: Output, form: ResultForm, chosen: &[usize], each: &[Classified]) -> Result<()> {
    let mut results = Results::new(form, Values::Logits, output);
    for one in each {
        let Classified { image, label, class, logits } = one;
        let row = Row {
            image: chosen[*image] as u64,
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

impl Done {
    /// At most 80 columns.
    fn text(&self) -> String {
        let e = &self.evaluation;
        let rate = e.images as f64 / e.seconds.max(1e-9);
        let mut out = vec![
            format!("network     {}", self.network),
            format!(
                "images      {} in {:.2} s: {rate:.0} a second in software ({}, {} threads)",
                grouped(e.images as u64),
                e.seconds,
                e.simd,
                e.threads
            ),
        ];
        if e.skipped > 0 {
            out.push(format!("skipped     {} that cannot be read; the first:", e.skipped));
            out.extend(e.skipped_named.iter().map(|name| format!("            {name}")));
        }
        match &e.top1 {
            Some(top1) => {
                out.push(format!("top-1       {:.2} % ({} right)", 100.0 * top1.rate(), grouped(top1.n)));
            }
            None => out.push("top-1       not known: the images have no labels".to_owned()),
        }
        if let Some(top5) = &e.top5 {
            out.push(format!("top-5       {:.2} %", 100.0 * top5.rate()));
        }
        out.push(format!("cycles      {} per image ({})", grouped(self.cycles.value), self.cycles.source));
        out.extend(self.speeds.iter().map(|s| {
            let per_second = s.images_per_second.value;
            format!("speed       {per_second:.0} images/s at {} MHz ({})", s.mhz, s.at)
        }));
        out.extend(e.energy.iter().map(|energy| {
            let (executed, dense) = (energy.executed_uj, energy.dense_uj);
            format!("energy      {executed:.2} uJ an image, dense {dense:.2} ({})", energy.model)
        }));
        let mut text = out.join("\n") + "\n";
        text += &self.populations();
        text += &self.layers();
        text += &self.float();
        if !e.clamped.is_empty() {
            let rows = e.clamped.iter().map(|c| {
                vec![c.name.clone(), c.kind.clone(), grouped(c.saturated.n), percent(c.saturated.rate(), 4)]
            });
            text += &format!("\n{}", table(&["clamped", "what", "values", "share"], rows));
        }
        text + &self.classes()
    }

    fn populations(&self) -> String {
        let rows = self.evaluation.populations.iter().map(|p| {
            vec![
                p.name.clone(),
                grouped(p.neurons as u64),
                percent(p.spikes.rate(), 2),
                grouped(p.dead as u64),
                grouped(p.always as u64),
            ]
        });
        format!("\n{}", table(&["population", "neurons", "fire", "dead", "always"], rows))
    }

    fn layers(&self) -> String {
        let rows = self.evaluation.layers.iter().map(|l| {
            let share = if l.dense == 0 { 0.0 } else { l.executed / l.dense as f64 };
            let executed = grouped(l.executed.round() as u64);
            vec![l.name.clone(), grouped(l.dense), executed, percent(share, 1)]
        });
        format!("\n{}", table(&["layer, operations an image", "dense", "executed", "share"], rows))
    }

    fn float(&self) -> String {
        let Some(float) = &self.float else { return String::new() };
        let share = |n: u64, of: u64| percent(n as f64 / of.max(1) as f64, 2);
        let populations = float.populations.iter().map(|p| {
            let distance = percent(p.rate_distance(), 2);
            vec![p.name.clone(), share(p.equal, p.of), share(p.equal_alone, p.of), distance]
        });
        let layers = float.layers.iter().map(|l| {
            let decibels = l.decibels().map_or_else(|| "-".to_owned(), |db| format!("{db:.1} dB"));
            vec![l.name.clone(), decibels]
        });
        format!(
            "\nfloat       same class on {} of {} images\n\n{}\n{}",
            float.same_class,
            float.images,
            table(&["spikes equal to float's", "by itself", "from image", "rates off"], populations),
            table(&["stream from the integer network's inputs", "signal to error"], layers)
        )
    }

    fn classes(&self) -> String {
        let Some(classes) = &self.evaluation.classes else { return String::new() };
        let names = &self.data.classes;
        let confused = |class: usize| {
            let others = classes.confusion[class].iter().enumerate().filter(|&(other, _)| other != class);
            let worst = others.max_by_key(|&(other, n)| (*n, usize::MAX - other));
            worst
                .filter(|(_, n)| **n > 0)
                .map_or(String::new(), |(other, n)| format!("{} ({n})", name(names, other)))
        };
        let rows = classes.rows.iter().take(SHOWN).map(|row| {
            vec![
                name(names, row.class),
                grouped(row.recall.map_or(0, |recall| recall.of)),
                rate(row.recall),
                rate(row.precision),
                confused(row.class),
            ]
        });
        let mut text = table(&["class", "images", "recall", "precision", "taken for"], rows);
        if classes.rows.len() > SHOWN {
            text += &format!("and {} more: --format json has all\n", classes.rows.len() - SHOWN);
        }
        format!("\n{text}")
    }
}

/// A class by its folder's name, as far as it fits a column, or its number.
fn name(classes: &[Class], number: usize) -> String {
    let class = classes.iter().find(|class| usize::from(class.label) == number);
    class.map_or_else(|| number.to_string(), |class| class.name.chars().take(20).collect())
}

/// A share that there may be none of.
fn rate(share: Option<Share>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| percent(share.rate(), 2))
}

fn percent(share: f64, digits: usize) -> String {
    format!("{:.digits$} %", 100.0 * share)
}
