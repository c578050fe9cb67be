//! `spikegate sweep`: how much a model loses in integers, by the width of its weights and by what they are made from.

use serde::Serialize;
use spikegate_compiler::calibrate::calibrate;
use spikegate_compiler::quantise::{self, mixed, Judge, Options, Quantised, Verdict};
use spikegate_compiler::{graph, import};
use spikegate_testbench::data::{About, DataSet, Split};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{images, inspect};
use crate::args::{Scales, Sweep, WeightBits};
use crate::failure::{Result, VerbError};
use crate::progress::Steps;
use crate::ui::{grouped, table, Ui};

/// What is printed.
#[derive(Serialize)]
struct Done {
    network: String,
    calibration_data: About,
    data: About,
    /// What was taken for granted when the model was read.
    assumed: Vec<graph::Assumption>,
    images: usize,
    /// Right answers of the float network, where every image has a label.
    float_right: Option<usize>,
    rows: Vec<Row>,
}

/// One way of quantising, over all selections.
#[derive(Serialize)]
struct Row {
    weight_bits: String,
    scales: &'static str,
    calibration_images: u64,
    /// By the selection of calibration images.
    selections: Vec<Verdict>,
}

pub fn run(args: &Sweep, ui: &Ui) -> Result<()> {
    let float = import::load_with(&args.source.model, &args.source.request())?;
    let shape = [float.input.c, float.input.h, float.input.w];
    let ways = ways(args);
    let mut steps = Steps::new(ui, 2 + ways.len());
    steps.next("read the images");
    let say = |text: &str| steps.note(text);
    let training = images::open(&args.calib, Split::Calibration, "--calib", say)?;
    training.require_shape(shape)?;
    let set = images::open(&args.input, Split::Default, "--input", say)?;
    let chosen = images::spread(&set, shape, args.images.unwrap_or(u64::MAX), "--input", say)?;
    let labels = images::labels(&set, &chosen, float.classes(), "--input", say)?;
    let pixels = set.take(&chosen)?;

    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, usize::from)).build();
    let pool = pool.map_err(|e| VerbError::input("cannot start threads").because(e))?;
    let done = pool.install(|| -> Result<Done> {
        steps.next("float network");
        let finished = AtomicU64::new(0);
        let count = || steps.count(finished.fetch_add(1, Ordering::Relaxed) + 1, pixels.len() as u64);
        let judge = Judge::new(&float, &pixels, &labels, &count)?;
        let mut rows = Vec::new();
        for way in ways {
            steps.next(&way.name());
            let selections = (0..args.selections).map(|number| {
                let selection = (usize::from(number), usize::from(args.selections));
                let verdict = way.judge(&float, &training, selection, &judge);
                steps.count(u64::from(number) + 1, args.selections.into());
                verdict
            });
            let selections = selections.collect::<Result<_>>()?;
            let Way { widths, calibration_images, .. } = way;
            let (weight_bits, scales) = (widths.to_string(), way.scales_name());
            rows.push(Row { weight_bits, scales, calibration_images, selections });
        }
        Ok(Done {
            network: float.origin.name.clone(),
            calibration_data: training.about(),
            data: set.about(),
            assumed: float.origin.assumed.clone(),
            images: pixels.len(),
            float_right: judge.float_right(),
            rows,
        })
    })?;
    drop(steps);
    ui.result(&done, || format!("{}{}", done.text(), inspect::assumed(&done.assumed)))
}

/// A way of quantising.
struct Way<'a> {
    widths: Widths<'a>,
    scales: Scales,
    calibration_images: u64,
}

/// Widths of weights.
#[derive(Clone, Copy)]
enum Widths<'a> {
    Given(&'a WeightBits),
    /// Bytes for all weights.
    Budget(u64),
}

impl fmt::Display for Widths<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Given(bits) => bits.fmt(f),
            Self::Budget(bytes) => write!(f, "{} kB", *bytes as f64 / 1000.0),
        }
    }
}

/// All that are asked for.
fn ways(args: &Sweep) -> Vec<Way<'_>> {
    let mut ways = Vec::new();
    let budgets = args.weight_budget.iter().map(|&bytes| Widths::Budget(bytes));
    for widths in args.weight_bits.iter().map(Widths::Given).chain(budgets) {
        for &scales in &args.scales {
            for &calibration_images in &args.calib_images {
                ways.push(Way { widths, scales, calibration_images });
            }
        }
    }
    ways
}

impl Way<'_> {
    fn name(&self) -> String {
        format!("weights of {}, {} calibration images", self.widths, self.calibration_images)
    }

    fn scales_name(&self) -> &'static str {
        match self.scales {
            Scales::Channel => "channel",
            Scales::Layer => "layer",
        }
    }

    /// Quantises with a selection of the calibration images.
    fn judge<I: AsRef<[u8]> + Sync>(
        &self,
        float: &graph::Network,
        training: &DataSet,
        selection: (usize, usize),
        judge: &Judge<'_, I>,
    ) -> Result<Verdict> {
        let count = usize::try_from(self.calibration_images).unwrap_or(usize::MAX);
        let pixels = training.take(&training.spread_apart(count, selection))?;
        let calibration = calibrate(float, &pixels)?;
        let scales = match self.scales {
            Scales::Channel => quantise::Scales::Channel,
            Scales::Layer => quantise::Scales::Layer,
        };
        let options = match self.widths {
            Widths::Given(bits) => Options { scales, ..bits.options() },
            Widths::Budget(bytes) => {
                let options = Options { scales, ..Options::default() };
                mixed(float, &calibration, &options, bytes, &pixels, &|_, _| ())?
            }
        };
        let integer = Quantised::new(float, &calibration, &options)?.compensated(&pixels, &|_, _| ())?;
        Ok(judge.verdict(&integer)?)
    }
}

impl Done {
    /// At most 80 columns, unless widths of layers are named.
    fn text(&self) -> String {
        let images = self.images.max(1) as f64;
        let mut text = format!("network     {}\nimages      {}\n", self.network, grouped(self.images as u64));
        if let Some(right) = self.float_right {
            let (low, high) = interval(right as f64 / images, images);
            text += &format!(
                "float       {} right, {} to {} with 95 % confidence\n",
                percent(right as f64 / images),
                percent(low),
                percent(high)
            );
        }
        let rows = self.rows.iter().map(|row| {
            let mean = |of: &dyn Fn(&Verdict) -> f64| {
                row.selections.iter().map(of).sum::<f64>() / row.selections.len().max(1) as f64
            };
            let right = row.selections.iter().map(|verdict| verdict.right).collect::<Option<Vec<usize>>>();
            let top1 = right.map_or_else(Vec::new, |right| {
                let (low, high) = (right.iter().min(), right.iter().max());
                let share = |n: Option<&usize>| n.map_or(0.0, |&n| n as f64 / images);
                vec![
                    percent(right.iter().sum::<usize>() as f64 / images / right.len().max(1) as f64),
                    format!("{:.2}-{:.2}", 100.0 * share(low), 100.0 * share(high)),
                ]
            });
            let same = percent(mean(&|verdict| verdict.same_class as f64 / images));
            let rates = percent(mean(&|verdict| verdict.rate_distance));
            let logits = percent(mean(&|verdict| verdict.logit_error));
            let silent = format!("{:.0}", mean(&|verdict| verdict.silent as f64));
            let way =
                vec![row.weight_bits.clone(), row.scales.to_owned(), row.calibration_images.to_string()];
            [way, top1, vec![same, logits, rates, silent]].concat()
        });
        let mut header = vec!["bits", "unit", "calib"];
        if self.float_right.is_some() {
            header.extend(["top-1", "from-to"]);
        }
        header.extend(["same", "logits off", "rates off", "silent"]);
        text + "\n" + &table(&header, rows)
    }
}

/// Wilson's interval of a share of so many, with 95 % confidence.
fn interval(share: f64, of: f64) -> (f64, f64) {
    const Z: f64 = 1.96;
    let middle = share + Z * Z / (2.0 * of);
    let half = Z * (share * (1.0 - share) / of + Z * Z / (4.0 * of * of)).sqrt();
    let all = 1.0 + Z * Z / of;
    ((middle - half) / all, (middle + half) / all)
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
