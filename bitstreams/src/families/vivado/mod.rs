//! Xilinx families with PCI Express: a Vivado project with the XDMA block, which the user runs.

mod constraints;
mod link;
mod project;
mod script;
mod series;
mod top;

pub use script::VIVADO;
pub use series::{Series, ARTIX7, KINTEXU, VIRTEXUPLUS};
