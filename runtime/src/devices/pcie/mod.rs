//! A PCIe card with the XDMA engine, driven from user space: no kernel module but VFIO's.
//!
//! [`Pcie`] is the driver. It is the same over two buses: [`kernel`] is VFIO of the Linux kernel, for a card in this
//! machine, [`socket`] is vfio-user, for a card in software.

pub mod bus;
mod c2h;
mod driver;
mod h2c;
pub mod kernel;
pub mod layout;
pub mod memory;
pub mod socket;

pub use driver::Pcie;
