//! What the driver uses of a card, and where it keeps what in its DMA memory. Descriptor lists lie within one 4 KiB page's alignment.

use crate::xdma::{descriptor, result};

/// MSI-X vectors in use: one for each channel.
pub const VECTORS: usize = 2;
/// Address of the memory on the card's side: behind the first pages, so that an address of 0 is a fault.
pub const ADDRESS: u64 = 0x10_0000;
/// Descriptors of a host to card run.
pub const H2C_DESCRIPTORS: usize = 128;
/// Their list.
pub const H2C_LIST: usize = 0;
/// Buffers of the card to host list.
pub const C2H_BUFFERS: usize = 64;
/// Bytes of each.
pub const C2H_BUFFER_BYTES: usize = 16 << 10;
/// Their descriptors.
pub const C2H_LIST: usize = 0x1000;
/// Their results.
pub const C2H_RESULTS: usize = 0x2000;
/// Where the engine tells how many descriptors of the host to card run are done.
pub const H2C_DONE: usize = 0x3000;
/// Bytes of packets in a host to card run.
pub const H2C_BYTES: usize = 1 << 20;
/// The packets.
pub const H2C_DATA: usize = 0x1_0000;
/// The buffers.
pub const C2H_DATA: usize = H2C_DATA + H2C_BYTES;
/// All of it.
pub const BYTES: usize = C2H_DATA + C2H_BUFFERS * C2H_BUFFER_BYTES;

const _: () = assert!(H2C_LIST + H2C_DESCRIPTORS * descriptor::BYTES <= C2H_LIST);
const _: () = assert!(C2H_LIST + C2H_BUFFERS * descriptor::BYTES <= C2H_RESULTS);
const _: () = assert!(C2H_RESULTS + C2H_BUFFERS * result::BYTES <= H2C_DONE && H2C_DONE < H2C_DATA);
