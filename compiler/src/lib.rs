//! Placeholder.
pub mod emit;
pub mod float;
pub mod graph;
pub mod import;
pub mod plan;
pub mod report;
