//! Proof that the hardware computes the integer network: data sets, traces, the comparison with the golden model, and the
//! check of a device against both model and plan; and runs that several processes share.

pub mod check;
pub mod compare;
pub mod data;
pub mod evaluate;
pub mod shard;
pub mod statistics;

pub use spikegate_golden::trace;
