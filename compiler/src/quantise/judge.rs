//! Many integer networks against one float network, which runs once.
//!
//! Equal accuracy can hide that neurons fire otherwise, so firing rates and neurons that fell silent are judged beside it.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use spikegate_contract::network::{Network, NodeId};
use spikegate_golden::fast::{Prepared, Seen};
use std::collections::BTreeMap;

use super::EvaluateError;
use crate::float::{Interpreter, Recorder};
use crate::graph;

/// What a network did on some images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answers {
    /// Timesteps of a population.
    timesteps: usize,
    /// Class of every image.
    classes: Vec<usize>,
    /// Logits of every image, one after the other, in units of the float network.
    logits: Vec<f64>,
    /// Spikes of every neuron, (y, x, c), by the name of its population.
    fired: BTreeMap<String, Vec<u32>>,
}

/// How an integer network did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Images.
    pub images: usize,
    /// Right answers, where every image has a label.
    pub right: Option<usize>,
    /// Images to which it gives the float network's class.
    pub same_class: usize,
    /// Root of the mean square of what its logits are off, by the float logits' standard deviation.
    pub logit_error: f64,
    /// Mean over the populations of how far its firing rate lies from the float network's, 0 to 1.
    pub rate_distance: f64,
    /// The population of which that is the largest, and how far it lies.
    pub farthest: Option<(String, f64)>,
    /// Neurons that fire in the float network on these images, and never in this one.
    pub silent: usize,
}

impl Answers {
    /// Those of the float network on images, bytes in `[C, H, W]` order, on all threads of the current rayon pool. `done` is
    /// called after every image.
    ///
    /// # Errors
    /// A network that does not fit together, or an image of another size than its input.
    pub fn float<I: AsRef<[u8]> + Sync>(
        float: &graph::Network,
        images: &[I],
        done: &(dyn Fn() + Sync),
    ) -> Result<Self, EvaluateError> {
        let interpreter = Interpreter::new(float)?;
        let names: Vec<&str> = float.populations().collect();
        Self::of(images, float.timesteps, |image, fired| {
            let mut recorder = Recorder::only(names.iter().copied());
            let outcome = interpreter.run_observed(image, &mut recorder)?;
            for &name in &names {
                // From (t, c, y, x) to (t, y, x, c).
                let spikes = recorder.get(name).map(|spikes| spikes.view().permuted_axes([0, 2, 3, 1]));
                fired(name, &spikes.iter().flatten().map(|&spike| spike as u8).collect::<Vec<_>>());
            }
            done();
            Ok((outcome.class, outcome.logits.to_vec()))
        })
    }

    /// Those of an integer network, in the same way.
    ///
    /// # Errors
    /// A network that the golden model refuses.
    pub fn integer<I: AsRef<[u8]> + Sync>(integer: &Network, images: &[I]) -> Result<Self, EvaluateError> {
        let engine = Prepared::new(integer)?;
        let unit = integer.logit_unit();
        Self::of(images, integer.timesteps, |image, fired| {
            let mut seen = |id: NodeId, seen: Seen<'_>| {
                if let Seen::Spikes(spikes) = seen {
                    fired(&integer.node(id).name, spikes);
                }
            };
            let outcome = engine.run_observed(image, &mut seen)?;
            Ok((outcome.class, outcome.logits.iter().map(|&logit| f64::from(logit) * unit).collect()))
        })
    }

    /// Images.
    pub fn images(&self) -> usize {
        self.classes.len()
    }

    /// With those of the same network on the images that follow.
    pub fn join(&mut self, next: Self) {
        self.timesteps = next.timesteps;
        self.classes.extend(next.classes);
        self.logits.extend(next.logits);
        for (name, fired) in next.fired {
            let sums = self.fired.entry(name).or_insert_with(|| vec![0; fired.len()]);
            sums.iter_mut().zip(fired).for_each(|(sum, n)| *sum += n);
        }
    }

    /// Right answers, where every image has a label.
    pub fn right(&self, labels: &[Option<u16>]) -> Option<usize> {
        let pairs = self.classes.iter().zip(labels);
        let labelled = labels.len() == self.images() && labels.iter().all(Option::is_some);
        labelled.then(|| pairs.filter(|(&c, label)| label.is_some_and(|l| usize::from(l) == c)).count())
    }

    /// How an integer network's answers do beside the float network's on the same images.
    pub fn verdict(&self, float: &Self, labels: &[Option<u16>]) -> Verdict {
        let same = self.classes.iter().zip(&float.classes).filter(|(a, b)| a == b).count();
        let pairs = || float.fired.iter().filter_map(|(name, a)| Some((name, a, self.fired.get(name)?)));
        let distance = |(name, a, b): (&String, &Vec<u32>, &Vec<u32>)| {
            let sum = |fired: &[u32]| fired.iter().map(|&n| u64::from(n)).sum::<u64>();
            let of = (a.len() * self.timesteps * self.images()).max(1);
            (name.clone(), sum(a).abs_diff(sum(b)) as f64 / of as f64)
        };
        let distances: Vec<(String, f64)> = pairs().map(distance).collect();
        let silent = pairs().map(|(_, a, b)| a.iter().zip(b).filter(|&(&a, &b)| a > 0 && b == 0).count());
        Verdict {
            images: self.images(),
            right: self.right(labels),
            same_class: same,
            logit_error: error(&self.logits, &float.logits),
            rate_distance: distances.iter().map(|(_, d)| d).sum::<f64>() / distances.len().max(1) as f64,
            silent: silent.sum(),
            farthest: distances.into_iter().max_by(|a, b| a.1.total_cmp(&b.1)),
        }
    }
}

/// Root of the mean square of what values are off, by the standard deviation of what they should be.
fn error(values: &[f64], right: &[f64]) -> f64 {
    let mean = right.iter().sum::<f64>() / right.len().max(1) as f64;
    let square: f64 = right.iter().map(|v| (v - mean).powi(2)).sum();
    let off: f64 = values.iter().zip(right).map(|(a, b)| (a - b).powi(2)).sum();
    (off / square.max(f64::MIN_POSITIVE)).sqrt()
}

/// Takes the spikes (t, y, x, c) of a population.
type Fired<'a> = dyn FnMut(&str, &[u8]) + 'a;

impl Answers {
    /// Of all images, run by `run` on all threads, which says every population's spikes and returns the class; `timesteps`
    /// maps are in the spikes of a population.
    fn of<I: AsRef<[u8]> + Sync>(
        images: &[I],
        timesteps: usize,
        run: impl Fn(&[u8], &mut Fired<'_>) -> Result<(usize, Vec<f64>), EvaluateError> + Sync,
    ) -> Result<Answers, EvaluateError> {
        let parts: Result<Vec<Answers>, EvaluateError> = images
            .par_chunks(images.len().div_ceil(rayon::current_num_threads()).max(1))
            .map(|images| {
                let mut answers = Answers { timesteps, ..Answers::default() };
                for image in images {
                    let (class, logits) =
                        run(image.as_ref(), &mut |name, spikes| answers.add(name, spikes, timesteps))?;
                    answers.classes.push(class);
                    answers.logits.extend(logits);
                }
                Ok(answers)
            })
            .collect();
        let mut all = Answers { timesteps, ..Answers::default() };
        parts?.into_iter().for_each(|part| all.join(part));
        Ok(all)
    }

    fn add(&mut self, name: &str, spikes: &[u8], timesteps: usize) {
        let neurons = spikes.len() / timesteps.max(1);
        if !self.fired.contains_key(name) {
            self.fired.insert(name.to_owned(), vec![0; neurons]);
        }
        if let Some(sums) = self.fired.get_mut(name) {
            for step in spikes.chunks_exact(neurons.max(1)) {
                sums.iter_mut().zip(step).for_each(|(sum, &spike)| *sum += u32::from(spike));
            }
        }
    }
}
