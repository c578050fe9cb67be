//! vfio-user, the protocol of a PCIe function behind a UNIX socket: the words that the driver in
//! [`crate::devices::pcie::socket`] and the card in [`crate::card`] share.
//!
//! Neither side trusts the other: every size is checked before memory is taken for it, every message must be whole
//! within a time, and what is not as it should be is an error with a name. Numbers are little-endian.

mod connection;
mod message;
mod request;

pub use connection::{connect, Connection, WireError};
pub use message::{access, command, version, words, Fields, Message, BODY, VERSION_BYTES};
pub use request::{Refusal, Request};
