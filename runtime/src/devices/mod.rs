//! Ways of reaching a core, one file each.

pub mod verilator;
