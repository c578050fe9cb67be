//! The emitted Verilog under test benches and proofs with other people's tools. Their long forms are in
//! `testbench/cocotb` and `testbench/proofs`.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;

/// Exit code of a script that lacks a tool.
const LACKS: i32 = 3;

/// Runs a script of the testbench on this build; says so where it has not all it needs.
fn script(path: &str, args: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench").join(path);
    let run = Command::new("python3")
        .arg(&path)
        .args(["--spikegate", env!("CARGO_BIN_EXE_spikegate")])
        .args(args)
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap();
    let [out, err] = [run.stdout, run.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    if run.status.code() == Some(LACKS) {
        eprintln!("SKIPPED: {err}");
        return;
    }
    println!("{out}");
    assert!(run.status.success(), "{}\n{out}\n{err}", path.display());
}

#[test]
fn images_are_right_for_host_and_memory_of_others() {
    script("cocotb/run.py", &["--short"]);
}

#[test]
fn properties_hold_for_all_inputs() {
    let chosen = [
        "registers",
        "neuron",
        "multiply",
        "requantise",
        "crc",
        "receiver",
        "framer",
        "fetch",
        "memory_port",
    ];
    script("proofs/prove.py", &[&["--only"], &chosen[..]].concat());
}
