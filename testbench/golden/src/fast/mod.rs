//! The golden results from a fast engine, for whole test sets.
//!
//! Same arithmetic, other order: maps are (t, y, x, c), and the same code is compiled for every [`Simd`] set of
//! instructions, the best of which is taken when the program runs. Where the processor multiplies bytes (AVX-512 VNNI, AMX
//! tiles), convolutions are products of bytes; elsewhere, and for few spikes, they are sums of the spikes' weights, and what
//! is no spikes is a dot product. It records no tensors. A run is single-threaded; [`Prepared`] is `Sync`, so images may run
//! side by side. Tests hold it equal to [`crate::run`] with all that the machine has.

mod blocks;
mod conv;
mod dots;
mod elementwise;
mod kernels;
mod lif;
mod map;
mod post;
mod proof;
mod reduce;
mod simd;
mod sparse;
mod window;

pub use map::Seen;
pub use simd::Simd;

use spikegate_contract::network::{Linear, Network, Node, NodeId, Op, Requant, TemporalAttention};
use std::sync::{Mutex, PoisonError};

use crate::ops::linear::logits;
use crate::outcome::Counters;
use crate::{last_readers, GoldenError, Outcome};
use conv::Conv;
use elementwise::{Code, Gated};
use lif::Lif;
use map::{Buffers, Map};
use post::Count;

/// A network with its weights laid out for speed.
pub struct Prepared<'a> {
    net: &'a Network,
    simd: Simd,
    steps: Vec<Step<'a>>,
    /// For every node the place of the last that reads it.
    last_readers: Vec<usize>,
    /// Of runs that have ended, for the next ones.
    buffers: Mutex<Vec<Buffers>>,
}

/// What a node does, laid out.
enum Step<'a> {
    Input(&'a [u8]),
    Conv(Box<Conv>),
    Code(Code),
    Lif(Lif),
    Statistics,
    Temporal(&'a TemporalAttention),
    Gate(Gated),
    Repeat,
    Add,
    Count,
    Pool(&'a [Requant]),
    Linear(&'a Linear),
}

impl<'a> Step<'a> {
    fn new(net: &'a Network, id: NodeId, node: &'a Node, simd: Simd) -> Self {
        match &node.op {
            Op::Conv(conv) => Self::Conv(Box::new(Conv::new(net, &net.conv_layer(id, conv), simd))),
            Op::Input { offset } => Self::Input(offset),
            &Op::Code { shift, rounding } => Self::Code(Code::new(shift, rounding, node.out.form, simd)),
            &Op::Lif { threshold, neuron } => Self::Lif(Lif::new(net.neuron(neuron), threshold, simd)),
            Op::Statistics => Self::Statistics,
            Op::TemporalAttention(constants) => Self::Temporal(constants),
            Op::Gate(gate) => Self::Gate(Gated::new(gate, simd)),
            Op::Repeat => Self::Repeat,
            Op::Add => Self::Add,
            Op::Count => Self::Count,
            Op::Pool { requant } => Self::Pool(requant),
            Op::Linear(linear) => Self::Linear(linear),
        }
    }
}

impl<'a> Prepared<'a> {
    /// Validates the network and lays out its weights for the best vectors of this processor.
    ///
    /// # Errors
    /// [`GoldenError::Invalid`] as [`Network::validate`]; [`GoldenError::Accumulator`] for a network whose weights do not
    /// prove that every partial sum fits 32 bits (the golden model runs it, and fails only if a sum really leaves them).
    pub fn new(net: &'a Network) -> Result<Self, GoldenError> {
        Self::at(net, Simd::best())
    }

    /// As [`Prepared::new`], for vectors that may not be the best.
    ///
    /// # Errors
    /// As [`Prepared::new`].
    pub fn at(net: &'a Network, simd: Simd) -> Result<Self, GoldenError> {
        net.validate()?;
        proof::check(net)?;
        let steps = net.iter().map(|(id, node)| Step::new(net, id, node, simd)).collect();
        Ok(Self { net, simd, steps, last_readers: last_readers(net), buffers: Mutex::default() })
    }

    /// Runs one image, pixels u8 in (c, y, x) order.
    ///
    /// # Errors
    /// [`GoldenError::Pixels`], and [`GoldenError::Accumulator`] for a logit that leaves 32 bits.
    pub fn run(&self, pixels: &[u8]) -> Result<Outcome, GoldenError> {
        self.run_observed(pixels, &mut |_, _| ())
    }

    /// As [`Prepared::run`]; `done` is called after every node with what it has made.
    ///
    /// # Errors
    /// As [`Prepared::run`].
    pub fn run_observed(
        &self,
        pixels: &[u8],
        done: &mut dyn FnMut(NodeId, Seen),
    ) -> Result<Outcome, GoldenError> {
        let mut buffers = self.kept().pop().unwrap_or_default();
        let mut counters = Counters::default();
        let (maps, read) = self.walk(pixels, self.steps.len(), &mut buffers, &mut counters, done)?;
        let logits = maps.last().and_then(Option::as_ref).map_or(&[][..], Map::wide);
        let outcome = counters.outcome(self.net, read, logits);
        self.keep(buffers, maps);
        Ok(outcome)
    }

    /// Runs one image as far as a node; `done` is called with what that has made.
    ///
    /// # Errors
    /// As [`Prepared::run`].
    pub fn run_until(
        &self,
        pixels: &[u8],
        last: NodeId,
        done: &mut dyn FnMut(Seen),
    ) -> Result<(), GoldenError> {
        let mut buffers = self.kept().pop().unwrap_or_default();
        let mut only = |id: NodeId, seen: Seen<'_>| {
            if id == last {
                done(seen);
            }
        };
        let (maps, _) = self.walk(pixels, last.0 + 1, &mut buffers, &mut Counters::default(), &mut only)?;
        self.keep(buffers, maps);
        Ok(())
    }

    /// Runs the first `count` nodes: their maps, as far as they are still read, and what a linear layer read last.
    fn walk(
        &self,
        pixels: &[u8],
        count: usize,
        buffers: &mut Buffers,
        counters: &mut Counters,
        done: &mut dyn FnMut(NodeId, Seen),
    ) -> Result<(Vec<Option<Map>>, Vec<i64>), GoldenError> {
        let mut maps: Vec<Option<Map>> = Vec::with_capacity(self.steps.len());
        let mut read = Vec::new();
        for ((id, node), step) in self.net.iter().zip(&self.steps).take(count) {
            let inputs: Vec<&Map> = node.inputs.iter().filter_map(|id| maps[id.0].as_ref()).collect();
            let mut count = Count::default();
            let map = self.step(step, node, pixels, &inputs, buffers, &mut count)?;
            counters.note(node, count.into(), || map.spikes(self.simd));
            done(id, map.seen(node.out.form));
            if let Step::Linear(_) = step {
                read = inputs[0].to_wide();
            }
            maps.push(Some(map));
            for input in &node.inputs {
                if self.last_readers[input.0] == id.0 {
                    maps[input.0].take().into_iter().for_each(|map| buffers.give(map));
                }
            }
        }
        Ok((maps, read))
    }

    /// Keeps the memory of a run for the next one.
    fn keep(&self, mut buffers: Buffers, maps: Vec<Option<Map>>) {
        maps.into_iter().flatten().for_each(|map| buffers.give(map));
        self.kept().push(buffers);
    }

    /// What a node makes of what it reads.
    ///
    /// # Errors
    /// Another number of pixels than the network takes; a logit that leaves 32 bits.
    fn step(
        &self,
        step: &Step,
        node: &Node,
        pixels: &[u8],
        x: &[&Map],
        buffers: &mut Buffers,
        count: &mut Count,
    ) -> Result<Map, GoldenError> {
        let len = self.net.steps(&node.out) * node.out.len();
        let mut make = |fill: &mut dyn FnMut(&mut [i16])| {
            let mut out = buffers.values(len);
            fill(&mut out);
            Map::Values(out)
        };
        Ok(match step {
            Step::Input(offset) => {
                let mut out = buffers.values(len);
                elementwise::codes(offset, pixels, &node.out, &mut out)?;
                Map::Values(out)
            }
            Step::Conv(conv) => Map::Values(conv.run(x[0], buffers, count)),
            Step::Code(code) => code.run(x[0].values(), buffers, count),
            Step::Lif(lif) => {
                let mut spikes = buffers.bytes(len);
                lif.run(x[0].values(), node.out.len(), &mut spikes, count);
                Map::Bytes(spikes)
            }
            Step::Gate(gate) => {
                make(&mut |out| gate.run(x[0].values(), x[1].values(), x[2].bytes(), out, count))
            }
            Step::Repeat => make(&mut |out| elementwise::repeat(x[0].values(), out)),
            Step::Add => {
                make(&mut |out| elementwise::add(x[0].values(), x[1].values(), self.simd, out, count))
            }
            Step::Temporal(constants) => {
                make(&mut |out| reduce::temporal(constants, x[0].wide(), out, count))
            }
            Step::Pool(requant) => make(&mut |out| reduce::pooled(requant, x[0].values(), out, count)),
            Step::Statistics => Map::Wide(reduce::statistics(x[0].values(), self.simd)),
            Step::Count => Map::Wide(reduce::counts(x[0].bytes(), node.out.len())),
            Step::Linear(linear) => Map::Wide(logits(linear, &x[0].to_wide(), &node.name)?),
        })
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Buffers>> {
        // Any buffers are as good as others.
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
