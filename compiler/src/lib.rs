//! Placeholder.
pub mod graph;
pub mod import;
