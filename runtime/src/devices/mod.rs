//! Ways of reaching a core, one file each; [`open`] chooses one from the [`table`] by its name.

pub mod entry;
mod error;
pub mod files;
pub mod golden;
pub mod lock;
pub mod patience;
pub mod pcie;
pub mod record;
pub mod recording;
pub mod replay;
pub mod table;
pub mod uart;
pub mod verilator;

pub use entry::StandsFor;
pub use error::OpenError;
pub use table::{open, Address, AddressError};
