//! The array that a network is planned for, and whether its memories hold what they must.

use spikegate_contract::array::ArrayConfig;

use super::error::{Memory, PlanError};

/// The array to plan for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A new array of this size; its memories grow to the next power of two that holds the network.
    Size {
        /// L.
        lanes: usize,
        /// PX.
        pixels: usize,
        /// CI.
        ci: usize,
        /// CO.
        co: usize,
    },
    /// A new array with these sizes and options; its memories grow in the same way.
    New(&'a ArrayConfig),
    /// An array that exists: the network must fit its memories. Weights that do not fit stream, if it has a port.
    Existing(&'a ArrayConfig),
}

impl Request<'_> {
    /// The array before its memories grow.
    ///
    /// # Errors
    /// It cannot be built.
    pub(super) fn array(self) -> Result<ArrayConfig, PlanError> {
        match self {
            Request::Size { lanes, pixels, ci, co } => Ok(ArrayConfig::new(lanes, pixels, ci, co)?),
            Request::New(array) | Request::Existing(array) => Ok(array.clone()),
        }
    }

    /// Images of its batch.
    pub(super) fn images(self) -> usize {
        match self {
            Request::Size { .. } => 1,
            Request::New(array) | Request::Existing(array) => array.batch,
        }
    }
}

/// Checks one memory, whose addresses have so many bits, or enlarges it to a power of two.
pub(super) fn fit(
    depth: &mut usize,
    needed: usize,
    memory: Memory,
    bits: u32,
    grow: bool,
) -> Result<(), PlanError> {
    let limit = 1usize << bits;
    if needed > limit {
        return Err(PlanError::TooLarge { memory, needed, limit });
    }
    if grow {
        *depth = needed.next_power_of_two().max(*depth);
    }
    if needed > *depth {
        return Err(PlanError::TooSmall { memory, needed, available: *depth });
    }
    Ok(())
}
