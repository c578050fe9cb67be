//! Pass 3: from which step to which step tensors live, and which of them share a place.
//!
//! A sum is written over the residual it has added, where nothing else reads that residual later; gated spikes over those
//! that the gate has let through. Such tensors have one [`Life`].

use spikegate_contract::network::{Network, NodeId};

use super::step::{Phase, Step};

/// Tensors that replace each other in one place. Steps are numbers in the list of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Life {
    /// The tensors, in the order in which they are made.
    pub tensors: Vec<NodeId>,
    /// The step that makes the first.
    pub first: usize,
    /// The step that makes the last.
    pub made: usize,
    /// The last step that reads any of them.
    pub last: usize,
    /// The first is made for one image after the other.
    pub early: bool,
    /// Of streams: a step adds one.
    pub added: bool,
    /// Of streams: the nodes (convolutions, or a pooling) that read the last tensor.
    pub readers: Vec<NodeId>,
    /// Of streams: each but the last is added, once, and read by nothing else; and so is the last, or convolutions read it.
    /// They are added in the order in which they are made, between other such lives.
    pub queue: bool,
    /// Values of a channel instead of maps: counts or pooled sums.
    pub vector: bool,
    /// What the trace, or a network that differs in its last neurons alone, writes to the same place for a moment, and the
    /// stream that it is made from.
    pub instead: Option<(NodeId, NodeId)>,
}

/// Lives of all tensors that steps leave to others, by memory and in the order of their beginnings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lives {
    /// Untimed codes, which live as long as an image.
    pub codes: Vec<NodeId>,
    pub spikes: Vec<Life>,
    pub streams: Vec<Life>,
}

impl Life {
    fn new(node: NodeId, at: usize, last: usize, steps: &[Step]) -> Life {
        Life {
            tensors: vec![node],
            first: at,
            made: at,
            last,
            early: steps[at].phase == Phase::Image,
            added: false,
            readers: Vec::new(),
            queue: false,
            vector: false,
            instead: None,
        }
    }

    /// Whether both need a place at one time.
    pub fn meets(&self, other: &Life) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The lives of what these steps make.
pub(super) fn live(net: &Network, steps: &[Step]) -> Lives {
    let uses = Uses::of(net, steps);
    let mut lives = Lives::default();
    for (at, step) in steps.iter().enumerate() {
        lives.codes.extend(step.code);
        // A sum without neurons leaves room for them: one design serves a network with and without its last ones.
        let sum = step.residual.map(|_| step.nodes[1]);
        if let Some(node) = step.neurons.map(|neurons| neurons.node).or(sum) {
            let over = step.gate.map(|gate| gate.spikes);
            replace(&mut lives.spikes, node, at, over.filter(|&over| uses.last(over) == at), &uses, steps);
        }
        if let Some(node) = step.stream {
            let over = step.residual.filter(|&over| uses.last(over) == at && step.map() != Some(over));
            replace(&mut lives.streams, node, at, over, &uses, steps);
        }
        let counts = step.neurons.and_then(|neurons| neurons.counts);
        let pooled = step.map().filter(|_| step.operand().is_none());
        if let Some(node) = counts.or(pooled.map(|_| step.node)) {
            let instead = pooled.map(|map| (map, map)).or(sum.zip(step.residual));
            let life = Life { vector: true, instead, ..Life::new(node, at, uses.last(node).max(at), steps) };
            lives.streams.push(life);
        }
    }
    let mut busy = 0;
    for life in lives.streams.iter_mut().filter(|life| !life.vector) {
        let adds = |node: NodeId| uses.adds[node.0].len();
        let reads = |node: NodeId| uses.reads[node.0].len();
        let end = life.tensors[life.tensors.len() - 1];
        life.added = life.tensors.iter().any(|&node| adds(node) > 0);
        life.readers = uses.reads[end.0].iter().map(|&at| steps[at].node).collect();
        let between = life.tensors.iter().filter(|&&node| node != end);
        let in_turn = between.into_iter().all(|&node| (adds(node), reads(node)) == (1, 0));
        let added_last = life.tensors.iter().filter_map(|node| uses.adds[node.0].last()).max();
        life.queue = in_turn && (adds(end) == 0 || (adds(end), reads(end)) == (1, 0)) && life.first >= busy;
        if let (true, Some(&at)) = (life.queue, added_last) {
            busy = at;
        }
    }
    lives
}

/// Gives a tensor the place of another one, or its own.
fn replace(
    lives: &mut Vec<Life>,
    node: NodeId,
    at: usize,
    over: Option<NodeId>,
    uses: &Uses,
    steps: &[Step],
) {
    let last = uses.last(node).max(at);
    let over = over.and_then(|over| lives.iter_mut().find(|life| life.tensors.last() == Some(&over)));
    match over {
        Some(life) => {
            life.tensors.push(node);
            (life.made, life.last) = (at, last);
        }
        None => lives.push(Life::new(node, at, last, steps)),
    }
}

/// The steps that read each tensor.
struct Uses {
    /// As what they work on.
    reads: Vec<Vec<usize>>,
    /// As a residual, or as the spikes of a gate.
    adds: Vec<Vec<usize>>,
}

impl Uses {
    fn of(net: &Network, steps: &[Step]) -> Uses {
        let none = vec![Vec::new(); net.nodes.len()];
        let mut uses = Uses { reads: none.clone(), adds: none };
        for (at, step) in steps.iter().enumerate() {
            if let Some(node) = step.map() {
                uses.reads[node.0].push(at);
            }
            for node in step.residual.into_iter().chain(step.gate.map(|gate| gate.spikes)) {
                uses.adds[node.0].push(at);
            }
        }
        uses
    }

    /// The last step that reads a tensor, 0 where none does.
    fn last(&self, node: NodeId) -> usize {
        self.reads[node.0].iter().chain(&self.adds[node.0]).copied().max().unwrap_or(0)
    }
}
