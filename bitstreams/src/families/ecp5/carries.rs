//! Carries of a synthesised netlist that place and route must not see.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::netlist::NetlistError;

/// Leaves carries open that do not matter, on which nextpnr spends a slice (two LUT4) each, to lead them into or out of
/// a chain: outputs that nobody reads, where Yosys gives the last carry of every chain a net of its own; and inputs of a
/// first position that neither passes nor shows its carry (the start of the core's leaf adders), where Yosys ties what
/// the cell leaves open to 0. Together a sixth of the logic of a core full of adders. Returns how many there were.
///
/// # Errors
/// [`NetlistError`].
pub(super) fn open_carries(path: &Path, netlist: &mut Value) -> Result<usize, NetlistError> {
    let wrong = |what: &str| NetlistError { path: path.to_owned(), what: what.to_owned() };
    let modules =
        netlist.get_mut("modules").and_then(Value::as_object_mut).ok_or_else(|| wrong("no modules"))?;
    let mut opened = 0;
    for module in modules.values_mut() {
        let mut uses: HashMap<u64, usize> = HashMap::new();
        for bit in bits(module, "ports").chain(bits(module, "cells")) {
            *uses.entry(bit).or_default() += 1;
        }
        let Some(cells) = module.get_mut("cells").and_then(Value::as_object_mut) else { continue };
        for cell in cells.values_mut().filter(|c| c["type"] == "CCU2C") {
            if starts(cell, &uses) {
                if let Some(input) = cell.pointer_mut("/connections/CIN/0").filter(|c| c.is_string()) {
                    *input = Value::from("x");
                    opened += 1;
                }
            }
            let out = cell.pointer_mut("/connections/COUT/0").ok_or_else(|| wrong("a CCU2C without COUT"))?;
            // Its only use is this one.
            if out.as_u64().is_some_and(|net| uses.get(&net) == Some(&1)) {
                *out = Value::from("x");
                opened += 1;
            }
        }
    }
    Ok(opened)
}

/// Whether the first position of a carry cell never passes its carry on, and its sum, which would show it, is not read.
fn starts(cell: &Value, uses: &HashMap<u64, usize>) -> bool {
    let at = |port: &str| cell.pointer(&format!("/connections/{port}/0"));
    let unread = at("S0").and_then(Value::as_u64).is_none_or(|net| uses.get(&net) == Some(&1));
    let init = cell.pointer("/parameters/INIT0").and_then(Value::as_str);
    let Some(function) = init.and_then(|bits| u16::from_str_radix(bits, 2).ok()) else { return false };
    // The function's values for the inputs that can come: a constant input has one.
    let possible = |index: u16| {
        ["A0", "B0", "C0", "D0"].iter().enumerate().all(|(bit, port)| {
            let constant = at(port).and_then(Value::as_str);
            constant.is_none_or(|c| c == "x" || c == if index >> bit & 1 == 1 { "1" } else { "0" })
        })
    };
    unread && (0..16).filter(|&index| possible(index)).all(|index| function >> index & 1 == 0)
}

/// Nets at the ports or at the pins of the cells of a module.
fn bits<'a>(module: &'a Value, what: &str) -> impl Iterator<Item = u64> + 'a {
    let things = module.get(what).and_then(Value::as_object).into_iter().flat_map(|o| o.values());
    let ports = things.clone().filter_map(|p| p.get("bits"));
    let pins =
        things.filter_map(|c| c.get("connections").and_then(Value::as_object)).flat_map(|pins| pins.values());
    ports.chain(pins).filter_map(Value::as_array).flatten().filter_map(Value::as_u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carry(out: u64) -> Value {
        serde_json::json!({ "type": "CCU2C", "connections": { "CIN": ["0"], "COUT": [out], "S0": [9] } })
    }

    #[test]
    fn only_carries_that_nobody_reads_are_opened() {
        let mut netlist = serde_json::json!({ "modules": { "top": {
            "ports": { "y": { "bits": [9, 4] } },
            "cells": {
                "read": carry(2),
                "reader": { "type": "LUT4", "connections": { "A": [2], "Z": [3] } },
                "port": carry(4),
                "end": carry(5),
                "other": { "type": "LUT4", "connections": { "A": [9], "Z": [6] } },
            }
        } } });
        let before = netlist.clone();
        assert_eq!(open_carries(Path::new("n.json"), &mut netlist).ok(), Some(1));
        let cells = "/modules/top/cells";
        assert_eq!(netlist.pointer(&format!("{cells}/end/connections/COUT/0")), Some(&Value::from("x")));
        for cell in ["read", "reader", "port", "other"] {
            let place = format!("{cells}/{cell}");
            assert_eq!(netlist.pointer(&place), before.pointer(&place));
        }
    }

    #[test]
    fn only_carries_that_cannot_matter_are_left_out_of_a_chain() {
        // INIT, D0, CIN, the net at S0.
        let first = |init: u16, d0: Value, cin: Value, s0: u64| {
            serde_json::json!({ "type": "CCU2C", "parameters": { "INIT0": format!("{init:016b}") }, "connections": {
                "A0": [7], "B0": ["0"], "C0": [8], "D0": [d0], "CIN": [cin], "S0": [s0], "S1": [9], "COUT": ["x"]
            } })
        };
        let mut netlist = serde_json::json!({ "modules": { "top": {
            "ports": { "a": { "bits": [7, 8, 20] }, "y": { "bits": [9, 40] } },
            "cells": {
                "start": first(0x000a, "1".into(), "0".into(), 30),
                "nothing": first(0x0000, 20.into(), "1".into(), 31),
                "passes": first(0x000a, 20.into(), "0".into(), 32),
                "shown": first(0x000a, "1".into(), "0".into(), 40),
                "chained": first(0x000a, "1".into(), 20.into(), 33),
            }
        } } });
        assert_eq!(open_carries(Path::new("n.json"), &mut netlist).ok(), Some(2));
        let cin = |cell: &str| netlist["modules"]["top"]["cells"][cell]["connections"]["CIN"][0].clone();
        assert_eq!(["start", "nothing"].map(cin), ["x"; 2].map(Value::from));
        assert_eq!(["passes", "shown"].map(cin), ["0"; 2].map(Value::from));
        assert_eq!(cin("chained"), Value::from(20));
    }

    #[test]
    fn what_is_no_netlist_is_refused() {
        let error = open_carries(Path::new("n.json"), &mut Value::Null).map_err(|e| e.to_string());
        assert_eq!(error, Err("n.json: no Yosys netlist: no modules".into()));
    }
}
