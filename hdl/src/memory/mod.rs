//! The external memory port (AXI4): weights are written through it once and stream back for every image.

pub mod fetch;
pub mod store;
