//! The host's side: streams and registers.

pub mod csr;
pub mod loader;
pub mod sender;
