//! What the trace shows.

use spikegate_contract::network::NodeId;

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
