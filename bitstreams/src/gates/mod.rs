//! A netlist of ECP5 cells as Verilog that simulates: what synthesis made, or what place and route made of that.
//!
//! Yosys' own simulation cells cannot serve: block memories and multipliers are black boxes there, and the carry of
//! a placed cell (`TRELLIS_COMB`) is left undriven. Here every cell is written out as its function, block memories and
//! multipliers as instances of the models in `cells/ecp5_sim.v`.
//!
//! An open pin reads 1 in this family, as nextpnr counts on when it leaves constants out. What a netlist leaves
//! undefined is not 0 here but a fixed mixture of 0 and 1, so that a result that depends on it shows.

mod cells;
mod read;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use crate::netlist::NetlistError;
use read::{Cell, Netlist};

/// Models of the cells that hold more than a function, for the Verilog of [`verilog`].
pub const MODELS: &str = include_str!("../../cells/ecp5_sim.v");

/// Verilog of a netlist in Yosys' JSON, by Yosys or by nextpnr-ecp5, whose top gets the given name. A clock generator
/// (EHXPLLL) hands its input on. The names of nets are not kept.
///
/// # Errors
/// The file is no netlist, or a cell is not one of those that the flow makes, in the form in which it makes them.
pub fn verilog(path: &Path, json: &[u8], top: &str) -> Result<String, NetlistError> {
    let netlist = Netlist::read(json).map_err(|what| NetlistError { path: path.to_owned(), what })?;
    Writer::default().module(&netlist, top).map_err(|what| NetlistError { path: path.to_owned(), what })
}

/// Collects the parts of a module.
#[derive(Default)]
struct Writer {
    /// Wires and what they are.
    wires: String,
    /// Registers of flip-flops with their first values.
    registers: String,
    /// By sensitivity list: what is stored.
    stored: BTreeMap<String, String>,
    /// Instances of models.
    instances: String,
    /// Driver of each net.
    driven: BTreeMap<u64, String>,
    /// Names given so far.
    locals: usize,
    /// Nets that are read, each with one of its readers.
    read: BTreeMap<u64, String>,
}

impl Writer {
    fn module(mut self, netlist: &Netlist, top: &str) -> Result<String, String> {
        let mut ports = Vec::new();
        let mut links = String::new();
        for (name, port) in &netlist.ports {
            let range =
                if port.bits.len() > 1 { format!("[{}:0] ", port.bits.len() - 1) } else { String::new() };
            ports.push(format!("  {} wire {range}{name}", port.direction));
            for (i, bit) in port.bits.iter().enumerate() {
                let Some(net) = bit.net() else { continue };
                let pin = if port.bits.len() > 1 { format!("{name}[{i}]") } else { name.clone() };
                if port.direction == "input" {
                    self.drive(net, name)?;
                    let _ = writeln!(self.wires, "  wire n{net} = {pin};");
                } else {
                    self.read.insert(net, name.clone());
                    let _ = writeln!(links, "  assign {pin} = n{net};");
                }
            }
        }
        for (name, cell) in &netlist.cells {
            self.cell(name, cell).map_err(|what| format!("cell {name} ({}): {what}", cell.kind))?;
        }
        if let Some((net, reader)) = self.read.iter().find(|(net, _)| !self.driven.contains_key(net)) {
            return Err(format!("net {net}, which {reader} reads, has no driver"));
        }
        let mut out = format!("module {top} (\n{}\n);\n", ports.join(",\n"));
        out.push_str(&self.registers);
        out.push_str(&self.wires);
        out.push_str(&links);
        out.push_str(&self.instances);
        for (when, what) in &self.stored {
            let _ = write!(out, "  always @({when}) begin\n{what}  end\n");
        }
        out.push_str("endmodule\n");
        Ok(out)
    }

    /// Notes the driver of a net.
    fn drive(&mut self, net: u64, by: &str) -> Result<(), String> {
        match self.driven.insert(net, by.to_owned()) {
            Some(other) => Err(format!("net {net} has two drivers, {other} and {by}")),
            None => Ok(()),
        }
    }

    /// A wire with its function; nothing for an output that is not connected.
    fn wire(&mut self, name: &str, cell: &Cell, output: &str, function: &str) -> Result<(), String> {
        if let Some(net) = cell.net(output) {
            self.drive(net, name)?;
            let _ = writeln!(self.wires, "  wire n{net} = {function};");
        }
        Ok(())
    }

    /// What a pin reads.
    fn input(&mut self, name: &str, cell: &Cell, pin: &str) -> String {
        if let Some(net) = cell.net(pin) {
            self.read.entry(net).or_insert_with(|| name.to_owned());
        }
        cell.value(name, pin)
    }
}
