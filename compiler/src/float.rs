//! A plain f64 interpreter of the float network: what the checkpoint means, node by node.
//!
//! It is compared with PyTorch's own tensors, and everything about the integer network that is *measured*
//! (accuracy, spike agreement, ranges for calibration) is measured against it. It shares no arithmetic
//! with the integer side.
//!
//! The input is a still image, so what comes before the first membrane is computed once per image and
//! not, as in the authors' code, once per timestep; the values are the same.
//!
//! An [`Observer`] may ask for the tensor of any node by its name, see [`crate::graph`], and for what lies inside two
//! operations, under the node's name and a suffix: [`MEMBRANE`] and [`ARGUMENT`]. Every tensor has the axes (t, c, y, x), and
//! one t where it is untimed.
//!
//! An operation is a file here; [`Interpreter::new`] says which.

mod attention;
mod conv;
mod gate;
mod input;
mod lif;
mod linear;
mod maps;
mod observe;
mod operation;
mod plain;

pub use gate::ARGUMENT;
pub use input::ImageSizeError;
pub use lif::MEMBRANE;
pub use observe::{Observer, Recorder};

use crate::graph::{GraphError, Network, Op};
use input::Input;
use maps::Maps;
use observe::Inner;
use operation::Operation;
use rayon::prelude::*;

/// What a network says about one image.
#[derive(Debug, Clone, PartialEq)]
pub struct Inference {
    /// One per class.
    pub logits: Vec<f64>,
    /// Index of the largest logit; the lowest of equals.
    pub class: usize,
}

/// A network arranged for running. Cheap to share between threads.
#[derive(Debug)]
pub struct Interpreter {
    input: Input,
    steps: Vec<Step>,
}

/// A node behind the input.
#[derive(Debug)]
struct Step {
    name: String,
    operation: Box<dyn Operation>,
    /// Places of the tensors it reads; the input is at 0, the first step's at 1.
    inputs: Vec<usize>,
    /// Tensors that nothing reads afterwards.
    done: Vec<usize>,
}

impl Interpreter {
    /// Checks a network and arranges its weights.
    ///
    /// # Errors
    /// The network does not pass [`Network::check`].
    pub fn new(net: &Network) -> Result<Interpreter, GraphError> {
        let values = net.check()?;
        let mut input = Input::default();
        let mut steps: Vec<Step> = Vec::new();
        for (node, &value) in net.nodes.iter().zip(&values) {
            let operation = match &node.op {
                Op::Input { mean, std } => {
                    input = Input::new(&node.name, value.map, mean, std);
                    continue;
                }
                Op::Conv(conv) => boxed(conv::Conv::new(conv, value.map)),
                Op::Relu => boxed(plain::Relu),
                Op::Lif => boxed(lif::Lif::new(net.neuron, net.timesteps)),
                Op::TemporalAttention(attention) => boxed(attention::TemporalAttention::new(attention)),
                Op::Gate => boxed(gate::Gate),
                Op::Repeat => boxed(plain::Repeat { timesteps: net.timesteps }),
                Op::Add => boxed(plain::Add),
                Op::Mean => boxed(plain::Mean),
                Op::Linear(linear) => boxed(linear::Linear::new(linear)),
            };
            let inputs = node.inputs.iter().map(|input| input.0).collect();
            steps.push(Step { name: node.name.clone(), operation, inputs, done: Vec::new() });
        }
        let last_reader = |at| steps.iter().rposition(|step| step.inputs.contains(&at));
        let readers: Vec<Option<usize>> = (0..steps.len()).map(last_reader).collect();
        for (at, reader) in readers.into_iter().enumerate() {
            if let Some(reader) = reader {
                steps[reader].done.push(at);
            }
        }
        Ok(Interpreter { input, steps })
    }

    /// Classifies one image, bytes in `[C, H, W]` order.
    ///
    /// # Errors
    /// The image has another number of bytes than the network's input.
    pub fn run(&self, image: &[u8]) -> Result<Inference, ImageSizeError> {
        self.run_observed(image, &mut ())
    }

    /// Classifies images on all threads of the current rayon pool; the order is kept.
    ///
    /// # Errors
    /// An image has another number of bytes than the network's input.
    pub fn run_all<I: AsRef<[u8]> + Sync>(&self, images: &[I]) -> Result<Vec<Inference>, ImageSizeError> {
        images.par_iter().map(|image| self.run(image.as_ref())).collect()
    }

    /// As [`Interpreter::run`], showing the tensors on the way.
    ///
    /// # Errors
    /// The image has another number of bytes than the network's input.
    pub fn run_observed(
        &self,
        image: &[u8],
        observer: &mut dyn Observer,
    ) -> Result<Inference, ImageSizeError> {
        let image = self.input.normalise(image)?;
        observe::show(observer, self.input.name(), &image);
        let mut tensors = Vec::with_capacity(1 + self.steps.len());
        tensors.push(image);
        for step in &self.steps {
            let inputs: Vec<&Maps> = step.inputs.iter().map(|&at| &tensors[at]).collect();
            let made = step.operation.run(&inputs, &mut Inner::new(&step.name, observer));
            observe::show(observer, &step.name, &made);
            tensors.push(made);
            step.done.iter().for_each(|&at| drop(std::mem::take(&mut tensors[at])));
        }
        let logits: Vec<f64> = tensors.last().map_or_else(Vec::new, |last| last.iter().copied().collect());
        Ok(Inference { class: argmax(&logits), logits })
    }

    /// Every node by itself: `replace` sees what a node makes, and gives what the nodes behind it read in its place, such as
    /// the values of another network. Only neurons read what the node before them has made, so that their spikes show what
    /// their layer alone has changed.
    ///
    /// # Errors
    /// The image has another number of bytes than the network's input.
    pub(crate) fn run_replaced(
        &self,
        image: &[u8],
        replace: &mut dyn FnMut(&str, &Maps) -> Option<Maps>,
    ) -> Result<(), ImageSizeError> {
        // What was made, and what it was replaced with.
        let mut tensors = vec![(self.input.normalise(image)?, None)];
        for step in &self.steps {
            let input = |&at: &usize| {
                let (made, replaced): &(Maps, Option<Maps>) = &tensors[at];
                replaced.as_ref().filter(|_| !step.operation.is_neuron()).unwrap_or(made)
            };
            let inputs: Vec<&Maps> = step.inputs.iter().map(input).collect();
            let made = step.operation.run(&inputs, &mut Inner::new(&step.name, &mut ()));
            let replaced = replace(&step.name, &made);
            tensors.push((made, replaced));
            step.done.iter().for_each(|&at| drop(std::mem::take(&mut tensors[at])));
        }
        Ok(())
    }
}

fn boxed(operation: impl Operation + 'static) -> Box<dyn Operation> {
    Box::new(operation)
}

/// Index of the largest value, the lowest of equals; 0 for none.
fn argmax(values: &[f64]) -> usize {
    let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    values.iter().position(|&v| v == best).unwrap_or(0)
}
