//! Designs that use an external memory: residual maps that leave the chip, and a memory that refuses.
#![allow(clippy::unwrap_used)]

mod program;

use program::{has_data, model, run, spikegate, Run, DATA};
use spikegate_contract::bundle::Design;
use spikegate_golden::random::{image, Rng};
use spikegate_runtime::devices::verilator::{Options, Verilated};
use spikegate_runtime::session::{Program, Session};
use std::path::Path;

fn compile(options: &[&str], output: &Path) -> Run {
    let mut command = spikegate();
    command.arg("compile").arg(model()).args(["--array", "4,1,4,4", "--calib", DATA, "--calib-images", "5"]);
    run(command.args(options).arg("-o").arg(output))
}

#[test]
fn maps_that_do_not_fit_leave_the_chip() {
    if !has_data() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dir = &folder.path().join("design");
    let refused = |options: &[&str], why: &str| {
        let got = compile(options, dir);
        assert_eq!(got.code, 2, "{options:?}: {}", got.err);
        assert!(got.err.contains(why), "{options:?}: {}", got.err);
        assert!(!dir.exists());
    };
    refused(&["--spill"], "--memory <BITS>");
    refused(&["--on-chip", "0"], "expected a number of Mbit");
    refused(
        &["--on-chip", "1"],
        "there are 1.00\n  help: use an external memory (a memory port), or smaller images",
    );
    refused(&["--memory", "32", "--on-chip", "0.5"], "there are 0.50\n  help: use smaller images");

    // Enough for all maps; then for those only that convolutions read.
    for (mbit, leaves) in [("10", false), ("1.8", true)] {
        let got = compile(&["--memory", "32", "--on-chip", mbit], dir);
        assert_eq!(got.code, 0, "{}", got.err);
        assert_eq!(got.out.contains("maps to external memory"), leaves, "{mbit}: {}", got.out);
        let data = ["--input", DATA, "--images", "2"];
        let got = run(spikegate().arg("simulate").arg(dir).args(data).args(["--trace", "all"]));
        assert_eq!(got.code, 0, "{} {}", got.out, got.err);
        assert!(got.out.contains("all equal"), "{}", got.out);
        // Spike counts come out of the tensors, those of spilled maps among them.
        let [golden, verilated] = ["golden", "verilator"].map(|device| {
            let options = ["--check", "--values", "spikes", "--device", device];
            let got = run(spikegate().arg("run").arg(dir).args(data).args(options));
            assert_eq!(got.code, 0, "{device}: {}", got.err);
            got.out
        });
        assert_eq!(golden, verilated);
    }
}

/// A transfer that the memory refuses costs a restart, and no result is wrong.
#[test]
fn a_memory_that_refuses() {
    if !has_data() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dir = &folder.path().join("design");
    let got = compile(&["--memory", "32", "--spill"], dir);
    assert_eq!(got.code, 0, "{}", got.err);
    let design = Design::open(dir).unwrap();
    let network = &design.network;
    let core = Verilated::open("spills", &design.verilog, &Options::default(), &mut |_| ()).unwrap();
    let mut session = Session::open(core, &design, Program::Plain).unwrap();
    let mut rng = Rng(1);
    let mut infer = |session: &mut Session<Verilated>| {
        let pixels = image(&mut rng, network.input_shape());
        let outcome = spikegate_golden::run(network, &pixels, &mut ()).unwrap();
        session.infer(&pixels).map(|got| assert_eq!(got.logits, outcome.logits))
    };
    infer(&mut session).unwrap();
    // Weights; a map on its way back; a map on its way out.
    for (number, (read, write)) in [(5_000, 0), (22_000, 0), (0, 1_000)].into_iter().enumerate() {
        session.device_mut().refuse_memory(read, write);
        infer(&mut session).unwrap();
        assert_eq!(session.faults().memory, number as u64 + 1, "{:?}", session.faults());
        infer(&mut session).unwrap();
    }
    // The program's first write.
    session.device_mut().refuse_memory(0, 1);
    session.reload().unwrap();
    assert_eq!(session.faults().memory, 4, "{:?}", session.faults());
    infer(&mut session).unwrap();
}
