//! Our Verilog writer over RustHDL's kernel syntax tree.
//!
//! RustHDL's own writer prints one module per instance and lets Verilog's precedence and context widths decide what
//! an expression means. This one
//!
//! * emits every distinct structure once, children before parents;
//! * prints registers in place and memories and multipliers as instances of one parameterised leaf each;
//! * prints one `assign` or `always @(*)` per driven signal, so simulators see no false loops;
//! * prints expressions so that their value is the kernel's: all parts signed as soon as one is, every part
//!   extended before the operation, comparisons and shifts of plain signals only;
//! * refuses kernels that break the rules of [`crate::lang`].

mod collect;
mod expr;
mod kernel;
mod leaf;
mod module;

use rust_hdl_core::prelude::*;
use spikegate_contract::failure::{Failure, Kind};
use std::borrow::Cow;
use thiserror::Error;

/// A kernel that cannot be printed faithfully.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("module {module}: {problem}")]
pub struct LintError {
    /// Path of the instance.
    pub module: String,
    /// What is wrong.
    pub problem: String,
}

pub(super) use collect::net_name;

/// What Verilator's `-Wall` may not say about emitted Verilog, and why. Everything else is an error.
///
/// * `WIDTH`: an assignment wraps the value to the target's width on purpose, and operands of different widths are
///   extended by the context; both are the language's rules, tested equal to the kernel's.
/// * `UNUSED`: ports and registers of which a size or a mode does not use every bit.
/// * `DECLFILENAME`: all modules are in one file.
pub const WAIVERS: &[&str] = &["WIDTH", "UNUSED", "DECLFILENAME"];

/// Why, for the file of waivers, in the order of [`WAIVERS`].
const REASONS: [&str; 3] = [
    "assignments wrap to the target's width on purpose, and operands are extended by their context",
    "a size or a mode does not use every bit of every port and register",
    "all modules are in one file",
];

/// [`WAIVERS`] as a file for Verilator, to be given before the Verilog.
pub fn waivers() -> String {
    let rule =
        |(rule, why): (&&str, &str)| format!("// {why}\nlint_off -rule {rule} -file \"*spikegate.v\"\n");
    let rules: String = WAIVERS.iter().zip(REASONS).map(rule).collect();
    format!("// What Verilator's lint may not say about spikegate.v, and why. To be given before it:\n//   $ verilator --lint-only spikegate.vlt spikegate.v --top-module spikegate\n`verilator_config\n{rules}")
}

/// Prefix of all module names but the top's.
pub const PREFIX: &str = "sg_";

/// The Verilog of `block` and everything below it, with `top` as the name of its module.
pub fn write<B: Block>(block: &B, top: &str) -> Result<String, LintError> {
    let mut collector = collect::Collector::new(top);
    block.accept(top, &mut collector);
    collector.finish()
}

impl Failure for LintError {
    fn kind(&self) -> Kind {
        Kind::Bug
    }

    fn help(&self) -> Option<Cow<'static, str>> {
        Some("report this".into())
    }
}

#[cfg(test)]
mod tests;
