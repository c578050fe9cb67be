//! The compiler: trained weights in, integer network, Verilog, program and report out.
//!
//! Rooms in data-flow order: [`import`], [`graph`], [`float`] (the f64 interpreter), [`calibrate`](mod@calibrate), [`quantise`],
//! [`plan`](mod@plan), [`emit`], [`report`], [`write`](mod@write).
pub mod calibrate;
pub mod emit;
pub mod float;
pub mod graph;
pub mod import;
pub mod plan;
pub mod quantise;
pub mod report;
pub mod write;
