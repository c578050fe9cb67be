//! The host's side: streams and registers.

pub mod csr;
pub mod loader;
pub mod sender;
pub mod uart;
pub mod uart_frame;
pub mod uart_line;
pub mod width;
