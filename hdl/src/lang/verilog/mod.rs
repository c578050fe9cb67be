//! Our Verilog writer over RustHDL's kernel syntax tree.
//!
//! RustHDL's own writer prints one module per instance and lets Verilog's precedence and context widths decide what
//! an expression means. This one
//!
//! * emits every distinct structure once, children before parents;
//! * prints registers in place and memories and multipliers as instances of one parameterised leaf each;
//! * prints one `assign` per driven signal, so simulators see no false loops and give it a value from the start;
//! * prints expressions so that their value is the kernel's: all parts signed as soon as one is, every part
//!   extended or cut in the text to the width of the whole, comparisons and shifts of plain signals only;
//! * refuses kernels that break the rules of [`crate::lang`].

mod choose;
mod collect;
mod expr;
mod kernel;
mod leaf;
mod module;
mod names;
mod output;

use rust_hdl_core::prelude::*;
use spikegate_contract::bundle::is_identifier;

pub(super) use names::net_name;
pub use output::{LintError, Module};

/// What Verilator's `-Wall` may not say about emitted Verilog, and why. Everything else is an error.
pub const WAIVERS: &[(&str, &str)] = &[
    ("UNUSED", "a size or a mode does not use every bit of every port and register"),
    ("DECLFILENAME", "all modules are in one file"),
];

/// [`WAIVERS`] as arguments for Verilator.
pub fn waived() -> impl Iterator<Item = String> {
    WAIVERS.iter().map(|(rule, _)| format!("-Wno-{rule}"))
}

/// [`WAIVERS`] as a file for Verilator, to be given before the Verilog.
pub fn waivers() -> String {
    let rule =
        |(rule, why): &(&str, &str)| format!("// {why}\nlint_off -rule {rule} -file \"*spikegate.v\"\n");
    let rules: String = WAIVERS.iter().map(rule).collect();
    format!("// What Verilator's lint may not say about spikegate.v, and why. To be given before it:\n//   $ verilator --lint-only -Wall spikegate.vlt spikegate.v\n`verilator_config\n{rules}")
}

/// Whether a text can name a module and begin the names of others: a Verilog identifier, and no word that Verilog or
/// Verilator's C++ keeps for itself.
pub fn names_modules(text: &str) -> bool {
    is_identifier(text) && !names::RESERVED.contains(&text)
}

/// The modules of `block` and everything below it, children before parents. The last is that of `block` and named
/// `prefix`; the names of the others begin with `prefix` and `_`.
///
/// # Errors
/// A kernel that breaks the rules of [`crate::lang`].
pub fn modules<B: Block>(block: &B, prefix: &str) -> Result<Vec<Module>, LintError> {
    let mut collector = collect::Collector::new(prefix);
    block.accept(prefix, &mut collector);
    collector.finish()
}

/// One file of modules, under a comment of the given lines. A net that is not declared is an error in it.
pub fn file(comment: &str, modules: &[Module]) -> String {
    let mut out: String = comment.lines().map(|line| format!("// {line}\n")).collect();
    out += "\n`default_nettype none\n";
    for module in modules {
        out += &format!("\n{}", module.text);
    }
    out + "\n`default_nettype wire\n"
}

/// The Verilog of `block` and everything below it in one file, see [`modules`].
///
/// # Errors
/// As [`modules`].
pub fn write<B: Block>(block: &B, prefix: &str) -> Result<String, LintError> {
    Ok(file(prefix, &modules(block, prefix)?))
}

#[cfg(test)]
mod tests;
