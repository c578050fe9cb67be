//! What was counted on some images, and what that comes to.
//!
//! A tally has whole numbers alone, so that the sums of two parts of a set are those of the set.

use serde::{Deserialize, Serialize};

use super::activity::{Fired, LayerActivity, PopulationActivity, Work};
use super::classes::{among_five, Classes, Classified};
use super::energy::{Energy, ENERGY_MODELS};
use super::share::Share;

/// Bad pictures that are named.
const NAMED: usize = 5;

/// What a network did on some images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Timesteps of a population.
    pub timesteps: usize,
    /// Classes of the network.
    pub classes: usize,
    /// Images in their order.
    pub images: Vec<Classified>,
    /// Images that could not be read and were skipped.
    pub bad: Vec<Bad>,
    /// The populations in the order of the nodes.
    pub populations: Vec<Fired>,
    /// The layers with weights in the order of the nodes.
    pub layers: Vec<Work>,
    /// The clamps in the order of the nodes; none where no image was run.
    pub clamps: Vec<Clamped>,
}

/// An image that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bad {
    /// Its number.
    pub image: usize,
    /// Why.
    pub why: String,
}

/// A clamp, over all images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clamped {
    /// Name of the node.
    pub name: String,
    /// Which clamp.
    pub kind: String,
    /// Values that it changed, of those that passed it.
    pub saturated: Share,
}

/// What a network did on a data set. Every figure is measured by running the integer network, but for energies, which are a
/// model.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluation {
    /// Images classified.
    pub images: usize,
    /// Images that could not be read and were skipped, and the first of them by name.
    pub skipped: usize,
    /// Why the first of them could not be read.
    pub skipped_named: Vec<String>,
    /// Images whose class is their label; none unless every image has a label.
    pub top1: Option<Share>,
    /// Images whose label is among the five largest logits; none without labels, or with no more than five classes.
    pub top5: Option<Share>,
    /// By class; none without labels.
    pub classes: Option<Classes>,
    /// The populations in the order of the nodes.
    pub populations: Vec<PopulationActivity>,
    /// The layers with weights in the order of the nodes, per image.
    pub layers: Vec<LayerActivity>,
    /// The clamps that changed a value, in the order of the nodes.
    pub clamped: Vec<Clamped>,
    /// Energy of an image by each model.
    pub energy: Vec<Energy>,
    /// How it was run, where it was run at once.
    #[serde(flatten)]
    pub pace: Option<Pace>,
}

/// How fast images were run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pace {
    /// Vector instructions that were used.
    pub simd: String,
    /// Threads.
    pub threads: usize,
    /// Seconds from the first image to the last.
    pub seconds: f64,
}

impl Tally {
    /// With that of the images that follow, by the same network.
    ///
    /// # Errors
    /// Another network's: what differs, as its name, its value there and its value here.
    pub fn join(&mut self, next: Self) -> Result<(), [String; 3]> {
        let shape = |tally: &Self| {
            let populations = tally.populations.iter().map(|p| format!("{}: {}", p.name, p.spikes.len()));
            let layers = tally.layers.iter().map(|l| format!("{}: {}", l.name, l.dense));
            let parts: Vec<String> = populations.chain(layers).collect();
            format!("{} timesteps, {} classes, {}", tally.timesteps, tally.classes, parts.join(", "))
        };
        if shape(self) != shape(&next) {
            return Err(["the network".to_owned(), shape(&next), shape(self)]);
        }
        self.images.extend(next.images);
        self.bad.extend(next.bad);
        for (own, next) in self.populations.iter_mut().zip(next.populations) {
            own.spikes.iter_mut().zip(next.spikes).for_each(|(sum, n)| *sum += n);
        }
        for (own, next) in self.layers.iter_mut().zip(next.layers) {
            own.executed += next.executed;
        }
        for next in next.clamps {
            match self.clamps.iter_mut().find(|own| (&own.name, &own.kind) == (&next.name, &next.kind)) {
                Some(own) => own.saturated = own.saturated.plus(next.saturated.n, next.saturated.of as usize),
                None => self.clamps.push(next),
            }
        }
        Ok(())
    }

    /// What it comes to.
    pub fn evaluation(&self) -> Evaluation {
        let images = self.images.len() as u64;
        let classes = Classes::new(&self.images, self.classes);
        let layers: Vec<LayerActivity> = self.layers.iter().map(|layer| layer.activity(images)).collect();
        Evaluation {
            images: self.images.len(),
            skipped: self.bad.len(),
            skipped_named: self.bad.iter().take(NAMED).map(|bad| bad.why.clone()).collect(),
            top1: classes.as_ref().map(Classes::right),
            top5: classes.as_ref().and_then(|_| among_five(&self.images, self.classes)),
            classes,
            populations: self.populations.iter().map(|p| p.activity(images, self.timesteps)).collect(),
            clamped: self.clamps.iter().filter(|clamp| clamp.saturated.n > 0).cloned().collect(),
            energy: ENERGY_MODELS.iter().map(|model| model.of(&layers)).collect(),
            layers,
            pace: None,
        }
    }
}
