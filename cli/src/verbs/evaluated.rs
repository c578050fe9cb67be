//! What an evaluation has counted, and how it is printed.

use serde::{Deserialize, Serialize};
use spikegate_compiler::quantise::Comparison;
use spikegate_compiler::report::Number;
use spikegate_testbench::data::labels::Class;
use spikegate_testbench::evaluate::{Evaluation, Pace, Share, Tally};
use spikegate_testbench::shard::Results;

use super::images::Set;
use super::recorded;
use crate::ui::{grouped, table};

/// What was counted.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judged {
    pub tally: Tally,
    /// Image by image against the float network, if that was asked for.
    pub float: Option<Vec<Comparison>>,
}

impl Results for Judged {
    fn join(&mut self, next: Self) -> Result<(), [String; 3]> {
        if let Some((own, next)) = self.float.as_mut().zip(next.float) {
            own.extend(next);
        }
        self.tally.join(next.tally)
    }
}

/// Rows of the table of classes that are shown; JSON has all.
const SHOWN: usize = 12;

/// What is printed.
#[derive(Serialize)]
pub struct Done {
    network: String,
    data: Set,
    #[serde(flatten)]
    evaluation: Evaluation,
    /// Layer by layer against the float network, if that was asked for.
    float: Option<Comparison>,
    /// Cycles of an image on the design's array; none of shards, whose design may have changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    cycles: Option<Number<u64>>,
    /// Images a second at the clocks that are known.
    speeds: Vec<Speed>,
}

/// Images a second of the core at a clock; the link to the host is not in it.
#[derive(Serialize)]
pub struct Speed {
    /// Board, or what was asked for.
    pub at: String,
    pub mhz: f64,
    pub images_per_second: Number<f64>,
}

impl Done {
    /// What was counted on images of a data set.
    pub fn new(network: String, data: Set, judged: &Judged) -> Self {
        Self {
            network,
            data,
            evaluation: judged.tally.evaluation(),
            float: judged.float.clone().map(Comparison::sum),
            cycles: None,
            speeds: Vec::new(),
        }
    }

    /// With how long it took, and what it would take on the design's array.
    pub fn timed(self, pace: Pace, (cycles, speeds): (Number<u64>, Vec<Speed>)) -> Self {
        let evaluation = Evaluation { pace: Some(pace), ..self.evaluation };
        Self { evaluation, cycles: Some(cycles), speeds, ..self }
    }

    /// At most 80 columns.
    pub fn text(&self) -> String {
        let e = &self.evaluation;
        if e.images + e.skipped == 0 {
            return recorded::NO_IMAGES.to_owned();
        }
        let pace = e.pace.as_ref().map_or(String::new(), |pace| {
            let rate = e.images as f64 / pace.seconds.max(1e-9);
            let Pace { simd, threads, seconds } = pace;
            format!(" in {seconds:.2} s: {rate:.0} a second in software ({simd}, {threads} threads)")
        });
        let mut out = vec![
            format!("network     {}", self.network),
            format!("images      {}{pace}", grouped(e.images as u64)),
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
        out.extend(
            self.cycles.iter().map(|n| format!("cycles      {} per image ({})", grouped(n.value), n.source)),
        );
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
        let names = self.data.classes();
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
