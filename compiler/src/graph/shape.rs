//! What every node makes, from what it reads.

use std::collections::HashSet;

use super::error::out_of_range;
use super::{Conv, GraphError, Linear, MapShape, Network, Node, Op, Padding, TemporalAttention, Value};

/// See [`Network::values`].
pub(super) fn values(net: &Network) -> Result<Vec<Value>, GraphError> {
    let mut values: Vec<Value> = Vec::with_capacity(net.nodes.len());
    let mut names = HashSet::new();
    for (at, node) in net.nodes.iter().enumerate() {
        let name = &node.name;
        if !names.insert(name) {
            return Err(out_of_range(&format!("the number of nodes named `{name}`"), "1", 2));
        }
        let arity = node.op.arity();
        if node.inputs.len() != arity {
            let what = format!("the number of inputs of `{name}`");
            return Err(out_of_range(&what, &arity.to_string(), node.inputs.len()));
        }
        if let Some(input) = node.inputs.iter().find(|input| input.0 >= at) {
            let what = format!("the place of an input of `{name}`");
            return Err(out_of_range(&what, &format!("less than its own, {at}"), input.0));
        }
        if matches!(node.op, Op::Input { .. }) != (at == 0) {
            return Err(out_of_range("the place of the input", "0, and no other input", at));
        }
        let inputs: Vec<Value> = node.inputs.iter().map(|input| values[input.0]).collect();
        values.push(Reader { net, node, inputs: &inputs }.value()?);
    }
    match net.nodes.last().map(|node| &node.op) {
        Some(Op::Linear(_)) => Ok(values),
        _ => Err(out_of_range("the last node", "a linear layer", "another operation")),
    }
}

/// A node with what it reads.
struct Reader<'a> {
    net: &'a Network,
    node: &'a Node,
    inputs: &'a [Value],
}

impl Reader<'_> {
    fn value(&self) -> Result<Value, GraphError> {
        match (&self.node.op, self.inputs) {
            (Op::Input { mean, std }, []) => self.input(mean, std),
            (Op::Conv(conv), &[x]) => self.conv(conv, x),
            (Op::Relu, &[x]) => Ok(x),
            (Op::Lif, &[x]) => Ok(Value::timed(x.map)),
            (Op::TemporalAttention(attention), &[x]) => self.attention(attention, x),
            (Op::Gate, &[ta, sca, spikes]) => {
                self.require(0, ta == Value::timed(MapShape::pixel(1)), "a timed number")?;
                self.require(2, spikes.timed, "a timed tensor")?;
                self.require(1, sca == Value::still(spikes.map), "an untimed one of the map of the spikes")?;
                Ok(spikes)
            }
            (Op::Repeat, &[x]) => {
                self.require(0, !x.timed, "an untimed tensor")?;
                Ok(Value::timed(x.map))
            }
            (Op::Add, &[a, b]) => {
                self.require(0, a.timed, "a timed tensor")?;
                self.require(1, b.timed, "a timed tensor")?;
                let (node, first, second) = (self.name(), a.map, b.map);
                if a.map == b.map {
                    Ok(a)
                } else {
                    Err(GraphError::UnequalSummands { node, first, second })
                }
            }
            (Op::Mean, &[x]) => {
                self.require(0, x.timed, "a timed tensor")?;
                Ok(Value::still(MapShape::pixel(x.map.c)))
            }
            (Op::Linear(linear), &[x]) => self.linear(linear, x),
            // The number of inputs is the operation's.
            (op, inputs) => Err(out_of_range(
                &format!("the number of inputs of `{}`", self.node.name),
                &op.arity().to_string(),
                inputs.len(),
            )),
        }
    }

    fn input(&self, mean: &[f64], std: &[f64]) -> Result<Value, GraphError> {
        let c = self.net.input.c;
        for (what, values) in [("mean", mean), ("std", std)] {
            if values.len() != c {
                let expected = format!("one entry per input channel ({c})");
                return Err(out_of_range(&format!("the length of `{what}`"), &expected, values.len()));
            }
        }
        Ok(Value::still(self.net.input))
    }

    fn conv(&self, conv: &Conv, x: Value) -> Result<Value, GraphError> {
        let (channels, kernel) = (conv.out_channels(), conv.kernel());
        if conv.stride == 0 {
            let what = format!("the stride of `{}`", self.name());
            return Err(out_of_range(&what, "at least 1", conv.stride));
        }
        let expected = [channels.max(1), x.map.c, kernel.max(1), kernel.max(1)];
        self.shape("weight", &expected, conv.weight.shape())?;
        let (expected, got) = (Padding::same(kernel), conv.padding);
        if got != expected {
            return Err(GraphError::Padding { node: self.name(), kernel, expected, got });
        }
        if let Some(bn) = &conv.bn {
            let arrays = [
                ("bn.weight", &bn.weight),
                ("bn.bias", &bn.bias),
                ("bn.mean", &bn.mean),
                ("bn.var", &bn.var),
            ];
            for (what, values) in arrays {
                self.shape(what, &[channels], values.shape())?;
            }
        }
        // 'Same' padding: a small kernel meets the map wherever it stands.
        let side = x.map.h.min(x.map.w);
        if conv.stride > side || (kernel > 3 && kernel > side) {
            let (node, stride, input) = (self.name(), conv.stride, x.map);
            return Err(GraphError::MapVanishes { node, kernel, stride, input });
        }
        let [h, w] = [x.map.h, x.map.w].map(|size| (size - 1) / conv.stride + 1);
        Ok(Value { map: MapShape { c: channels, h, w }, timed: x.timed })
    }

    fn attention(&self, attention: &TemporalAttention, x: Value) -> Result<Value, GraphError> {
        self.require(0, !x.timed, "an untimed tensor")?;
        let t = self.net.timesteps;
        self.shape("w1", &[t / 2, t], attention.w1.shape())?;
        self.shape("w2", &[t, t / 2], attention.w2.shape())?;
        Ok(Value::timed(MapShape::pixel(1)))
    }

    fn linear(&self, linear: &Linear, x: Value) -> Result<Value, GraphError> {
        self.require(0, x == Value::still(MapShape::pixel(x.map.c)), "an untimed tensor of one pixel")?;
        let classes = linear.bias.len();
        if classes == 0 {
            return Err(out_of_range("the number of classes", "at least 1", classes));
        }
        self.shape("weight", &[classes, x.map.c], linear.weight.shape())?;
        Ok(Value::still(MapShape::pixel(classes)))
    }

    fn name(&self) -> String {
        self.node.name.clone()
    }

    /// That an input is what the operation is defined on.
    fn require(&self, input: usize, is: bool, expected: &'static str) -> Result<(), GraphError> {
        if is {
            return Ok(());
        }
        let source_name = self.net.node(self.node.inputs[input]).name.clone();
        Err(GraphError::Reads { node: self.name(), source_name, got: self.inputs[input], expected })
    }

    fn shape(&self, what: &'static str, expected: &[usize], got: &[usize]) -> Result<(), GraphError> {
        if expected == got {
            return Ok(());
        }
        let (expected, got) = (expected.to_vec(), got.to_vec());
        Err(GraphError::Shape { node: self.name(), what, expected, got })
    }
}
