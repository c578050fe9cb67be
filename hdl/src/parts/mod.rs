//! Parts that several modules are made of.

pub mod choose;
pub mod narrow;
pub mod skew;
