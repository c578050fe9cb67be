//! What the trace shows, and what it does not.

use spikegate_contract::network::{Network, NodeId, Op};

use super::place::{shows_values, Layout};
use super::step::{Neurons, Step};

/// What the trace shows of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// An untimed code of one image.
    Code(NodeId),
    /// Untimed values of one image.
    Values(NodeId),
    Spikes(NodeId),
    /// A stream on chip from this word on.
    Stream {
        node: NodeId,
        base: usize,
    },
    /// The next map out of the queue in the external memory, which goes back there where it is added later.
    Spilled {
        node: NodeId,
        keeps: bool,
    },
    /// One word per channel.
    Channels(NodeId),
}

impl Shown {
    /// It is there when the whole map has been computed.
    pub fn is_late(&self) -> bool {
        matches!(self, Shown::Spilled { .. } | Shown::Values(_) | Shown::Channels(_))
    }

    /// It is no map with rows.
    pub fn is_whole(&self) -> bool {
        matches!(self, Shown::Channels(_))
    }
}

/// Why the trace does not show a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hidden {
    /// It is the image.
    Image,
    /// It is the logits: their packet has them.
    Logits,
    /// It repeats what is shown.
    Repeats,
    /// It is planes of a stream that is shown.
    Planes,
    /// Nothing but a code is made of it, which is shown.
    Coded,
    /// A convolution or a sum that no other step reads: its own step goes on with it.
    GoesOn,
    /// Spikes that are only counted, on an array that moves maps and has no room for them.
    NoRoom,
}

/// Why the trace does not show a node; none where it does.
pub(super) fn hidden(
    net: &Network,
    steps: &[Step],
    (layout, moves): (&Layout, bool),
    id: NodeId,
) -> Option<Hidden> {
    let node = net.node(id);
    let step = steps.iter().find(|step| step.nodes.contains(&id));
    match (&node.op, step) {
        (Op::Input { .. }, _) => Some(Hidden::Image),
        (Op::Linear(_), _) => Some(Hidden::Logits),
        (Op::Repeat, _) => Some(Hidden::Repeats),
        (Op::Code { .. }, _) if node.out.timed => Some(Hidden::Planes),
        (Op::Conv(_), Some(step)) if !node.out.timed => (!shows_values(net, step)).then_some(Hidden::Coded),
        (Op::Conv(_) | Op::Add, Some(step)) if node.out.timed && step.stream != Some(id) => {
            // The sum beside counts is shown.
            let counted = step.neurons.is_some_and(|neurons| neurons.counts.is_some());
            (node.op != Op::Add || !counted).then_some(Hidden::GoesOn)
        }
        (_, Some(Step { neurons: Some(neurons), .. })) if neurons.node == id => {
            (!has_room(neurons, layout, moves)).then_some(Hidden::NoRoom)
        }
        _ => None,
    }
}

/// Whether there is room for the spikes of neurons: where maps are moved there may be none for those that only the trace
/// shows.
pub(super) fn has_room(neurons: &Neurons, layout: &Layout, moves: bool) -> bool {
    neurons.counts.is_none() || neurons.kept || !moves || layout.spikes.contains_key(&neurons.node)
}
