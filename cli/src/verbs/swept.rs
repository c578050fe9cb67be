//! What a sweep has found, and how it is printed.

use serde::{Deserialize, Serialize};
use spikegate_compiler::graph::Assumption;
use spikegate_compiler::quantise::{Answers, Verdict};
use spikegate_testbench::shard::Results;

use super::images::Set;
use super::{inspect, recorded};
use crate::ui::{grouped, table};

/// What was found.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swept {
    /// What was taken for granted when the model was read.
    pub assumed: Vec<Assumption>,
    /// Images in their order.
    pub images: Vec<Labelled>,
    pub float: Answers,
    pub ways: Vec<Way>,
}

/// An image.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labelled {
    /// Its number in the data set.
    pub image: usize,
    pub label: Option<u16>,
}

/// One way of quantising.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Way {
    pub weight_bits: String,
    pub scales: String,
    pub calibration_images: u64,
    /// By the selection of calibration images.
    pub selections: Vec<Selection>,
}

/// An integer network.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Selection {
    /// Its hash.
    pub network_hash: String,
    pub answers: Answers,
}

impl Results for Swept {
    fn join(&mut self, next: Self) -> Result<(), [String; 3]> {
        let made = |swept: &Self| {
            let hashes = swept.ways.iter().flat_map(|way| &way.selections).map(|s| s.network_hash.clone());
            hashes.collect::<Vec<_>>()
        };
        let (own, others) = (made(self), made(&next));
        if own.len() != others.len() {
            return Err([
                "the number of networks".to_owned(),
                others.len().to_string(),
                own.len().to_string(),
            ]);
        }
        if let Some((at, (own, other))) = own.into_iter().zip(others).enumerate().find(|(_, (a, b))| a != b) {
            return Err([format!("the hash of network {at}"), other, own]);
        }
        self.images.extend(next.images);
        self.float.join(next.float);
        let answers = |way: Way| way.selections.into_iter().map(|selection| selection.answers);
        let own = self.ways.iter_mut().flat_map(|way| &mut way.selections);
        own.zip(next.ways.into_iter().flat_map(answers)).for_each(|(own, next)| own.answers.join(next));
        Ok(())
    }
}

/// What is printed.
#[derive(Serialize)]
pub struct Done {
    network: String,
    calibration_data: Set,
    data: Set,
    /// What was taken for granted when the model was read.
    assumed: Vec<Assumption>,
    images: usize,
    /// Right answers of the float network, where every image has a label.
    float_right: Option<usize>,
    rows: Vec<Row>,
}

/// One way of quantising, over all selections.
#[derive(Serialize)]
struct Row {
    weight_bits: String,
    scales: String,
    calibration_images: u64,
    /// By the selection of calibration images.
    selections: Vec<Verdict>,
}

impl Done {
    /// What was found with images of two data sets.
    pub fn new(network: String, calibration_data: Set, data: Set, swept: &Swept) -> Self {
        let labels: Vec<Option<u16>> = swept.images.iter().map(|image| image.label).collect();
        let rows = swept.ways.iter().map(|way| Row {
            weight_bits: way.weight_bits.clone(),
            scales: way.scales.clone(),
            calibration_images: way.calibration_images,
            selections: way.selections.iter().map(|s| s.answers.verdict(&swept.float, &labels)).collect(),
        });
        Self {
            network,
            calibration_data,
            data,
            assumed: swept.assumed.clone(),
            images: swept.float.images(),
            float_right: swept.float.right(&labels),
            rows: rows.collect(),
        }
    }

    /// At most 80 columns, unless widths of layers are named.
    pub fn text(&self) -> String {
        if self.images == 0 {
            return recorded::NO_IMAGES.to_owned();
        }
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
            let way = vec![row.weight_bits.clone(), row.scales.clone(), row.calibration_images.to_string()];
            [way, top1, vec![same, logits, rates, silent]].concat()
        });
        let mut header = vec!["bits", "unit", "calib"];
        if self.float_right.is_some() {
            header.extend(["top-1", "from-to"]);
        }
        header.extend(["same", "logits off", "rates off", "silent"]);
        text + "\n" + &table(&header, rows) + &inspect::assumed(&self.assumed)
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
