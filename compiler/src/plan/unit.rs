//! What layers and poolings are counted in.

/// Channel groups of `c` channels.
pub(super) fn groups(c: usize, slots: usize) -> usize {
    c.div_ceil(slots)
}

/// Where the weights and parameters of one node begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// First weight word.
    pub weight: usize,
    /// First parameter of every post lane.
    pub param: usize,
}
