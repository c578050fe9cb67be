//! Placeholder.
pub mod data;
