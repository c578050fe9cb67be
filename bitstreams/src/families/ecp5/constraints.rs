//! Pins and clocks in the form that place and route reads.

use std::fmt::Write;

use crate::board::{Board, Pull};
use crate::controller::Controller;

/// Constraints for nextpnr-ecp5 (LPF): every pin of the board's top, and the oscillator's frequency.
pub(super) fn lpf(board: &Board, memory: Option<&Controller>) -> String {
    let mut out = format!("# {}\n", board.name);
    for (port, pin) in board.all_pins() {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(out, "LOCATE COMP \"{port}\" SITE \"{}\";", pin.site);
        let _ = write!(out, "IOBUF PORT \"{port}\"");
        if let Some(io) = &pin.io {
            let _ = write!(out, " IO_TYPE={io}");
        }
        let pull = match pin.pull {
            Some(Pull::Up) => "UP",
            Some(Pull::Down) => "DOWN",
            None => "NONE",
        };
        let _ = write!(out, " PULLMODE={pull}");
        if let Some(drive) = pin.drive {
            let _ = write!(out, " DRIVE={drive}");
        }
        out.push_str(";\n");
    }
    for pin in memory.iter().flat_map(|memory| &memory.pins) {
        for (i, site) in pin.sites.iter().enumerate() {
            let port = if pin.sites.len() == 1 { pin.name.clone() } else { format!("{}[{i}]", pin.name) };
            let _ = writeln!(out, "LOCATE COMP \"{port}\" SITE \"{site}\";");
            let options: String = pin.options.iter().map(|option| format!(" {option}")).collect();
            let _ = writeln!(out, "IOBUF PORT \"{port}\" IO_TYPE={} SLEWRATE=FAST{options};", pin.io);
        }
    }
    let _ = writeln!(out, "FREQUENCY PORT \"clock\" {} MHZ;", board.clock.mhz);
    out
}

#[cfg(test)]
mod tests {
    use crate::boards::builtin;

    #[test]
    fn every_pin_has_its_place() {
        let boards = builtin().expect("boards");
        for board in boards.iter().filter(|b| b.device.family == "ecp5") {
            let text = super::lpf(board, None);
            for (port, pin) in board.all_pins() {
                let line = format!("LOCATE COMP \"{port}\" SITE \"{}\";", pin.site);
                assert!(text.lines().any(|l| l == line), "{}: {line}", board.id);
            }
        }
    }
}
