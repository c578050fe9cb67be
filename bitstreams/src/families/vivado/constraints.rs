//! Pins and clocks in the form that Vivado reads.

use std::fmt::Write;

use crate::board::{Board, Pull};

/// Pins, reference clock and properties of the bitstream. Lanes have no pins here: the block's transceivers fix them.
pub(super) fn xdc(board: &Board) -> String {
    let mut out = format!("# {}\n", board.name);
    for (port, pin) in board.all_pins() {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "set_property PACKAGE_PIN {} [get_ports {{{port}}}]", pin.site);
        if let Some(io) = &pin.io {
            let _ = writeln!(out, "set_property IOSTANDARD {io} [get_ports {{{port}}}]");
        }
        match pin.pull {
            Some(Pull::Up) => drop(writeln!(out, "set_property PULLUP true [get_ports {{{port}}}]")),
            Some(Pull::Down) => drop(writeln!(out, "set_property PULLDOWN true [get_ports {{{port}}}]")),
            None => {}
        }
    }
    let period = 1000.0 / board.clock.mhz;
    let _ = writeln!(out, "create_clock -name pcie_clock -period {period:.3} [get_ports {{pcie_clock_p}}]");
    // The slot's reset and the lamps have no timing.
    let _ = writeln!(out, "set_false_path -from [get_ports {{pcie_reset_n}}]");
    if !board.leds.is_empty() {
        let _ = writeln!(out, "set_false_path -to [get_ports {{led[*]}}]");
    }
    for property in &board.vendor.properties {
        let _ = writeln!(out, "set_property {property} [current_design]");
    }
    out
}
