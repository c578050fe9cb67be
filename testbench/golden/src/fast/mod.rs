//! The golden results from a fast engine, for whole test sets.
//!
//! Same arithmetic, other order: maps are (t, y, x, c), spikes are lists, windows with few spikes cost little, and
//! convolutions of what is no spikes are dot products that vectorise. It records no tensors. It is single-threaded;
//! [`Prepared`] is `Sync`, so images may run side by side. Tests hold it equal to [`crate::run`].

mod conv;
mod dense;
mod elementwise;
mod lif;
mod map;
mod post;
mod proof;
mod reduce;
mod sparse;

use spikegate_contract::network::{
    Gate, Linear, Network, Node, NodeId, Op, Requant, Rounding, TemporalAttention,
};

use crate::ops::linear::logits;
use crate::outcome::Counters;
use crate::{last_readers, GoldenError, Outcome};
use conv::Conv;
use lif::Lif;
use map::Map;
use post::Count;

/// A network with its weights laid out for speed.
pub struct Prepared<'a> {
    net: &'a Network,
    steps: Vec<Step<'a>>,
    /// For every node the place of the last that reads it.
    last_readers: Vec<usize>,
}

/// What a node does, laid out.
enum Step<'a> {
    Input(&'a [u8]),
    Conv(Conv),
    Code { shift: u8, rounding: Rounding },
    Lif(Lif),
    Statistics,
    Temporal(&'a TemporalAttention),
    Gate(&'a Gate),
    Repeat { len: usize },
    Add,
    Count,
    Pool(&'a [Requant]),
    Linear(&'a Linear),
}

impl<'a> Step<'a> {
    fn new(net: &'a Network, id: NodeId, node: &'a Node) -> Self {
        match &node.op {
            Op::Conv(conv) => Self::Conv(Conv::new(net, &net.conv_layer(id, conv))),
            Op::Input { offset } => Self::Input(offset),
            &Op::Code { shift, rounding } => Self::Code { shift, rounding },
            &Op::Lif { threshold } => Self::Lif(Lif::new(net, id, threshold)),
            Op::Statistics => Self::Statistics,
            Op::TemporalAttention(constants) => Self::Temporal(constants),
            Op::Gate(gate) => Self::Gate(gate),
            Op::Repeat => Self::Repeat { len: net.timesteps * node.out.len() },
            Op::Add => Self::Add,
            Op::Count => Self::Count,
            Op::Pool { requant } => Self::Pool(requant),
            Op::Linear(linear) => Self::Linear(linear),
        }
    }

    /// What the node makes of what it reads.
    ///
    /// # Errors
    /// Another number of pixels than the network takes; a logit that leaves 32 bits.
    fn run(&self, node: &Node, pixels: &[u8], x: &[&Map], count: &mut Count) -> Result<Map, GoldenError> {
        let channels = node.out.shape[0];
        Ok(match self {
            Self::Input(offset) => Map::Values(elementwise::codes(offset, pixels, &node.out)?),
            Self::Conv(conv) => Map::Values(conv.run(x[0], count)),
            &Self::Code { shift, rounding } => {
                Map::Values(elementwise::code(shift, rounding, node.out.form.range(), x[0].values(), count))
            }
            Self::Lif(lif) => Map::Spikes(lif.run(x[0].values(), count)),
            Self::Statistics => Map::Wide(reduce::statistics(x[0].values())),
            Self::Temporal(constants) => Map::Values(reduce::temporal(constants, x[0].wide(), count)),
            Self::Gate(gate) => {
                Map::Values(elementwise::gate(gate, x[0].values(), x[1].values(), x[2].values(), count))
            }
            &Self::Repeat { len } => Map::Values(elementwise::repeat(x[0].values(), len)),
            Self::Add => Map::Values(elementwise::add(x[0].values(), x[1].values(), count)),
            Self::Count => Map::Wide(reduce::counts(x[0].events(), channels)),
            Self::Pool(requant) => Map::Values(reduce::pooled(requant, x[0].values(), count)),
            Self::Linear(linear) => Map::Wide(logits(linear, &x[0].to_wide(), &node.name)?),
        })
    }
}

impl<'a> Prepared<'a> {
    /// Validates the network and lays out its weights.
    ///
    /// # Errors
    /// [`GoldenError::Invalid`] as [`Network::validate`]; [`GoldenError::Accumulator`] for a network whose weights do not
    /// prove that every partial sum fits 32 bits (the golden model runs it, and fails only if a sum really leaves them).
    pub fn new(net: &'a Network) -> Result<Self, GoldenError> {
        net.validate()?;
        proof::check(net)?;
        let steps = net.iter().map(|(id, node)| Step::new(net, id, node)).collect();
        Ok(Self { net, steps, last_readers: last_readers(net) })
    }

    /// Runs one image, pixels u8 in (c, y, x) order.
    ///
    /// # Errors
    /// [`GoldenError::Pixels`], and [`GoldenError::Accumulator`] for a logit that leaves 32 bits.
    pub fn run(&self, pixels: &[u8]) -> Result<Outcome, GoldenError> {
        let mut counters = Counters::default();
        let mut maps: Vec<Option<Map>> = Vec::with_capacity(self.steps.len());
        let mut read = Vec::new();
        for ((id, node), step) in self.net.iter().zip(&self.steps) {
            let inputs: Vec<&Map> = node.inputs.iter().filter_map(|id| maps[id.0].as_ref()).collect();
            let mut count = Count::default();
            let map = step.run(node, pixels, &inputs, &mut count)?;
            counters.note(node, count.into(), || map.spikes());
            if let Step::Linear(_) = step {
                read = inputs[0].to_wide();
            }
            maps.push(Some(map));
            for input in &node.inputs {
                if self.last_readers[input.0] == id.0 {
                    maps[input.0] = None;
                }
            }
        }
        let logits = maps.last().and_then(Option::as_ref).map_or(&[][..], Map::wide);
        Ok(counters.outcome(self.net, read, logits))
    }
}
