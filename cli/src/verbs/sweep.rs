//! `spikegate sweep`: how much a model loses in integers, by the width of its weights and by what they are made from.

use serde_json::json;
use spikegate_bitstreams::output::Output;
use spikegate_compiler::calibrate::calibrate;
use spikegate_compiler::quantise::{self, mixed, Answers, Options, Quantised};
use spikegate_compiler::{graph, import};
use spikegate_contract::bundle::sha256;
use spikegate_contract::network::Network;
use spikegate_testbench::data::{DataSet, Split};
use spikegate_testbench::shard::{Part, Record};
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::images::Set;
use super::swept::{self, Done, Labelled, Selection, Swept};
use super::{images, recorded};
use crate::args::{Scales, Source, Sweep, WeightBits};
use crate::failure::{Result, VerbError};
use crate::progress::Steps;
use crate::ui::Ui;

pub fn run(args: &Sweep, ui: &Ui) -> Result<()> {
    let shard = args.sharding.part()?;
    if let Some(note) = args.sharding.doubt() {
        ui.note(note);
    }
    let float = import::load_with(&args.source.model, &args.source.request())?;
    let shape = [float.input.c, float.input.h, float.input.w];
    let ways = ways(args);
    let mut steps = Steps::new(ui, 2 + ways.len());
    steps.next("read the images");
    let say = |text: &str| steps.note(text);
    let training = images::open(&args.calib, Split::Calibration, "--calib", say)?;
    training.require_shape(shape)?;
    let set = images::open(&args.input, Split::Default, "--input", say)?;
    let all = images::spread(&set, shape, args.images.unwrap_or(u64::MAX), "--input", say)?;
    let labels = images::labels(&set, &all, float.classes(), "--input", say)?;
    let range = shard.range(all.len(), 1);
    if let Some(text) = args.sharding.said(shard, range.len(), all.len()) {
        say(&text);
    }
    let pixels = set.take(&all[range.clone()])?;
    let model = &args.source.model;
    let read = [model.clone(), model.with_extension("toml")].into_iter();
    let read = read.chain(training.files().chain(set.files()).map(Path::to_owned));
    let output = args.output.as_deref().map(|path| Output::new(Some(path), read)).transpose()?;

    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads.map_or(0, usize::from)).build();
    let pool = pool.map_err(|e| VerbError::input("cannot start threads").because(e))?;
    let swept = pool.install(|| -> Result<Swept> {
        steps.next("float network");
        let finished = AtomicU64::new(0);
        let count = || steps.count(finished.fetch_add(1, Ordering::Relaxed) + 1, pixels.len() as u64);
        let answers = Answers::float(&float, &pixels, &count)?;
        let mut rows = Vec::new();
        for way in ways {
            steps.next(&way.name());
            let selections = (0..args.selections).map(|number| -> Result<Selection> {
                let selection = (usize::from(number), usize::from(args.selections));
                let integer = way.quantise(&float, &training, selection)?;
                let answers = Answers::integer(&integer, &pixels)?;
                steps.count(u64::from(number) + 1, args.selections.into());
                Ok(Selection { network_hash: hash(&integer)?, answers })
            });
            rows.push(swept::Way {
                selections: selections.collect::<Result<_>>()?,
                weight_bits: way.widths.to_string(),
                scales: way.scales.name().to_owned(),
                calibration_images: way.calibration_images,
            });
        }
        let images = all[range.clone()].iter().zip(&labels[range.clone()]);
        let images = images.map(|(&image, &label)| Labelled { image, label }).collect();
        Ok(Swept { assumed: float.origin.assumed.clone(), images, float: answers, ways: rows })
    })?;
    drop(steps);
    let network = &float.origin.name;
    let about = |set: &DataSet| Set::Opened(set.about());
    let done = Done::new(network.clone(), about(&training), about(&set), &swept);
    let taken = output.as_ref().is_some_and(Output::is_stdout);
    if let Some(output) = output {
        let Source { model, preset, weights, last_lif } = &args.source;
        let model = (model.as_path(), &float.origin.sha256[..]);
        let way = |way: &swept::Way| {
            format!("{} bits, {}, {} images", way.weight_bits, way.scales, way.calibration_images)
        };
        let ways: Vec<String> = swept.ways.iter().map(way).collect();
        let run = json!({
            "spikegate": recorded::VERSION,
            "network": network,
            "model": recorded::Model::new(model, *preset, weights.as_deref(), *last_lif),
            "calibration_data": training.identity()?,
            "data": set.identity()?,
            "selections": args.selections,
            "ways": ways,
        });
        let images = Part::new(&range, all.len());
        recorded::write(
            output,
            &Record { verb: "sweep".into(), shard, images, layers: None, run, results: swept },
        )?;
    }
    ui.result_unless(taken, &done, || done.text())
}

/// Hash of a network.
fn hash(network: &Network) -> Result<String> {
    let said = |e| VerbError::check("the network cannot be written as JSON").because(e);
    Ok(sha256(&serde_json::to_vec(network).map_err(said)?))
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

    /// The network of a selection of the calibration images.
    fn quantise(
        &self,
        float: &graph::Network,
        training: &DataSet,
        selection: (usize, usize),
    ) -> Result<Network> {
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
        let quantised = Quantised::new(float, &calibration, &options)?;
        Ok(quantised.compensated(&pixels, &|_, _| ())?)
    }
}
