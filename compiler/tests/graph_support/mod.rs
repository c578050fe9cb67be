//! Float networks changed by name.
#![allow(clippy::unwrap_used, dead_code)]

use spikegate_compiler::graph::{BatchNorm, Conv, Linear, Network, Node, NodeId, Op, TemporalAttention};

/// The operation of a node.
pub fn op<'a>(net: &'a mut Network, name: &str) -> &'a mut Op {
    &mut net.find_mut(name).unwrap_or_else(|| panic!("no node {name}")).op
}

/// A convolution.
pub fn conv<'a>(net: &'a mut Network, name: &str) -> &'a mut Conv {
    let Op::Conv(conv) = op(net, name) else { panic!("{name} is no convolution") };
    conv
}

/// The batch norm of a convolution.
pub fn bn<'a>(net: &'a mut Network, name: &str) -> &'a mut BatchNorm {
    conv(net, name).bn.as_mut().unwrap()
}

/// The linear layer.
pub fn head(net: &mut Network) -> &mut Linear {
    let Op::Linear(linear) = op(net, "head.logits") else { panic!("no linear layer") };
    linear
}

/// Temporal attention.
pub fn attention(net: &mut Network) -> &mut TemporalAttention {
    let Op::TemporalAttention(attention) = op(net, "encoder.ta") else { panic!("no attention") };
    attention
}

/// Mean and standard deviation of the input.
pub fn input(net: &mut Network) -> (&mut Vec<f64>, &mut Vec<f64>) {
    let Op::Input { mean, std } = op(net, "input") else { panic!("no input") };
    (mean, std)
}

/// Nodes that name what they read.
pub struct Named(pub Vec<(String, Op, Vec<String>)>);

impl Named {
    pub fn of(net: &Network) -> Named {
        let names = |node: &Node| node.inputs.iter().map(|&id| net.node(id).name.clone()).collect();
        Named(net.nodes.iter().map(|node| (node.name.clone(), node.op.clone(), names(node))).collect())
    }

    /// The network `net` with these nodes.
    pub fn network(self, net: &Network) -> Network {
        let mut out = Network { nodes: Vec::new(), ..net.clone() };
        for (name, op, inputs) in self.0 {
            let id = |name: &String| NodeId(out.nodes.iter().position(|node| node.name == *name).unwrap());
            let inputs: Vec<NodeId> = inputs.iter().map(id).collect();
            out.push(name, op, &inputs);
        }
        out
    }

    pub fn add(&mut self, at: usize, name: &str, op: Op, inputs: &[&str]) {
        let inputs = inputs.iter().map(|&name| name.to_owned()).collect();
        self.0.insert(at, (name.to_owned(), op, inputs));
    }

    pub fn at(&self, name: &str) -> usize {
        self.0.iter().position(|node| node.0 == name).unwrap()
    }

    /// Whatever read `old` reads `new`.
    pub fn redirect(&mut self, old: &str, new: &str) {
        let inputs = self.0.iter_mut().flat_map(|node| &mut node.2);
        inputs.filter(|input| *input == old).for_each(|input| new.clone_into(input));
    }
}

/// Direct coding: without encoder and gate.
pub fn direct(net: &Network) -> Network {
    let mut nodes = Named::of(net);
    nodes.0.retain(|node| !node.0.starts_with("encoder.") && !node.0.starts_with("gate."));
    let behind = nodes.at("stem.spikes") + 1;
    nodes.add(behind, "stem.stream", Op::Repeat, &["stem.x"]);
    nodes.redirect("gate.y", "stem.stream");
    nodes.redirect("gate.spikes", "stem.spikes");
    nodes.network(net)
}

/// Without neurons before the mean.
pub fn pooled(net: &Network) -> Network {
    let mut nodes = Named::of(net);
    let Some(counts) = nodes.0.iter().position(|node| node.0 == "head.counts") else { return net.clone() };
    let spikes = nodes.0[counts].2[0].clone();
    let stream = nodes.0[nodes.at(&spikes)].2[0].clone();
    nodes.0[counts].0 = "head.pooled".to_owned();
    nodes.redirect("head.counts", "head.pooled");
    nodes.redirect(&spikes, &stream);
    nodes.0.retain(|node| node.0 != spikes);
    nodes.network(net)
}

/// Without the projection of a block: its shortcut is the identity.
pub fn without_shortcut(net: &Network, block: &str) -> Network {
    let mut nodes = Named::of(net);
    let shortcut = format!("{block}.shortcut");
    let stream = nodes.0[nodes.at(&shortcut)].2[0].clone();
    nodes.redirect(&shortcut, &stream);
    nodes.0.retain(|node| node.0 != shortcut);
    nodes.network(net)
}
