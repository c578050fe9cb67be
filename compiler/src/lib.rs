//! Placeholder.
pub mod float;
pub mod graph;
pub mod import;
