//! Placeholder.
pub mod calibrate;
pub mod emit;
pub mod float;
pub mod graph;
pub mod import;
pub mod plan;
pub mod quantise;
pub mod report;
pub mod write;
