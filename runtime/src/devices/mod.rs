//! Ways of reaching a core, one file each; [`open`] chooses one by its name.

pub mod files;
pub mod golden;
pub mod lock;
pub mod open;
pub mod patience;
pub mod pcie;
pub mod uart;
pub mod verilator;
