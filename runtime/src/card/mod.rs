//! A PCIe card in software: the XDMA engine over vfio-user, any [`Device`](crate::device::Device) behind it.
//!
//! ```text
//! driver or guest -> socket -> server (thread) -> registers, host memory, vectors (one lock)
//!                                                        |
//!                        core (caller's thread) <- H2C descriptors, C2H descriptors, user BAR
//! ```
//!
//! The register map follows PG195, so a driver that was written for the engine finds what it expects: identifiers,
//! scatter-gather descriptors in host memory, length write-back of the stream, MSI-X vectors per channel and user
//! interrupt. Where the card is kinder than an engine in an FPGA: stream data wait without bound for a descriptor.

mod channel;
mod config;
mod engine;
mod host;
mod server;
pub mod tamper;
mod work;

pub use engine::Engine;
pub use host::{Fault, HostMemory, Memory};
pub use server::{serve, serve_with, CardError, Sessions};
