//! Ranges of the float network's tensors over calibration images.
//!
//! Data in: the network and images. Data out: [`Calibration`], read by the quantiser: for every tensor the largest
//! magnitude and a histogram of magnitudes, for every node with weights the moments of the values its kernel meets. Results
//! do not depend on the number of threads.

mod moments;
mod range;

use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use ndarray::ArrayView4;
use rayon::prelude::*;

use crate::float::{ImageSizeError, Interpreter, Observer, ARGUMENT};
use crate::graph::{GraphError, Network, Op};
use moments::Window;

pub use moments::Moments;
pub(crate) use moments::{Sampler, Windows};
pub use range::Range;

/// Images used when nothing else is said: scales from a thousand are no better (`tests/quantise_fashion.rs`).
pub const DEFAULT_IMAGES: usize = 32;

/// Images in flight.
const GROUP: usize = 8;

/// Ranges of tensors and moments of operands, both by the names of the nodes that make them and that read them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Calibration {
    /// Images seen.
    pub images: usize,
    ranges: BTreeMap<String, Range>,
    moments: BTreeMap<String, Moments>,
}

impl Calibration {
    /// The range of a node's tensor, or of what lies inside the node (see [`crate::float`]), if it was seen. Spikes and what
    /// repeats another tensor have none.
    pub fn range(&self, tensor: &str) -> Option<&Range> {
        self.ranges.get(tensor)
    }

    /// The moments of what a convolution or a linear layer reads, by the name of its node, if it was seen.
    pub fn moments(&self, node: &str) -> Option<&Moments> {
        self.moments.get(node)
    }

    /// A calibration without images, in which every tensor reaches 1: with it a network is quantised to one of the same
    /// shapes, which is planned and sized like the real one, and computes nothing of use.
    ///
    /// # Errors
    /// The network does not fit together.
    pub fn nominal(net: &Network) -> Result<Calibration, GraphError> {
        let mut one = Range::default();
        one.add(&[1.0]);
        let plan = Plan::new(net, 1)?;
        let ranges = plan.ranged.into_iter().map(|name| (name, one.clone())).collect();
        let layers = plan.readers.into_values().flatten();
        let moments = layers.map(|(layer, sampler)| (layer, Moments::none(sampler.values()))).collect();
        Ok(Calibration { images: 0, ranges, moments })
    }

    /// Adds what was seen of some images.
    fn add(&mut self, plan: &Plan, images: &[Seen]) {
        self.images += images.len();
        for (name, range) in images.iter().flat_map(|image| &image.ranges) {
            self.ranges.entry((*name).to_owned()).or_default().merge(range);
        }
        for (layer, sampler) in plan.readers.values().flatten() {
            let new = || Moments::new(sampler.values());
            let moments = self.moments.entry(layer.clone()).or_insert_with(new);
            let windows = images.iter().filter_map(|image| image.windows.get(&layer[..]));
            moments.add(&windows.collect::<Vec<_>>());
        }
    }
}

/// What to look at.
struct Plan {
    /// Tensors whose range is kept.
    ranged: BTreeSet<String>,
    /// Nodes with weights and their samplers, by the tensor that they read.
    readers: BTreeMap<String, Vec<(String, Sampler)>>,
}

impl Plan {
    fn new(net: &Network, images: usize) -> Result<Plan, GraphError> {
        let values = net.values()?;
        let mut plan = Plan { ranged: BTreeSet::new(), readers: BTreeMap::new() };
        for (node, &output) in net.nodes.iter().zip(&values) {
            match node.op {
                // Spikes are 0 or 1, and what repeats a tensor has its range.
                Op::Lif | Op::Repeat => {}
                Op::Gate => plan.ranged.extend([node.name.clone(), format!("{}{ARGUMENT}", node.name)]),
                _ => plan.ranged.extend([node.name.clone()]),
            }
            let window = match &node.op {
                Op::Conv(conv) => {
                    Window { side: conv.kernel(), stride: conv.stride, before: conv.padding.before }
                }
                Op::Linear(_) => Window { side: 1, stride: 1, before: 0 },
                _ => continue,
            };
            let source = node.inputs[0];
            let sampler = Sampler::new(window, values[source.0].map, output.map, images);
            let read = net.node(source).name.clone();
            plan.readers.entry(read).or_default().push((node.name.clone(), sampler));
        }
        Ok(plan)
    }
}

/// Samplers of what every node with weights reads, by its name, over a number of images.
///
/// # Errors
/// The network does not fit together.
pub(crate) fn samplers(net: &Network, images: usize) -> Result<BTreeMap<String, Sampler>, GraphError> {
    Ok(Plan::new(net, images)?.readers.into_values().flatten().collect())
}

/// What was seen of one image, by the names of nodes.
#[derive(Default)]
struct Seen<'a> {
    ranges: BTreeMap<&'a str, Range>,
    windows: BTreeMap<&'a str, Windows>,
}

/// Looks at one image.
struct Watcher<'a> {
    image: usize,
    plan: &'a Plan,
    seen: Seen<'a>,
}

impl Observer for Watcher<'_> {
    fn wants(&self, name: &str) -> bool {
        self.plan.ranged.contains(name) || self.plan.readers.contains_key(name)
    }

    fn tensor(&mut self, name: &str, values: ArrayView4<'_, f64>) {
        if let Some(name) = self.plan.ranged.get(name) {
            let range = self.seen.ranges.entry(name).or_default();
            // In the order of the memory, which is the fastest.
            match values.as_slice_memory_order() {
                Some(values) => range.add(values),
                None => range.add(values),
            }
        }
        for (layer, sampler) in self.plan.readers.get(name).into_iter().flatten() {
            self.seen.windows.insert(layer, sampler.sample(self.image, values));
        }
    }
}

/// Why a calibration failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CalibrateError {
    /// The network does not fit together.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// An image of another size than the network's input.
    #[error(transparent)]
    Image(#[from] ImageSizeError),
}

/// Runs a float network over images, bytes in `[C, H, W]` order, on all threads of the current rayon pool.
///
/// # Errors
/// The network does not fit together, or an image has another size than its input.
pub fn calibrate<I: AsRef<[u8]> + Sync>(net: &Network, images: &[I]) -> Result<Calibration, CalibrateError> {
    let interpreter = Interpreter::new(net)?;
    let plan = Plan::new(net, images.len())?;
    let mut total = Calibration::default();
    // In groups, so that memory stays small; added in order, so that sums are always the same.
    for (group, images) in images.chunks(GROUP).enumerate() {
        let seen: Result<Vec<Seen<'_>>, ImageSizeError> = images
            .par_iter()
            .enumerate()
            .map(|(index, image)| {
                let image_index = group * GROUP + index;
                let mut watcher = Watcher { image: image_index, plan: &plan, seen: Seen::default() };
                interpreter.run_observed(image.as_ref(), &mut watcher)?;
                Ok(watcher.seen)
            })
            .collect();
        total.add(&plan, &seen?);
    }
    Ok(total)
}

impl Failure for CalibrateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Graph(source) => source.kind(),
            Self::Image(source) => source.kind(),
        }
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Graph(source) => source.help(),
            Self::Image(source) => source.help(),
        }
    }
}
