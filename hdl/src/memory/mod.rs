//! The external memory port (AXI4): weights are written through it once and stream back for every image; residual maps
//! that are not kept on chip go out and come back.

pub mod arbiter;
pub mod balance;
pub mod bring_up;
pub mod fetch;
pub mod mover;
pub mod reload;
pub mod spill;
pub mod store;
