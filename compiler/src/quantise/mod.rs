//! From the float network to the integer network, node by node.
//!
//! Data in: the checked graph and a [`Calibration`]. Data out: the contract's [`Network`]. Batch norm is folded into
//! the requantisation of every output channel; streams have power-of-two units, those that an addition connects the same
//! one; weights have one unit per output channel, those of a linear layer one for all.
//!
//! An operation is a file here; [`quantise`] says which. Beside the float network's nodes the integer network has codes (of
//! what a convolution reads and is neither code nor spikes nor a timed stream) and the statistics of temporal attention.

mod attention;
mod compare;
mod compensate;
mod conv;
mod error;
mod evaluate;
mod gate;
mod groups;
mod judge;
mod lif;
mod linear;
mod mean;
mod mixed;
mod operands;
mod options;
mod plain;
mod relu;
mod rounding;
mod scale;
mod walk;

pub use compare::{compare, compare_each, difference, Comparison, LayerComparison, PopulationComparison};
pub use error::QuantiseError;
pub use evaluate::{evaluate, EvaluateError, Evaluation, SpikeAgreement, DEFAULT_SPIKE_IMAGES};
pub use gate::gate_on_the_edge;
pub use judge::{Answers, Verdict};
pub use mixed::mixed;
pub use options::{Options, Scales};

use spikegate_contract::network::{self as contract, Network, WEIGHT_BITS};

use crate::calibrate::Calibration;
use crate::graph::{self, Op};
use options::names;
use walk::{Walk, Weighed};

/// Width from which on weights are rounded well enough for what the float network reads: 8 bits.
const ENOUGH_BITS: u8 = 8;

/// Quantises a network, each layer for what it reads in the float network.
///
/// # Errors
/// The network does not fit together or has no integer form, the calibration is not of this network, an option is out of
/// range, or a tensor is too large for 16 bits.
pub fn quantise(
    net: &graph::Network,
    cal: &Calibration,
    options: &Options,
) -> Result<Network, QuantiseError> {
    Ok(Quantised::new(net, cal, options)?.network)
}

/// A quantised network that remembers how.
pub struct Quantised<'a> {
    /// The integer network.
    pub network: Network,
    net: &'a graph::Network,
    cal: &'a Calibration,
    layers: Vec<Weighed<'a>>,
}

impl<'a> Quantised<'a> {
    /// As [`quantise`].
    ///
    /// # Errors
    /// As [`quantise`].
    pub fn new(
        net: &'a graph::Network,
        cal: &'a Calibration,
        options: &'a Options,
    ) -> Result<Self, QuantiseError> {
        widths(net, options)?;
        if !(8..=12).contains(&options.gate_bits) {
            let got = options.gate_bits.into();
            return Err(QuantiseError::Option { what: "the gate width", got, expected: "8 to 12 bits" });
        }
        let mut walk = Walk::new(net, cal, options)?;
        let w = &mut walk;
        for (id, node) in net.iter() {
            match &node.op {
                Op::Input { mean, .. } => plain::input(w, id, node, mean),
                Op::Conv(conv) => conv::conv(w, id, node, conv)?,
                Op::Relu => relu::relu(w, id, node)?,
                Op::Lif => lif::lif(w, id, node)?,
                Op::TemporalAttention(attention) => attention::attention(w, id, node, attention)?,
                Op::Gate => gate::gate(w, id, node)?,
                Op::Repeat => plain::streams(w, id, node, contract::Op::Repeat)?,
                Op::Add => plain::streams(w, id, node, contract::Op::Add)?,
                Op::Mean => mean::mean(w, id, node)?,
                Op::Linear(linear) => linear::linear(w, id, node, linear)?,
            }
        }
        let (network, layers) = walk.finish();
        Ok(Quantised { network, net, cal, layers })
    }

    /// The integer network for use: where a layer has less than 8 bits, every layer is rounded once more, in their order, for
    /// what it reads of these images (bytes in `[C, H, W]` order) in the integer network. `done` is called after every layer
    /// with the number of those done, and of all.
    ///
    /// # Errors
    /// A network that the golden model refuses, or an image of another size than its input.
    pub fn compensated<I: AsRef<[u8]> + Sync>(
        self,
        images: &[I],
        done: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Network, EvaluateError> {
        let Quantised { network, net, cal, layers } = self;
        if network.layers().all(|layer| layer.weight_bits >= ENOUGH_BITS) {
            return Ok(network);
        }
        compensate::compensate(net, cal, network, &layers, images, done)
    }
}

/// That weight widths are possible, and of layers that there are.
fn widths(net: &graph::Network, options: &Options) -> Result<(), QuantiseError> {
    let mut widths = options.layer_bits.values().chain([&options.weight_bits]);
    if let Some(&got) = widths.find(|bits| !WEIGHT_BITS.contains(bits)) {
        let got = got.into();
        return Err(QuantiseError::Option { what: "a weight width", got, expected: "2 to 8 bits" });
    }
    let layers = net.iter().filter(|(_, node)| matches!(node.op, Op::Conv(_) | Op::Linear(_)));
    let layers: Vec<&str> = layers.map(|(_, node)| &node.name[..]).collect();
    let unknown = options.layer_bits.keys().find(|name| !layers.iter().any(|layer| names(name, layer)));
    unknown.map_or(Ok(()), |name| {
        let layers = layers.iter().map(|&layer| layer.to_owned()).collect();
        Err(QuantiseError::NoLayer { name: name.clone(), layers })
    })
}
