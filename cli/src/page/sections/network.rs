//! What the network is made of.

use maud::{html, Markup};
use spikegate_contract::network::{FireRule, Network, Op, Reset};
use std::collections::BTreeMap;

use crate::page::facts::Facts;
use crate::page::figures::{graph, Words};
use crate::page::form::{extents, pairs, Section};
use crate::ui::grouped;

pub fn section(facts: &Facts) -> Section {
    let net = &facts.design.network;
    let neurons = net.nodes.iter().filter(|node| matches!(node.op, Op::Lif { .. }));
    let neurons: usize = neurons.map(|node| node.out.len()).sum();
    let fire = match net.neuron.fire {
        FireRule::Gt => "above the threshold",
        FireRule::Ge => "at the threshold and above",
    };
    let says = format!("{} nodes from the image to the logits: {}.", net.nodes.len(), operations(net));
    let words = Words { id: "graph", title: "The network's nodes, one a row", says: &says };
    let body = html! {
        div class="beside" {
            figure {
                div class="scroll tall" tabindex="0" role="group" aria-label="picture of the network" { (graph(&words, net)) }
                figcaption {
                    "Each row is a node, named after the tensor that it makes; lines at the left lead to those that read it. "
                    "Squares have weights, circles are neurons, a cross adds, diamonds do the rest."
                }
            }
            (facts_of(facts, neurons, fire))
        }
    };
    Section { id: "network", title: "Network", body }
}

fn facts_of(facts: &Facts, neurons: usize, fire: &str) -> Markup {
    let (net, n) = (&facts.design.network, &facts.report.network);
    let reset = match net.neuron.reset {
        Reset::Zero => ", then starts at 0",
        Reset::Subtract => ", then goes on with what is above the threshold",
    };
    pairs([
        ("image", html! { (extents(n.input)) }),
        ("classes", html! { (n.classes) }),
        ("timesteps", html! { (n.timesteps) }),
        (
            "coding",
            html! {
                @if net.nodes.iter().any(|node| matches!(node.op, Op::Gate(_))) { "gated attention" } @else { "direct" }
            },
        ),
        ("neurons", html! { (grouped(neurons as u64)) }),
        (
            "a neuron",
            html! { "leaks to 2" sup { "−" (net.neuron.leak_shift) } " a timestep, fires " (fire) (reset) },
        ),
        ("weights", html! { (n.weights_text().replacen(" weights", "", 1)) }),
        (
            "synaptic operations",
            html! { (grouped(n.dense_sops)) " an image, if every tap of every spike map counts" },
        ),
        ("nodes", html! { (operations(net)) }),
    ])
}

/// How many nodes there are of each operation.
fn operations(net: &Network) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    net.nodes.iter().for_each(|node| *counts.entry(node.op.name()).or_default() += 1);
    counts.iter().map(|(name, n)| format!("{n} {name}")).collect::<Vec<_>>().join(", ")
}
