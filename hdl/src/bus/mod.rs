//! The host's side: streams and registers.

pub mod crc;
pub mod csr;
pub mod framer;
pub mod loader;
pub mod receiver;
pub mod sender;
pub mod uart;
pub mod uart_frame;
pub mod uart_line;
pub mod width;
