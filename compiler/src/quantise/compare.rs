//! Which layer hurts: every layer of the float network on the values that the integer network gives it.
//!
//! Errors of a whole network add up, so that its last layers always look worst. Here the float network computes each node
//! from the integer network's values; what differs behind a node is that node's own doing.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use spikegate_contract::network::{FireRule, Network, Node, Op, Reset};
use spikegate_golden::fast::{Prepared, Seen};
use std::collections::BTreeMap;

use super::plain::offsets;
use super::EvaluateError;
use crate::float::{Interpreter, Recorder};
use crate::graph;

/// A population, over all images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PopulationComparison {
    /// Name of its node in both networks.
    pub name: String,
    /// Spikes that are equal when the float network's layer reads what the integer network's did, of `of`.
    pub equal: u64,
    /// Spikes that are equal when each network reads the image.
    pub equal_alone: u64,
    /// Spikes compared: neurons times timesteps times images.
    pub of: u64,
    /// Spikes of the integer and of the float network, each reading the image.
    pub spikes: [u64; 2],
}

/// A stream, over all images.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerComparison {
    /// Name of its node in both networks.
    pub name: String,
    /// Sum of the squares of the float values, computed from the integer network's.
    pub signal: f64,
    /// Sum of the squares of what the integer values differ by.
    pub error: f64,
}

/// What differs between two networks, layer by layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Images compared.
    pub images: usize,
    /// Images to which both give the same class.
    pub same_class: usize,
    /// The populations in the order of the nodes.
    pub populations: Vec<PopulationComparison>,
    /// The streams in the order of the nodes.
    pub layers: Vec<LayerComparison>,
}

impl PopulationComparison {
    /// How far the firing rates lie from each other, each network reading the image; between 0 and 1.
    pub fn rate_distance(&self) -> f64 {
        self.spikes[0].abs_diff(self.spikes[1]) as f64 / self.of.max(1) as f64
    }
}

impl LayerComparison {
    /// Signal to error in decibels; none where there is no error, or nothing but it.
    pub fn decibels(&self) -> Option<f64> {
        (self.signal > 0.0 && self.error > 0.0).then(|| 10.0 * (self.signal / self.error).log10())
    }
}

/// Compares the networks on images, bytes in `[C, H, W]` order, on all threads of the current rayon pool. `done` is called
/// after every image.
///
/// # Errors
/// A network that does not fit together, or an image of another size than its input.
pub fn compare<I: AsRef<[u8]> + Sync>(
    float: &graph::Network,
    integer: &Network,
    images: &[I],
    done: &(dyn Fn() + Sync),
) -> Result<Comparison, EvaluateError> {
    Ok(Comparison::sum(compare_each(float, integer, images, done)?))
}

/// As [`compare`], each image by itself.
///
/// # Errors
/// As [`compare`].
pub fn compare_each<I: AsRef<[u8]> + Sync>(
    float: &graph::Network,
    integer: &Network,
    images: &[I],
    done: &(dyn Fn() + Sync),
) -> Result<Vec<Comparison>, EvaluateError> {
    let (interpreter, engine) = (Interpreter::new(float)?, Prepared::new(integer)?);
    let both = Both { interpreter, engine, integer };
    images
        .par_iter()
        .map(|image| {
            let found = both.image(image.as_ref())?;
            done();
            Ok(found)
        })
        .collect()
}

/// What says that the integer network was made of another float network, as far as it can be seen: timesteps, neurons, the
/// image's mean, and the nodes with their strides. Standard deviations, epsilons and weights lie in its numbers.
pub fn difference(float: &graph::Network, integer: &Network) -> Option<String> {
    let said =
        |what: &str, float: String, integer: String| Some(format!("{what} {float}, compiled {integer}"));
    if float.timesteps != integer.timesteps {
        return said("timesteps", float.timesteps.to_string(), integer.timesteps.to_string());
    }
    if float.neuron.leak_shift != integer.neuron.leak_shift {
        let leak = |shift| format!("2^-{shift}");
        return said("leak", leak(float.neuron.leak_shift), leak(integer.neuron.leak_shift));
    }
    if float.neuron.reset != integer.neuron.reset {
        let reset = |reset| if reset == Reset::Zero { "to zero" } else { "by subtraction" }.to_owned();
        return said("the neurons' reset", reset(float.neuron.reset), reset(integer.neuron.reset));
    }
    let fires_at = float.neuron.fire == graph::FireRule::Ge;
    if fires_at != (integer.neuron.fire == FireRule::Ge) {
        let rule = |at: bool| if at { ">=" } else { ">" }.to_owned();
        return said("the neurons' comparison", rule(fires_at), rule(!fires_at));
    }
    for node in &float.nodes {
        let made = integer.find(&node.name).map(|id| &integer.node(id).op);
        let (what, own, made) = match (&node.op, made) {
            (graph::Op::Input { mean, .. }, Some(Op::Input { offset })) => {
                ("the mean in bytes", format!("{:?}", offsets(mean)), format!("{offset:?}"))
            }
            (graph::Op::Conv(conv), Some(Op::Conv(made))) => {
                ("the stride of this layer", conv.stride.to_string(), made.stride.to_string())
            }
            (graph::Op::Lif | graph::Op::Conv(_), None) => {
                ("the layer", "is there".into(), "without it".into())
            }
            _ => continue,
        };
        if own != made {
            return said(&format!("{}: {what}", node.name), own, made);
        }
    }
    let lifs = integer.nodes.iter().filter(|node| matches!(node.op, Op::Lif { .. }));
    let extra = lifs.map(|node| &node.name).find(|name| float.populations().all(|own| own != **name))?;
    said(&format!("{extra}: the layer"), "is not there".into(), "with it".into())
}

/// Both networks, ready to run.
struct Both<'a> {
    interpreter: Interpreter,
    engine: Prepared<'a>,
    integer: &'a Network,
}

impl Both<'_> {
    fn image(&self, image: &[u8]) -> Result<Comparison, EvaluateError> {
        let mut values: BTreeMap<&str, (&Node, Vec<f64>)> = BTreeMap::new();
        let outcome = self.engine.run_observed(image, &mut |id, seen| {
            let node = self.integer.node(id);
            if let Some(seen) = in_float_units(node, seen) {
                values.insert(&node.name, (node, seen));
            }
        })?;
        let lifs = values.iter().filter(|(_, (node, _))| matches!(node.op, Op::Lif { .. }));
        let mut alone = Recorder::only(lifs.map(|(&name, _)| name));
        let class = self.interpreter.run_observed(image, &mut alone)?.class;
        let mut found = Comparison { images: 1, ..Comparison::default() };
        found.same_class = usize::from(class == outcome.class);
        self.interpreter.run_replaced(image, &mut |name, made| {
            let (node, own) = values.get(name)?;
            let pairs = || own.iter().copied().zip(made.iter().copied());
            if let Op::Lif { .. } = node.op {
                // From (t, c, y, x) to (t, y, x, c).
                let alone = alone.get(name)?.view().permuted_axes([0, 2, 3, 1]);
                let (mut equal_alone, mut spikes) = (0, [0, 0]);
                for (integer, float) in own.iter().copied().zip(alone.iter().copied()) {
                    equal_alone += u64::from(integer == float);
                    spikes = [spikes[0] + integer as u64, spikes[1] + float as u64];
                }
                found.populations.push(PopulationComparison {
                    name: name.to_owned(),
                    equal: pairs().filter(|(integer, float)| integer == float).count() as u64,
                    equal_alone,
                    of: own.len() as u64,
                    spikes,
                });
            } else {
                found.layers.push(LayerComparison {
                    name: name.to_owned(),
                    signal: pairs().map(|(_, float)| float * float).sum(),
                    error: pairs().map(|(integer, float)| (float - integer).powi(2)).sum(),
                });
            }
            // Values of another shape are no values of this node.
            ndarray::Array4::from_shape_vec(made.dim(), own.clone()).ok()
        })?;
        Ok(found)
    }
}

/// Spikes and streams in the units of the float network, (t, y, x, c); none of other values.
fn in_float_units(node: &Node, seen: Seen) -> Option<Vec<f64>> {
    match seen {
        Seen::Spikes(spikes) => Some(spikes.iter().map(|&spike| spike.into()).collect()),
        Seen::Stream(values) => {
            // Temporal attention has the opposite sign, see the contract.
            let sign = if let Op::TemporalAttention(_) = node.op { -1.0 } else { 1.0 };
            let unit = sign * 2f64.powi(-node.out.frac_bits?);
            Some(values.iter().map(|&v| f64::from(v) * unit).collect())
        }
        _ => None,
    }
}

impl Comparison {
    /// Of several images of the same networks, added in their order, so that sums of fractions are always the same.
    pub fn sum(each: impl IntoIterator<Item = Self>) -> Self {
        each.into_iter().reduce(Self::with).unwrap_or_default()
    }

    /// With those of other images of the same networks.
    fn with(mut self, other: Self) -> Self {
        self.images += other.images;
        self.same_class += other.same_class;
        for (a, b) in self.populations.iter_mut().zip(other.populations) {
            a.equal += b.equal;
            a.equal_alone += b.equal_alone;
            a.of += b.of;
            a.spikes = [a.spikes[0] + b.spikes[0], a.spikes[1] + b.spikes[1]];
        }
        for (a, b) in self.layers.iter_mut().zip(other.layers) {
            a.signal += b.signal;
            a.error += b.error;
        }
        self
    }
}
