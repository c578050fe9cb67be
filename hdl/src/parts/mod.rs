//! Parts that several modules are made of.

pub mod choose;
pub mod guard;
pub mod narrow;
pub mod skew;
