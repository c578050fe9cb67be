//! The integer network while it grows, and what its nodes are made from.

use spikegate_contract::network::{self as contract, Form};

use super::groups;
use super::operands::{Operands, Round};
use super::{Options, QuantiseError};
use crate::calibrate::{Calibration, Moments, Range};
use crate::graph::{MapShape, Network, Node, NodeId, Op, Value};

/// A tensor of the integer network, in place of one of the float network.
#[derive(Clone, Copy, Debug)]
pub(super) struct Made {
    pub id: contract::NodeId,
    /// Float value of one unit.
    pub unit: f64,
    /// Fraction bits, where the unit is a power of two.
    pub frac: Option<i32>,
}

/// A layer with weights in the integer network, and how it was made.
pub(super) struct Weighed<'a> {
    pub id: contract::NodeId,
    /// What it reads.
    pub operand: Made,
    pub round: Round<'a>,
}

/// A walk over the float network's nodes.
pub(super) struct Walk<'a> {
    pub net: &'a Network,
    pub cal: &'a Calibration,
    pub options: &'a Options,
    /// What every float node makes.
    values: Vec<Value>,
    /// Fraction bits of every float node that makes a fixed-point number.
    frac: Vec<Option<i32>>,
    nodes: Vec<contract::Node>,
    /// By float node.
    made: Vec<Made>,
    /// By float node: the code of few bits that convolutions read in its place.
    codes: Vec<Option<Made>>,
    layers: Vec<Weighed<'a>>,
}

impl<'a> Walk<'a> {
    pub fn new(net: &'a Network, cal: &'a Calibration, options: &'a Options) -> Result<Self, QuantiseError> {
        let values = net.check()?;
        let frac = groups::fraction_bits(net, cal)?;
        let codes = vec![None; net.nodes.len()];
        let (nodes, made, layers) = Default::default();
        Ok(Walk { net, cal, options, values, frac, nodes, made, codes, layers })
    }

    /// Adds an integer node.
    pub fn push(
        &mut self,
        name: impl Into<String>,
        op: contract::Op,
        inputs: &[contract::NodeId],
        out: contract::Value,
    ) -> contract::NodeId {
        self.nodes.push(contract::Node { name: name.into(), op, inputs: inputs.to_vec(), out });
        contract::NodeId(self.nodes.len() - 1)
    }

    /// Adds a layer with weights, rounded for what it reads in the float network.
    ///
    /// # Errors
    /// That was not seen.
    pub fn weigh(
        &mut self,
        node: &Node,
        operand: Made,
        out: contract::Value,
        round: impl Fn(&Operands) -> contract::Op + Sync + 'a,
    ) -> Result<contract::NodeId, QuantiseError> {
        let op = round(&Operands::meant(self.moments(node)?));
        let id = self.push(&node.name, op, &[operand.id], out);
        self.layers.push(Weighed { id, operand, round: Box::new(round) });
        Ok(id)
    }

    /// Says what stands for the float node that is next.
    pub fn stands(&mut self, made: Made) {
        self.made.push(made);
    }

    /// Says what convolutions read in place of a float node.
    pub fn is_read_as(&mut self, id: NodeId, code: Made) {
        self.codes[id.0] = Some(code);
    }

    /// The integer network, and its layers with weights.
    pub fn finish(self) -> (contract::Network, Vec<Weighed<'a>>) {
        let neuron = self.net.neuron;
        let network = contract::Network {
            name: self.net.origin.name.clone(),
            timesteps: self.net.timesteps,
            neuron: contract::Neuron {
                leak_shift: neuron.leak_shift,
                fire: neuron.fire,
                reset: neuron.reset,
            },
            nodes: self.nodes,
        };
        (network, self.layers)
    }

    /// What stands for a float node.
    pub fn made(&self, id: NodeId) -> Made {
        self.made[id.0]
    }

    /// An input of a float node.
    pub fn input(&self, node: &Node, index: usize) -> Made {
        self.made[node.inputs[index].0]
    }

    /// What a convolution reads: the code of its input where there is one, or the input itself.
    pub fn operand(&self, node: &Node) -> Made {
        self.codes[node.inputs[0].0].unwrap_or_else(|| self.input(node, 0))
    }

    /// An input with fraction bits.
    ///
    /// # Errors
    /// It is no fixed-point number.
    pub fn fixed_point(&self, node: &Node, index: usize) -> Result<(Made, i32), QuantiseError> {
        let made = self.input(node, index);
        let error = || QuantiseError::Operand {
            node: node.name.clone(),
            operand: self.net.node(node.inputs[index]).name.clone(),
            got: "a code, a count or spikes",
            expected: "a stream of 16 bits",
        };
        Ok((made, made.frac.ok_or_else(error)?))
    }

    /// The map that a float node makes.
    pub fn map(&self, id: NodeId) -> MapShape {
        self.values[id.0].map
    }

    /// Fraction bits of a float node.
    pub fn frac(&self, id: NodeId) -> Option<i32> {
        self.frac[id.0]
    }

    /// Whether what a float node makes is there once for every timestep.
    pub fn is_timed(&self, id: NodeId) -> bool {
        self.values[id.0].timed
    }

    /// Whether a convolution reads a float node.
    pub fn feeds_conv(&self, id: NodeId) -> bool {
        self.net.readers(id).any(|node| matches!(node.op, Op::Conv(_)))
    }

    /// The value of a float node in integers, with its fraction bits where it is a stream.
    pub fn value(&self, id: NodeId, form: Form) -> contract::Value {
        let Value { map, timed } = self.values[id.0];
        let frac_bits = if form == Form::Stream { self.frac(id) } else { None };
        contract::Value { shape: [map.c, map.h, map.w], timed, form, frac_bits }
    }

    /// The range of a tensor.
    ///
    /// # Errors
    /// It was not seen.
    pub fn range(&self, tensor: &str) -> Result<&'a Range, QuantiseError> {
        let missing = || QuantiseError::NotCalibrated { tensor: tensor.to_owned() };
        self.cal.range(tensor).filter(|range| range.count > 0).ok_or_else(missing)
    }

    /// The moments of what a node with weights reads.
    ///
    /// # Errors
    /// It was not seen.
    pub fn moments(&self, node: &Node) -> Result<&'a Moments, QuantiseError> {
        let missing = || QuantiseError::NotCalibrated { tensor: node.name.clone() };
        self.cal.moments(&node.name).ok_or_else(missing)
    }
}

/// The name of a node beside `name`: `stem.xq` beside `stem.x`.
pub(super) fn beside(name: &str, last: &str) -> String {
    let prefix = name.rsplit_once('.').map_or(name, |(prefix, _)| prefix);
    format!("{prefix}.{last}")
}
