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
//!
//! Drivers are strangers: what one sends is refused or put right, whatever it is, and the next one finds a card as new.

mod channel;
mod config;
mod driver;
mod engine;
mod error;
mod host;
mod place;
mod server;
mod slot;
pub mod tamper;
mod work;

pub use engine::Engine;
pub use error::CardError;
pub use host::{Fault, HostMemory, Memory};
pub use place::{make_room, PATH_BYTES};
pub use server::{serve, serve_with, Sessions, Terms};
