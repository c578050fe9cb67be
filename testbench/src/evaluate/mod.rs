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
mod tally;

pub use activity::{Fired, LayerActivity, PopulationActivity, Work};
pub use classes::{ClassRow, Classes, Classified};
pub use energy::{Energy, ENERGY_MODELS};
pub use share::Share;
pub use tally::{Bad, Clamped, Evaluation, Pace, Tally};

use rayon::prelude::*;
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

/// Images by number, with their labels.
pub struct Images<'a> {
    /// How many.
    pub count: usize,
    /// Pixels of one, u8 in (c, y, x) order.
    pub read: &'a (dyn Fn(usize) -> Result<Cow<'a, [u8]>, DataError> + Sync),
    /// One entry per image; none where the data say none.
    pub labels: &'a [Option<u16>],
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
    bad: Vec<Bad>,
    saturations: Saturations,
    activity: Activity,
}

/// Runs the images on all threads of the current rayon pool, and says what it comes to: [`tally`] and
/// [`Tally::evaluation`], with the time that it took.
///
/// # Errors
/// As [`tally`]; no image.
pub fn evaluate(
    net: &Network,
    images: &Images,
    skip_bad: bool,
    done: &(dyn Fn(usize) + Sync),
) -> Result<(Evaluation, Vec<Classified>), EvaluateError> {
    let (tally, pace) = tally(net, images, skip_bad, done)?;
    require_some(&tally)?;
    Ok((Evaluation { pace: Some(pace), ..tally.evaluation() }, tally.images))
}

/// That an image is left of those that were given.
///
/// # Errors
/// There were some, and none could be read.
pub fn require_some(tally: &Tally) -> Result<(), EvaluateError> {
    match tally.bad.first() {
        Some(first) if tally.images.is_empty() => Err(EvaluateError::Nothing { first: first.why.clone() }),
        _ => Ok(()),
    }
}

/// Runs the images on all threads of the current rayon pool. With `skip_bad` pictures that cannot be read are counted and
/// left out. `done` is called now and then with the number of images finished.
///
/// # Errors
/// A network that the fast engine refuses; an image of another size, or that cannot be read unless it is skipped.
pub fn tally(
    net: &Network,
    images: &Images,
    skip_bad: bool,
    done: &(dyn Fn(usize) + Sync),
) -> Result<(Tally, Pace), EvaluateError> {
    let engine = Prepared::new(net)?;
    let finished = AtomicUsize::new(0);
    let begin = Instant::now();
    let shares = images.count.div_ceil(SHARE);
    let of_share = |mut found: Found, share: usize| -> Result<Found, EvaluateError> {
        for at in share * SHARE..images.count.min((share + 1) * SHARE) {
            match (images.read)(at) {
                Ok(pixels) => found.run(&engine, at, images.labels.get(at).copied().flatten(), &pixels)?,
                Err(error) if skip_bad => found.bad.push(Bad { image: at, why: error.to_string() }),
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
    let pace = Pace {
        simd: Simd::best().to_string(),
        threads: rayon::current_num_threads(),
        seconds: begin.elapsed().as_secs_f64(),
    };
    Ok((found.tally(net), pace))
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

    fn tally(mut self, net: &Network) -> Tally {
        self.each.sort_by_key(|one| one.image);
        self.bad.sort_by_key(|one| one.image);
        let clamps = self.saturations.0.iter().map(|s| Clamped {
            name: s.layer.clone(),
            kind: s.kind.to_string(),
            saturated: Share { n: s.saturated, of: s.of },
        });
        Tally {
            timesteps: net.timesteps,
            classes: net.classes(),
            populations: self.activity.populations(net),
            layers: self.activity.layers(net),
            clamps: clamps.collect(),
            images: self.each,
            bad: self.bad,
        }
    }
}
