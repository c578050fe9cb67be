//! How well the integer network does what the float network does, measured by running both.

use rayon::prelude::*;
use spikegate_contract::failure::{Failure, Kind};
use spikegate_contract::network::Network;
use spikegate_golden::fast::{Prepared, Seen};
use spikegate_golden::{GoldenError, Saturations};
use std::borrow::Cow;
use std::collections::BTreeMap;

use super::QuantiseError;
use crate::float::{ImageSizeError, Interpreter, Recorder};
use crate::graph::{self, GraphError};

/// Images compared spike by spike when nothing else is said.
pub const DEFAULT_SPIKE_IMAGES: usize = 200;

/// What both networks did on a data set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluation {
    /// Images classified by both networks.
    pub images: usize,
    /// Right answers of the float network; none unless every image has a label.
    pub float_right: Option<usize>,
    /// Right answers of the integer network; none unless every image has a label.
    pub integer_right: Option<usize>,
    /// Images on which both give the same class.
    pub same_label: usize,
    /// Images compared spike by spike.
    pub spike_images: usize,
    /// Per population, in execution order.
    pub spikes: Vec<SpikeAgreement>,
    /// Clamped values of these images, per place, in execution order.
    pub saturations: Saturations,
}

/// Equal spikes of one population.
#[derive(Clone, Debug, PartialEq)]
pub struct SpikeAgreement {
    /// Name of the population's spikes, in both networks.
    pub name: String,
    /// Equal spikes.
    pub equal: u64,
    /// Spikes compared: neurons times timesteps times images.
    pub total: u64,
}

/// Why two networks could not be compared.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The float network does not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The float network has no integer form.
    #[error(transparent)]
    Quantise(#[from] QuantiseError),
    /// An image of another size than the network's input.
    #[error(transparent)]
    Image(#[from] ImageSizeError),
    /// The integer network, or an image, was refused by the golden model.
    #[error(transparent)]
    Golden(#[from] GoldenError),
}

/// Runs both networks over images, bytes in `[C, H, W]` order, on all threads of the current rayon pool; the first
/// `spike_images` of them also spike by spike. `labels` has one entry per image. `done` is called after every image
/// with the number of images finished so far.
///
/// # Errors
/// A network that does not fit together, or an image of another size than its input.
pub fn evaluate<I: AsRef<[u8]> + Sync>(
    float: &graph::Network,
    integer: &Network,
    images: &[I],
    labels: &[Option<u16>],
    spike_images: usize,
    done: &(dyn Fn(usize) + Sync),
) -> Result<Evaluation, EvaluateError> {
    let interpreter = Interpreter::new(float)?;
    let engine = Prepared::new(integer)?;
    let finished = std::sync::atomic::AtomicUsize::new(0);
    let classes: Result<Vec<(usize, usize)>, EvaluateError> = images
        .par_iter()
        .map(|image| {
            let image = image.as_ref();
            let classes = (interpreter.run(image)?.class, engine.run(image)?.class);
            done(finished.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1);
            Ok(classes)
        })
        .collect();
    let classes = classes?;
    let labelled = labels.len() == images.len() && labels.iter().all(Option::is_some);
    let right = |of: fn(&(usize, usize)) -> usize| {
        let pairs = classes.iter().zip(labels);
        labelled.then(|| pairs.filter(|(c, label)| label.is_some_and(|l| usize::from(l) == of(c))).count())
    };

    let populations: Vec<&str> = float.populations().collect();
    let compared = &images[..spike_images.min(images.len())];
    let each: Result<Vec<_>, EvaluateError> = compared
        .par_iter()
        .map(|image| spikes(&interpreter, &engine, integer, &populations, image.as_ref()))
        .collect();
    let mut out = Evaluation {
        images: images.len(),
        float_right: right(|c| c.0),
        integer_right: right(|c| c.1),
        same_label: classes.iter().filter(|c| c.0 == c.1).count(),
        spike_images: compared.len(),
        ..Evaluation::default()
    };
    for (spikes, saturations) in each? {
        out.add(spikes, &saturations);
    }
    Ok(out)
}

impl Evaluation {
    /// Adds one image; every image has the same populations.
    fn add(&mut self, spikes: Vec<SpikeAgreement>, saturations: &Saturations) {
        self.saturations.add(saturations);
        if self.spikes.is_empty() {
            self.spikes = spikes;
            return;
        }
        for (a, b) in self.spikes.iter_mut().zip(spikes) {
            (a.equal, a.total) = (a.equal + b.equal, a.total + b.total);
        }
    }
}

fn spikes(
    float: &Interpreter,
    engine: &Prepared,
    integer: &Network,
    populations: &[&str],
    image: &[u8],
) -> Result<(Vec<SpikeAgreement>, Saturations), EvaluateError> {
    let mut recorder = Recorder::only(populations.iter().copied());
    float.run_observed(image, &mut recorder)?;
    let mut own: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    let outcome = engine.run_observed(image, &mut |id, seen| {
        if let Seen::Spikes(spikes) = seen {
            own.insert(&integer.node(id).name, spikes.to_vec());
        }
    })?;

    let agreement = populations.iter().map(|&name| {
        let integers = own.get(name).map_or(&[][..], Vec::as_slice);
        // From (t, c, y, x) to the engine's (t, y, x, c).
        let floats = recorder.get(name).map(|floats| floats.view().permuted_axes([0, 2, 3, 1]));
        let floats = || floats.iter().flatten();
        let equal = floats().zip(integers).filter(|(&f, &i)| f == f64::from(i)).count() as u64;
        SpikeAgreement { name: name.to_owned(), equal, total: floats().count().max(integers.len()) as u64 }
    });
    Ok((agreement.collect(), outcome.saturations))
}

impl Failure for EvaluateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Graph(source) => source.kind(),
            Self::Quantise(source) => source.kind(),
            Self::Image(source) => source.kind(),
            Self::Golden(source) => source.kind(),
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Graph(source) => source.help(),
            Self::Quantise(source) => source.help(),
            Self::Image(source) => source.help(),
            Self::Golden(source) => source.help(),
        }
    }
}
