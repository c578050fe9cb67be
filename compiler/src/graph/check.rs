//! Whether the numbers of a network are good: its constants, and what its nodes hold.

use super::error::out_of_range;
use super::{BatchNorm, GraphError, MapShape, Network, Node, Op};

/// Largest image side and number of timesteps accepted: far above any use, small enough that no product of
/// extents overflows.
const MAX_SIDE: usize = 4096;
const MAX_TIMESTEPS: usize = 256;

/// Checks the constants; see [`Network::check_constants`].
pub(super) fn constants(net: &Network) -> Result<(), GraphError> {
    let MapShape { c, h, w } = net.input;
    if c == 0 || h == 0 || w == 0 || h > MAX_SIDE || w > MAX_SIDE {
        let expected = format!("[C, H, W] with 1 to {MAX_SIDE} rows and columns");
        return Err(out_of_range("the input", &expected, net.input));
    }
    let attends = |node: &Node| matches!(node.op, Op::TemporalAttention(_));
    if net.timesteps == 1 && net.nodes.iter().any(attends) {
        return Err(GraphError::OneTimestep);
    }
    if net.timesteps < 2 || net.timesteps > MAX_TIMESTEPS {
        let expected = format!("2 to {MAX_TIMESTEPS}");
        return Err(out_of_range("the number of timesteps T", &expected, net.timesteps));
    }
    if net.neuron.leak_shift > 15 {
        return Err(out_of_range("the leak shift k (leak = 2^-k)", "0 to 15", net.neuron.leak_shift));
    }
    if !(net.neuron.threshold.is_finite() && net.neuron.threshold > 0.0) {
        return Err(out_of_range("the threshold", "a positive number", net.neuron.threshold));
    }
    Ok(())
}

/// Checks the numbers that a node holds; their extents are good.
pub(super) fn numbers(node: &Node) -> Result<(), GraphError> {
    let name = &node.name;
    match &node.op {
        Op::Input { mean, std } => {
            if let Some(bad) = mean.iter().find(|v| !v.is_finite()) {
                return Err(out_of_range("an entry of `mean`", "a finite number", bad));
            }
            if let Some(bad) = std.iter().find(|&&v| !(v.is_finite() && v > 0.0)) {
                return Err(out_of_range("an entry of `std`", "a positive number", bad));
            }
            Ok(())
        }
        Op::Conv(conv) => {
            finite(name, "weight", &conv.weight)?;
            conv.bn.iter().try_for_each(|bn| batch_norm(name, bn))
        }
        Op::TemporalAttention(attention) => {
            finite(name, "w1", &attention.w1)?;
            finite(name, "w2", &attention.w2)
        }
        Op::Linear(linear) => {
            finite(name, "weight", &linear.weight)?;
            finite(name, "bias", &linear.bias)
        }
        Op::Relu | Op::Lif | Op::Gate | Op::Repeat | Op::Add | Op::Mean => Ok(()),
    }
}

fn batch_norm(node: &str, bn: &BatchNorm) -> Result<(), GraphError> {
    if !(bn.eps.is_finite() && bn.eps > 0.0) {
        return Err(out_of_range(&format!("bn.eps of `{node}`"), "a positive number", bn.eps));
    }
    finite(node, "bn.weight", &bn.weight)?;
    finite(node, "bn.bias", &bn.bias)?;
    finite(node, "bn.mean", &bn.mean)?;
    finite(node, "bn.var", &bn.var)?;
    every(node, "bn.var", &bn.var, |v| v >= 0.0, "a variance, never negative")
}

fn finite<'a>(
    node: &str,
    what: &'static str,
    values: impl IntoIterator<Item = &'a f32>,
) -> Result<(), GraphError> {
    every(node, what, values, f32::is_finite, "a finite number")
}

fn every<'a>(
    node: &str,
    what: &'static str,
    values: impl IntoIterator<Item = &'a f32>,
    good: impl Fn(f32) -> bool,
    expected: &'static str,
) -> Result<(), GraphError> {
    match values.into_iter().enumerate().find(|(_, &v)| !good(v)) {
        Some((index, &value)) => {
            Err(GraphError::BadNumber { node: node.to_owned(), what, index, value, expected })
        }
        None => Ok(()),
    }
}
