//! The compiler: trained weights in, integer network, Verilog, program and report out.
//!
//! [`compile()`] is the whole way, with an example; [`build`] begins at an integer network. Rooms in data-flow order:
//! [`import`], [`graph`], [`float`] (the f64 interpreter), [`calibrate`](mod@calibrate), [`quantise`], [`plan`](mod@plan),
//! [`existing`], [`emit`], [`report`], [`write`](mod@write), and [`compile`](mod@compile), which puts them together.
pub mod calibrate;
pub mod compile;
pub mod emit;
pub mod existing;
pub mod float;
pub mod graph;
pub mod import;
pub mod plan;
pub mod quantise;
pub mod report;
pub mod write;

pub use compile::{build, compile, CompileError, Labelled, Memories, Progress, Settings, Step};
pub use emit::bundle::Design;
