//! The network's nodes, one a row, with what flows between them as lines at the side.

use maud::{html, Markup};
use spikegate_contract::network::{FireRule, Form, Network, Node, NodeId, Op, Reset};

use super::frame::{drawing, Words};
use crate::page::form::extents;

/// Pixels of the drawing, of a row, of a line's place, and around them.
const WIDTH: f64 = 400.0;
const ROW: f64 = 34.0;
const LANE: f64 = 16.0;
const EDGE: f64 = 10.0;
/// Longest name that is drawn whole.
const NAME: usize = 36;

/// The nodes from the image to the logits.
pub fn graph(words: &Words, net: &Network) -> Markup {
    let lanes = lanes(net);
    let left = EDGE + LANE * (lanes.iter().max().map_or(0, |lane| lane + 1) as f64) + EDGE;
    let content = html! {
        @for (id, node) in net.iter() {
            @for input in &node.inputs { path class="edge" d=(edge(&lanes, *input, id)) {} }
        }
        @for (id, node) in net.iter() {
            @let (x, y) = place(&lanes, id);
            g {
                (glyph(&node.op, x, y))
                text class="name" x=(left) y=(y - 2.0) { (shortened(&node.name)) }
                text class="quiet" x=(left) y=(y + 11.0) { (what(net, node)) }
            }
        }
    };
    drawing(words, "graph", (WIDTH, ROW * net.nodes.len() as f64 + EDGE), content)
}

/// For every node the place of the line that leaves it: the leftmost that no earlier tensor needs any more.
fn lanes(net: &Network) -> Vec<usize> {
    let mut lanes: Vec<usize> = Vec::with_capacity(net.nodes.len());
    // For every place the last row that its tensor is read in.
    let mut until: Vec<usize> = Vec::new();
    for (id, _) in net.iter() {
        let last = net.readers(id).map(|(reader, _)| reader.0).max().unwrap_or(id.0);
        let free = until.iter().position(|&row| row <= id.0);
        let lane = free.unwrap_or(until.len());
        until.resize(until.len().max(lane + 1), 0);
        until[lane] = last;
        lanes.push(lane);
    }
    lanes
}

fn place(lanes: &[usize], id: NodeId) -> (f64, f64) {
    (EDGE + LANE * (lanes[id.0] as f64 + 0.5), ROW * (id.0 as f64 + 0.5))
}

/// From a node down its lane, then over to the one that reads it.
fn edge(lanes: &[usize], from: NodeId, to: NodeId) -> String {
    let ((x0, y0), (x1, y1)) = (place(lanes, from), place(lanes, to));
    let bend = y1 - 0.6 * ROW;
    format!("M{x0} {y0}V{bend:.0}C{x0} {:.0} {x1} {:.0} {x1} {y1}", y1 - 0.2 * ROW, y1 - 0.4 * ROW)
}

/// A square has weights, a circle is neurons, a cross adds; what is left is a diamond.
fn glyph(op: &Op, x: f64, y: f64) -> Markup {
    match op {
        Op::Conv(_) | Op::Linear(_) => {
            html! { rect class="glyph weights" x=(x - 5.0) y=(y - 5.0) width="10" height="10" {} }
        }
        Op::Lif { .. } => html! { circle class="glyph neurons" cx=(x) cy=(y) r="5.5" {} },
        Op::Add => html! {
            circle class="glyph" cx=(x) cy=(y) r="5.5" {}
            path class="line" d=(format!("M{} {y}h7M{x} {}v7", x - 3.5, y - 3.5)) {}
        },
        _ => html! { path class="glyph" d=(format!("M{x} {}l6 6l-6 6l-6 -6z", y - 6.0)) {} },
    }
}

/// The operation and what it makes.
fn what(net: &Network, node: &Node) -> String {
    let op = match &node.op {
        Op::Conv(conv) if conv.stride > 1 => format!("{0}×{0} convolution, stride {1}", conv.k, conv.stride),
        Op::Conv(conv) => format!("{0}×{0} convolution", conv.k),
        Op::Lif { threshold, neuron: None } => format!("LIF, threshold {threshold}"),
        Op::Lif { threshold, neuron: Some(own) } => {
            let fire = if own.fire == FireRule::Gt { ">" } else { ">=" };
            let reset = if own.reset == Reset::Zero { "to 0" } else { "by subtraction" };
            format!("LIF, u {fire} {threshold}, leak 2^-{}, reset {reset}", own.leak_shift)
        }
        op => op.name().to_owned(),
    };
    let form = match node.out.form {
        Form::Code { bits, signed } => format!("{}{bits}", if signed { "s" } else { "u" }),
        Form::Spikes => "spikes".to_owned(),
        Form::Stream => "s16".to_owned(),
        Form::Statistics => "s40, s16".to_owned(),
        Form::Counts { .. } => "counts".to_owned(),
        Form::Logits => "s32".to_owned(),
    };
    let steps = if node.out.timed { format!(" × {} steps", net.timesteps) } else { String::new() };
    format!("{op} → {} {form}{steps}", extents(node.out.shape))
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME {
        return name.to_owned();
    }
    name.chars().take(NAME - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use spikegate_golden::random::{demo, network, Rng};

    /// While a tensor is still to be read, no other node stands in its lane.
    #[test]
    fn lines_do_not_cross_nodes() {
        let net = network(&mut Rng(1), &demo());
        let lanes = lanes(&net);
        for (id, node) in net.iter() {
            for input in &node.inputs {
                let between = (input.0 + 1..id.0).all(|row| lanes[row] != lanes[input.0]);
                assert!(between, "{} crosses a node on its way to {}", net.node(*input).name, node.name);
            }
        }
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(shortened(&"é".repeat(36)), "é".repeat(36));
        assert_eq!(shortened(&"é".repeat(37)), format!("{}…", "é".repeat(35)));
    }
}
