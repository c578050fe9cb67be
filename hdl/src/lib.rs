#![doc = include_str!("../README.md")]
// The ports of a module are documented in its port table, once.
#![allow(missing_docs)]
// Kernels are hardware: nested conditions are printed as they stand.
#![allow(clippy::collapsible_if, clippy::collapsible_else_if)]
// A kernel's loop over a flag (`for i in 0..self._flag`) is an `if`: its variable is not used.
#![allow(unused_variables)]

pub mod array;
pub mod bus;
pub mod control;
pub mod datapath;
pub mod encoder;
pub mod lang;
pub mod memory;
pub mod post;
pub mod sources;
pub mod top;

use spikegate_contract::array::ArrayConfig;

/// Name of the top module.
pub const TOP: &str = "spikegate";

/// The Verilog of the accelerator of the given array. The hashes identify it to the driver (registers `config_hash`
/// and `build_hash`).
///
/// # Errors
/// A kernel that breaks the rules of [`lang`]: a fault in this crate, never in the caller's data.
pub fn generate(
    array: &ArrayConfig,
    config_hash: u32,
    build_hash: u32,
) -> Result<String, lang::verilog::LintError> {
    lang::verilog::write(&top::Accelerator::new(array, config_hash, build_hash), TOP)
}

/// Name of the UART bridge's module.
pub const UART: &str = "spikegate_uart";

/// The Verilog of the bridge from a serial line to the accelerator's ports. Its modules have another prefix than the
/// accelerator's, so that both can be read together.
///
/// # Errors
/// As [`generate`].
pub fn uart_bridge() -> Result<String, lang::verilog::LintError> {
    let text = lang::verilog::write(&bus::uart::UartBridge::new(), UART)?;
    let prefix = lang::verilog::PREFIX;
    // Module names begin where a word does.
    Ok(text.replace(&format!(" {prefix}"), " sgu_"))
}
