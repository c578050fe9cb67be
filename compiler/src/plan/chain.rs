//! The entry for both forms of a network, while they stand side by side.

use std::borrow::Cow;

use spikegate_contract::{graph, network};

/// A network in either form.
pub trait AsGraph {
    /// The network as a graph.
    fn graph(&self) -> Cow<'_, graph::Network>;
}

impl AsGraph for graph::Network {
    fn graph(&self) -> Cow<'_, graph::Network> {
        Cow::Borrowed(self)
    }
}

impl AsGraph for network::Network {
    fn graph(&self) -> Cow<'_, graph::Network> {
        Cow::Owned(self.into())
    }
}

impl<T: AsGraph> AsGraph for &T {
    fn graph(&self) -> Cow<'_, graph::Network> {
        (**self).graph()
    }
}
