//! Words and bursts of maps.

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::network::{Network, NodeId};

use super::layer::Parts;
use super::unit::groups;

/// Sizes of maps on an array.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes<'a> {
    pub net: &'a Network,
    pub array: &'a ArrayConfig,
    /// Images of a batch.
    pub images: usize,
    /// The vectors that counts are in, once that is known.
    pub parts: &'a Parts,
}

impl Sizes<'_> {
    fn map(&self, id: NodeId, slots: usize) -> usize {
        let [c, h, w] = self.net.node(id).out.shape;
        groups(c, slots) * h * w
    }
    /// Words of an untimed map of one image.
    pub fn still(&self, id: NodeId) -> usize {
        self.map(id, self.array.ci)
    }
    /// Words of a timed map of all images.
    pub fn timed(&self, id: NodeId) -> usize {
        self.images * self.still(id) * self.passes()
    }
    /// Bursts of a timed map of one image in the external memory.
    pub fn bursts(&self, id: NodeId) -> usize {
        self.map(id, self.array.co) * self.passes()
    }
    /// Words of the values of channels of all images.
    pub fn vector(&self, id: NodeId) -> usize {
        self.images * groups(self.net.node(id).out.shape[0], self.array.ci)
    }
    pub fn passes(&self) -> usize {
        self.array.time_passes(self.net.timesteps)
    }
}
