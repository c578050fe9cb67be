//! The gated attention encoder: what the array cannot do with masked additions.

pub mod gate;
pub mod statistics;
pub mod temporal;
