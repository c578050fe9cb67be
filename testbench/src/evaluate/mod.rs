//! How good a network is on a data set, and how busy: the fast engine over all images, on all threads.
//!
//! ```
//! use spikegate_golden::random::{image, network, tiny, Rng};
//! use spikegate_testbench::evaluate::{evaluate, Images};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let rng = &mut Rng(1);
//! # let shape = tiny(rng);
//! # let net = network(rng, &shape);
//! # let pixels: Vec<Vec<u8>> = (0..4).map(|_| image(rng, net.input_shape())).collect();
//! let images = Images { count: pixels.len(), read: &|at| Ok(pixels[at][..].into()), labels: &[Some(0); 4] };
//! let (found, each) = evaluate(&net, &images, false, &|_| ())?;
//! assert_eq!(found.images, each.len());
//! println!("{:?} of {} right", found.top1, found.images);
//! # Ok(()) }
//! ```

mod activity;
mod classes;
mod energy;
mod share;

pub use activity::{LayerActivity, PopulationActivity};
pub use classes::{ClassRow, Classes, Classified};
pub use energy::{Energy, ENERGY_MODELS};
pub use share::Share;

use rayon::prelude::*;
use serde::Serialize;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::network::Network;
use spikegate_golden::fast::{Prepared, Seen, Simd};
use spikegate_golden::{GoldenError, Saturations};
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use crate::data::DataError;
use activity::Activity;

/// Images that one thread takes at a time: its counters are added to the others' after each.
const SHARE: usize = 64;
/// Bad pictures that are named.
const NAMED: usize = 5;

/// Images by number, with their labels.
pub struct Images<'a> {
    /// How many.
    pub count: usize,
    /// Pixels of one, u8 in (c, y, x) order.
    pub read: &'a (dyn Fn(usize) -> Result<Cow<'a, [u8]>, DataError> + Sync),
    /// One entry per image; none where the data say none.
    pub labels: &'a [Option<u16>],
}

/// A clamp, over all images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
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
    /// Vector instructions that were used.
    pub simd: String,
    /// Threads.
    pub threads: usize,
    /// Seconds from the first image to the last.
    pub seconds: f64,
}

/// Why a network could not be evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// An image cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network or an image was refused.
    #[error(transparent)]
    Golden(#[from] GoldenError),
    /// None is left of the images.
    #[error("no image could be read; {first}")]
    Nothing {
        /// Why the first could not.
        first: String,
    },
}

impl Failure for EvaluateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Data(source) => source.kind(),
            Self::Golden(source) => source.kind(),
            Self::Nothing { .. } => Kind::Input,
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Data(source) => source.help(),
            Self::Golden(source) => source.help(),
            Self::Nothing { .. } => Some("give a folder of images that can be decoded".into()),
        }
    }
}

/// What a thread has found.
struct Found {
    each: Vec<Classified>,
    bad: Vec<(usize, String)>,
    saturations: Saturations,
    activity: Activity,
}

/// Runs the images on all threads of the current rayon pool. With `skip_bad` pictures that cannot be read are counted and
/// left out. `done` is called now and then with the number of images finished.
///
/// # Errors
/// A network that the fast engine refuses; an image of another size, or that cannot be read unless it is skipped; no image.
pub fn evaluate(
    net: &Network,
    images: &Images,
    skip_bad: bool,
    done: &(dyn Fn(usize) + Sync),
) -> Result<(Evaluation, Vec<Classified>), EvaluateError> {
    let engine = Prepared::new(net)?;
    let finished = AtomicUsize::new(0);
    let begin = Instant::now();
    let shares = images.count.div_ceil(SHARE);
    let of_share = |mut found: Found, share: usize| -> Result<Found, EvaluateError> {
        for at in share * SHARE..images.count.min((share + 1) * SHARE) {
            match (images.read)(at) {
                Ok(pixels) => found.run(&engine, at, images.labels.get(at).copied().flatten(), &pixels)?,
                Err(error) if skip_bad => found.bad.push((at, error.to_string())),
                Err(error) => return Err(error.into()),
            }
            done(finished.fetch_add(1, Ordering::Relaxed) + 1);
        }
        Ok(found)
    };
    let empty = || Found {
        each: Vec::new(),
        bad: Vec::new(),
        saturations: Saturations::default(),
        activity: Activity::new(net),
    };
    let found =
        (0..shares).into_par_iter().try_fold(empty, of_share).try_reduce(empty, |a, b| Ok(a.with(b)))?;
    let seconds = begin.elapsed().as_secs_f64();
    found.evaluation(net, seconds)
}

impl Found {
    fn run(
        &mut self,
        engine: &Prepared,
        image: usize,
        label: Option<u16>,
        pixels: &[u8],
    ) -> Result<(), GoldenError> {
        let activity = &mut self.activity;
        let outcome = engine.run_observed(pixels, &mut |id, seen| {
            if let Seen::Spikes(spikes) = seen {
                activity.add(id, spikes);
            }
        })?;
        activity.images += 1;
        self.saturations.add(&outcome.saturations);
        self.each.push(Classified { image, label, class: outcome.class as u16, logits: outcome.logits });
        Ok(())
    }

    fn with(mut self, other: Self) -> Self {
        self.each.extend(other.each);
        self.bad.extend(other.bad);
        self.saturations.add(&other.saturations);
        self.activity.merge(&other.activity);
        self
    }

    fn evaluation(
        mut self,
        net: &Network,
        seconds: f64,
    ) -> Result<(Evaluation, Vec<Classified>), EvaluateError> {
        self.each.sort_by_key(|one| one.image);
        self.bad.sort_by_key(|(image, _)| *image);
        if let (true, Some((_, first))) = (self.each.is_empty(), self.bad.first()) {
            return Err(EvaluateError::Nothing { first: first.clone() });
        }
        let classes = Classes::new(&self.each, net.classes());
        let clamped = self.saturations.0.iter().filter(|s| s.saturated > 0).map(|s| Clamped {
            name: s.layer.clone(),
            kind: s.kind.to_string(),
            saturated: Share { n: s.saturated, of: s.of },
        });
        let layers = self.activity.layers(net);
        let evaluation = Evaluation {
            images: self.each.len(),
            skipped: self.bad.len(),
            skipped_named: self.bad.iter().take(NAMED).map(|(_, error)| error.clone()).collect(),
            top1: classes.as_ref().map(Classes::right),
            top5: classes.as_ref().and_then(|_| classes::among_five(&self.each, net.classes())),
            classes,
            populations: self.activity.populations(net),
            clamped: clamped.collect(),
            energy: ENERGY_MODELS.iter().map(|model| model.of(&layers)).collect(),
            layers,
            simd: Simd::best().to_string(),
            threads: rayon::current_num_threads(),
            seconds,
        };
        Ok((evaluation, self.each))
    }
}
