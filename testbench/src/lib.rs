//! Proof that the hardware computes the integer network: data sets, traces, and the comparison with the golden model.

pub mod compare;
pub mod data;

pub use spikegate_golden::trace;
