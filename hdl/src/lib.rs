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
pub mod parts;
pub mod post;
pub mod sources;
pub mod top;

use spikegate_contract::array::ArrayConfig;
use spikegate_contract::bundle::config_hash;
use spikegate_contract::csr::INTERFACE_VERSION;

/// Name of the top module, and what the names of all modules begin with, unless another is asked for.
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
    generate_as(TOP, array, config_hash, build_hash)
}

/// As [`generate`], with the top module named `prefix` and the names of all others beginning with it: what two cores in
/// one project need. [`lang::verilog::names_modules`] says what can be one.
///
/// # Errors
/// As [`generate`].
pub fn generate_as(
    prefix: &str,
    array: &ArrayConfig,
    config_hash: u32,
    build_hash: u32,
) -> Result<String, lang::verilog::LintError> {
    let modules = lang::verilog::modules(&top::Accelerator::new(array, config_hash, build_hash), prefix)?;
    Ok(lang::verilog::file(&comment(array), &modules))
}

/// What stands at the head of a file of the accelerator: what it is, and nothing of a network.
pub fn comment(array: &ArrayConfig) -> String {
    let ArrayConfig { lanes, pixels, ci, co, .. } = array;
    format!(
        "SpikeGate accelerator, core {}, register interface {INTERFACE_VERSION}\n\
         Array {lanes},{pixels},{ci},{co}, configuration {}",
        env!("CARGO_PKG_VERSION"),
        config_hash(array)
    )
}

/// Name of the UART bridge's module.
pub const UART: &str = "spikegate_uart";

/// The Verilog of the bridge from a serial line to the accelerator's ports.
///
/// # Errors
/// As [`generate`].
pub fn uart_bridge() -> Result<String, lang::verilog::LintError> {
    lang::verilog::write(&bus::uart::UartBridge::new(), UART)
}

/// Names of the modules that [`bring_up`] writes.
pub const BRING_UPS: [&str; 2] = ["spikegate_bring_up", "spikegate_memory_status"];

/// The Verilog of what brings a board's memory up and says so, see [`memory::bring_up`].
///
/// # Errors
/// As [`generate`].
pub fn bring_up(recipe: &memory::bring_up::Recipe) -> Result<String, lang::verilog::LintError> {
    let unit = lang::verilog::write(&memory::bring_up::BringUp::new(recipe), BRING_UPS[0])?;
    let register = memory::bring_up::register::StatusRegister::default();
    Ok(unit + &lang::verilog::write(&register, BRING_UPS[1])?)
}

/// Names of the modules that [`stream_width`] writes.
pub const WIDTHS: [&str; 2] = ["spikegate_stream_narrow", "spikegate_stream_widen"];

/// The Verilog of the stages between the accelerator's streams and streams of `words` 32-bit words, see
/// [`bus::width`].
///
/// # Errors
/// As [`generate`].
pub fn stream_width(words: usize) -> Result<String, lang::verilog::LintError> {
    let narrow = lang::verilog::write(&bus::width::StreamNarrow::new(words), WIDTHS[0])?;
    Ok(narrow + &lang::verilog::write(&bus::width::StreamWiden::new(words), WIDTHS[1])?)
}
