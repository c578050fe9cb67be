//! A whole board in Verilator behind a serial port: pins, reset, UART bridge and core, driven by `spikegate run` as a
//! board would be, with a line that damages bytes.
#![allow(clippy::unwrap_used)]

mod program;
mod serial;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use program::{run, spikegate, Run};
use serial::Board;

const DATA: &str = "/usr/share/datasets/fashion-mnist";
/// A clock at which the board's million bits a second are the fewest cycles a bit, so that the simulation is fast.
const CLOCK: [&str; 2] = ["--freq", "4"];

/// A design; none without the data set or Verilator.
fn design() -> Option<&'static PathBuf> {
    static DESIGN: OnceLock<Option<PathBuf>> = OnceLock::new();
    DESIGN.get_or_init(make).as_ref()
}

fn make() -> Option<PathBuf> {
    if !Path::new(DATA).is_dir() || Command::new("verilator").arg("--version").output().is_err() {
        eprintln!("SKIPPED: {DATA} or verilator is not there, no board is simulated");
        return None;
    }
    let design = Path::new(env!("CARGO_TARGET_TMPDIR")).join("board-uart");
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbench/reference/gac_fashion_t4.safetensors");
    let sizes = ["--array", "4,1,8,8", "--calib", DATA, "--calib-images", "5", "-o"];
    let got = run(spikegate().arg("compile").arg(model).args(sizes).arg(&design));
    assert_eq!(got.code, 0, "{}", got.err);
    // Built once, and not by all tests at a time.
    drop(Board::start(&design, "ulx3s-85f", &CLOCK));
    Some(design)
}

/// A number in front of a word in the log line of the serial device.
fn number(log: &str, word: &str) -> u64 {
    let line =
        log.lines().rfind(|l| l.contains("requests")).unwrap_or_else(|| panic!("no statistics in {log}"));
    let before = line.split(word).next().unwrap();
    before.trim_end().rsplit(' ').next().unwrap().parse().unwrap()
}

/// Runs images on a board; they must be those of the golden model, byte for byte.
fn classify(line: &[&str], images: &str) -> Option<(Run, u64)> {
    let design = design()?;
    let home = tempfile::tempdir().unwrap();
    let file = |name: &str| home.path().join(name);
    let classify = |device: &str, out: &Path| {
        let mut command = spikegate();
        command
            .arg("-v")
            .arg("run")
            .arg(design)
            .args(["--device", device, "--input", DATA, "--images", images]);
        run(command.arg("--check").arg("-o").arg(out))
    };
    let golden = classify("golden", &file("golden.csv"));
    assert_eq!(golden.code, 0, "{}", golden.err);
    let board = Board::start(design, "ulx3s-85f", &[&CLOCK, line].concat());
    let got = classify(&board.device, &file("board.csv"));
    assert_eq!(got.code, 0, "{}", got.err);
    let faults = board.end();
    assert_eq!(fs::read(file("board.csv")).unwrap(), fs::read(file("golden.csv")).unwrap());
    println!("{line:?}: {faults} faults\n{}\n{}", got.out, got.err);
    Some((got, faults))
}

#[test]
fn a_board_classifies_over_its_serial_port() {
    let Some((got, faults)) = classify(&[], "3") else { return };
    assert_eq!((faults, number(&got.err, "damaged"), number(&got.err, "refused")), (0, 0, 0));
}

#[test]
fn a_bad_line_makes_no_wrong_class() {
    let Some((got, faults)) = classify(&["--damage", "2000", "--seed", "2001"], "3") else { return };
    assert!(faults > 40, "{faults} faults");
    // A fault damages a frame, so it is asked for again; two may hit one frame, or a delimiter that is not needed.
    assert!(number(&got.err, "repeats") > faults / 3, "{faults} faults: {}", got.err);
}

#[test]
fn a_cut_line_is_taken_up_again() {
    let Some((got, faults)) = classify(&["--cut", "9000"], "2") else { return };
    assert!(faults >= 700 && number(&got.err, "repeats") > 0, "{faults} faults: {}", got.err);
}

#[test]
fn a_port_that_is_none_is_named() {
    let Some(design) = design() else { return };
    let said = |device: &str| {
        let mut command = spikegate();
        let got =
            run(command.arg("run").arg(design).args(["--device", device, "--input", DATA, "--images", "1"]));
        assert_eq!(got.code, 3, "{}", got.err);
        got.err
    };
    assert!(said("uart:/dev/nothing").contains("/dev/nothing: opening failed"));
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let text = said(&format!("uart:{}", file.display()));
    assert!(text.contains("it is no serial port"), "{text}");
}
